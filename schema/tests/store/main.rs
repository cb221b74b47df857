//! The store as the daemon uses it: in through `SqliteStore`, back through `SqliteStore` and
//! `SqliteReader`.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod backup;
mod chain;
mod common;
mod coverage;
mod crash;
mod digest;
mod evidence;
mod migrations;
mod open;
mod outbox;
mod pages;
mod round_trip;
mod run;
mod sample;
mod size;
