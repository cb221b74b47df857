//! The ledger: the choice state machine, what it freezes, and what it asks for.
#![allow(clippy::unwrap_used, reason = "all of it is test code")]

mod kit;
mod laws;
mod needs;
mod rules;
