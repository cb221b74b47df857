//! A block that does not name ours as its parent: a confused node, or another chain.

use bootwatch_rules::{BlockFacts, Height};

use super::{endpoints::Endpoints, fetch::fetch_from};
use crate::chain::Class;

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

/// Whether an endpoint shows a stored block as we have it. To be asked after taking a block from it
/// that touches no stored one: nothing in such a block says whose chain it is of, and once stored,
/// it is the sound ones beside it that do not fit.
///
/// False when that cannot be told now. Where nothing is stored that the endpoint could show, and
/// where it never tells such things, it is believed.
pub(crate) async fn shows_ours(endpoints: &Endpoints, index: usize) -> bool {
    let Some(known) = endpoints.anchor(index, Height::MAX) else { return true };
    match endpoints.rpc(index).hash_at(known.height).await {
        Ok(hash) => {
            endpoints.note_hash(index, known.height, &hash);
            hash == known.hash
        }
        Err(error) => error.class == Class::Fatal,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bootwatch_devnet::{
        Recording,
        chain::{Spec, Story},
    };
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::{
        chain::{Call, Endpoint, Problem, Rpc, RpcLimits, Witness},
        ingest::endpoints::Known,
        metrics::Metrics,
    };

    const HEIGHT: Height = 10;

    fn recording(seed: u64) -> Recording {
        let spec = Spec::new(seed, Story::load("quiet").unwrap());
        let interval = |_| SignedDuration::from_secs(5);
        Recording::make(spec, Timestamp::UNIX_EPOCH, HEIGHT, interval).unwrap()
    }

    // Fails when a past capture is taken from whoever answers. Found by fault schedule 301578: a
    // capture of another chain was stored, and the sound blocks beside it were refused for ever.
    #[tokio::test]
    async fn an_endpoint_with_another_chain_of_that_name_does_not_show_ours() {
        let (ours, other) = (recording(1), recording(2));
        let mut node = ours.replay(HEIGHT).await.unwrap();
        let endpoint = Endpoint::new("node", &node.url().parse().unwrap());
        let metrics = Arc::new(Metrics::new([]));
        let rpc = Rpc::new(endpoint, ours.chain_id(), RpcLimits::default(), metrics).unwrap();
        let endpoints = Endpoints::new(vec![rpc]);
        assert!(shows_ours(&endpoints, 0).await, "there is nothing to show yet");
        let (hash, time) = (ours.hash(HEIGHT).unwrap(), ours.time(HEIGHT).unwrap());
        endpoints.note_stored(None, Known { height: HEIGHT, hash, time });
        assert!(shows_ours(&endpoints, 0).await);
        node.stand_in(Some(&other));
        assert!(!shows_ours(&endpoints, 0).await);
    }

    // Fails when a request for history is believed although whoever answered it does not show a block
    // that is stored. Found by fault schedules 707318 and 707444: another chain stood at the address
    // for 100 ms, was gone when it was asked for ours, and its blocks were stored for good.
    #[tokio::test]
    async fn a_batch_with_a_witness_is_read_from_our_chain_only() {
        let (ours, other) = (recording(1), recording(2));
        let mut node = ours.replay(HEIGHT).await.unwrap();
        let endpoint = Endpoint::new("node", &node.url().parse().unwrap());
        let metrics = Arc::new(Metrics::new([]));
        let rpc = Rpc::new(endpoint, ours.chain_id(), RpcLimits::default(), metrics).unwrap();
        let witness = Witness { height: HEIGHT, hash: ours.hash(HEIGHT).unwrap() };
        let ask = || rpc.batch(vec![Call::Block(3), Call::Results(3)], Some(witness.clone()));
        assert_eq!(ask().await.unwrap().read().unwrap().len(), 2, "the witness is no reply");
        node.stand_in(Some(&other));
        let batch = ask().await.unwrap();
        let error = batch.read().unwrap_err();
        assert!(matches!(error.problem, Problem::Inconsistent(_)), "{error}");
        assert!(matches!(error.class, Class::Retry));
    }
}
