//! What is known of the endpoints, and which of them is asked.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bootwatch_rules::{
    Height,
    situation::{Differing, DisagreementView, EndpointState, EndpointView, RequestsView},
};
use jiff::{SignedDuration, Timestamp};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use crate::chain::{ChainError, NodeStatus, Priority, Rpc};

mod health;
mod knowledge;
mod quarantine;
mod selection;
mod testimony;
#[cfg(test)]
mod tests;

pub(crate) use health::Evidence;
use health::Health;
use knowledge::Knowledge;
pub(crate) use knowledge::Ruling;
use selection::Rank;
pub(crate) use testimony::{Disagreement, Known};

/// For how long the first block waits for endpoints that have not answered yet, so that two that
/// differ from the start are found.
const MUSTER: Duration = Duration::from_secs(3);
/// An endpoint that did not answer for so long, more than a restart takes, cannot speak for our chain
/// any more.
const ABSENT: Duration = Duration::from_secs(600);

/// All endpoints, in the order of preference. Their watchers write, everybody reads.
#[derive(Debug)]
pub(crate) struct Endpoints {
    rpcs: Vec<Rpc>,
    began: Instant,
    known: Mutex<Knowledge>,
    /// Changes whenever a view does.
    version: watch::Sender<u64>,
    /// The endpoint that blocks are taken from.
    selected: watch::Sender<Option<usize>>,
    /// Asks a watcher to look again at once.
    pokes: Vec<Notify>,
}

/// What a watcher should examine of an endpoint that came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Examination {
    /// A height at which its block tells whether it is our chain; none while nothing is known.
    pub(crate) hash_at: Option<Height>,
    /// A height whose results it must have, if it keeps any.
    pub(crate) results_at: Height,
}

impl Endpoints {
    pub(crate) fn new(rpcs: Vec<Rpc>) -> Self {
        Self {
            began: Instant::now(),
            known: Mutex::new(Knowledge::new(rpcs.len())),
            version: watch::Sender::new(0),
            selected: watch::Sender::new(None),
            pokes: rpcs.iter().map(|_| Notify::new()).collect(),
            rpcs,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rpcs.len()
    }

    pub(crate) fn rpc(&self, index: usize) -> &Rpc {
        &self.rpcs[index]
    }

    pub(crate) fn name(&self, index: usize) -> &str {
        self.rpcs[index].endpoint().name()
    }

    pub(crate) fn views(&self) -> Vec<EndpointView> {
        let (now, time) = (Instant::now(), Timestamp::now());
        let known = self.lock();
        let differ = known.disagreement(now);
        let views =
            known.healths.iter().zip(&self.rpcs).enumerate().map(|(index, (health, rpc))| {
                let mut view = known.view(index, rpc.endpoint().name());
                view.quarantined_until = health.quarantined_until(now).and_then(|until| {
                    // To the second: the clocks of both differ by a little each time.
                    let left = i64::try_from((until - now).as_secs()).ok()?;
                    let until = time.checked_add(SignedDuration::from_secs(left)).ok()?;
                    Timestamp::from_second(until.as_second()).ok()
                });
                if let Some(until) = view.quarantined_until {
                    remark(&mut view.reason, format!("left alone until {until}"));
                }
                let said = differ.as_ref().and_then(|differ| {
                    let (_, hash) = differ.sides.iter().find(|(side, _)| *side == index)?;
                    Some(format!(
                        "its block {} is {}, others show another",
                        differ.height,
                        short(hash)
                    ))
                });
                if let Some(said) = said {
                    remark(&mut view.reason, said);
                }
                view.requests = rpc.budget().limit().map(|limit| RequestsView {
                    used: u32::try_from(rpc.budget().used()).unwrap_or(u32::MAX),
                    limit: limit.get(),
                });
                view
            });
        views.collect()
    }

    /// Sees every change of a view.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Sees which endpoint blocks are taken from.
    pub(crate) fn selection(&self) -> watch::Receiver<Option<usize>> {
        self.selected.subscribe()
    }

    /// Asks the watcher of an endpoint to look at it again.
    pub(crate) fn poke(&self, index: usize) {
        self.pokes[index].notify_one();
    }

    pub(crate) async fn poked(&self, index: usize) {
        self.pokes[index].notified().await;
    }

    /// The newest height that any endpoint of our chain has told of; 0 before the first.
    pub(crate) fn head(&self) -> Height {
        self.lock().head(None, Instant::now())
    }

    /// Endpoints worth asking, the best first; those that may not be asked just now come last.
    pub(crate) fn usable(&self) -> Vec<usize> {
        self.ordered(|_, health, now| health.is_usable(now))
    }

    /// Endpoints that can have the block and results of a height, the best first; those that may
    /// not be asked just now come last.
    pub(crate) fn candidates(&self, height: Height) -> Vec<usize> {
        self.ordered(|_, health, now| health.may_have(height, now))
    }

    /// By rank, then the selected one, then in the order of the configuration.
    fn ordered(&self, wanted: impl Fn(usize, &Health, Instant) -> bool) -> Vec<usize> {
        let now = Instant::now();
        let known = self.lock();
        let mut found: Vec<_> = known
            .healths
            .iter()
            .enumerate()
            .filter(|(index, health)| wanted(*index, health, now))
            .map(|(index, health)| {
                let spent = !self.rpcs[index].budget().has_room(Priority::Urgent);
                let selected = known.selection.current() == Some(index);
                (spent, health.rank(now), !selected, index)
            })
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(.., index)| index).collect()
    }

