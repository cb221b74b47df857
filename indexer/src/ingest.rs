//! From endpoints to the store: which heights are missing, where they come from, in which order they
//! are taken in, and what is read beside them.
//!
//! Contiguous or nothing: a block is taken in only after the one before it, and only if it names that
//! one as its parent. A frame of the websocket saves a request and proves nothing; any height that it
//! skips is fetched before the tip moves on. A height leaves "missing" by being stored, or by being
//! recorded as one that no endpoint has any more.

mod audit;
mod endpoints;
mod fetch;
mod follow;
mod link;
mod observe;
mod referee;
mod reorder;
mod watcher;
mod writer;

pub(crate) use endpoints::Endpoints;
pub use follow::IngestError;
pub(crate) use follow::{Follow, Parts};
pub use writer::WriteError;
pub(crate) use writer::{Writer, WriterEnd};
