//! The real CometBFT, made difficult: several validators, nodes that die, prune, forget, halt, lose
//! events or start anew. Whatever they do, what is stored is what the chain said.
//!
//! Nodes are slow and heavy: [`turn`](crate::harness::network::turn) lets one of these tests run at
//! a time.

mod failover;
mod halt;
mod missing;
mod reset;
mod restart;
mod settings;
mod slow_client;
