//! One block after another: transactions, then the end of the block, then the chain's answers.

use std::{collections::BTreeMap, ops::ControlFlow};

use super::{
    CaptureTerms, Cause, Changes, ChoiceChange, FormerParams, FrozenChoices, Ledger, MAX_TICKS,
    Origin, Standing, TROUBLES, Tick, Trouble, Work,
};
use crate::{
    Address, BlockFacts, Capture, ChainState, Choice, ChoiceTx, EpochIndex, Height, HostChoices,
    ModelId, Network, Observation, StoreCommit, WeightDistribution,
    clock::{ClockParams, Stage, StageEvent},
    preeligibility::project,
    reward::Rewards,
};

impl Ledger {
    /// Takes in the next block and what the chain answered at its height. Blocks come in order of
    /// height; one that is not above the tip changes nothing.
    ///
    /// The order is the chain's: the block's transactions, then its end, then the answers, which
    /// hold after the block and therefore win.
    pub fn apply(&mut self, facts: &BlockFacts, observation: Option<&Observation>) -> Changes {
        let mut changes = Changes::default();
        if self.tip.is_some_and(|tip| facts.height <= tip.height) {
            return changes;
        }
        let events = self.stage_events(facts.height, observation.and_then(|o| o.state.as_ref()));
        for tx in facts.choices.iter().filter(|tx| tx.code == 0) {
            self.choose(tx, &mut changes);
        }
        let stage = self.stage;
        facts.commits.iter().for_each(|commit| self.commit(commit));
        facts.distributions.iter().for_each(|entry| self.distribute(entry));
        // A stage whose start was not seen began with its first work.
        changes.stage_began = self.stage != stage;
        for event in &events {
            match event.stage {
                // A formation that fails returns before it wipes (`onEndOfPoCValidationStage` in
                // x/inference/module/module.go).
                Stage::ValidationEnd if !formation_failed(facts) => {
                    self.wipe(event, &mut changes);
                }
                Stage::PocStart => {
                    self.stage = Some(event.height);
                    self.work.clear();
                    changes.stage_began = true;
                }
                _ => {}
            }
        }
        self.tick(Tick { height: facts.height, time: facts.time });
        if let Some(observation) = observation {
            self.observe(facts.height, observation, &mut changes);
        }
        changes.froze = self.freeze(facts, &events);
        changes
    }

    /// What the end of this block does by the clock. A change by governance is in force at the end
    /// of the block that brings it, so parameters read at this height come first.
    fn stage_events(&self, height: Height, fresh: Option<&ChainState>) -> Vec<StageEvent> {
        let Some((mut clock, mut params)) = self.clock() else { return Vec::new() };
        if let Some(fresh) = fresh.filter(|state| state.height == height) {
            params = ClockParams::from(&fresh.params);
        }
        let mut events = Vec::new();
        clock.advance(&params, height..=height, |event| {
            events.push(event);
            ControlFlow::Continue(())
        });
        events
    }

    fn choose(&mut self, tx: &ChoiceTx, changes: &mut Changes) {
        let after = tx.action.outcome().map(|choice| Standing {
            choice,
            origin: Some(Origin { position: tx.position.clone(), tx_hash: tx.tx_hash.clone() }),
            since: tx.position.height,
        });
        let origin = Origin { position: tx.position.clone(), tx_hash: tx.tx_hash.clone() };
        self.put(tx.position.height, &tx.host, &tx.model_id, after, Cause::Tx(origin), changes);
    }

    /// Replaces what stands for a host and model, and records it.
    fn put(
        &mut self,
        height: Height,
        host: &Address,
        model: &ModelId,
        after: Option<Standing>,
        cause: Cause,
        changes: &mut Changes,
    ) {
        let before = match &after {
            Some(standing) => self
                .choices
                .entry(model.clone())
                .or_default()
                .insert(host.clone(), standing.clone()),
            None => self.choices.get_mut(model).and_then(|hosts| hosts.remove(host)),
        };
        if self.choices.get(model).is_some_and(BTreeMap::is_empty) {
            self.choices.remove(model);
        }
        changes.choices.push(ChoiceChange {
            height,
            host: host.clone(),
            model_id: model.clone(),
            before: before.map(|standing| standing.choice),
            after,
            cause,
        });
    }

