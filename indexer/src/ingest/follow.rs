//! The loop that takes blocks in, one after another.

mod begin;
mod decide;
mod gap;
mod show;
mod take;

use std::{sync::Arc, time::Duration};

use bootwatch_alerts::Engine;
use bootwatch_rules::{
    Height,
    forecast::Forecasts,
    ledger::Ledger,
    situation::{DataView, RuleMismatch, ServiceView},
};
use bootwatch_schema::Orders;
use jiff::Timestamp;
use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};

use self::gap::Unproven;
use super::{
    coverage::Coverage,
    endpoints::{Endpoints, Evidence, Known},
    error::IngestError,
    fetch::{Fetched, Fetches, Source},
    observe::Owed,
    pending::Pending,
    plan,
    progress::Progress,
    referee,
    reorder::{Reorder, WINDOW, Waiting},
    resume::Resumed,
    watcher::{Pushed, Watcher},
    writer::Writer,
};
use crate::{
    metrics::{BlockSource, Metrics},
    situation::{Publisher, Subject},
};

/// Blocks behind the head within which a block counts as at the tip.
const NEAR: Height = 5;
/// Frames that may wait; the reorder window is what bounds their use.
const FRAMES: usize = 16;
/// Runs that are fetched at a time, at most.
const RUNS: usize = 8;
/// How often the Situation is built anew without a block: time alone makes it stale.
const REFRESH: Duration = Duration::from_secs(1);
/// How often the daemon notes for other processes how it stands.
const NOTE_SERVICE: Duration = Duration::from_secs(5);

/// What ingestion is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) subject: Subject,
    pub(crate) endpoints: Arc<Endpoints>,
    pub(crate) source: Source,
    pub(crate) writer: Writer,
    pub(crate) engine: Engine,
    pub(crate) publisher: Publisher,
    pub(crate) metrics: Arc<Metrics>,
    /// Wakes the couriers when a message was stored.
    pub(crate) mail: Arc<Notify>,
    /// What operators have ordered.
    pub(crate) orders: watch::Receiver<Orders>,
    /// How Bootwatch itself stands, as far as it is measured elsewhere.
    pub(crate) service: watch::Receiver<ServiceView>,
    /// Decisions are shown and not kept.
    pub(crate) dry_run: bool,
}

/// What the loop at the tip and the one that fills history tell each other.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) coverage: Arc<Coverage>,
    /// Where the ledger stands, for history; changes when that matters to it.
    pub(crate) standing: watch::Sender<Option<Standing>>,
    /// How far history is; none while nothing of it is wanted.
    pub(crate) history: watch::Sender<Option<Progress>>,
}

/// Where the ledger stands, as far as history needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// What the chain's clock says.
    pub(crate) epochs: Option<plan::Epochs>,
    /// The tip has been reached: history may go on.
    pub(crate) at_tip: bool,
}

impl Shared {
    pub(crate) fn new(coverage: Coverage) -> Self {
        Self {
            coverage: Arc::new(coverage),
            standing: watch::Sender::new(None),
            history: watch::Sender::new(None),
        }
    }
}

/// The state of the loop.
pub(crate) struct Follow {
    parts: Parts,
    shared: Shared,
    ledger: Arc<Ledger>,
    /// The last height that was taken in or given up; none in an empty store.
    done: Option<Height>,
    /// The hash of the ledger's tip; none where nothing is there to link to.
    last_hash: Option<String>,
    data: DataView,
    forecasts: Forecasts,
    owed: Owed,
    reorder: Reorder,
    fetches: Fetches,
    /// Blocks taken in and not yet committed; none of them is shown before.
    pending: Pending,
    progress: Option<Progress>,
    /// What the next block's header will prove of the newest one, where it came in a frame.
    unproven: Option<Unproven>,
    /// Set while frames at the next height are not trusted: one did not link.
    distrust: Option<Height>,
    forks: u32,
    /// Why there is no first block yet.
    obstacle: Option<begin::Obstacle>,
    pushed: mpsc::Receiver<Pushed>,
    pace: watch::Sender<Duration>,
    watchers: JoinSet<()>,
    published: Instant,
    /// When the newest block was taken in.
    advanced_at: Option<Timestamp>,
    /// The newest contradiction between the chain and our rules.
    mismatch: Option<RuleMismatch>,
}

