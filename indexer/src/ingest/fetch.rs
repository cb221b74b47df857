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

use super::{
    endpoints::Endpoints,
    flow::Flow,
    ranges::{Range, Ranges},
};
use crate::{
    chain::{Batch, Call, ChainError, Class, MAX_CALLS, MAX_METAS, Priority, Problem, Reply, Rpc},
    decode::{self, Decoded, Meta},
    metrics::Metrics,
};

/// Up to so many blocks one request carries both parts of all of them: headers would cost another.
const SHORT: Height = 5;
/// Bodies larger than this are read on a thread of their own.
const LARGE_BODY: usize = 256 << 10;
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
            let mut visit = Visit { source: &source, index, rpc, found: Vec::new() };
            let outcome = visit.run(range).await;
            let found = visit.found;
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

/// One attempt at one endpoint.
struct Visit<'s> {
    source: &'s Source,
    index: usize,
    rpc: Rpc,
    /// Blocks of the run's beginning, linked and as far as possible proven.
    found: Vec<Found>,
}

impl Visit<'_> {
    fn flow(&self) -> &Flow {
        &self.source.flows[self.index]
    }

    /// Fetches the run from its first height on; what is whole before an error stays found.
    async fn run(&mut self, (first, last): Range) -> Result<(), ChainError> {
        let short = last - first < SHORT;
        let metas = if short { BTreeMap::new() } else { self.metas(first, last).await? };
        let mut next = first;
        let mut before: Option<Decoded> = None;
        while next <= last {
            let heights = self.fitting(next, last, &metas);
            let part = self.blocks(&heights, &metas).await;
            let (decoded, error) =
                part.map_or_else(|e| (Vec::new(), Some(e)), |p| (p.blocks, p.error));
            for block in decoded {
                if let Some(before) = before.take() {
                    let next = Claim { parent: &block.facts.parent, results: block.proof.claim() };
                    self.accept(before, Some(next))?;
                }
                next = block.facts.height + 1;
                before = Some(block);
            }
            if let Some(error) = error {
                // What came before it is good.
                before.into_iter().try_for_each(|block| self.accept(block, None))?;
                return Err(error);
            }
        }
        if let Some(block) = before {
            let next = metas
                .get(&(last + 1))
                .map(|meta| Claim { parent: meta.parent(), results: meta.claim() });
            self.accept(block, next)?;
        }
        Ok(())
    }

    /// The block is taken, unless the next one's header contradicts it.
    fn accept(&mut self, block: Decoded, next: Option<Claim<'_>>) -> Result<(), ChainError> {
        let Decoded { facts, proof } = block;
        if let Some(next) = next {
            let at = facts.height;
            if next.parent != facts.hash {
                let reason =
                    format!("it is {}, the next block follows {}", facts.hash, next.parent);
                return Err(self.rpc.contradiction(at, reason));
            }
            if proof.contradicts(next.results) {
                let reason = "its results are not those that the next header names".to_owned();
                return Err(self.rpc.contradiction(at, reason));
            }
        }
        self.found.push(Found { endpoint: self.index, facts: Box::new(facts) });
        Ok(())
    }

    /// The headers of a run and, where it exists, of the block after it. One that the node does not
    /// give, because it has pruned it, is no error: asking for the block will show why.
    async fn metas(
        &self,
        first: Height,
        last: Height,
    ) -> Result<BTreeMap<Height, Meta>, ChainError> {
        let head = self.source.endpoints.head().max(last);
        let end = last.saturating_add(1).min(head);
        let mut metas = BTreeMap::new();
        let mut next = first;
        while next <= end {
            let mut calls = Vec::new();
            let mut after = next;
            while after <= end && calls.len() < self.flow().calls() {
                let to = after.saturating_add(MAX_METAS - 1).min(end);
                calls.push(Call::Metas(after, to));
                after = to + 1;
            }
            let Some(batch) = self.send(calls).await? else { continue };
            read_metas(&self.rpc, &batch, &mut metas)?;
            next = after;
        }
        Ok(metas)
    }

    /// The heights from `next` on whose parts fit into one request: two calls for a block with
    /// transactions, one without; at least one height.
    fn fitting(&self, next: Height, last: Height, metas: &BTreeMap<Height, Meta>) -> Vec<Height> {
        let room = self.flow().calls();
        let mut calls = 0;
        let cost =
            |height: &Height| if metas.get(height).is_some_and(Meta::is_empty) { 1 } else { 2 };
        let fits = |height: &Height| {
            calls += cost(height);
            *height == next || calls <= room
        };
        (next..=last).take_while(fits).collect()
    }

    /// The blocks of these heights, in one request.
    async fn blocks(
        &self,
        heights: &[Height],
        metas: &BTreeMap<Height, Meta>,
    ) -> Result<Part, ChainError> {
        let wanted: Vec<(Height, Option<Meta>)> =
            heights.iter().map(|height| (*height, metas.get(height).cloned())).collect();
        let mut calls = Vec::with_capacity(MAX_CALLS);
        for (height, meta) in &wanted {
            if !meta.as_ref().is_some_and(Meta::is_empty) {
                calls.push(Call::Block(*height));
            }
            calls.push(Call::Results(*height));
        }
        // A heavy block: its parts one by one, with all the time and room that there is.
        let batches = if calls.len() == 2 && self.flow().calls() < 2 {
            let mut parts = Vec::new();
            for call in calls {
                let _leave = self.flow().leave().await;
                parts.push(self.rpc.batch(vec![call]).await?);
            }
            parts
        } else {
            match self.send(calls).await? {
                Some(batch) => vec![batch],
                // In smaller requests, then.
                None => return Ok(Part::default()),
            }
        };
        let chain_id = Arc::clone(self.rpc.chain_id());
        if batches.iter().map(Batch::len).sum::<usize>() <= LARGE_BODY {
            return decode_part(&chain_id, &batches, &wanted);
        }
        let decoding = move || decode_part(&chain_id, &batches, &wanted);
        match tokio::task::spawn_blocking(decoding).await {
            Ok(outcome) => outcome,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Sends one request when the endpoint bears it. None when it failed and may do better in
    /// smaller ones.
    async fn send(&self, calls: Vec<Call>) -> Result<Option<Batch>, ChainError> {
        let count = calls.len();
        let flow = self.flow();
        let leave = flow.leave().await;
        match self.rpc.batch(calls).await {
            Ok(batch) => {
                flow.answered(count, batch.len(), batch.took());
                drop(leave);
                Ok(Some(batch))
            }
            Err(error) if flow.failed(count, &error) => {
                tracing::debug!(%error, calls = count, "the answer was cut; asking for less");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// What a header says of the block before it.
struct Claim<'a> {
    parent: &'a str,
    results: &'a str,
}

fn read_metas(
    rpc: &Rpc,
    batch: &Batch,
    metas: &mut BTreeMap<Height, Meta>,
) -> Result<(), ChainError> {
    for reply in batch.read()? {
        let Ok(Reply::Metas(answer)) = reply else { continue };
        for meta in answer.block_metas.0.iter().filter_map(|meta| meta.0.as_ref()) {
            let at = meta.header.height.0.unwrap_or_default();
            let meta = Meta::read(rpc.chain_id(), meta)
                .map_err(|error| rpc.contradiction(at, error.to_string()))?;
            metas.insert(meta.height(), meta);
        }
    }
    for ((_, below), (height, above)) in metas.iter().zip(metas.iter().skip(1)) {
        if below.height() + 1 == *height && below.hash() != above.parent() {
            let reason =
                format!("it follows {}, the block before it is {}", above.parent(), below.hash());
            return Err(rpc.contradiction(*height, reason));
        }
    }
    Ok(())
}

/// What one request gave: blocks from its first height on, and what ended them early.
#[derive(Debug, Default)]
struct Part {
    blocks: Vec<Decoded>,
    error: Option<ChainError>,
}

/// Reads the blocks of one request, whose replies are in the order of `wanted`: the block, unless
/// its header says that it is empty, then its results.
fn decode_part(
    chain_id: &str,
    batches: &[Batch],
    wanted: &[(Height, Option<Meta>)],
) -> Result<Part, ChainError> {
    let mut replies = Vec::new();
    for batch in batches {
        replies.extend(batch.read()?);
    }
    let mut replies = replies.into_iter();
    let mut part = Part::default();
    for (height, meta) in wanted {
        let wrong = |reason: String| batches[0].contradiction(*height, reason);
        let mut reply = || replies.next().unwrap_or_else(|| Err(wrong("it is missing".to_owned())));
        let block = decode_one(chain_id, *height, meta.as_ref(), &mut reply, &wrong);
        match block {
            Ok(block) => part.blocks.push(block),
            Err(error) => {
                part.error = Some(error);
                break;
            }
        }
    }
    Ok(part)
}

fn decode_one<'a>(
    chain_id: &str,
    height: Height,
    meta: Option<&Meta>,
    reply: &mut impl FnMut() -> Result<Reply<'a>, ChainError>,
    wrong: &impl Fn(String) -> ChainError,
) -> Result<Decoded, ChainError> {
    let mismatch = || wrong("another answer than was asked for".to_owned());
    let decoded = if let Some(meta) = meta.filter(|meta| meta.is_empty()) {
        let Reply::Results(results) = reply()? else { return Err(mismatch()) };
        decode::empty(meta, &results)
    } else {
        let Reply::Block(block) = reply()? else { return Err(mismatch()) };
        let Reply::Results(results) = reply()? else { return Err(mismatch()) };
        decode::proven(chain_id, height, &block, &results)
    };
    let decoded = decoded.map_err(|error| wrong(error.to_string()))?;
    if let Some(meta) = meta {
        meta.check(&decoded.facts).map_err(|error| wrong(error.to_string()))?;
    }
    Ok(decoded)
}

/// One block from one endpoint, at once or not at all.
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
