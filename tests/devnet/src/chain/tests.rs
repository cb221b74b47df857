//! The chain as a whole: stages, choices, captures, charges and queries over several epochs.

use std::collections::BTreeMap;

use prost::Message as _;

use super::wire::*;
use super::*;

mod queries;
mod stages;
mod stories;
mod transactions;
mod vectors;

/// A chain that is driven by its own script, with everything it said.
pub(super) struct Run {
    pub(super) chain: Chain,
    pub(super) blocks: BTreeMap<i64, Executed>,
}

impl Run {
    pub(super) fn new(spec: Spec) -> Self {
        Self { chain: Chain::new(spec).unwrap(), blocks: BTreeMap::new() }
    }

    /// Seed 1, a shipped story, epochs of 40 blocks.
    pub(super) fn story(name: &str) -> Self {
        let mut spec = Spec::new(1, Story::load(name).unwrap());
        spec.timing = Timing::scaled(40);
        spec.dkg_event_bytes = 2_000;
        Self::new(spec)
    }

    pub(super) fn step(&mut self) -> &Executed {
        let height = self.chain.height() + 1;
        let txs = self.chain.proposal(height);
        self.execute(&txs)
    }

    pub(super) fn execute(&mut self, txs: &[Vec<u8>]) -> &Executed {
        let height = self.chain.height() + 1;
        let time = jiff::Timestamp::from_second(1_780_000_000 + height * 5).unwrap();
        let executed = self.chain.execute(height, time, txs);
        self.blocks.entry(height).or_insert(executed)
    }

    pub(super) fn to(&mut self, height: i64) -> &mut Self {
        while self.chain.height() < height {
            self.step();
        }
        self
    }

    /// Runs until the end of validation of `epoch`.
    pub(super) fn through(&mut self, epoch: u64) -> &mut Self {
        loop {
            let state = &self.chain.state;
            if let Some(start) = state.epochs.get(&epoch) {
                let params = state.epoch_params();
                let end =
                    clock::Context { index: epoch, poc_start: *start }.validation_end(&params);
                return self.to(end);
            }
            self.step();
            assert!(self.chain.height() < 100_000, "epoch {epoch} never came");
        }
    }

    pub(super) fn address(&self, name: &str) -> String {
        self.chain.roster.named(name).unwrap().address.to_string()
    }

    /// The pre-eligibility events so far: height and attributes.
    pub(super) fn captures(&self) -> Vec<(i64, BTreeMap<String, String>)> {
        let all = self.blocks.iter().flat_map(|(height, block)| {
            let events = block.events.iter();
            let events = events.filter(|event| event.kind == "bootstrap_model_preeligibility");
            events.map(|event| {
                let pairs = event.attributes.iter().map(|a| (a.key.clone(), a.value.clone()));
                (*height, pairs.collect())
            })
        });
        all.collect()
    }

    pub(super) fn query<M: prost::Message + Default>(
        &self,
        name: &str,
        request: &impl prost::Message,
        height: i64,
    ) -> M {
        let path = format!("/inference.inference.Query/{name}");
        let answer = self.chain.query(&path, &request.encode_to_vec(), height);
        assert_eq!(answer.code, 0, "{name}: {}", answer.log);
        M::decode(answer.value.as_slice()).unwrap()
    }

    pub(super) fn stored<M: prost::Message + Default>(&self, key: u8) -> Option<M> {
        let answer = self.chain.query("/store/inference/key", &[key], 0);
        assert_eq!(answer.code, 0, "{}", answer.log);
        (!answer.value.is_empty()).then(|| M::decode(answer.value.as_slice()).unwrap())
    }

    /// The fraction that the newest charges take from a host.
    pub(super) fn fraction(&self, name: &str) -> Option<Decimal> {
        let charges: DelegationRewardTransferSnapshot = self.stored(0x6c)?;
        let address = self.address(name);
        let row = charges.penalties.into_iter().find(|row| row.participant == address);
        row.and_then(|row| row.penalty_fraction)
    }
}
