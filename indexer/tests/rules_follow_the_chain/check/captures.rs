//! Projections against `bootstrap_model_preeligibility` events.

use std::collections::BTreeMap;

use bootwatch_rules::{
    BlockFacts, Capture, Height, ModelId, Network, Weight, clock::Stage, preeligibility,
    situation::ModelState,
};

use super::{Checked, shaken};

type Captures = BTreeMap<ModelId, Capture>;

impl Checked {
    /// One block before H: where nothing in H's own block matters, what the Situation says is
    /// what the chain says.
    pub(super) fn before_capture(&mut self, facts: &BlockFacts, stages: &[Stage]) {
        if self.player.ledger.tip.is_none() {
            return;
        }
        let expected = stages.contains(&Stage::Capture);
        if !expected && facts.captures.is_empty() {
            return;
        }
        let height = facts.height;
        let projected = self.projected(height);
        if expected == facts.captures.is_empty() && !projected.is_empty() {
            self.mismatch(height, format!("clock: a capture was expected: {expected}"));
        }
        let moved = facts.choices.iter().any(|tx| tx.code == 0);
        if !moved && !shaken(facts) {
            self.score.captures_ahead += facts.captures.len();
            self.compare_captures(facts, &projected, "one block before");
        }
    }

    /// After H's own transactions: always.
    pub(super) fn after_capture(&mut self, facts: &BlockFacts) {
        if facts.captures.is_empty() {
            return;
        }
        self.score.captures += facts.captures.len();
        self.score.passed += facts.captures.iter().filter(|c| c.pre_eligible).count();
        self.compare_total(facts);
        let projected = self.projected(facts.height);
        self.compare_captures(facts, &projected, "at the capture");
        let judged = self.judged(facts.height);
        self.compare_captures(facts, &judged, "as the daemon's audit projects it");
    }

    fn compare_captures(&mut self, facts: &BlockFacts, projected: &Captures, when: &str) {
        // The chain counts weights that it shows nobody: see `total`.
        if self.player.spec().counted_weight.is_some() {
            return;
        }
        let said: Captures =
            facts.captures.iter().map(|c| (c.model_id.clone(), c.clone())).collect();
        for model in said.keys().chain(projected.keys().filter(|m| !said.contains_key(*m))) {
            let (ours, chain) = (projected.get(model), said.get(model));
            if ours != chain {
                self.mismatch(
                    facts.height,
                    format!("capture: {when}, {model} was {ours:?}, the chain said {chain:?}"),
                );
            }
        }
    }

    /// The events by the three checks themselves, beside the gaps that follow from them.
    fn judged(&self, snapshot_height: Height) -> Captures {
        let ledger = &self.player.ledger;
        let network = Network::new(ledger.live_members()).unwrap();
        let state = ledger.state.as_ref().unwrap();
        let thresholds = state.params.delegation.as_ref().unwrap();
        let candidates = self.situation().models;
        let candidates = candidates.iter().filter(|m| m.state == ModelState::Candidate);
        let judged = candidates.map(|view| {
            let model = state.params.models.iter().find(|m| m.model_id == view.model_id).unwrap();
            let standing = ledger.choices.get(&view.model_id).into_iter().flatten();
            let choices = standing.map(|(host, standing)| (host, &standing.choice));
            let projected = preeligibility::project(thresholds, model, &network, choices);
            (view.model_id.clone(), projected.capture(snapshot_height))
        });
        judged.collect()
    }

    /// The events that the Situation announces, from its gaps alone.
    fn projected(&self, snapshot_height: Height) -> Captures {
        let total: Weight = self.player.ledger.live_members().map(|(_, weight)| weight).sum();
        let situation = self.situation();
        let candidates = situation.models.iter().filter(|m| m.state == ModelState::Candidate);
        let projected = candidates.map(|model| {
            let gaps = model.gaps.as_ref().unwrap();
            let capture = Capture {
                snapshot_height,
                model_id: model.model_id.clone(),
                pre_eligible: gaps.pre_eligible,
                meets_weight_threshold: gaps.weight.missing == Some(0),
                meets_v_min: gaps.hosts.missing == Some(0),
                meets_reachability: gaps.reach.missing == Some(0),
                intent_host_count: gaps.hosts.have,
                intent_weight: gaps.weight.have,
                reachable_voting_power: gaps.reach.have,
                total_network_weight: total,
            };
            (model.model_id.clone(), capture)
        });
        projected.collect()
    }
}
