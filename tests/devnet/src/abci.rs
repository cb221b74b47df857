//! The chain as an ABCI application, so that an unmodified CometBFT can run it.

pub(crate) mod response;