    /// Every endpoint has answered and serves another chain, or blocks that do not link to ours.
    pub(crate) fn all_wrong(&self) -> bool {
        self.lock().healths.iter().all(|health| health.state() == EndpointState::Wrong)
    }

    /// Evidence that our chain is gone: some endpoints hold another one, and nobody holds ours, or
    /// may still hold it.
    pub(crate) fn fork(&self) -> Option<Evidence> {
        let now = Instant::now();
        let known = self.lock();
        let nobody = known.healths.iter().all(|health| {
            health.state() == EndpointState::Wrong || health.is_away_for(ABSENT, now)
        });
        let evidence = known.healths.iter().find_map(Health::foreign)?;
        nobody.then(|| evidence.clone())
    }

    /// Usable endpoints that show different blocks of one height. While there are some, nothing
    /// more is taken in.
    pub(crate) fn disagreement(&self) -> Option<Disagreement> {
        self.lock().disagreement(Instant::now())
    }

    /// As [`Self::disagreement`], for people.
    pub(crate) fn disagreement_view(&self) -> Option<DisagreementView> {
        let Disagreement { height, sides } = self.disagreement()?;
        let differing = sides.into_iter().map(|(index, hash)| Differing {
            endpoint: self.name(index).to_owned(),
            hash: short(&hash),
        });
        Some(DisagreementView { height, endpoints: differing.collect() })
    }

    /// The first block may be chosen: every endpoint has been asked and examined, or had its time.
    pub(crate) fn are_mustered(&self) -> bool {
        let late = Instant::now() >= self.began + MUSTER;
        late || self.lock().healths.iter().all(|health| match health.state() {
            EndpointState::Unknown => false,
            EndpointState::Up | EndpointState::Lagging => health.is_examined(),
            EndpointState::Down | EndpointState::Wrong => true,
        })
    }

    /// None of those that answer keeps the results of past blocks.
    pub(crate) fn keep_no_results(&self) -> bool {
        let now = Instant::now();
        let known = self.lock();
        let mut usable = known.healths.iter().filter(|health| health.is_usable(now)).peekable();
        usable.peek().is_some() && usable.all(|health| health.keeps_results() == Some(false))
    }

    /// What each endpoint says for itself, for an error message.
    pub(crate) fn reasons(&self) -> String {
        let known = self.lock();
        let lines = known.healths.iter().zip(&self.rpcs).map(|(health, rpc)| {
            format!("{}: {}", rpc.endpoint().name(), health.reason().unwrap_or("no answer"))
        });
        lines.collect::<Vec<_>>().join("; ")
    }

