//! Where the next block is not there, or is another than it should be.

use std::sync::Arc;

use bootwatch_rules::{BlockFacts, Height};
use bootwatch_schema::Unfillable;
use jiff::Timestamp;
use tokio::time::sleep;

use super::{Follow, show::PROGRESS};
use crate::{
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

impl Follow {
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
        self.reorder.clear();
        self.fetches.clear();
    }
}
