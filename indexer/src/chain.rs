//! The way to a node: its RPC over HTTP, its subscription, and the shapes of what it sends.
//!
//! Nothing here decides anything about the chain. A node's answer is either what was asked for, at
//! the height it was asked for, or a [`ChainError`] that says what to do about it.

mod batch;
pub mod body;
mod budget;
mod endpoint;
mod error;
pub mod events;
mod loose;
mod rpc;
mod state;
mod subscription;
mod tls;
pub mod wire;

pub(crate) use batch::{Batch, Call, MAX_CALLS, MAX_METAS, Reply, Witness};
pub use budget::{Budget, Priority, Slot};
pub use endpoint::{Access, Endpoint};
pub use error::{ChainError, Class, Problem};
pub use rpc::{AtBlock, Bodies, NodeStatus, Rpc, RpcLimits};
pub use state::{Question, StateSource};
pub use subscription::{Frame, Subscription};
