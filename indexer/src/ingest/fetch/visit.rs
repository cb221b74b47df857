//! One attempt to get a run from one endpoint.

use std::{collections::BTreeMap, sync::Arc};

use bootwatch_rules::Height;

use super::{
    Found, Source,
    read::{self, Part},
};
use crate::{
    chain::{Batch, Call, ChainError, MAX_CALLS, MAX_METAS, Priority, Rpc, Witness},
    decode::{Decoded, Meta},
    ingest::{endpoints::Known, flow::Flow, ranges::Range},
};

/// Up to so many blocks one request carries both parts of all of them: headers would cost another.
const SHORT: Height = 5;

/// One attempt at one endpoint.
pub(super) struct Visit<'s> {
    source: &'s Source,
    index: usize,
    rpc: Rpc,
    /// Where whole requests can be told to be of our chain: of history, where batches are taken.
    witness: Option<Witness>,
    /// Blocks of the run's beginning, linked and as far as possible proven.
    found: Vec<Found>,
}

impl<'s> Visit<'s> {
    pub(super) fn new(source: &'s Source, index: usize, rpc: Rpc) -> Self {
        // What is urgent follows what is stored; history may lie anywhere.
        let known = match source.priority {
            Priority::Urgent => None,
            Priority::Routine => source.endpoints.anchor(index, Height::MAX),
        };
        let witness = known.map(|Known { height, hash, .. }| Witness { height, hash });
        Self { source, index, rpc, witness, found: Vec::new() }
    }

    /// Fetches the run from its first height on: what is whole, and the error that ended it early.
    pub(super) async fn run(mut self, range: Range) -> (Vec<Found>, Result<(), ChainError>) {
        let outcome = self.fetch(range).await;
        (self.found, outcome)
    }

    fn flow(&self) -> &Flow {
        &self.source.flows[self.index]
    }

    /// Calls that one request should carry, besides the one that shows the witness.
    fn room(&self) -> usize {
        let calls = self.flow().calls();
        if self.witness.is_some() { calls.saturating_sub(1).max(1) } else { calls }
    }

    async fn fetch(&mut self, (first, last): Range) -> Result<(), ChainError> {
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
            while after <= end && calls.len() < self.room() {
                let to = after.saturating_add(MAX_METAS - 1).min(end);
                calls.push(Call::Metas(after, to));
                after = to + 1;
            }
            let Some(batch) = self.send(calls).await? else { continue };
            read::metas(&self.rpc, &batch, &mut metas)?;
            next = after;
        }
        Ok(metas)
    }

    /// The heights from `next` on whose parts fit into one request: two calls for a block with
    /// transactions, one without; at least one height.
    fn fitting(&self, next: Height, last: Height, metas: &BTreeMap<Height, Meta>) -> Vec<Height> {
        let room = self.room();
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
                parts.push(self.rpc.batch(vec![call], None).await?);
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
        let bytes = batches.iter().map(Batch::len).sum();
        read::aside(bytes, move || read::part(&chain_id, &batches, &wanted)).await
    }

    /// Sends one request when the endpoint bears it. None when it failed and may do better in
    /// smaller ones.
    async fn send(&self, calls: Vec<Call>) -> Result<Option<Batch>, ChainError> {
        let count = calls.len();
        let flow = self.flow();
        let leave = flow.leave().await;
        let witness = self.witness.clone().filter(|_| flow.calls() > 1 && count < MAX_CALLS);
        match self.rpc.batch(calls, witness).await {
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

#[cfg(test)]
mod tests {
    use bootwatch_devnet::{
        Recording,
        chain::{Spec, Story},
    };
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::{
        chain::{Endpoint, Problem, RpcLimits},
        ingest::endpoints::Endpoints,
        metrics::Metrics,
    };

    const HEIGHT: Height = 20;

    fn recording(seed: u64) -> Recording {
        let spec = Spec::new(seed, Story::load("quiet").unwrap());
        let interval = |_| SignedDuration::from_secs(5);
        Recording::make(spec, Timestamp::UNIX_EPOCH, HEIGHT, interval).unwrap()
    }

    // Fails when history is asked for without a block that is stored: another chain of the same name
    // then gives blocks that are sound by themselves, with headers (1 to 9) or without (3).
    #[tokio::test]
    async fn history_is_not_taken_from_another_chain() {
        let (ours, other) = (recording(1), recording(2));
        let mut node = ours.replay(HEIGHT).await.unwrap();
        let endpoint = Endpoint::new("node", &node.url().parse().unwrap());
        let metrics = Arc::new(Metrics::new([]));
        let rpc = Rpc::new(endpoint, ours.chain_id(), RpcLimits::default(), Arc::clone(&metrics));
        let rpc = rpc.unwrap();
        let endpoints = Arc::new(Endpoints::new(vec![rpc.clone()]));
        let (hash, time) = (ours.hash(HEIGHT).unwrap(), ours.time(HEIGHT).unwrap());
        endpoints.note_stored(None, Known { height: HEIGHT, hash, time });
        let history = Source::new(endpoints, metrics).routine();
        for range in [(3, 3), (1, 9)] {
            node.stand_in(None);
            let (found, outcome) = Visit::new(&history, 0, rpc.clone()).run(range).await;
            assert!(outcome.is_ok(), "{outcome:?}");
            assert_eq!(found.last().unwrap().facts.height, range.1);
            node.stand_in(Some(&other));
            let (found, outcome) = Visit::new(&history, 0, rpc.clone()).run(range).await;
            assert!(found.is_empty(), "{found:?}");
            let error = outcome.unwrap_err();
            assert!(matches!(error.problem, Problem::Inconsistent(_)), "{error}");
        }
    }
}