    fn commit(&mut self, commit: &StoreCommit) {
        if let Some(work) = self.work_of(commit.stage, &commit.model_id, &commit.host) {
            work.committed = Some(work.committed.unwrap_or(0).max(commit.count));
            work.first_commit = work.first_commit.or(Some(commit.position.height));
        }
    }

    fn distribute(&mut self, entry: &WeightDistribution) {
        if let Some(work) = self.work_of(entry.stage, &entry.model_id, &entry.host) {
            work.distributed = Some(entry.weight);
        }
    }

    /// The record of a host's work, unless it belongs to another stage: a confirmation PoC, or one
    /// that is over. A stage whose start was not seen is adopted from the chain's newest epoch.
    fn work_of(&mut self, stage: Height, model: &ModelId, host: &Address) -> Option<&mut Work> {
        if self.stage != Some(stage) {
            let latest = self.state.as_ref()?.latest.poc_start;
            if stage != latest || self.stage.is_some_and(|known| known > stage) {
                return None;
            }
            self.stage = Some(stage);
            self.work.clear();
        }
        Some(self.work.entry(model.clone()).or_default().entry(host.clone()).or_default())
    }

    /// Every refusal and intent of every host goes; delegations stay.
    fn wipe(&mut self, event: &StageEvent, changes: &mut Changes) {
        changes.wiped = true;
        let gone: Vec<(ModelId, Address, Choice)> = self
            .choices
            .iter()
            .flat_map(|(model, hosts)| hosts.iter().map(move |(host, s)| (model, host, s)))
            .filter(|(_, _, standing)| !matches!(standing.choice, Choice::Delegate { .. }))
            .map(|(model, host, s)| (model.clone(), host.clone(), s.choice.clone()))
            .collect();
        let mut wiped = FrozenChoices {
            height: event.height,
            epoch: Some(event.epoch),
            ..FrozenChoices::default()
        };
        for (model, host, choice) in gone {
            self.put(event.height, &host, &model, None, Cause::Wipe, changes);
            wiped.choices.entry(model).or_default().insert(host, choice);
        }
        self.frozen.wiped = Some(wiped);
    }

    fn tick(&mut self, tick: Tick) {
        self.tip = Some(tick);
        self.ticks.push_back(tick);
        while self.ticks.len() > MAX_TICKS {
            self.ticks.pop_front();
        }
    }

    fn observe(&mut self, height: Height, observation: &Observation, changes: &mut Changes) {
        if let Some(state) = &observation.state
            && self.state.as_ref().is_none_or(|known| known.height <= state.height)
        {
            if let Some(known) = self.state.as_ref().filter(|known| known.params != state.params) {
                self.former = Some(FormerParams { until: height, params: known.params.clone() });
            }
            self.remember(state);
            self.state = Some(state.clone());
        }
        for answer in &observation.choices {
            self.reconcile(height, answer, changes);
        }
        if let Some(charges) = &observation.charges {
            self.charges = Some(charges.clone());
        }
        if let Some(reading) = &observation.rewards
            && let (Some(state), Some(charges)) = (&self.state, &self.charges)
            && let Some(rewards) = Rewards::new(height, reading, state, charges)
        {
            self.rewards = Some(rewards);
        }
        if let Some(plans) = &observation.plans {
            self.plans = Some(plans.clone());
        }
        if let Some(version) = &observation.app_version {
            self.app_version = Some(version.clone());
        }
        if observation.state.is_some() || !observation.choices.is_empty() {
            self.share_addresses();
        }
    }

