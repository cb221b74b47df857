//! What the capture answers for a candidate model: the event's numbers, the three checks, and how
//! much is missing for each. The same in every rule set.

mod contradiction;

use serde::{Deserialize, Serialize};

use crate::{
    Address, Capture, Choice, DelegationParams, Height, ModelId, ModelParams, Network, Weight,
    situation::{Degree, Gap, Gaps},
};

pub use contradiction::{Contradiction, contradictions};

/// What is counted for one candidate: the numbers of its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Tally {
    /// Live hosts with weight that declared intent.
    pub intent_host_count: i64,
    /// The weight of live hosts that declared intent.
    pub intent_weight: Weight,
    /// That weight and the weight of live hosts that delegate to them, over one hop.
    pub reachable_voting_power: Weight,
    /// The weight of all live members.
    pub total_network_weight: Weight,
}

impl Tally {
    /// Counts the choices for one candidate. Choices of hosts that are no live members are not
    /// read by the chain, and refusals have no effect here. `choices` has each host once.
    pub fn count<'c>(
        network: &Network<'_>,
        choices: impl IntoIterator<Item = (&'c Address, &'c Choice)>,
    ) -> Self {
        // The chain holds one choice for each host and model. A caller's list could hold more:
        // each host is counted once, so no sum can exceed the network's.
        let mut intents = vec![false; network.members().len()];
        let mut reached = intents.clone();
        let mut delegations = Vec::new();
        let mut tally = Self { total_network_weight: network.total(), ..Self::default() };
        for (host, choice) in choices {
            let Some((at, weight)) = network.seat(host) else { continue };
            match choice {
                Choice::Refuse => {}
                Choice::Intent if intents[at] => {}
                Choice::Intent => {
                    (intents[at], reached[at]) = (true, true);
                    tally.intent_host_count += i64::from(weight > 0);
                    tally.intent_weight += weight;
                }
                Choice::Delegate { delegate_to } => delegations.push((at, weight, delegate_to)),
            }
        }
        tally.reachable_voting_power = tally.intent_weight;
        for (at, weight, delegate_to) in delegations {
            // A single hop: what the delegate itself delegates does not matter.
            let serves = network.position(delegate_to).is_some_and(|at| intents[at]);
            if serves && !std::mem::replace(&mut reached[at], true) {
                tally.reachable_voting_power += weight;
            }
        }
        tally
    }
}

/// What the three checks ask for. `None` means that no amount suffices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// Hosts with weight that must declare intent, at least 0.
    pub hosts: i64,
    /// Weight that must declare intent, at least 0.
    pub weight: Option<Weight>,
    /// Weight that must be reachable; none in a network without weight.
    pub reach: Option<Weight>,
}

impl Needs {
    /// The thresholds for a network of this total weight.
    #[must_use]
    pub fn new(params: &DelegationParams, total: Weight) -> Self {
        // A threshold beyond 64 bits cannot be met by any weight.
        let weight = params.w_threshold.floor_of(total).ok();
        Self {
            hosts: params.v_min.max(0),
            weight: weight.and_then(|need| Weight::try_from(need.max(0)).ok()),
            // 3·R > 2·T in integers: R ≥ floor(2·T/3) + 1.
            reach: (total > 0)
                .then(|| i128::from(total) * 2 / 3 + 1)
                .and_then(|need| Weight::try_from(need).ok()),
        }
    }
}

/// The chain's answer for one candidate, and what is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preeligibility {
    /// The candidate.
    pub model_id: ModelId,
    /// The numbers.
    pub tally: Tally,
    /// The thresholds.
    pub needs: Needs,
    /// The model's coefficient is greater than 0.
    pub coefficient_is_positive: bool,
    /// Enough weight declared intent.
    pub meets_weight_threshold: bool,
    /// Enough hosts with weight declared intent.
    pub meets_v_min: bool,
    /// Intent and delegations to it hold more than two thirds of the network's weight.
    pub meets_reachability: bool,
}

/// What the chain would answer if the capture were now.
pub fn project<'c>(
    params: &DelegationParams,
    model: &ModelParams,
    network: &Network<'_>,
    choices: impl IntoIterator<Item = (&'c Address, &'c Choice)>,
) -> Preeligibility {
    Preeligibility::judge(params, model, Tally::count(network, choices))
}

