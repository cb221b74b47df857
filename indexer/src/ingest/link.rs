//! A block that does not name ours as its parent: a confused node, or another chain.

use bootwatch_rules::{BlockFacts, Height};

use super::{endpoints::Endpoints, fetch::fetch_from};

/// Whose fault a broken link is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The endpoint holds the same tip as we: the block was an odd one out, to be fetched again.
    Retry,
    /// The endpoint holds another block in the place of our tip.
    Fork {
        /// Its hash there.
        theirs: String,
    },
}

/// Asks the endpoint that sent the block what it holds at the height of our tip.
pub(crate) async fn examine(
    endpoints: &Endpoints,
    index: usize,
    block: &BlockFacts,
    our_hash: &str,
) -> Verdict {
    let tip: Height = block.height.saturating_sub(1);
    match fetch_from(endpoints.rpc(index), tip).await {
        Ok(theirs) if theirs.hash != our_hash => Verdict::Fork { theirs: theirs.hash },
        Ok(_) => Verdict::Retry,
        Err(error) => {
            tracing::warn!(%error, "the parent of a block that does not link cannot be examined");
            Verdict::Retry
        }
    }
}
