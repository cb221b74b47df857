//! A simulated Gonka chain and the nodes that serve it.
//!
//! [`chain`] is the chain itself: state, transactions, events, queries, driven block by block.
//! [`node`] plays a CometBFT 0.38 node around it on loopback; [`abci`] puts the same chain behind
//! an unmodified CometBFT, which [`cometbft`] runs. Nothing here uses Bootwatch's own rules: it plays the chain, and must
//! not share its arithmetic with what it tests.

pub mod abci;
pub mod chain;
pub mod cometbft;
pub mod node;

pub use node::{
    AnswerFault, Devnet, Faults, FrameFault, Options, Recording, Replay, Running, StartError,
};
