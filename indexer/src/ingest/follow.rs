//! The loop that takes blocks in, one after another.

use std::{sync::Arc, time::Duration};

use bootwatch_alerts::{Decision, Engine};
use bootwatch_rules::{
    Height, RuleSet,
    forecast::{Forecasts, KeptForecast},
    ledger::{Cause, Ledger},
    pace::Pace,
    situation::{DataView, Situation},
};
use bootwatch_schema::{EndpointRecord, Loaded, Unfillable};
use jiff::Timestamp;
use tokio::{
    sync::{Notify, mpsc, watch},
    task::{JoinError, JoinSet},
    time::{Instant, MissedTickBehavior, interval, sleep},
};

use super::{
    audit,
    endpoints::{Endpoints, Evidence, Known},
    fetch::{Fetched, Fetches, Found, Gone, fetch},
    link::{self, Verdict},
    observe::{Owed, observe},
    referee,
    reorder::{Reorder, WINDOW, Waiting},
    watcher::{Pushed, Watcher},
    writer::{Batch, WriteError, Writer, complete_from},
};
use crate::{
    metrics::{BlockSource, Metrics},
    situation::{Moment, Publisher, Subject},
};

/// Blocks behind the head within which a block counts as at the tip.
const NEAR: Height = 5;
/// Frames that may wait; the reorder window is what bounds their use.
const FRAMES: usize = 16;
/// The chain's state is read at least once in that many blocks.
const STATE_EVERY: Height = 300;
/// How often the Situation is built anew without a block: time alone makes it stale.
const REFRESH: Duration = Duration::from_secs(1);
/// How often progress shows while catching up.
const PROGRESS: Duration = Duration::from_millis(250);
/// How often the endpoints are noted for other processes.
const NOTE_ENDPOINTS: Duration = Duration::from_secs(5);
/// A fork is believed when it is seen that often.
const FORK_PROOFS: u32 = 2;

/// Why ingestion ended. It never ends because of a node that is merely away.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// Every endpoint serves another chain.
    #[error(
        "no endpoint serves the chain {chain_id:?} ({reasons}); correct [chain] chain_id or [[endpoint]] rpc"
    )]
    WrongChain {
        /// The configured chain.
        chain_id: String,
        /// What the endpoints said.
        reasons: String,
    },
    /// Every endpoint holds a chain that does not continue ours.
    #[error(
        "block {height} of every endpoint is another than the one stored (stored {ours}, theirs \
         {theirs}): the chain was reset or rolled back; check the endpoints, or keep this database \
         and give bootwatch a new [store] path"
    )]
    Fork {
        /// The last stored block.
        height: Height,
        /// Its stored hash.
        ours: String,
        /// The hash at the last endpoint that was asked.
        theirs: String,
    },
    /// The store refused a block.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A task panicked: a defect.
    #[error("a part of ingestion failed: {0}")]
    Defect(#[from] JoinError),
}

/// What ingestion is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) subject: Subject,
    pub(crate) endpoints: Arc<Endpoints>,
    pub(crate) writer: Writer,
    pub(crate) engine: Engine,
    pub(crate) publisher: Publisher,
    pub(crate) metrics: Arc<Metrics>,
    /// Wakes the couriers when a message was stored.
    pub(crate) mail: Arc<Notify>,
}

/// Where a store left off.
#[derive(Debug)]
pub(crate) struct Resumed {
    ledger: Ledger,
    done: Option<Height>,
    last_hash: Option<String>,
    complete_from: Height,
    data: DataView,
    forecasts: Forecasts,
}

impl From<Loaded> for Resumed {
    fn from(loaded: Loaded) -> Self {
        let mut ledger = loaded.ledger;
        let tip = ledger.tip.map(|tip| tip.height);
        let holes = &loaded.coverage.unfillable;
        let complete_from = tip.map_or(0, |tip| complete_from(&loaded.coverage.stored, tip));
        // A hole may have been recorded in the last moment before a crash.
        let hole_ahead = tip.and_then(|tip| {
            holes.iter().find(|hole| hole.first == tip.saturating_add(1)).map(|hole| hole.last)
        });
        let hole_behind = holes.iter().any(|hole| hole.last.saturating_add(1) == complete_from);
        if hole_ahead.is_some() || hole_behind {
            ledger.known_hosts.clear();
        }
        Self {
            done: hole_ahead.or(tip),
            last_hash: loaded.last_hash.filter(|_| hole_ahead.is_none()),
            complete_from,
            data: DataView {
                unfillable: holes.iter().map(|hole| (hole.first, hole.last)).collect(),
                malformed: loaded.malformed,
                reconciled: loaded.reconciled,
                disagreement: None,
            },
            forecasts: loaded.forecasts,
            ledger,
        }
    }
}

