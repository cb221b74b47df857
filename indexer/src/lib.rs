//! The daemon: from a node's blocks to facts, to a Situation, to metrics, page, API and mail; and
//! the command line.

pub mod chain;
pub mod chronicle;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod decode;
pub mod evidence;
pub mod ingest;
pub mod log;
pub mod metrics;
pub mod orders;
pub mod replay;
pub mod report;
pub mod serve;
pub mod situation;

#[cfg(test)]
mod sample;
