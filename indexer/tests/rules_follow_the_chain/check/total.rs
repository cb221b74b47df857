//! The network's weight by the capture's event and by the members: where the two differ, every
//! reading that rests on ours has to say so.

use bootwatch_rules::{
    BlockFacts, Weight,
    situation::{Degree, NetworkWeight},
};

use super::Checked;

impl Checked {
    pub(super) fn compare_total(&mut self, facts: &BlockFacts) {
        let ours: Weight = self.player.ledger.live_members().map(|(_, weight)| weight).sum();
        let height = facts.height;
        let Some(chain) = facts.captures.first().map(|capture| capture.total_network_weight) else {
            return;
        };
        let differs = ours != chain;
        self.score.otherwise_counted += if differs { facts.captures.len() } else { 0 };
        let expected = differs.then_some(NetworkWeight { height, ours, chain });
        let situation = self.situation();
        let mut problems = Vec::new();
        if situation.network_weight != expected {
            problems.push(format!("{:?}, the chain: {expected:?}", situation.network_weight));
        }
        for capture in &facts.captures {
            let id = &capture.model_id;
            let Some(view) = situation.models.iter().find(|view| view.model_id == *id) else {
                problems.push(format!("{id} is not shown"));
                continue;
            };
            if view.gaps.as_ref().is_none_or(|gaps| gaps.uncertain != differs) {
                problems.push(format!("{id} is projected as {:?}", view.gaps));
            }
            let Some(snapshot) = view.snapshot.as_ref().filter(|s| s.capture == *capture) else {
                problems.push(format!("{id} shows {:?} for {capture:?}", view.snapshot));
                continue;
            };
            // The chain's reading is the event's; ours stands beside it, on our own weights.
            let told = (snapshot.gaps.weight.have, snapshot.gaps.reach.have);
            if told != (capture.intent_weight, capture.reachable_voting_power) {
                problems.push(format!("{id} is told with {:?}", snapshot.gaps));
            }
            let beside = snapshot.ours.as_ref();
            let projected = view.gaps.as_ref().map(|gaps| (gaps.weight, gaps.reach));
            let is_ours = beside.is_some_and(|ours| {
                ours.degree == Degree::Projected && Some((ours.weight, ours.reach)) == projected
            });
            if is_ours != differs || beside.is_some() != differs {
                problems.push(format!("{id} has {beside:?} beside the event"));
            }
        }
        for problem in problems {
            self.mismatch(height, format!("total: {problem}"));
        }
    }
}
