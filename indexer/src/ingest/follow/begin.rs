//! The first block of an empty store.

use std::{pin::pin, sync::Arc, time::Duration};

use bootwatch_rules::{Height, Observation, ledger::Ledger};
use jiff::Timestamp;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::{Follow, NOTE_SERVICE, REFRESH, show::PROGRESS};
use crate::{
    ingest::{
        error::IngestError,
        fetch::{Found, Gone, fetch, fetch_from},
        link::shows_ours,
        observe::Owed,
        reorder::Waiting,
    },
    metrics::BlockSource,
};

/// An attempt at the first block ends after this, and the next one asks for the head of then. Longer
/// than the largest body may take.
const PATIENCE: Duration = Duration::from_secs(75);
/// How often the log says what stands in the way.
const REMIND: Duration = Duration::from_secs(60);

/// What stands in the way of the first block.
#[derive(Debug)]
pub(super) struct Obstacle {
    pub(super) reason: String,
    logged: Instant,
}

impl Follow {
    /// The first block of an empty store: the head, with everything read at that height. Goes on
    /// until that succeeds, and says what stands in its way.
    pub(super) async fn begin(&mut self) -> Result<(), IngestError> {
        tracing::info!("reading the base: parameters, members, choices");
        let mut refresh = interval(REFRESH);
        refresh.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut note = interval(NOTE_SERVICE);
        note.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.ledger.tip.is_none() {
            let head = self.parts.endpoints.head();
            let mut fetching =
                pin!(timeout(PATIENCE, fetch(self.parts.source.clone(), (head, head))));
            let fetched = loop {
                tokio::select! {
                    fetched = &mut fetching => break fetched,
                    _ = note.tick() => self.note_service().await?,
                    _ = refresh.tick() => {
                        self.parts.endpoints.tick();
                        self.look_at_endpoints()?;
                        self.publish_beginning();
                    }
                }
            };
            match fetched.map(|fetched| fetched.outcome) {
                Ok(Ok(blocks)) => self.take_base(blocks).await?,
                Ok(Err(Gone { reason })) => self.is_hindered(self.without_results(head, &reason)),
                Err(_) => self.is_hindered(format!(
                    "block {head} was not given within {} s; the log says by whom, and why",
                    PATIENCE.as_secs()
                )),
            }
            if self.ledger.tip.is_none() {
                sleep(PROGRESS).await;
            }
        }
        self.obstacle = None;
        self.look_up_last_capture().await
    }

    async fn take_base(&mut self, blocks: Vec<Found>) -> Result<(), IngestError> {
        let Some(Found { endpoint, facts }) = blocks.into_iter().next() else { return Ok(()) };
        let height = facts.height;
        let block =
            Waiting { endpoint, source: BlockSource::Poll, facts, proof: None, arrived: None };
        self.take_in(block).await?;
        if self.ledger.tip.is_none() {
            let reason = self.owed.failure().unwrap_or("it is not complete");
            self.is_hindered(format!("the chain's state at block {height} was not read: {reason}"));
        }
        Ok(())
    }

    fn without_results(&self, head: Height, reason: &str) -> String {
        let remedy = if self.parts.endpoints.keep_no_results() {
            "no endpoint keeps the results of past blocks: set discard_abci_responses = false under \
             [storage] in the node's config.toml and restart it, or add an [[endpoint]] that keeps \
             them"
        } else {
            "add an [[endpoint]] that has it"
        };
        format!("block {head} cannot be had with its results; {remedy} ({reason})")
    }

    /// The first block cannot be taken in yet: shown at once, logged now and then.
    fn is_hindered(&mut self, reason: String) {
        let told = self.obstacle.as_ref().map(|obstacle| obstacle.logged);
        let logged = match told {
            Some(logged) if logged.elapsed() < REMIND => logged,
            _ => {
                tracing::warn!(reason, "the base cannot be read yet; trying again");
                Instant::now()
            }
        };
        self.obstacle = Some(Obstacle { reason, logged });
        self.publish_beginning();
    }

    /// The last capture before the base, if the node still has its block: a host that starts the
    /// daemon after it wants to know how it went.
    async fn look_up_last_capture(&mut self) -> Result<(), IngestError> {
        let Some(height) = last_capture(&self.ledger) else { return Ok(()) };
        let Some(index) = self.parts.endpoints.usable().first().copied() else { return Ok(()) };
        let doubtful = "the last capture before the start may be of another chain";
        if !shows_ours(&self.parts.endpoints, index).await {
            tracing::warn!(height, "{doubtful}");
            return Ok(());
        }
        let rpc = self.parts.endpoints.rpc(index);
        let facts = match fetch_from(rpc, height).await {
            Ok(facts) => facts,
            Err(error) => {
                tracing::info!(height, %error, "the last capture before the start is not known");
                return Ok(());
            }
        };
        if !shows_ours(&self.parts.endpoints, index).await {
            tracing::warn!(height, "{doubtful}");
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
