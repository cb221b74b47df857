//! The protobuf of transactions, state and queries, as this chain writes and reads it.
//!
//! Declared by hand from the public `.proto` files of gonka-ai/gonka and of the Cosmos SDK, and
//! on purpose not shared with the product: the two must agree through bytes, not through types.

mod params;
mod query;
mod state;
mod tx;

pub(crate) use params::*;
pub(crate) use query::*;
pub(crate) use state::*;
pub(crate) use tx::*;