    /// Compares one host's choices with the chain's answer, which is complete for that host.
    fn reconcile(&mut self, height: Height, answer: &HostChoices, changes: &mut Changes) {
        let known = !self.known_hosts.insert(answer.host.clone());
        if !known {
            changes.new_hosts.push(answer.host.clone());
        }
        let cause = if known { Cause::Reconciled } else { Cause::Base };
        let stored: BTreeMap<&ModelId, &Choice> =
            answer.choices.iter().map(|(model, choice)| (model, choice)).collect();
        let gone: Vec<ModelId> = self
            .choices
            .iter()
            .filter(|(model, hosts)| {
                hosts.contains_key(&answer.host) && !stored.contains_key(model)
            })
            .map(|(model, _)| model.clone())
            .collect();
        for model in gone {
            self.put(height, &answer.host, &model, None, cause.clone(), changes);
        }
        for (model, choice) in stored {
            if self.choice(&answer.host, model).is_some_and(|s| s.choice == *choice) {
                continue;
            }
            let standing = Standing { choice: choice.clone(), origin: None, since: height };
            self.put(height, &answer.host, model, Some(standing), cause.clone(), changes);
        }
    }

    /// Keeps what this block froze. It comes after the chain's answers: no stage that freezes
    /// changes a choice after it, so they say what the chain froze. False when it froze nothing.
    fn freeze(&mut self, facts: &BlockFacts, events: &[StageEvent]) -> bool {
        let epoch_of =
            |stage| events.iter().find(|event| event.stage == stage).map(|event| event.epoch);
        let (capture, regular) = (epoch_of(Stage::Capture), epoch_of(Stage::ValidationStart));
        let height = facts.height;
        if capture.is_some() || !facts.captures.is_empty() {
            let choices = self.standing();
            self.frozen.capture = Some(FrozenChoices { height, epoch: capture, choices });
        }
        if regular.is_some() {
            let choices = self.standing();
            self.frozen.validation_start = Some(FrozenChoices { height, epoch: regular, choices });
        }
        for event in facts.events.iter().filter(|e| TROUBLES.contains(&e.kind.as_str())) {
            let trouble = Trouble { height, attributes: event.attributes.clone() };
            self.troubles.insert(event.kind.clone(), trouble);
        }
        let mut terms = self.terms(facts, capture);
        for taken in &facts.captures {
            self.captures.insert(taken.model_id.clone(), taken.clone());
            let terms = terms.remove(&taken.model_id);
            match terms {
                Some(terms) => self.frozen.terms.insert(taken.model_id.clone(), terms),
                None => self.frozen.terms.remove(&taken.model_id),
            };
        }
        capture.is_some() || regular.is_some() || !facts.captures.is_empty()
    }

    /// What each capture of the block was judged by, and what our rules make of what we know: the
    /// ledger stands at the end of that block.
    fn terms(
        &self,
        facts: &BlockFacts,
        epoch: Option<EpochIndex>,
    ) -> BTreeMap<ModelId, CaptureTerms> {
        let Some(state) = self.state.as_ref().filter(|_| !facts.captures.is_empty()) else {
            return BTreeMap::new();
        };
        let Some(params) = &state.params.delegation else { return BTreeMap::new() };
        let fresh = state.height == facts.height;
        let network = Network::new(self.live_members()).ok().filter(|_| fresh);
        let known = network
            .as_ref()
            .filter(|network| network.members().all(|(host, _)| self.known_hosts.contains(host)));
        let of = |taken: &Capture| {
            let model = state.params.models.iter().find(|entry| entry.model_id == taken.model_id);
            let ours = known.zip(model).map(|(network, model)| {
                let standing = self.choices.get(&taken.model_id).into_iter().flatten();
                let standing = standing.map(|(host, standing)| (host, &standing.choice));
                project(params, model, network, standing).capture(facts.height)
            });
            let terms = CaptureTerms {
                height: facts.height,
                epoch,
                params: params.clone(),
                model: model.cloned(),
                network_weight: network.as_ref().map(Network::total),
                ours,
            };
            (taken.model_id.clone(), terms)
        };
        facts.captures.iter().map(of).collect()
    }
}

/// The chain could form no epoch in this block and left the stage early.
fn formation_failed(facts: &BlockFacts) -> bool {
    facts.events.iter().any(|event| {
        event.kind == "epoch_error" && event.attribute("stage") == Some("empty_epoch_fallback")
    })
}
