//! The chain's protobuf, declared by hand: only the fields that are used, so that a newer chain
//! that adds fields still decodes. Numbers and types as in the public `.proto` files of
//! gonka-ai/gonka at v0.2.14 (package `inference.inference`) and of the Cosmos SDK.

mod charges;
mod epoch;
mod governance;
mod params;
mod tx;

pub use self::{charges::*, epoch::*, governance::*, params::*, tx::*};