impl Preeligibility {
    /// The three checks on numbers that were already counted.
    #[must_use]
    pub fn judge(params: &DelegationParams, model: &ModelParams, tally: Tally) -> Self {
        let total = tally.total_network_weight;
        let threshold = params.w_threshold.floor_of(total);
        Self {
            model_id: model.model_id.clone(),
            tally,
            needs: Needs::new(params, total),
            coefficient_is_positive: model.coefficient_is_positive(),
            meets_weight_threshold: params.w_threshold.is_zero()
                || threshold.is_ok_and(|need| i128::from(tally.intent_weight) >= need),
            meets_v_min: params.v_min <= 0 || tally.intent_host_count >= params.v_min,
            meets_reachability: total > 0
                && 3 * i128::from(tally.reachable_voting_power) > 2 * i128::from(total),
        }
    }

    /// A positive coefficient and all three checks.
    #[must_use]
    pub fn pre_eligible(&self) -> bool {
        self.coefficient_is_positive
            && self.meets_weight_threshold
            && self.meets_v_min
            && self.meets_reachability
    }

    /// Hosts with weight that are missing.
    #[must_use]
    pub fn hosts_needed(&self) -> i64 {
        missing(self.needs.hosts, self.tally.intent_host_count).unwrap_or(i64::MAX)
    }

    /// Weight of intent that is missing; none when no amount suffices.
    #[must_use]
    pub fn weight_needed(&self) -> Option<Weight> {
        missing(self.needs.weight?, self.tally.intent_weight)
    }

    /// Reachable weight that is missing; none when no amount suffices.
    #[must_use]
    pub fn reach_needed(&self) -> Option<Weight> {
        missing(self.needs.reach?, self.tally.reachable_voting_power)
    }

    /// The form of the Situation.
    #[must_use]
    pub fn gaps(&self, degree: Degree) -> Gaps {
        gaps(&self.tally, self.needs, degree, self.pre_eligible())
    }

    /// The event that the chain would emit at this height.
    #[must_use]
    pub fn capture(&self, snapshot_height: Height) -> Capture {
        Capture {
            snapshot_height,
            model_id: self.model_id.clone(),
            pre_eligible: self.pre_eligible(),
            meets_weight_threshold: self.meets_weight_threshold,
            meets_v_min: self.meets_v_min,
            meets_reachability: self.meets_reachability,
            intent_host_count: self.tally.intent_host_count,
            intent_weight: self.tally.intent_weight,
            reachable_voting_power: self.tally.reachable_voting_power,
            total_network_weight: self.tally.total_network_weight,
        }
    }
}

/// How far a capture was from each threshold, by the parameters at its height. The flag is the
/// chain's own; [`contradictions`] tells whether the numbers agree with it.
#[must_use]
pub fn gaps_of_capture(capture: &Capture, params: &DelegationParams, degree: Degree) -> Gaps {
    let needs = Needs::new(params, capture.total_network_weight);
    gaps(&Tally::from(capture), needs, degree, capture.pre_eligible)
}

impl From<&Capture> for Tally {
    fn from(capture: &Capture) -> Self {
        Self {
            intent_host_count: capture.intent_host_count,
            intent_weight: capture.intent_weight,
            reachable_voting_power: capture.reachable_voting_power,
            total_network_weight: capture.total_network_weight,
        }
    }
}

fn gaps(tally: &Tally, needs: Needs, degree: Degree, pre_eligible: bool) -> Gaps {
    let gap = |have, need: Option<i64>| Gap {
        have,
        need,
        missing: need.and_then(|need| missing(need, have)),
    };
    Gaps {
        uncertain: false,
        degree,
        hosts: gap(tally.intent_host_count, Some(needs.hosts)),
        weight: gap(tally.intent_weight, needs.weight),
        reach: gap(tally.reachable_voting_power, needs.reach),
        pre_eligible,
    }
}

/// `need − have`, at least 0; none when an event's absurd number puts it beyond 64 bits.
fn missing(need: i64, have: i64) -> Option<i64> {
    if have >= need { Some(0) } else { need.checked_sub(have) }
}

#[cfg(test)]
mod tests;
