//! What lies below the ledger: filled downwards while the tip goes on, and by `bootwatch backfill`
//! without the daemon. The ledger does not go through these blocks; they are kept for what they
//! say, and link by hash to their neighbours.
//!
//! Heights that no endpoint has are recorded as unfillable, and are asked for again when an endpoint
//! turns up that has them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use bootwatch_rules::{BlockFacts, Height};
use bootwatch_schema::{StoreError, Unfillable};
use jiff::Timestamp;
use tokio::time::{Instant, timeout};

use super::{
    error::IngestError,
    fetch::{Fetched, Fetches, Found, Gone, Source},
    follow::{Shared, Standing},
    link::shows_ours,
    plan::{Depth, Epochs, Ground, Lane, next_run},
    progress::Progress,
    ranges::{Range, Ranges},
    writer::{WriteError, Writer},
};
use crate::metrics::Metrics;

/// Runs that are fetched at a time.
const RUNS: usize = 4;
/// What every endpoint refused is asked for again after this long.
const REFUSED_FOR: Duration = Duration::from_secs(3600);
/// Refusals in a row, of heights that an endpoint says it has, after which whole runs count as
/// refused: it keeps no results at all.
const REFUSALS: u32 = 3;
/// A look around now and then, even when nothing has changed.
const ROUTINE: Duration = Duration::from_secs(30);
/// Runs of one endpoint that do not link to what is stored, after which it is left alone.
const STRIKES: u32 = 2;
/// How long a run of doubtful origin waits before it is asked for again.
const DOUBT: Duration = Duration::from_millis(500);

/// What history is made of.
#[derive(Debug)]
pub(crate) struct HistoryParts {
    pub(crate) source: Source,
    pub(crate) writer: Writer,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) shared: Shared,
    pub(crate) depth: Depth,
    /// The heights of all captures that are stored.
    pub(crate) captures: BTreeSet<Height>,
    /// The highest height that may be filled; without it, the newest that is stored.
    pub(crate) top: Option<Height>,
}

/// Fills history.
#[derive(Debug)]
pub(crate) struct History {
    parts: HistoryParts,
    fetches: Fetches,
    lanes: BTreeMap<Height, Lane>,
    refused: Vec<Refused>,
    refusals: u32,
    absent: Option<BTreeSet<Height>>,
    strikes: BTreeMap<usize, u32>,
    progress: Progress,
}

/// Heights that every endpoint refused.
#[derive(Debug)]
struct Refused {
    range: Range,
    by: Vec<usize>,
    until: Instant,
}

impl History {
    pub(crate) fn new(parts: HistoryParts) -> Self {
        Self {
            fetches: Fetches::new(parts.source.routine(), RUNS),
            parts,
            lanes: BTreeMap::new(),
            refused: Vec::new(),
            refusals: 0,
            absent: None,
            strikes: BTreeMap::new(),
            progress: Progress::default(),
        }
    }

    /// Fills what is wanted whenever the tip has been reached; never ends by itself. May be dropped
    /// at any moment.
    pub(crate) async fn run(mut self) -> Result<(), IngestError> {
        let mut standing = self.parts.shared.standing.subscribe();
        let mut views = self.parts.source.endpoints.changes();
        loop {
            // Taken out at once: a borrow would keep the tip from telling more.
            let now = *standing.borrow_and_update();
            if let Some(now) = now.filter(|standing| standing.at_tip) {
                self.step(now.epochs).await?;
            }
            tokio::select! {
                fetched = self.fetches.done() => self.take(fetched?).await?,
                Ok(()) = standing.changed() => {}
                // Endpoints change with every block; only an idle lane has to look.
                Ok(()) = views.changed(), if self.fetches.is_idle() => {}
                () = tokio::time::sleep(ROUTINE) => {}
            }
        }
    }

    /// Fills what is wanted, then ends; gives what is left of it, which no endpoint has. `watch` is
    /// told of every step.
    pub(crate) async fn complete(
        mut self,
        standing: Standing,
        mut watch: impl FnMut(&Progress),
    ) -> Result<Ranges, IngestError> {
        loop {
            self.step(standing.epochs).await?;
            if self.fetches.is_idle() {
                break;
            }
            // Silence is worth showing as well.
            if let Ok(fetched) = timeout(Duration::from_secs(1), self.fetches.done()).await {
                self.take(fetched?).await?;
                self.count_left(standing.epochs);
            }
            watch(&self.progress);
        }
        let Some(lowest) = self.lowest() else { return Ok(Ranges::default()) };
        Ok(self.with_ground(standing.epochs, lowest, |ground| ground.lost()))
    }