    /// How long the endpoint is to be left alone.
    pub(crate) fn quarantine(&self, index: usize) -> Option<Duration> {
        let now = Instant::now();
        self.lock().healths[index].quarantined_until(now).map(|until| until - now)
    }

    /// What to ask an endpoint that has come back; none when it was asked already.
    pub(crate) fn examination(&self, index: usize, status: &NodeStatus) -> Option<Examination> {
        let now = Instant::now();
        let known = self.lock();
        let health = &known.healths[index];
        let idle = !health.is_usable(now) && health.foreign().is_none();
        if health.is_examined() || idle || health.quarantined_until(now).is_some() {
            return None;
        }
        let (first, last) = (status.earliest, status.head);
        let stored = known.testimony.known_within(first, last).map(|block| block.height);
        Some(Examination {
            hash_at: stored.or_else(|| known.testimony.common(index, first, last)),
            // The newest may not have them yet.
            results_at: last.saturating_sub(1).max(first),
        })
    }

    /// The examination is over and found nothing; `known` when it showed a block that is stored.
    pub(crate) fn note_examined(&self, index: usize, known: bool) {
        self.change(index, |knowledge, now| knowledge.healths[index].examined(known, now));
    }

    /// The endpoint is to be examined again: its connection is a new one.
    pub(crate) fn examine_again(&self, index: usize) {
        self.change(index, |known, _| known.healths[index].suspect());
    }

    /// Whether the endpoint keeps the results of past blocks.
    pub(crate) fn note_results(&self, index: usize, keeps: bool) {
        self.change(index, |known, _| known.healths[index].set_keeps_results(keeps));
    }

    /// An endpoint has told of itself.
    pub(crate) fn note_status(&self, index: usize, status: &NodeStatus) {
        self.change(index, |known, now| {
            let ruling =
                known.judge(index, status.head, &status.head_hash, Some(status.head_time), now);
            if ruling == Ruling::Contradicts {
                known.healths[index].heard(status.took);
                // Seen once more, it is believed.
                self.poke(index);
                return;
            }
            let best = known.head(Some(index), now);
            let rivals = known
                .healths
                .iter()
                .enumerate()
                .any(|(other, health)| other != index && health.rank(now) < Rank::Behind);
            known.healths[index].answered(status, best, rivals, now);
        });
    }

    /// An endpoint has said which block it has at a height.
    pub(crate) fn note_hash(&self, index: usize, height: Height, hash: &str) -> Ruling {
        let mut ruling = Ruling::Undecided;
        self.change(index, |known, now| ruling = known.judge(index, height, hash, None, now));
        ruling
    }

    /// An endpoint could not be asked, or serves the wrong thing.
    pub(crate) fn note_failure(&self, index: usize, error: &ChainError) {
        self.change(index, |known, now| {
            known.healths[index].failed(error, now);
            if known.healths[index].state() == EndpointState::Wrong {
                known.testimony.forget(index);
            }
        });
    }

    /// An endpoint holds another chain: it is left alone for a while.
    pub(crate) fn note_foreign(&self, index: usize, evidence: Evidence) {
        self.change(index, |known, now| known.convict(index, evidence, now));
    }

    /// An endpoint's blocks contradict themselves or what is stored: it is left alone for a while.
    pub(crate) fn note_contradiction(&self, index: usize, reason: String) {
        self.change(index, |known, now| known.healths[index].contradicts(reason, now));
    }

    /// An endpoint works, with a reservation; none takes an earlier one back.
    pub(crate) fn note_reservation(&self, index: usize, reason: Option<String>) {
        self.change(index, |known, _| known.healths[index].set_reservation(reason));
    }

    /// An endpoint has sent a block.
    pub(crate) fn note_block(&self, index: usize, height: Height, hash: &str) {
        self.rpcs[index].heard_of(height);
        self.change(index, |known, _| {
            known.healths[index].told_of(height);
            known.testimony.said(index, height, hash);
        });
    }