impl Follow {
    /// Starts the watchers; [`Follow::run`] does the rest.
    pub(crate) fn new(parts: Parts, resumed: Resumed) -> Self {
        let (blocks, pushed) = mpsc::channel(FRAMES);
        let (pace, interval) = watch::channel(show::measured(&resumed.ledger));
        let mut watchers = JoinSet::new();
        for index in 0..parts.endpoints.len() {
            let watcher = Watcher {
                index,
                endpoints: Arc::clone(&parts.endpoints),
                blocks: blocks.clone(),
                interval: interval.clone(),
                metrics: Arc::clone(&parts.metrics),
            };
            watchers.spawn(watcher.run());
        }
        watchers.spawn(referee::arbitrate(Arc::clone(&parts.endpoints)));
        if let (Some(tip), Some(hash)) = (resumed.ledger.tip, &resumed.last_hash) {
            let (height, time, hash) = (tip.height, tip.time, hash.clone());
            parts.endpoints.note_stored(None, Known { height, hash, time });
        }
        Self {
            fetches: Fetches::new(parts.source.clone(), RUNS),
            // Whatever happened while nobody watched: the chain's own answer is compared once.
            owed: Owed::everything(),
            ledger: Arc::new(resumed.ledger),
            done: resumed.done,
            last_hash: resumed.last_hash,
            data: DataView {
                malformed: resumed.malformed,
                reconciled: resumed.reconciled,
                ..DataView::default()
            },
            forecasts: resumed.forecasts,
            shared: Shared::new(resumed.coverage),
            reorder: Reorder::default(),
            pending: Pending::default(),
            progress: None,
            unproven: None,
            distrust: None,
            forks: 0,
            obstacle: None,
            pushed,
            pace,
            watchers,
            published: Instant::now(),
            advanced_at: None,
            mismatch: None,
            parts,
        }
    }

    /// What history shares with this loop.
    pub(crate) fn shared(&self) -> Shared {
        self.shared.clone()
    }

    /// Takes blocks in until something makes that impossible. May be dropped at any moment: what
    /// was handed to the writer is written whole, and what was not is fetched again.
    pub(crate) async fn run(&mut self) -> Result<(), IngestError> {
        let mut views = self.parts.endpoints.changes();
        let mut refresh = interval(REFRESH);
        refresh.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut note = interval(NOTE_SERVICE);
        note.set_missed_tick_behavior(MissedTickBehavior::Delay);
        if self.ledger.tip.is_some() {
            self.publish(Timestamp::now());
        }
        loop {
            while self.advance().await? {
                self.plan();
            }
            self.plan();
            self.stand();
            tokio::select! {
                biased;
                Some(pushed) = self.pushed.recv() => self.take_frame(pushed),
                fetched = self.fetches.done() => self.take_fetched(fetched?).await?,
                Ok(()) = views.changed() => self.look_at_endpoints()?,
                Some(ended) = self.watchers.join_next() => ended?,
                _ = note.tick() => self.note_service().await?,
                _ = refresh.tick() => {
                    self.parts.endpoints.tick();
                    self.look_at_endpoints()?;
                    if self.ledger.tip.is_some() {
                        self.look_again().await?;
                    } else {
                        self.publish_beginning();
                    }
                }
            }
        }
    }

    /// The height that is wanted: the one after the tip, or the head where nothing is stored yet.
    fn next(&self) -> Option<Height> {
        match self.done {
            Some(done) => Some(done.saturating_add(1)),
            None => Some(self.parts.endpoints.head()).filter(|head| *head > 0),
        }
    }