/// The state of the loop.
pub(crate) struct Follow {
    parts: Parts,
    ledger: Arc<Ledger>,
    /// The last height that is stored or given up; none in an empty store.
    done: Option<Height>,
    /// The hash of the ledger's tip; none where nothing is there to link to.
    last_hash: Option<String>,
    complete_from: Height,
    data: DataView,
    forecasts: Forecasts,
    owed: Owed,
    reorder: Reorder,
    fetches: Fetches,
    /// Set while frames at the next height are not trusted: one did not link.
    distrust: Option<Height>,
    forks: u32,
    pushed: mpsc::Receiver<Pushed>,
    pace: watch::Sender<Duration>,
    watchers: JoinSet<()>,
    published: Instant,
}

impl Follow {
    /// Starts the watchers; [`Follow::run`] does the rest.
    pub(crate) fn new(parts: Parts, resumed: Resumed) -> Self {
        let (blocks, pushed) = mpsc::channel(FRAMES);
        let (pace, interval) = watch::channel(measured(&resumed.ledger));
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
            fetches: Fetches::new(Arc::clone(&parts.endpoints)),
            // Whatever happened while nobody watched: the chain's own answer is compared once.
            owed: Owed::everything(),
            ledger: Arc::new(resumed.ledger),
            done: resumed.done,
            last_hash: resumed.last_hash,
            complete_from: resumed.complete_from,
            data: resumed.data,
            forecasts: resumed.forecasts,
            reorder: Reorder::default(),
            distrust: None,
            forks: 0,
            pushed,
            pace,
            watchers,
            published: Instant::now(),
            parts,
        }
    }

    /// Takes blocks in until something makes that impossible. May be dropped at any moment: what
    /// was handed to the writer is written whole.
    pub(crate) async fn run(&mut self) -> Result<(), IngestError> {
        let mut views = self.parts.endpoints.changes();
        let mut refresh = interval(REFRESH);
        refresh.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut note = interval(NOTE_ENDPOINTS);
        note.set_missed_tick_behavior(MissedTickBehavior::Delay);
        if self.ledger.tip.is_some() {
            self.publish(Timestamp::now());
        }
        loop {
            self.advance().await?;
            self.plan();
            tokio::select! {
                biased;
                Some(pushed) = self.pushed.recv() => self.take_frame(pushed),
                fetched = self.fetches.done() => self.take_fetched(fetched?).await?,
                Ok(()) = views.changed() => self.look_at_endpoints()?,
                Some(ended) = self.watchers.join_next() => ended?,
                _ = note.tick() => self.note_endpoints().await?,
                _ = refresh.tick() => {
                    self.parts.endpoints.tick();
                    self.look_at_endpoints()?;
                    if self.ledger.tip.is_some() {
                        self.publish(Timestamp::now());
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

    /// Takes in everything whose turn it is.
    async fn advance(&mut self) -> Result<(), IngestError> {
        // Endpoints disagree: whom to believe is not decided here.
        if self.parts.endpoints.disagreement().is_some() {
            return Ok(());
        }
        if self.ledger.tip.is_none() && self.next().is_some() {
            if !self.parts.endpoints.are_mustered() {
                return Ok(());
            }
            self.begin().await?;
        }
        while let Some(next) = self.next() {
            let Some(block) = self.reorder.take(next) else { break };
            self.take_in(block).await?;
            if self.parts.endpoints.disagreement().is_some() {
                break;
            }
        }
        Ok(())
    }

    /// Begins to fetch what is missing up to the head, within the window.
    fn plan(&mut self) {
        let Some(done) = self.done else { return };
        let head = self.parts.endpoints.head();
        for height in done.saturating_add(1)..=head.min(done.saturating_add(WINDOW)) {
            if !self.fetches.has_room() {
                break;
            }
            if !self.reorder.has(height) && !self.fetches.is_running(height) {
                self.fetches.begin(height);
            }
        }
    }

    fn take_frame(&mut self, pushed: Pushed) {
        let Pushed { endpoint, facts, arrived } = pushed;
        self.parts.endpoints.note_block(endpoint, facts.height, &facts.hash);
        let Some(done) = self.done else { return };
        if self.distrust == Some(facts.height) {
            return;
        }
        let block =
            Waiting { endpoint, source: BlockSource::Websocket, facts, arrived: Some(arrived) };
        self.reorder.offer(done.saturating_add(1), block);
    }

    async fn take_fetched(&mut self, fetched: Fetched) -> Result<(), IngestError> {
        let Some(next) = self.next() else { return Ok(()) };
        match fetched.outcome {
            Ok(Found { endpoint, facts }) => {
                let behind = self.parts.endpoints.head().saturating_sub(facts.height);
                let source = if behind <= NEAR { BlockSource::Poll } else { BlockSource::Backfill };
                self.reorder.offer(next, Waiting { endpoint, source, facts, arrived: None });
                Ok(())
            }
            Err(gone) if fetched.height == next => self.give_up(next, gone).await,
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

    /// The first block of an empty store: the head, with everything read at that height.
    async fn begin(&mut self) -> Result<(), IngestError> {
        while self.ledger.tip.is_none() {
            let head = self.parts.endpoints.head();
            tracing::info!(height = head, "reading the base: parameters, members, choices");
            let fetched = fetch(Arc::clone(&self.parts.endpoints), head).await;
            let Ok(Found { endpoint, facts }) = fetched.outcome else {
                sleep(PROGRESS).await;
                continue;
            };
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
        let facts = match super::fetch::fetch_from(rpc, height).await {
            Ok(facts) => facts,
            Err(error) => {
                tracing::info!(height, %error, "the last capture before the start is not known");
                return Ok(());
            }
        };
        let ledger = Arc::make_mut(&mut self.ledger);
        for capture in &facts.captures {
            ledger.captures.insert(capture.model_id.clone(), capture.clone());
        }
        let captures = facts.captures.len();
        tracing::info!(height, captures, "looked up the last capture before the start");
        self.parts.writer.keep(vec![facts]).await?;
        self.publish(Timestamp::now());
        Ok(())
    }

    /// Takes in the block whose turn it is: observation, ledger, alerts, store, Situation.
    async fn take_in(&mut self, block: Waiting) -> Result<(), IngestError> {
        let Waiting { endpoint, source, facts, arrived } = block;
        if let Some(ours) = &self.last_hash
            && facts.parent != *ours
        {
            let ours = ours.clone();
            return self.broken_link(endpoint, source, *facts, ours).await;
        }
        let facts = *facts;
        let head = self.parts.endpoints.head();
        let watched = &self.parts.subject.addresses;
        let wanted = self.owed.wanted(&self.ledger, &facts, watched, STATE_EVERY, head);
        let observation =
            observe(&self.parts.endpoints, &mut self.owed, &self.ledger, &facts, watched, wanted)
                .await;
        if self.ledger.tip.is_none() && !is_base(observation.as_ref(), &self.owed) {
            // Without its base a ledger would be wrong without knowing it.
            tracing::warn!(height = facts.height, "the base could not be read; trying the next");
            return Ok(());
        }
        if self.ledger.tip.is_none() || self.last_hash.is_none() {
            self.complete_from = facts.height;
        }
        let foretold = self.foretell(facts.height);
        let ledger = Arc::make_mut(&mut self.ledger);
        let changes = ledger.apply(&facts, observation.as_ref());
        let reconciled = changes.choices.iter().filter(|c| c.cause == Cause::Reconciled).count();
        self.data.reconciled = self.data.reconciled.saturating_add(count(reconciled));
        self.data.malformed = self.data.malformed.saturating_add(count(facts.malformed.len()));
        for audit::Contradiction { statement, difference } in
            audit::contradicted(&self.ledger, &facts)
        {
            tracing::error!(height = facts.height, difference, "our rules are wrong here");
            self.parts.metrics.rule_mismatch(statement);
        }
        let progress = self.forecasts.advance(foretold, &self.ledger);
        if let Some(progress) = &progress {
            audit::tell(progress, &self.parts.metrics);
        }
        let near = head.saturating_sub(facts.height) <= NEAR;
        let (situation, decision) = self.decide(&facts, head, near);
        self.last_hash = Some(facts.hash.clone());
        self.done = Some(facts.height);
        let stored = Known { height: facts.height, hash: facts.hash.clone(), time: facts.time };
        self.parts.endpoints.note_stored(Some(endpoint), stored);
        self.distrust = None;
        self.forks = 0;
        let told = !decision.messages.is_empty();
        let block_time = facts.time;
        self.count(&facts, source);
        let batch = Batch {
            facts,
            observation,
            changes,
            ledger: Arc::clone(&self.ledger),
            forecast: progress.map(|progress| progress.forecast),
            incidents: decision.incidents,
            messages: decision.messages,
        };
        self.parts.writer.commit(batch).await?;
        if told {
            self.parts.mail.notify_one();
        }
        if near {
            self.parts.metrics.delayed(block_time, Timestamp::now());
        }
        if let Some(situation) = situation {
            self.publish_this(situation);
            if let Some(arrived) = arrived {
                self.parts.metrics.visible(arrived.elapsed());
            }
        } else if self.published.elapsed() >= PROGRESS {
            self.publish(Timestamp::now());
        }
        Ok(())
    }

    /// The forecast of the charges, when that block fixes them: this is the last moment for it.
    fn foretell(&self, block: Height) -> Option<KeptForecast> {
        if !self.ledger.forms_at(block) {
            return None;
        }
        let subject = &self.parts.subject;
        let version = self.ledger.app_version.as_deref();
        let rule_set = RuleSet::in_force(subject.rule_set, version);
        KeptForecast::new(&self.ledger, rule_set, self.complete_from, &subject.addresses)
    }

    /// What the block calls for. Far behind the head only captures are judged, as of their own
    /// time: what they say must be told, and everything else is judged when the tip is reached.
    fn decide(
        &mut self,
        facts: &bootwatch_rules::BlockFacts,
        head: Height,
        near: bool,
    ) -> (Option<Situation>, Decision) {
        if !near && facts.captures.is_empty() {
            return (None, Decision::default());
        }
        let now = if near { Timestamp::now() } else { facts.time };
        let seen_head = if near { head } else { facts.height };
        let situation = self.judge(now, seen_head);
        let decision = self.parts.engine.evaluate(&situation, now);
        self.parts.metrics.evaluated(Timestamp::now());
        (near.then_some(situation), decision)
    }

    fn count(&self, facts: &bootwatch_rules::BlockFacts, source: BlockSource) {
        let metrics = &self.parts.metrics;
        metrics.block_stored(source);
        metrics.events("bootstrap_model_preeligibility", count(facts.captures.len()));
        metrics.events("choice", count(facts.choices.len()));
        metrics.events("store_commit", count(facts.commits.len()));
        for event in &facts.events {
            metrics.events(&event.kind, 1);
        }
        for malformed in &facts.malformed {
            metrics.undecodable(&malformed.what);
            tracing::warn!(
                height = facts.height,
                what = malformed.what,
                place = malformed.place,
                reason = malformed.reason,
                "something in a block cannot be read; it is kept as it came"
            );
        }
    }

    /// A block does not name ours as its parent.
    async fn broken_link(
        &mut self,
        endpoint: usize,
        source: BlockSource,
        facts: bootwatch_rules::BlockFacts,
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
    async fn give_up(&mut self, first: Height, gone: Gone) -> Result<(), IngestError> {
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
        match self.data.unfillable.last_mut() {
            Some((_, end)) if end.saturating_add(1) == first => *end = last,
            _ => self.data.unfillable.push((first, last)),
        }
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

    async fn note_endpoints(&mut self) -> Result<(), IngestError> {
        let at = Timestamp::now();
        let views = self.parts.endpoints.views();
        let records = views.into_iter().map(|view| EndpointRecord { view, at }).collect();
        if self.ledger.tip.is_none() {
            return Ok(());
        }
        Ok(self.parts.writer.note_endpoints(records).await?)
    }

    fn judge(&self, now: Timestamp, head: Height) -> Situation {
        let mut endpoints = self.parts.endpoints.views();
        if let Some(trouble) = self.parts.writer.trouble() {
            for view in endpoints.iter_mut().filter(|view| view.selected) {
                view.reason = Some(trouble.clone());
            }
        }
        let moment = Moment {
            head,
            complete_from: self.complete_from,
            endpoints: &endpoints,
            data: DataView {
                disagreement: self.parts.endpoints.disagreement_view(),
                ..self.data.clone()
            },
            records: self.forecasts.records(),
            now,
        };
        self.parts.subject.judge(&self.ledger, moment)
    }

    fn publish(&mut self, now: Timestamp) {
        let situation = self.judge(now, self.parts.endpoints.head());
        self.publish_this(situation);
    }

    fn publish_this(&mut self, situation: Situation) {
        let interval = measured(&self.ledger);
        self.pace.send_if_modified(|current| std::mem::replace(current, interval) != interval);
        self.parts.publisher.publish(situation);
        self.published = Instant::now();
    }
}

/// A base is complete when everything that was asked for was read.
fn is_base(observation: Option<&bootwatch_rules::Observation>, owed: &Owed) -> bool {
    observation.is_some_and(|o| o.state.is_some()) && owed.is_nothing()
}

/// Measured time between blocks; Gonka's own before any is measured.
fn measured(ledger: &Ledger) -> Duration {
    Pace::measure(&ledger.ticks)
        .and_then(|pace| Duration::try_from(pace.interval()).ok())
        .unwrap_or(Duration::from_secs(5))
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

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
