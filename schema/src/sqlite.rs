//! The store in SQLite: one file, one writer, any number of readers.

mod backup;
mod coverage;
mod digest;
mod evidence;
mod facts;
mod forecasts;
mod history;
mod ledger;
mod load;
mod names;
mod open;
mod orders;
mod outbox;
mod pages;
mod prune;
mod query;
mod reader;
mod service;
mod state;
mod values;
mod verify;
mod writer;

#[cfg(test)]
mod trouble;

pub use orders::OrderBook;
pub use pages::{NoPlace, Place, Placed, Slice};
pub use reader::SqliteReader;
pub use writer::SqliteStore;