    /// A block was stored, and which endpoint it came from, if that is known. Endpoints are measured
    /// by it from now on.
    pub(crate) fn note_stored(&self, source: Option<usize>, block: Known) {
        let mut known = self.lock();
        if let Some(index) = source {
            known.testimony.said(index, block.height, &block.hash);
        }
        known.testimony.stored(block);
    }

    /// A stored block, long before a height where that is possible, by which an endpoint shows
    /// whether it serves our chain.
    pub(crate) fn anchor(&self, index: usize, height: Height) -> Option<Known> {
        let known = self.lock();
        let first = known.healths[index].earliest().unwrap_or(0);
        let before = known.testimony.oldest_within(first, height.saturating_sub(1));
        before.or_else(|| known.testimony.oldest_within(first, height)).cloned()
    }

    pub(crate) fn note_websocket(&self, index: usize, connected: bool) {
        self.change(index, |known, _| known.healths[index].set_websocket(connected));
    }

    /// Time alone changes things: quarantines end, a better one has been better for long enough.
    pub(crate) fn tick(&self) {
        if !self.rpcs.is_empty() {
            self.change(0, |_, _| {});
        }
    }

    fn change(&self, index: usize, change: impl FnOnce(&mut Knowledge, Instant)) {
        let now = Instant::now();
        {
            let mut known = self.lock();
            let differed = known.disagreement(now);
            let before = known.view(index, self.name(index));
            change(&mut known, now);
            known.relieve(now).into_iter().for_each(|needed| self.poke(needed));
            let chosen = known.selection.current();
            let selected = known.choose(now);
            let after = known.view(index, self.name(index));
            let differ = known.disagreement(now);
            if before == after && chosen == selected && differed == differ {
                return;
            }
            log_change(&before, &after);
            self.log_disagreement(differed.as_ref(), differ.as_ref());
            self.selected.send_if_modified(|current| {
                let changed = *current != selected;
                *current = selected;
                changed
            });
        }
        self.version.send_modify(|version| *version = version.wrapping_add(1));
    }

    fn log_disagreement(&self, before: Option<&Disagreement>, after: Option<&Disagreement>) {
        match (before, after) {
            (_, Some(differ)) if before != after => {
                let sides = differ
                    .sides
                    .iter()
                    .map(|(index, hash)| format!("{}: {}", self.name(*index), short(hash)));
                tracing::error!(
                    height = differ.height,
                    sides = sides.collect::<Vec<_>>().join(", "),
                    "endpoints disagree about a block: nothing is taken in until they agree or one \
                     is found to serve another chain"
                );
            }
            (Some(before), None) => {
                tracing::warn!(height = before.height, "endpoints do not disagree any more");
            }
            _ => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Knowledge> {
        // A panic while it was held is a defect in pure code; what is there is still whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a node calls a hash is as long as it likes.
fn short(hash: &str) -> String {
    hash.chars().take(64).collect()
}

fn remark(reason: &mut Option<String>, remark: String) {
    *reason = Some(match reason.take() {
        Some(reason) => format!("{reason}; {remark}"),
        None => remark,
    });
}

fn log_change(before: &EndpointView, after: &EndpointView) {
    if before.state == after.state && before.reason == after.reason {
        return;
    }
    let reason = after.reason.as_deref().unwrap_or("");
    match after.state {
        EndpointState::Up if before.state != EndpointState::Up => {
            tracing::info!(endpoint = after.name, height = after.height, "endpoint is up");
        }
        EndpointState::Up if after.reason.is_none() => {}
        EndpointState::Up | EndpointState::Unknown => {
            tracing::warn!(endpoint = after.name, reason, "endpoint works with a reservation");
        }
        EndpointState::Lagging if before.state == after.state => {
            tracing::debug!(endpoint = after.name, reason, "endpoint lags");
        }
        EndpointState::Lagging => {
            tracing::warn!(endpoint = after.name, reason, "endpoint lags");
        }
        EndpointState::Down => {
            tracing::warn!(endpoint = after.name, reason, "endpoint is down; trying again");
        }
        EndpointState::Wrong => {
            tracing::error!(endpoint = after.name, reason, "endpoint serves the wrong data");
        }
    }
}
