//! What the tests stand on: processes, nodes, and the node's own word as the oracle.

pub(crate) mod browser;
pub(crate) mod compare;
pub(crate) mod config;
pub(crate) mod daemon;
pub(crate) mod network;
pub(crate) mod node;
pub(crate) mod oracle;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod require;
