//! Blocks by height over HTTP: runs of them, several at a time.
//!
//! A run is fetched by a task of its own, from one endpoint after another until one has it. Long
//! runs begin with their headers, twenty to an answer: they link the run, tell which blocks are
//! empty, so that only their results are asked for, and prove the results before them. How many
//! calls go into one request, and how many requests run at a time, is each endpoint's
//! [`Flow`](super::flow::Flow).

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use bootwatch_rules::{BlockFacts, Height};
use tokio::{
    task::{JoinError, JoinSet},
    time::sleep,
};

use self::visit::Visit;
use super::{
    endpoints::Endpoints,
    flow::Flow,
    ranges::{Range, Ranges},
};
use crate::{
    chain::{ChainError, Class, Priority, Problem, Rpc},
    decode,
    metrics::Metrics,
};

mod read;
mod visit;

/// Rounds over all endpoints in which every one says that it has a height no more, before that is
/// believed.
const UNAVAILABLE_ROUNDS: u32 = 3;
/// Contradictory answers of one endpoint to one run, after which it is left alone for a while.
const STRIKES: u32 = 2;

/// What came of fetching a run.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) range: Range,
    pub(crate) outcome: Result<Vec<Found>, Gone>,
}

/// A block and where it came from.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) endpoint: usize,
    pub(crate) facts: Box<BlockFacts>,
}

/// No endpoint has the first height of the run any more.
#[derive(Debug, Clone)]
pub(crate) struct Gone {
    /// What they said.
    pub(crate) reason: String,
}

/// The endpoints with what is known of how much each bears. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) endpoints: Arc<Endpoints>,
    flows: Arc<[Flow]>,
    metrics: Arc<Metrics>,
    priority: Priority,
}

impl Source {
    pub(crate) fn new(endpoints: Arc<Endpoints>, metrics: Arc<Metrics>) -> Self {
        let flows = (0..endpoints.len()).map(|_| Flow::default()).collect();
        Self { endpoints, flows, metrics, priority: Priority::Urgent }
    }

    /// The same endpoints, for blocks that may wait: the tip goes first.
    pub(crate) fn routine(&self) -> Self {
        Self { priority: Priority::Routine, ..self.clone() }
    }

    fn rpc(&self, index: usize) -> Rpc {
        let rpc = self.endpoints.rpc(index);
        match self.priority {
            Priority::Urgent => rpc.clone(),
            Priority::Routine => rpc.routine(),
        }
    }

    /// Runs that may be fetched at a time.
    fn room(&self) -> usize {
        let limits = self.endpoints.usable().into_iter().map(|index| self.flows[index].limit());
        limits.sum::<usize>().max(1)
    }
}

/// Runs that are being fetched. Dropping it ends them.
#[derive(Debug)]
pub(crate) struct Fetches {
    source: Source,
    running: JoinSet<Fetched>,
    claimed: Ranges,
    runs: usize,
    most: usize,
}

impl Fetches {
    /// At most `most` runs at a time, and no more than the endpoints bear.
    pub(crate) fn new(source: Source, most: usize) -> Self {
        Self { source, running: JoinSet::new(), claimed: Ranges::default(), runs: 0, most }
    }

    /// How many more runs may begin.
    pub(crate) fn room(&self) -> usize {
        self.capacity().saturating_sub(self.runs)
    }

    /// Runs that may be under way at a time.
    pub(crate) fn capacity(&self) -> usize {
        self.source.room().min(self.most)
    }

    /// The heights that are being fetched.
    pub(crate) fn claimed(&self) -> &Ranges {
        &self.claimed
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.runs == 0
    }

    pub(crate) fn begin(&mut self, range: Range) {
        self.claimed.insert(range);
        self.runs += 1;
        self.running.spawn(fetch(self.source.clone(), range));
    }

    /// The next that is done; waits for ever while none is running. The error is a defect in the
    /// decoder.
    pub(crate) async fn done(&mut self) -> Result<Fetched, JoinError> {
        match self.running.join_next().await {
            Some(fetched) => {
                let fetched = fetched?;
                self.claimed.remove(fetched.range);
                self.runs = self.runs.saturating_sub(1);
                Ok(fetched)
            }
            None => std::future::pending().await,
        }
    }

    /// Forgets all that runs.
    pub(crate) fn clear(&mut self) {
        self.running = JoinSet::new();
        self.claimed = Ranges::default();
        self.runs = 0;
    }
}

/// Fetches a run, for as long as it takes: endpoints come back, blocks arrive. Gives it whole, or
/// its first part when an endpoint failed in the middle, or [`Gone`] for its first block.
pub(crate) async fn fetch(source: Source, range: Range) -> Fetched {
    let endpoints = &source.endpoints;
    let mut delays = delays();
    let mut unavailable = 0;
    let mut strikes: BTreeMap<usize, u32> = BTreeMap::new();
    loop {
        let mut refusals = Vec::new();
        let mut waits = false;
        let mut order = endpoints.candidates(range.0);
        if order.is_empty() {
            // None can have it: what they say tells why.
            order = endpoints.usable();
        }
        for &index in &order {
            let rpc = source.rpc(index);
            let (found, outcome) = Visit::new(&source, index, rpc).run(range).await;
            let Err(error) = outcome else { return Fetched { range, outcome: Ok(found) } };
            match error.class {
                Class::Unavailable => refusals.push(error.to_string()),
                Class::NotYet => waits = true,
                _ => {
                    tracing::warn!(%error, "blocks not fetched; trying again");
                    endpoints.poke(index);
                }
            }
            if let Problem::Inconsistent(reason) = &error.problem {
                source.metrics.endpoint_mismatch(endpoints.name(index));
                let strikes = strikes.entry(index).or_default();
                *strikes += 1;
                if *strikes >= STRIKES {
                    let at = error.height.unwrap_or(range.0);
                    endpoints
                        .note_contradiction(index, format!("its block {at} cannot be: {reason}"));
                }
            }
            if !found.is_empty() {
                return Fetched { range, outcome: Ok(found) };
            }
        }
        if !order.is_empty() && refusals.len() == order.len() {
            unavailable += 1;
            if unavailable >= UNAVAILABLE_ROUNDS {
                let gone = Gone { reason: refusals.join("; ") };
                return Fetched { range, outcome: Err(gone) };
            }
        } else {
            unavailable = 0;
        }
        if waits {
            // The results of the newest block follow within milliseconds.
            sleep(Duration::from_millis(20)).await;
        } else {
            sleep(delays.next().unwrap_or(Duration::from_secs(30))).await;
        }
    }
}

/// One block from one endpoint, at once or not at all.
pub(crate) async fn fetch_from(rpc: &Rpc, height: Height) -> Result<BlockFacts, ChainError> {
    let bodies = rpc.bodies(height).await?;
    let chain_id = Arc::clone(rpc.chain_id());
    let bytes = bodies.len();
    let reading = move || {
        let (block, results) = bodies.read()?;
        decode::fetched(&chain_id, height, &block, &results)
            .map_err(|error| bodies.contradiction(error.to_string()))
    };
    read::aside(bytes, reading).await
}

fn delays() -> backon::ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(15))
        .with_jitter()
        .without_max_times()
        .build()
}