    /// Records what is pruned, and begins to fetch what is missing.
    async fn step(&mut self, epochs: Option<Epochs>) -> Result<(), IngestError> {
        self.forget_refusals();
        let Some(lowest) = self.lowest() else { return Ok(()) };
        let pruned = self.with_ground(epochs, lowest, |ground| ground.pruned());
        if self.all_endpoints_known() {
            for (first, last) in pruned.iter() {
                let reason = format!("no endpoint has a block below {lowest}");
                self.give_up((first, last), reason).await?;
            }
        }
        let missing = self.with_ground(epochs, lowest, |ground| ground.missing());
        let left = missing.iter().map(|(_, ranges)| ranges.count()).sum();
        self.show(left);
        while self.fetches.room() > 0 {
            let Some((lane, run)) = next_run(&missing, self.fetches.claimed()) else { break };
            self.lanes.insert(run.0, lane);
            self.fetches.begin(run);
        }
        Ok(())
    }

    fn with_ground<T>(
        &mut self,
        epochs: Option<Epochs>,
        lowest: Height,
        look: impl FnOnce(&Ground<'_>) -> T,
    ) -> T {
        let coverage = &self.parts.shared.coverage;
        let (stored, unfillable) = (coverage.stored(), coverage.unfillable());
        // What lies above the newest stored block is the ledger's to go through.
        let newest = stored.iter().next_back().map_or(0, |(_, last)| last);
        let top = self.parts.top.unwrap_or(newest);
        let captures = &self.parts.captures;
        let absent = self.absent.get_or_insert_with(|| {
            let expected = epochs.into_iter().flat_map(|epochs| epochs.captures(top));
            let stored = expected.filter(|height| stored.holding(*height).is_some());
            stored.filter(|height| !captures.contains(height)).collect()
        });
        let refused: Ranges = self.refused.iter().map(|refused| refused.range).collect();
        look(&Ground {
            stored: &stored,
            unfillable: &unfillable,
            refused: &refused,
            lowest,
            top,
            epochs,
            depth: self.parts.depth,
            absent,
        })
    }

    /// The lowest height that an endpoint worth asking says it has.
    fn lowest(&self) -> Option<Height> {
        let endpoints = &self.parts.source.endpoints;
        let views = endpoints.views();
        endpoints.usable().into_iter().filter_map(|index| views[index].earliest).min()
    }

    /// An endpoint that is away may have what the others have not.
    fn all_endpoints_known(&self) -> bool {
        use bootwatch_rules::situation::EndpointState::{Down, Unknown};
        let views = self.parts.source.endpoints.views();
        views.iter().all(|view| !matches!(view.state, Down | Unknown))
    }

    fn forget_refusals(&mut self) {
        let endpoints = &self.parts.source.endpoints;
        let views = endpoints.views();
        let usable = endpoints.usable();
        let now = Instant::now();
        self.refused.retain(|refused| {
            let has = |index: &usize| views[*index].earliest.is_some_and(|e| e <= refused.range.1);
            let another = usable.iter().any(|index| !refused.by.contains(index) && has(index));
            now < refused.until && !another
        });
    }

    async fn take(&mut self, fetched: Fetched) -> Result<(), IngestError> {
        let lane = self.lanes.remove(&fetched.range.0);
        match fetched.outcome {
            Ok(found) => self.keep(lane, found).await,
            Err(gone) => self.refuse(fetched.range, gone).await,
        }
    }

    async fn keep(&mut self, lane: Option<Lane>, found: Vec<Found>) -> Result<(), IngestError> {
        let Some(endpoint) = found.first().map(|found| found.endpoint) else { return Ok(()) };
        let blocks: Vec<BlockFacts> = found.into_iter().map(|found| *found.facts).collect();
        let (Some(first), Some(last)) = (blocks.first(), blocks.last()) else { return Ok(()) };
        let range = (first.height, last.height);
        if !self.touches_stored(range) && !shows_ours(&self.parts.source.endpoints, endpoint).await
        {
            tracing::debug!(
                first = range.0,
                last = range.1,
                "history of doubtful origin is not taken"
            );
            // It is asked for again.
            tokio::time::sleep(DOUBT).await;
            return Ok(());
        }
        for block in &blocks {
            if !block.captures.is_empty() {
                self.parts.captures.insert(block.height);
            } else if lane == Some(Lane::Capture)
                && let Some(absent) = &mut self.absent
            {
                absent.insert(block.height);
            }
        }
        match self.parts.writer.keep(blocks).await {
            Ok(()) => {}
            Err(WriteError::Store(StoreError::Conflict { height, reason })) => {
                self.strike(endpoint, height, &reason);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        self.refusals = 0;
        self.strikes.remove(&endpoint);
        self.parts.shared.coverage.store(range);
        let blocks = range.1.abs_diff(range.0).saturating_add(1);
        self.parts.metrics.history_stored(blocks);
        self.progress.add(blocks, self.progress.left().saturating_sub(blocks));
        Ok(())
    }

    /// Whether the store holds a neighbour, to which the range must link.
    fn touches_stored(&self, (first, last): Range) -> bool {
        let stored = self.parts.shared.coverage.stored();
        [first.saturating_sub(1), last.saturating_add(1)]
            .into_iter()
            .any(|neighbour| stored.holding(neighbour).is_some())
    }

    /// A run does not link to what is stored. One answer may be an accident behind a load balancer;
    /// an endpoint that does it again serves another chain there.
    fn strike(&mut self, endpoint: usize, height: Height, reason: &str) {
        let endpoints = &self.parts.source.endpoints;
        self.parts.metrics.endpoint_mismatch(endpoints.name(endpoint));
        tracing::warn!(
            endpoint = endpoints.name(endpoint),
            height,
            reason,
            "a block of history does not fit to what is stored; asking again"
        );
        let strikes = self.strikes.entry(endpoint).or_default();
        *strikes += 1;
        if *strikes >= STRIKES {
            *strikes = 0;
            endpoints
                .note_contradiction(endpoint, format!("its block {height} does not fit: {reason}"));
        }
    }

    /// No endpoint has the first height of a run. When it has been pruned meanwhile, the next look
    /// at the endpoints shows how far; when an endpoint says that it has it, it counts as refused.
    async fn refuse(&mut self, (first, last): Range, gone: Gone) -> Result<(), IngestError> {
        let endpoints = Arc::clone(&self.parts.source.endpoints);
        let usable = endpoints.usable();
        for &index in &usable {
            if let Ok(status) = endpoints.rpc(index).routine().status().await {
                endpoints.note_status(index, &status);
            }
        }
        let lowest = self.lowest().unwrap_or(Height::MAX);
        self.refusals = self.refusals.saturating_add(1);
        let end = if lowest > first {
            last.min(lowest.saturating_sub(1))
        } else if self.refusals >= REFUSALS {
            last
        } else {
            first
        };
        let until = Instant::now() + REFUSED_FOR;
        self.refused.push(Refused { range: (first, end), by: usable, until });
        self.give_up((first, end), gone.reason).await
    }

    async fn give_up(&mut self, (first, last): Range, reason: String) -> Result<(), IngestError> {
        tracing::warn!(first, last, reason, "blocks of history are missing: no endpoint has them");
        let range = Unfillable { first, last, reason, at: Timestamp::now() };
        self.parts.writer.give_up(range).await?;
        self.parts.shared.coverage.give_up((first, last));
        Ok(())
    }

    fn count_left(&mut self, epochs: Option<Epochs>) {
        let Some(lowest) = self.lowest() else { return };
        let missing = self.with_ground(epochs, lowest, |ground| ground.missing());
        self.progress.add(0, missing.iter().map(|(_, ranges)| ranges.count()).sum());
    }

    /// Shows how much is left, to whoever looks.
    fn show(&mut self, left: u64) {
        let was_left = self.progress.left();
        self.progress.add(0, left);
        let rate = if left == 0 { 0.0 } else { self.progress.rate() };
        self.parts.metrics.history(left, rate);
        if left == 0 && was_left > 0 {
            tracing::info!(blocks = self.progress.done(), "history is complete");
        } else if left > 0 && self.progress.is_due() {
            tracing::info!(progress = %self.progress, "filling history");
        }
        let shown = (left > 0).then(|| self.progress.clone());
        self.parts.shared.history.send_replace(shown);
    }
}
