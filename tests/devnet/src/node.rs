//! A simulated CometBFT 0.38 node around a [`Chain`](crate::chain::Chain), on loopback.
//!
//! It makes a block every [`Options::block_time`] and answers what a monitor asks of a node:
//! JSON-RPC by POST, by URI and in batches, and the websocket with its subscriptions. Hashes,
//! JSON shapes, error texts and limits are those of CometBFT v0.38.21; a differential test holds
//! them against the real program. There is one validator, no peers, and signatures have only the
//! shape of signatures. Not played: `dump_consensus_state`, `consensus_state`,
//! `broadcast_evidence`, and proofs in `tx` and `tx_search`.

mod announce;
mod block;
mod bus;
mod core;
mod dispatch;
mod face;
mod faults;
mod go_json;
mod http;
mod identity;
mod journal;
mod mempool;
mod merkle;
mod query;
mod recording;
mod rpc;
mod search;
mod shapes;
mod start;
mod store;
mod websocket;

pub(crate) use block::timestamp;
pub use faults::{AnswerFault, Faults, FrameFault};
pub use recording::{Recording, Replay};
pub use start::{Devnet, Options, Running, StartError};