    /// Takes in what there is of the next blocks, up to one transaction. True when there is more.
    async fn advance(&mut self) -> Result<bool, IngestError> {
        // Endpoints disagree: whom to believe is not decided here.
        if self.parts.endpoints.disagreement().is_some() {
            return Ok(false);
        }
        if self.ledger.tip.is_none() && self.next().is_some() {
            if !self.parts.endpoints.are_mustered() {
                return Ok(false);
            }
            self.begin().await?;
        }
        while let Some(next) = self.next() {
            let Some(block) = self.reorder.take(next) else { break };
            self.take_in(block).await?;
            if self.parts.endpoints.disagreement().is_some() {
                break;
            }
            if self.pending.is_full() {
                self.commit_pending().await?;
                return Ok(true);
            }
        }
        self.commit_pending().await?;
        Ok(false)
    }

    /// Begins to fetch what is missing up to the head, within the window.
    fn plan(&mut self) {
        let Some(done) = self.done else { return };
        let head = self.parts.endpoints.head();
        let next = done.saturating_add(1);
        let window = (next, head.min(done.saturating_add(WINDOW)));
        let held = |height| self.reorder.has(height);
        let length = plan::run_length(window, self.fetches.capacity());
        let runs = plan::runs(window, self.fetches.claimed(), held, length);
        for run in runs.into_iter().take(self.fetches.room()) {
            // The block that everything waits for is fetched even when the rest must wait.
            if run.0 == next || self.reorder.has_room() {
                self.fetches.begin(run);
            }
        }
    }

    fn take_frame(&mut self, pushed: Pushed) {
        let Pushed { endpoint, facts, proof, arrived } = pushed;
        self.parts.endpoints.note_block(endpoint, facts.height, &facts.hash);
        let Some(done) = self.done else { return };
        if self.distrust == Some(facts.height) {
            return;
        }
        let source = BlockSource::Websocket;
        let (proof, arrived) = (Some(proof), Some(arrived));
        let block = Waiting { endpoint, source, facts, proof, arrived };
        self.reorder.offer(done.saturating_add(1), block);
    }

    async fn take_fetched(&mut self, fetched: Fetched) -> Result<(), IngestError> {
        let Some(next) = self.next() else { return Ok(()) };
        match fetched.outcome {
            Ok(blocks) => {
                let head = self.parts.endpoints.head();
                for found in blocks {
                    let near = head.saturating_sub(found.facts.height) <= NEAR;
                    let source = if near { BlockSource::Poll } else { BlockSource::Backfill };
                    let (endpoint, facts) = (found.endpoint, found.facts);
                    self.reorder.offer(
                        next,
                        Waiting { endpoint, source, facts, proof: None, arrived: None },
                    );
                }
                Ok(())
            }
            Err(gone) if fetched.range.0 == next => self.give_up(next, gone).await,
            // Its turn has not come: it is asked for again then.
            Err(_) => Ok(()),
        }
    }

    /// A change of an endpoint's view. That all serve another chain ends the daemon before the first
    /// block only: later, a wrong endpoint is shown and may be repaired. That our own chain is gone
    /// always ends it.
    fn look_at_endpoints(&mut self) -> Result<(), IngestError> {
        if let Some(Evidence { height, ours, theirs }) = self.parts.endpoints.fork() {
            return Err(IngestError::Fork { height, ours, theirs });
        }
        if self.ledger.tip.is_none() && self.parts.endpoints.all_wrong() {
            return Err(IngestError::WrongChain {
                chain_id: self.parts.subject.chain_id.to_string(),
                reasons: self.parts.endpoints.reasons(),
            });
        }
        Ok(())
    }

    /// Tells history where the ledger stands.
    fn stand(&mut self) {
        let Some(tip) = self.ledger.tip else { return };
        let at_tip = self.parts.endpoints.head().saturating_sub(tip.height) <= NEAR;
        let standing = Some(Standing { epochs: plan::Epochs::of(&self.ledger), at_tip });
        self.shared
            .standing
            .send_if_modified(|current| std::mem::replace(current, standing) != standing);
    }
}
