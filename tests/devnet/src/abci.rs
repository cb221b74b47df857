//! The chain as an ABCI application, so that an unmodified CometBFT can run it.
//!
//! The script's transactions are proposed by the application itself in `PrepareProposal`. State
//! changes only in `FinalizeBlock`, once for a block: a proposal that fails, or a node that is
//! killed between `FinalizeBlock` and `Commit` and asks again, changes nothing twice.

mod application;
pub(crate) mod response;
mod server;
mod snapshots;

pub use application::Application;
pub use server::{Running, serve};
