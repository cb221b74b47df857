//! Blocks by height over HTTP, several at a time.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use bootwatch_rules::{BlockFacts, Height};
use tokio::{
    task::{JoinError, JoinSet},
    time::sleep,
};

use super::endpoints::Endpoints;
use crate::{
    chain::{ChainError, Class, Rpc},
    decode,
};

/// Blocks fetched at a time.
const CONCURRENT: usize = 8;
/// Bodies larger than this are read on a thread of their own.
const LARGE_BODY: usize = 256 << 10;
/// Rounds over all endpoints in which every one says that it has a height no more, before that is
/// believed.
const UNAVAILABLE_ROUNDS: u32 = 3;

/// What came of fetching one height.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) height: Height,
    pub(crate) outcome: Result<Found, Gone>,
}

/// A block and where it came from.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) endpoint: usize,
    pub(crate) facts: Box<BlockFacts>,
}

/// No endpoint has it any more.
#[derive(Debug, Clone)]
pub(crate) struct Gone {
    /// What they said.
    pub(crate) reason: String,
}

/// Fetches under way. Dropping it ends them.
#[derive(Debug)]
pub(crate) struct Fetches {
    endpoints: Arc<Endpoints>,
    running: JoinSet<Fetched>,
    heights: BTreeSet<Height>,
}

impl Fetches {
    pub(crate) fn new(endpoints: Arc<Endpoints>) -> Self {
        Self { endpoints, running: JoinSet::new(), heights: BTreeSet::new() }
    }

    /// Whether another may begin.
    pub(crate) fn has_room(&self) -> bool {
        self.heights.len() < CONCURRENT
    }

    pub(crate) fn is_running(&self, height: Height) -> bool {
        self.heights.contains(&height)
    }

    pub(crate) fn begin(&mut self, height: Height) {
        if self.heights.insert(height) {
            self.running.spawn(fetch(Arc::clone(&self.endpoints), height));
        }
    }

    /// The next that is done; waits for ever while none is running. The error is a defect in the
    /// decoder.
    pub(crate) async fn done(&mut self) -> Result<Fetched, JoinError> {
        match self.running.join_next().await {
            Some(fetched) => {
                let fetched = fetched?;
                self.heights.remove(&fetched.height);
                Ok(fetched)
            }
            None => std::future::pending().await,
        }
    }

    /// Forgets all that runs.
    pub(crate) fn clear(&mut self) {
        self.running = JoinSet::new();
        self.heights.clear();
    }
}

/// Fetches one height, for as long as it takes: endpoints come back, blocks arrive.
pub(crate) async fn fetch(endpoints: Arc<Endpoints>, height: Height) -> Fetched {
    let mut delays = delays();
    let mut unavailable = 0;
    loop {
        let mut refusals = Vec::new();
        let mut waits = false;
        let mut order = endpoints.candidates(height);
        if order.is_empty() {
            order = endpoints.usable();
        }
        for &index in &order {
            match fetch_from(endpoints.rpc(index), height).await {
                Ok(facts) => {
                    let found = Found { endpoint: index, facts: Box::new(facts) };
                    return Fetched { height, outcome: Ok(found) };
                }
                Err(error) if error.class == Class::Unavailable => refusals.push(error.to_string()),
                Err(error) => {
                    waits |= error.class == Class::NotYet;
                    if error.class != Class::NotYet {
                        tracing::warn!(%error, "block not fetched; trying again");
                        endpoints.poke(index);
                    }
                }
            }
        }
        if !order.is_empty() && refusals.len() == order.len() {
            unavailable += 1;
            if unavailable >= UNAVAILABLE_ROUNDS {
                let gone = Gone { reason: refusals.join("; ") };
                return Fetched { height, outcome: Err(gone) };
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

/// One attempt at one endpoint.
pub(crate) async fn fetch_from(rpc: &Rpc, height: Height) -> Result<BlockFacts, ChainError> {
    let bodies = rpc.bodies(height).await?;
    let chain_id = Arc::clone(rpc.chain_id());
    let large = bodies.len() > LARGE_BODY;
    let read = move || {
        let (block, results) = bodies.read()?;
        decode::fetched(&chain_id, height, &block, &results)
            .map_err(|error| bodies.contradiction(error.to_string()))
    };
    if !large {
        return read();
    }
    match tokio::task::spawn_blocking(read).await {
        Ok(outcome) => outcome,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn delays() -> backon::ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(15))
        .with_jitter()
        .without_max_times()
        .build()
}
