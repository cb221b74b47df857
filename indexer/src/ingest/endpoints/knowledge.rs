//! What is known of all endpoints, and what follows from it. Pure: time is given.

use std::time::Duration;

use bootwatch_rules::{
    Height,
    situation::{EndpointState, EndpointView},
};
use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    health::{Evidence, Health},
    selection::{Candidate, Selection},
    short,
    testimony::{Disagreement, Testimony},
};

/// How long an endpoint that does not answer still has a say in a disagreement.
pub(super) const AWAY: Duration = Duration::from_secs(60);

/// How a claim of an endpoint stands to what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ruling {
    /// The block is stored.
    Confirms,
    /// Another block is stored, and nobody else stands by it: nothing else that comes with the claim
    /// counts.
    Contradicts,
    /// Nothing is stored to hold it against, two endpoints differ and it is not decided here who is
    /// right, or the endpoint is left alone just now.
    Undecided,
}

/// All of it.
#[derive(Debug)]
pub(super) struct Knowledge {
    pub(super) healths: Vec<Health>,
    pub(super) selection: Selection,
    pub(super) testimony: Testimony,
}

impl Knowledge {
    /// Nothing is known of so many endpoints.
    pub(super) fn new(count: usize) -> Self {
        Self {
            healths: (0..count).map(|_| Health::default()).collect(),
            selection: Selection::default(),
            testimony: Testimony::default(),
        }
    }

    /// The newest height that a usable endpoint, but for one, has told of; 0 without any.
    pub(super) fn head(&self, but: Option<usize>, now: Instant) -> Height {
        let others = self.healths.iter().enumerate().filter(|(index, _)| Some(*index) != but);
        let told = others.filter(|(_, health)| health.is_usable(now)).filter_map(|(_, h)| h.told());
        told.max().unwrap_or(0)
    }

    pub(super) fn view(&self, index: usize, name: &str) -> EndpointView {
        self.healths[index].view(name, self.selection.current() == Some(index))
    }

    /// Chooses anew from whom blocks are taken.
    pub(super) fn choose(&mut self, now: Instant) -> Option<usize> {
        let candidates: Vec<_> = self
            .healths
            .iter()
            .map(|health| Candidate { rank: health.rank(now), latency: health.latency() })
            .collect();
        self.selection.choose(&candidates, now)
    }

    /// One that fails for a moment has not changed its mind: what it said counts until it has been
    /// away for a while, so that a lost request does not let the other side win.
    pub(super) fn disagreement(&self, now: Instant) -> Option<Disagreement> {
        self.testimony.disagreement(|index| {
            let health = &self.healths[index];
            health.is_usable(now)
                || (health.state() == EndpointState::Down && !health.is_away_for(AWAY, now))
        })
    }

    /// Holds a claim against what is stored.
    pub(super) fn judge(
        &mut self,
        index: usize,
        height: Height,
        hash: &str,
        time: Option<Timestamp>,
        now: Instant,
    ) -> Ruling {
        if self.healths[index].quarantined_until(now).is_some() {
            return Ruling::Undecided;
        }
        self.testimony.said(index, height, hash);
        let evidence = if let Some(known) = self.testimony.contradicted(height, hash) {
            let stands_by = |other: usize| other != index && self.healths[other].is_usable(now);
            if self.testimony.supported(height, &known.hash, stands_by) {
                return Ruling::Undecided;
            }
            Evidence { height, ours: known.hash.clone(), theirs: short(hash) }
        } else if let Some(known) = time.and_then(|time| self.testimony.out_of_time(height, time)) {
            let theirs = format!(
                "unknown, but its block {height} is of {}, which does not fit to ours of {}",
                time.unwrap_or_default(),
                known.time
            );
            Evidence { height: known.height, ours: known.hash.clone(), theirs }
        } else if self.testimony.confirms(height, hash) {
            self.healths[index].confirmed();
            return Ruling::Confirms;
        } else {
            return Ruling::Undecided;
        };
        if self.healths[index].contradicted(evidence, now) {
            self.testimony.forget(index);
        }
        Ruling::Contradicts
    }

    pub(super) fn convict(&mut self, index: usize, evidence: Evidence, now: Instant) {
        self.healths[index].convict(evidence, now);
        self.testimony.forget(index);
    }

    /// One that lags is better than none: those that are needed after all.
    pub(super) fn relieve(&mut self, now: Instant) -> Vec<usize> {
        if self.healths.iter().any(|health| health.is_usable(now)) {
            return Vec::new();
        }
        let lagging = self.healths.iter_mut().enumerate().filter(|(_, health)| {
            health.state() == EndpointState::Lagging && health.quarantined_until(now).is_some()
        });
        lagging
            .map(|(index, health)| {
                health.is_needed_after_all();
                index
            })
            .collect()
    }
}
