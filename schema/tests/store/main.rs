//! The store as the daemon uses it: in through `SqliteStore`, back through `SqliteStore` and
//! `SqliteReader`.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod common;
mod outbox;
mod round_trip;
