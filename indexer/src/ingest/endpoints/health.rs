//! How one endpoint stands, from what it says and does. Pure: time is given.

use std::time::Duration;

use bootwatch_rules::{
    Height,
    situation::{EndpointState, EndpointView},
};
use tokio::time::Instant;

use super::{quarantine::Quarantine, selection::Rank};
use crate::chain::{ChainError, Class, NodeStatus};

/// Blocks that an endpoint may be behind the best one before it counts as lagging.
const LAG: Height = 5;
/// One that lags for so long while another does not is left alone for a while.
const PERSISTENT: Duration = Duration::from_secs(120);
/// A contradiction to what is stored is believed when it is seen that often in a row: behind one URL
/// may be many nodes, of which one is confused.
const PROOFS: u32 = 2;

/// That an endpoint holds another chain than the one that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// A stored block.
    pub(crate) height: Height,
    /// Its stored hash.
    pub(crate) ours: String,
    /// What the endpoint has in its place: a hash, or why it can have none.
    pub(crate) theirs: String,
}

/// One endpoint.
#[derive(Debug)]
pub(super) struct Health {
    state: EndpointState,
    reason: Option<String>,
    /// It works, but not as well as it could.
    reservation: Option<String>,
    /// The newest height that it ever told of: behind one URL may be many nodes, and one that is a
    /// little behind the others is no news.
    told: Option<Height>,
    earliest: Option<Height>,
    websocket: bool,
    latency: Option<Duration>,
    keeps_results: Option<bool>,
    quarantine: Quarantine,
    behind: Option<Height>,
    behind_since: Option<Instant>,
    away_since: Option<Instant>,
    contradictions: u32,
    foreign: Option<Evidence>,
    /// It was examined since it last came back.
    examined: bool,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            state: EndpointState::Unknown,
            reason: None,
            reservation: None,
            told: None,
            earliest: None,
            websocket: false,
            latency: None,
            keeps_results: None,
            quarantine: Quarantine::default(),
            behind: None,
            behind_since: None,
            away_since: None,
            contradictions: 0,
            foreign: None,
            examined: false,
        }
    }
}

impl Health {
    pub(super) fn told(&self) -> Option<Height> {
        self.told
    }

    pub(super) fn state(&self) -> EndpointState {
        self.state
    }

    pub(super) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    pub(super) fn latency(&self) -> Option<Duration> {
        self.latency
    }

    pub(super) fn foreign(&self) -> Option<&Evidence> {
        self.foreign.as_ref()
    }

    pub(super) fn is_examined(&self) -> bool {
        self.examined
    }

    /// It answers, and nothing is known against it.
    pub(super) fn is_usable(&self, now: Instant) -> bool {
        self.rank(now) != Rank::Unusable
    }

    /// It does not answer, and did not for so long.
    pub(super) fn is_away_for(&self, time: Duration, now: Instant) -> bool {
        self.state == EndpointState::Down
            && self.away_since.is_some_and(|since| now >= since + time)
    }

    /// When it will be asked again.
    pub(super) fn quarantined_until(&self, now: Instant) -> Option<Instant> {
        self.quarantine.until(now)
    }

    pub(super) fn rank(&self, now: Instant) -> Rank {
        let quarantined = self.quarantine.until(now).is_some();
        match self.state {
            _ if quarantined => Rank::Unusable,
            EndpointState::Up if self.keeps_results == Some(false) => Rank::HeadOnly,
            EndpointState::Up => Rank::Whole,
            EndpointState::Lagging => Rank::Behind,
            EndpointState::Unknown | EndpointState::Down | EndpointState::Wrong => Rank::Unusable,
        }
    }

    /// It can have the block and results of a height.
    pub(super) fn may_have(&self, height: Height, now: Instant) -> bool {
        self.is_usable(now)
            && self.keeps_results != Some(false)
            && self.earliest.is_none_or(|earliest| earliest <= height)
            && self.told.is_some_and(|told| height <= told)
    }

    /// It told of itself. `best` is the newest height of the others; `rivals` whether another of
    /// them is up.
    pub(super) fn answered(
        &mut self,
        status: &NodeStatus,
        best: Height,
        rivals: bool,
        now: Instant,
    ) {
        self.heard(status.took);
        self.told = self.told.max(Some(status.head));
        self.earliest = Some(status.earliest);
        if self.quarantine.until(now).is_some() {
            return;
        }
        self.away_since = None;
        if self.foreign.is_some() {
            // Only an examination clears it.
            return;
        }
        let behind = best.saturating_sub(self.told.unwrap_or(0)).max(0);
        self.behind = Some(behind);
        let reason = if status.catching_up {
            Some("it is catching up".to_owned())
        } else if behind > LAG {
            Some(format!("its newest block {} is {behind} behind {best}", status.head))
        } else {
            None
        };
        let Some(reason) = reason else {
            self.state = EndpointState::Up;
            self.behind_since = None;
            self.reason = None;
            return;
        };
        let since = *self.behind_since.get_or_insert(now);
        if rivals && now >= since + PERSISTENT {
            self.quarantine.begin(now);
        }
        self.state = EndpointState::Lagging;
        self.reason = Some(reason);
    }

