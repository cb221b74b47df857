//! From endpoints to the store: which heights are missing, where they come from, in which order they
//! are taken in, and what is read beside them.
//!
//! Contiguous or nothing: a block is taken in only after the one before it, and only if it names that
//! one as its parent. A frame of the websocket saves a request and proves nothing; any height that it
//! skips is fetched before the tip moves on. A height leaves "missing" by being stored, or by being
//! recorded as one that no endpoint has any more.
//!
//! `follow` is the loop at the tip, `history` the one below it. Both ask `plan` what to fetch,
//! have `fetch` fetch it as `flow` allows, give it to the one `writer`, and note in `coverage`
//! what is stored.

mod audit;
mod coverage;
mod endpoints;
mod error;
mod fetch;
mod flow;
mod follow;
mod history;
mod link;
mod observe;
mod pending;
mod plan;
mod progress;
mod ranges;
mod referee;
mod reorder;
mod resume;
mod watcher;
mod weight;
mod writer;

pub(crate) use endpoints::{Endpoints, Known};
pub use error::IngestError;
pub(crate) use fetch::Source;
pub(crate) use follow::{Follow, Parts, Shared, Standing};
pub(crate) use history::{History, HistoryParts};
pub(crate) use plan::{Depth, Epochs, left as history_left};
pub(crate) use progress::Progress;
pub(crate) use ranges::Ranges;
pub use writer::WriteError;
pub(crate) use writer::{Writer, WriterEnd};
