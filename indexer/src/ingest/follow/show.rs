//! What the loop shows: the Situation, how far it is, how the endpoints stand.

use std::time::Duration;

use bootwatch_rules::{
    Height,
    ledger::Ledger,
    pace::Pace,
    situation::{EndpointView, ServiceView, Situation},
};
use bootwatch_schema::ServiceRecord;
use jiff::Timestamp;
use tokio::time::Instant;

use super::{Follow, NEAR};
use crate::{
    ingest::{error::IngestError, progress::Progress, ranges::Range},
    situation::{Beginning, Moment},
};

/// How often progress shows while catching up.
pub(super) const PROGRESS: Duration = Duration::from_millis(250);
/// Blocks to the head from which on catching up is worth a word in the log.
const FAR: u64 = 100;

impl Follow {
    /// Blocks have been stored.
    pub(super) fn committed(&mut self, range: Range) {
        self.shared.coverage.store(range);
        let head = self.parts.endpoints.head();
        let left = head.saturating_sub(range.1).max(0).unsigned_abs();
        if left <= NEAR.unsigned_abs() {
            if let Some(progress) = self.progress.take()
                && progress.done() > FAR
            {
                tracing::info!(height = range.1, blocks = progress.done(), "caught up");
            }
            self.parts.metrics.catch_up(0, 0.0);
            return;
        }
        let progress = self.progress.get_or_insert_with(Progress::default);
        progress.add(range.1.abs_diff(range.0).saturating_add(1), left);
        self.parts.metrics.catch_up(left, progress.rate());
        if left > FAR && progress.is_due() {
            tracing::info!(height = range.1, %progress, "catching up");
        }
    }

    /// Notes for other processes how the daemon stands.
    pub(super) async fn note_service(&mut self) -> Result<(), IngestError> {
        let now = Timestamp::now();
        let service = ServiceRecord {
            endpoints: self.endpoint_views(),
            catching_up: self.progress.as_ref().map(|progress| progress.view(now)),
            history: self.shared.history.borrow().as_ref().map(|progress| progress.view(now)),
            at: Some(now),
        };
        Ok(self.parts.writer.note_service(service).await?)
    }

    /// How the endpoints stand; what hinders the daemon itself is said where blocks come from.
    fn endpoint_views(&self) -> Vec<EndpointView> {
        let mut views = self.parts.endpoints.views();
        let obstacle = self.obstacle.as_ref().map(|obstacle| obstacle.reason.clone());
        if let Some(trouble) = self.parts.writer.trouble().or(obstacle) {
            for view in views.iter_mut().filter(|view| view.selected) {
                view.reason = Some(trouble.clone());
            }
        }
        views
    }

    /// Before the first block there is no Situation: says why, and how the endpoints stand.
    pub(super) fn publish_beginning(&self) {
        let reason = self.obstacle.as_ref().map(|obstacle| obstacle.reason.clone());
        let endpoints = self.parts.endpoints.views();
        self.parts.publisher.publish_beginning(Beginning { reason, endpoints });
    }

    /// As a block would have been judged in its own time. That the state could not be read anew makes
    /// nothing stale here: what a capture says must be told, and the chain said it.
    pub(super) fn judge_then(&self, then: Timestamp, height: Height) -> Situation {
        let mut situation = self.judge_with(then, height, false);
        situation.data.state_unread = self.owed.is_outdated();
        situation
    }

    pub(super) fn judge(&self, now: Timestamp, head: Height) -> Situation {
        self.judge_with(now, head, self.owed.is_outdated())
    }

    fn judge_with(&self, now: Timestamp, head: Height, state_unread: bool) -> Situation {
        let endpoints = self.endpoint_views();
        let coverage = &self.shared.coverage;
        let mut data = self.data.clone();
        data.unfillable = coverage.unfillable().iter().collect();
        data.state_unread = state_unread;
        data.disagreement = self.parts.endpoints.disagreement_view();
        data.catching_up = self.progress.as_ref().map(|progress| progress.view(now));
        data.history = self.shared.history.borrow().as_ref().map(|progress| progress.view(now));
        let moment = Moment {
            head,
            complete_from: self.ledger.tip.map_or(0, |tip| coverage.complete_from(tip.height)),
            endpoints: &endpoints,
            data,
            records: self.forecasts.records(),
            now,
        };
        let mut situation = self.parts.subject.judge(&self.ledger, moment);
        situation.service = ServiceView {
            advanced_at: self.advanced_at,
            judged_at: Some(now),
            store_trouble: self.parts.writer.trouble(),
            mismatch: self.mismatch.clone(),
            ..self.parts.service.borrow().clone()
        };
        situation
    }

    pub(super) fn publish(&mut self, now: Timestamp) {
        let situation = self.judge(now, self.parts.endpoints.head());
        self.publish_this(situation);
    }

    pub(super) fn publish_this(&mut self, situation: Situation) {
        let interval = measured(&self.ledger);
        self.pace.send_if_modified(|current| std::mem::replace(current, interval) != interval);
        self.parts.publisher.publish(situation, self.parts.engine.incidents());
        self.published = Instant::now();
    }
}

/// Measured time between blocks; Gonka's own before any is measured.
pub(super) fn measured(ledger: &Ledger) -> Duration {
    Pace::measure(&ledger.ticks)
        .and_then(|pace| Duration::try_from(pace.interval()).ok())
        .unwrap_or(Duration::from_secs(5))
}