    /// It lags, but there is nothing better any more.
    pub(super) fn is_needed_after_all(&mut self) {
        if self.state == EndpointState::Lagging {
            self.quarantine = Quarantine::default();
            self.behind_since = None;
        }
    }

    /// It did not answer as it should.
    pub(super) fn failed(&mut self, error: &ChainError, now: Instant) {
        self.examined = false;
        if self.foreign.is_some() && error.class == Class::Retry {
            // That it is away does not take back what it said before.
            return;
        }
        self.state = match error.class {
            Class::WrongChain | Class::Fatal => EndpointState::Wrong,
            _ => EndpointState::Down,
        };
        self.away_since.get_or_insert(now);
        self.reason = Some(format!("{}: {}", error.method, error.problem));
    }

    /// It contradicts what is stored. True when that is believed: then it is left alone for a while.
    pub(super) fn contradicted(&mut self, evidence: Evidence, now: Instant) -> bool {
        if self.quarantine.until(now).is_some() {
            return true;
        }
        self.contradictions = self.contradictions.saturating_add(1);
        if self.contradictions < PROOFS {
            return false;
        }
        self.convict(evidence, now);
        true
    }

    /// It holds another chain.
    pub(super) fn convict(&mut self, evidence: Evidence, now: Instant) {
        self.quarantine.begin(now);
        self.state = EndpointState::Wrong;
        self.reason = Some(format!(
            "its block {} is {}, ours is {}: another chain, or ours was started anew",
            evidence.height, evidence.theirs, evidence.ours
        ));
        self.foreign = Some(evidence);
        self.contradictions = 0;
        // Of the other chain.
        self.told = None;
        self.behind = None;
        self.examined = false;
    }

    /// What it says of a block contradicts itself or what is stored: it is left alone for a while.
    pub(super) fn contradicts(&mut self, reason: String, now: Instant) {
        self.quarantine.begin(now);
        self.state = EndpointState::Wrong;
        self.reason = Some(reason);
        self.examined = false;
    }

    pub(super) fn heard(&mut self, took: Duration) {
        // Smoothed over the last few: new = old + (took - old) / 4.
        self.latency = Some(self.latency.map_or(took, |old| (old * 3 + took) / 4));
    }

    pub(super) fn told_of(&mut self, height: Height) {
        self.told = self.told.max(Some(height));
    }

    pub(super) fn set_websocket(&mut self, connected: bool) {
        self.websocket = connected;
    }

    pub(super) fn set_reservation(&mut self, reservation: Option<String>) {
        self.reservation = reservation;
    }

    /// It is to be examined again.
    pub(super) fn suspect(&mut self) {
        self.examined = false;
    }

    /// It was examined, and nothing was found. `known` whether it showed a block that is stored.
    pub(super) fn examined(&mut self, known: bool, now: Instant) {
        if self.quarantine.until(now).is_some() {
            // It was found out while the examination was under way, which began before that.
            return;
        }
        if self.foreign.is_none() {
            self.examined = true;
        } else if known {
            self.examined = true;
            self.foreign = None;
            self.reason = None;
            self.state = EndpointState::Up;
        }
    }

    /// It has a block that is stored.
    pub(super) fn confirmed(&mut self) {
        self.contradictions = 0;
    }

    pub(super) fn earliest(&self) -> Option<Height> {
        self.earliest
    }

    pub(super) fn keeps_results(&self) -> Option<bool> {
        self.keeps_results
    }

    pub(super) fn set_keeps_results(&mut self, keeps: bool) {
        self.keeps_results = Some(keeps);
    }

