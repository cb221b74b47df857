//! From constructed Situations to mails at a real SMTP server.

mod courier;
mod fixture;
mod lifecycle;
mod mail;
mod outbox;
mod samples;
mod smtp;
