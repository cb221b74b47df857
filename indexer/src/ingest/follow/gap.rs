//! Where the next block is not there, or is another than it should be.

use std::sync::Arc;

use bootwatch_rules::{BlockFacts, Height};
use bootwatch_schema::Unfillable;
use jiff::Timestamp;
use tokio::time::sleep;

use super::{Follow, show::PROGRESS};
use crate::{
    decode::Proof,
    ingest::{
        endpoints::Evidence,
        error::IngestError,
        fetch::Gone,
        link::{self, Verdict},
        observe::Owed,
    },
    metrics::BlockSource,
};

/// A fork is believed when it is seen that often.
const FORK_PROOFS: u32 = 2;

/// The newest block, whose results only the next header proves.
#[derive(Debug)]
pub(super) struct Unproven {
    pub(super) endpoint: usize,
    pub(super) height: Height,
    pub(super) proof: Proof,
}

impl Follow {
    /// The block before `height`, when its results are not those that the header of `height` claims.
    pub(super) fn refuted(&mut self, height: Height, claim: Option<&str>) -> Option<Unproven> {
        let claim = claim?;
        let refutes = |before: &mut Unproven| {
            before.height.saturating_add(1) == height && before.proof.contradicts(claim)
        };
        self.unproven.take_if(refutes)
    }

    /// The results of a block that is stored already are not those that the next header, from
    /// `endpoint`, names. They cannot be taken back, but what they changed is read from the chain.
    /// An endpoint that contradicts itself is left alone; with two of them nobody here knows who is
    /// right. The next block is fetched, and taken as it is then.
    pub(super) fn refuted_by(&mut self, endpoint: usize, before: &Unproven) {
        let endpoints = &self.parts.endpoints;
        let (name, height) = (endpoints.name(before.endpoint), before.height);
        self.parts.metrics.endpoint_mismatch(name);
        tracing::error!(
            endpoint = name,
            height,
            by = endpoints.name(endpoint),
            "the results of a block are not those that the next header names; they are stored, and \
             what they changed is read from the chain again"
        );
        if endpoint == before.endpoint {
            let reason =
                format!("its results of block {height} are not those that its next header names");
            endpoints.note_contradiction(endpoint, reason);
        }
        self.distrust = Some(height.saturating_add(1));
        self.owed = Owed::everything();
        self.reorder.clear();
    }

    /// A block does not name ours as its parent.
    pub(super) async fn broken_link(
        &mut self,
        endpoint: usize,
        source: BlockSource,
        facts: BlockFacts,
        ours: String,
    ) -> Result<(), IngestError> {
        let endpoints = Arc::clone(&self.parts.endpoints);
        self.parts.metrics.endpoint_mismatch(endpoints.name(endpoint));
        let height = facts.height;
        tracing::warn!(
            endpoint = endpoints.name(endpoint),
            height,
            parent = facts.parent,
            ours,
            source = source.as_str(),
            "block does not link to the one stored before it"
        );
        self.reorder.clear();
        if source == BlockSource::Websocket {
            self.distrust = Some(height);
            return Ok(());
        }
        match link::examine(&endpoints, endpoint, &facts, &ours).await {
            Verdict::Retry => sleep(PROGRESS).await,
            Verdict::Fork { theirs } => {
                self.forks += 1;
                if self.forks < FORK_PROOFS {
                    sleep(PROGRESS).await;
                    return Ok(());
                }
                self.forks = 0;
                let tip = height.saturating_sub(1);
                endpoints.note_foreign(endpoint, Evidence { height: tip, ours, theirs });
                self.look_at_endpoints()?;
            }
        }
        Ok(())
    }

    /// No endpoint has the next height any more: the hole is recorded, and everything that could
    /// have changed in it is read again.
    pub(super) async fn give_up(&mut self, first: Height, gone: Gone) -> Result<(), IngestError> {
        let mut earliest = Height::MAX;
        for index in self.parts.endpoints.usable() {
            match self.parts.endpoints.rpc(index).status().await {
                Ok(status) => earliest = earliest.min(status.earliest),
                // One that cannot say now may still have it.
                Err(_) => return Ok(()),
            }
        }
        if earliest == Height::MAX {
            return Ok(());
        }
        let last = first.max(earliest.saturating_sub(1));
        tracing::error!(first, last, reason = gone.reason, "blocks are lost: no endpoint has them");
        let range = Unfillable { first, last, reason: gone.reason, at: Timestamp::now() };
        self.parts.writer.give_up(range).await?;
        self.shared.coverage.give_up((first, last));
        self.skip_to(last);
        Ok(())
    }

    /// The next block is wanted from behind a hole; what is known may be outdated there.
    fn skip_to(&mut self, last: Height) {
        Arc::make_mut(&mut self.ledger).known_hosts.clear();
        self.owed = Owed::everything();
        self.done = Some(last);
        self.last_hash = None;
        self.unproven = None;
        self.reorder.clear();
        self.fetches.clear();
    }
}
