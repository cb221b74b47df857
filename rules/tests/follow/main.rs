//! Following a chain block by block: the ledger, the Situation at each height, the advice.
#![allow(clippy::unwrap_used, reason = "all of it is test code")]

mod advice;
mod kit;
mod laws;
mod ledger;
mod needs;
mod news;
mod plans;
mod situation;
mod timetable;
