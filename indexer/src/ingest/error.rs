//! Why ingestion ends.

use bootwatch_rules::Height;
use tokio::task::JoinError;

use super::writer::WriteError;

/// Why ingestion ended. It never ends because of a node that is merely away.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// Every endpoint serves another chain.
    #[error(
        "no endpoint serves the chain {chain_id:?} ({reasons}); correct [chain] chain_id or [[endpoint]] rpc"
    )]
    WrongChain {
        /// The configured chain.
        chain_id: String,
        /// What the endpoints said.
        reasons: String,
    },
    /// Every endpoint holds a chain that does not continue ours.
    #[error(
        "block {height} of every endpoint is another than the one stored (stored {ours}, theirs \
         {theirs}): the chain was reset or rolled back; check the endpoints, or keep this database \
         and give bootwatch a new [store] path"
    )]
    Fork {
        /// The last stored block.
        height: Height,
        /// Its stored hash.
        ours: String,
        /// The hash at the last endpoint that was asked.
        theirs: String,
    },
    /// The store refused a block.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A task panicked: a defect.
    #[error("a part of ingestion failed: {0}")]
    Defect(#[from] JoinError),
}
