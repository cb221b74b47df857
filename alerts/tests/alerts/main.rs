//! From constructed Situations to mails at a real SMTP server.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod courier;
mod delivery;
mod fixture;
mod http;
mod languages;
mod laws;
mod lifecycle;
mod mail;
mod outbox;
mod receiver;
mod samples;
mod smtp;
mod tls;
mod troubles;
mod watched;
