//! The first block of an empty store.

use std::sync::Arc;

use bootwatch_rules::{Height, Observation, ledger::Ledger};
use jiff::Timestamp;
use tokio::time::sleep;

use super::{Follow, show::PROGRESS};
use crate::{
    ingest::{
        error::IngestError,
        fetch::{fetch, fetch_from},
        link::shows_ours,
        observe::Owed,
        reorder::Waiting,
    },
    metrics::BlockSource,
};

impl Follow {
    /// The first block of an empty store: the head, with everything read at that height.
    pub(super) async fn begin(&mut self) -> Result<(), IngestError> {
        while self.ledger.tip.is_none() {
            let head = self.parts.endpoints.head();
            tracing::info!(height = head, "reading the base: parameters, members, choices");
            let fetched = fetch(self.parts.source.clone(), (head, head)).await;
            let found = fetched.outcome.ok().and_then(|blocks| blocks.into_iter().next());
            let Some(found) = found else {
                sleep(PROGRESS).await;
                continue;
            };
            let (endpoint, facts) = (found.endpoint, found.facts);
            let block = Waiting { endpoint, source: BlockSource::Poll, facts, arrived: None };
            self.take_in(block).await?;
            if self.ledger.tip.is_none() {
                sleep(PROGRESS).await;
            }
        }
        self.look_up_last_capture().await
    }

    /// The last capture before the base, if the node still has its block: a host that starts the
    /// daemon after it wants to know how it went.
    async fn look_up_last_capture(&mut self) -> Result<(), IngestError> {
        let Some(height) = last_capture(&self.ledger) else { return Ok(()) };
        let Some(index) = self.parts.endpoints.usable().first().copied() else { return Ok(()) };
        let rpc = self.parts.endpoints.rpc(index);
        let facts = match fetch_from(rpc, height).await {
            Ok(facts) => facts,
            Err(error) => {
                tracing::info!(height, %error, "the last capture before the start is not known");
                return Ok(());
            }
        };
        if !shows_ours(&self.parts.endpoints, index).await {
            tracing::warn!(height, "the last capture before the start may be of another chain");
            return Ok(());
        }
        let ledger = Arc::make_mut(&mut self.ledger);
        for capture in &facts.captures {
            ledger.captures.insert(capture.model_id.clone(), capture.clone());
        }
        let captures = facts.captures.len();
        tracing::info!(height, captures, "looked up the last capture before the start");
        if self.shared.coverage.stored().holding(height).is_none() {
            self.parts.writer.keep(vec![facts]).await?;
            self.shared.coverage.store((height, height));
        }
        self.publish(Timestamp::now());
        Ok(())
    }
}

/// A base is complete when everything that was asked for was read.
pub(super) fn is_base(observation: Option<&Observation>, owed: &Owed) -> bool {
    observation.is_some_and(|o| o.state.is_some()) && owed.is_nothing()
}

/// The newest capture at or before the tip, by the clock as it stands.
fn last_capture(ledger: &Ledger) -> Option<Height> {
    let tip = ledger.tip?.height;
    let state = ledger.state.as_ref()?;
    let window = state.params.delegation.as_ref()?.deploy_window;
    let length = state.params.epoch.epoch_length;
    if window <= 0 || length <= 0 {
        return None;
    }
    let start = state.latest.poc_start;
    [start.saturating_add(length), start]
        .into_iter()
        .map(|poc_start| poc_start.saturating_sub(window))
        .find(|capture| *capture < tip && *capture > 0)
}