    /// For people and machines; what the budget and the clock know is added by the caller.
    pub(super) fn view(&self, name: &str, selected: bool) -> EndpointView {
        let no_results = (self.keeps_results == Some(false)).then_some(
            "it keeps no results of past blocks (discard_abci_responses), so it serves the tip only",
        );
        let reasons = [self.reason.as_deref(), self.reservation.as_deref(), no_results];
        let reason = reasons.into_iter().flatten().collect::<Vec<_>>().join("; ");
        EndpointView {
            name: name.to_owned(),
            state: self.state,
            reason: (!reason.is_empty()).then_some(reason),
            height: self.told,
            earliest: self.earliest,
            selected,
            websocket: self.websocket,
            behind: self.behind,
            latency_ms: self.latency.map(|l| u64::try_from(l.as_millis()).unwrap_or(u64::MAX)),
            quarantined_until: None,
            requests: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Problem;

    fn status(head: Height) -> NodeStatus {
        NodeStatus {
            head,
            head_hash: String::new(),
            head_time: jiff::Timestamp::UNIX_EPOCH,
            earliest: 10,
            catching_up: false,
            version: "0.38.21".into(),
            took: Duration::from_millis(40),
        }
    }

    fn failure(class: Class) -> ChainError {
        let problem = Problem::Transport("refused".into());
        ChainError { endpoint: "x".into(), method: "status", height: None, problem, class }
    }

    fn evidence() -> Evidence {
        Evidence { height: 90, ours: "AA".into(), theirs: "BB".into() }
    }

    #[test]
    fn a_lower_height_behind_one_url_is_no_news() {
        let now = Instant::now();
        let mut health = Health::default();
        health.answered(&status(100), 0, false, now);
        health.answered(&status(97), 100, true, now);
        assert_eq!((health.state(), health.told()), (EndpointState::Up, Some(100)));
        assert!(
            health.may_have(100, now) && !health.may_have(101, now) && !health.may_have(9, now)
        );
    }

    #[test]
    fn who_lags_for_long_is_left_alone_if_another_does_not() {
        let mut now = Instant::now();
        let mut health = Health::default();
        health.answered(&status(100), 110, true, now);
        assert_eq!((health.state(), health.rank(now)), (EndpointState::Lagging, Rank::Behind));
        let reason = health.reason().unwrap().to_owned();
        assert!(reason.contains("100 is 10 behind 110"), "{reason}");
        now += PERSISTENT;
        health.answered(&status(120), 140, false, now);
        assert_eq!(health.quarantined_until(now), None, "there is nothing better");
        health.answered(&status(120), 140, true, now);
        assert!(health.quarantined_until(now).is_some() && !health.is_usable(now));
        health.is_needed_after_all();
        assert!(health.is_usable(now));
        health.answered(&status(140), 141, true, now);
        assert_eq!((health.state(), health.reason()), (EndpointState::Up, None));
    }

    #[test]
    fn one_contradiction_is_none_and_two_are_a_proof() {
        let mut now = Instant::now();
        let mut health = Health::default();
        health.answered(&status(100), 0, false, now);
        assert!(!health.contradicted(evidence(), now));
        health.confirmed();
        assert!(!health.contradicted(evidence(), now), "not in a row");
        assert!(health.contradicted(evidence(), now));
        assert_eq!((health.state(), health.foreign()), (EndpointState::Wrong, Some(&evidence())));
        health.failed(&failure(Class::Retry), now);
        health.answered(&status(101), 0, false, now);
        assert_eq!(health.state(), EndpointState::Wrong, "what it says of itself clears nothing");
        now = health.quarantined_until(now).unwrap();
        health.answered(&status(101), 0, false, now);
        health.examined(false, now);
        assert_eq!(health.state(), EndpointState::Wrong, "nothing was proven");
        health.examined(true, now);
        assert_eq!((health.state(), health.foreign()), (EndpointState::Up, None));
    }

    #[test]
    fn a_node_without_results_is_good_for_the_tip_only() {
        let now = Instant::now();
        let mut health = Health::default();
        health.answered(&status(100), 0, false, now);
        health.set_keeps_results(false);
        assert_eq!(health.rank(now), Rank::HeadOnly);
        assert!(health.is_usable(now) && !health.may_have(50, now));
        let view = health.view("a", true);
        assert!(view.reason.unwrap().contains("discard_abci_responses"));
    }

    #[test]
    fn away_is_counted_from_the_first_failure() {
        let now = Instant::now();
        let mut health = Health::default();
        health.failed(&failure(Class::Retry), now);
        let later = now + Duration::from_secs(60);
        health.failed(&failure(Class::Retry), later);
        assert!(health.is_away_for(Duration::from_secs(60), later));
        health.answered(&status(1), 0, false, later);
        assert!(!health.is_away_for(Duration::ZERO, later));
        health.failed(&failure(Class::WrongChain), later);
        assert_eq!(health.state(), EndpointState::Wrong);
    }

    #[test]
    fn latency_is_smoothed() {
        let mut health = Health::default();
        for millis in [100, 100, 500] {
            health.heard(Duration::from_millis(millis));
        }
        assert_eq!(health.latency(), Some(Duration::from_millis(200)));
    }
}
