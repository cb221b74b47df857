//! The chain as an application: what ABCI would ask of it, without a transport.
//!
//! It follows Gonka's rules from their public description, by its own arithmetic: it is what the
//! product is tested against. Execution is deterministic in (spec, blocks): replaying the same
//! blocks gives the same state and the same app hash, which is how nodes recover after a crash.

mod acceptance;
mod address;
mod charges;
mod clock;
mod decimal;
mod dice;
mod end_block;
mod event;
mod formation;
mod genesis;
mod messages;
mod outcome;
mod preeligibility;
mod query;
mod records;
mod roster;
mod script;
mod spec;
mod state;
mod story;
mod timing;
mod tx;
mod wire;

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub use charges::{Because, Bill};
pub use outcome::{Attribute, Event, Executed, QueryAnswer, TxResult};
pub use records::{Capture, EpochRecord, Exclusion, StoredChoice};
pub use spec::{Spec, SpecError, Version};
pub use story::{Story, StoryError};
pub use timing::Timing;

use roster::Roster;
use state::State;

/// A chain, at some height.
#[derive(Debug)]
pub struct Chain {
    spec: Spec,
    roster: Roster,
    /// The state after the newest block.
    state: State,
    /// Newer states last; the newest is the current one.
    history: VecDeque<State>,
}

/// A host, for whoever needs to name one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostInfo {
    /// Its account address, `gonka1…`.
    pub address: String,
    /// What the story or the seed calls it.
    pub name: String,
    /// Its weight in the effective epoch's root group; 0 when it is not in it.
    pub weight: i64,
}

impl Chain {
    /// A chain before its first block.
    ///
    /// # Errors
    /// When the spec contradicts itself.
    pub fn new(spec: Spec) -> Result<Self, SpecError> {
        spec.check()?;
        let roster = Roster::new(&spec);
        let mut state = genesis::state(&spec, &roster);
        state.app_hash = Sha256::digest(format!("{} {}", spec.chain_id, spec.seed)).into();
        let history = VecDeque::from([state.clone()]);
        Ok(Self { spec, roster, state, history })
    }

    /// The chain's name.
    #[must_use]
    pub fn chain_id(&self) -> &str {
        &self.spec.chain_id
    }

    /// What the chain was made from.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// `app_state` of the genesis document: enough to tell one devnet from another.
    #[must_use]
    pub fn genesis_state(&self) -> Value {
        json!({
            "inference": {
                "devnet": {
                    "seed": self.spec.seed.to_string(),
                    "story": self.spec.story.name,
                    "version": self.spec.version.as_str(),
                }
            }
        })
    }

    /// The height of the newest block; 0 before the first.
    #[must_use]
    pub fn height(&self) -> i64 {
        self.state.height
    }

    /// The state's hash after the newest block.
    #[must_use]
    pub fn app_hash(&self) -> Vec<u8> {
        self.state.app_hash.to_vec()
    }

    /// The script's transactions for the block `height`, given everything before it.
    #[must_use]
    pub fn proposal(&self, height: i64) -> Vec<Vec<u8>> {
        script::transactions(&self.spec, &self.roster, &self.state, height)
    }

    /// CheckTx: whether a transaction may enter the mempool.
    #[must_use]
    pub fn check(&self, tx: &[u8]) -> TxResult {
        tx::check(&self.state, tx)
    }

    /// Executes a block; heights must follow one another.
    pub fn execute(&mut self, height: i64, time: Timestamp, txs: &[Vec<u8>]) -> Executed {
        self.state.height = height;
        self.state.time = time;
        // Before anything else, as x/upgrade's PreBlocker does.
        if let Some(plan) = self.state.upgrade.take_if(|plan| plan.height <= height) {
            self.state.upgraded_at = plan.height;
        }
        let tx_results =
            txs.iter().map(|tx| tx::deliver(&mut self.state, &self.roster, tx)).collect();
        let mut events = end_block::run(&mut self.state, &self.spec, &self.roster);
        if self.spec.ballast_bytes > 0 {
            events.push(event::event("ballast", [("text", "-".repeat(self.spec.ballast_bytes))]));
        }
        event::mark_end_block(&mut events);
        let mut executed = Executed { tx_results, events, app_hash: Vec::new() };
        self.state.app_hash = digest(&self.state, txs, &executed);
        executed.app_hash = self.state.app_hash.to_vec();
        self.remember();
        executed
    }

    /// Keeps the state for queries; votes are not queried, and copying them would cost.
    fn remember(&mut self) {
        let mut past = self.state.clone();
        past.votes = std::sync::Arc::default();
        self.history.push_back(past);
        while self.history.len() > self.spec.state_history.max(1) {
            self.history.pop_front();
        }
    }

    /// Answers `abci_query`: a gRPC method's path, or `/store/inference/key` or `subspace`.
    /// Height 0 means the newest state.
    #[must_use]
    pub fn query(&self, path: &str, data: &[u8], height: i64) -> QueryAnswer {
        self.query_behind(path, data, height, self.height())
    }

    /// [`Chain::query`] to a node whose newest state is that of `latest`.
    pub(crate) fn query_behind(
        &self,
        path: &str,
        data: &[u8],
        height: i64,
        latest: i64,
    ) -> QueryAnswer {
        query::answer(self, path, data, height, latest)
    }

    /// Every host of the spec, registered or not.
    #[must_use]
    pub fn hosts(&self) -> Vec<HostInfo> {
        let weights = self.state.live_weights();
        self.roster
            .hosts
            .iter()
            .map(|host| HostInfo {
                address: host.address.to_string(),
                name: host.name.clone(),
                weight: weights.get(&host.address).copied().unwrap_or_default(),
            })
            .collect()
    }
}

/// A hash that any difference in execution changes.
fn digest(state: &State, txs: &[Vec<u8>], executed: &Executed) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(state.app_hash);
    hash.update(state.height.to_be_bytes());
    hash.update(state.time.as_nanosecond().to_be_bytes());
    let feed = |hash: &mut Sha256, bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    let feed_events = |hash: &mut Sha256, events: &[Event]| {
        for event in events {
            feed(hash, event.kind.as_bytes());
            for attribute in &event.attributes {
                feed(hash, attribute.key.as_bytes());
                feed(hash, attribute.value.as_bytes());
            }
        }
    };
    for (tx, result) in txs.iter().zip(&executed.tx_results) {
        feed(&mut hash, tx);
        hash.update(result.code.to_be_bytes());
        feed(&mut hash, &result.data);
        feed_events(&mut hash, &result.events);
    }
    feed_events(&mut hash, &executed.events);
    hash.finalize().into()
}

#[cfg(test)]
mod tests;
