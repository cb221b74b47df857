//! Ways to close a candidate's gaps before the capture: which hosts would do it, fewest first, and
//! what one host's own choice would change. Facts about weights, not about who has the hardware.

mod support;

use serde::{Deserialize, Serialize};

use crate::{
    Address, Choice, DelegationParams, ModelParams, Weight,
    preeligibility::{Needs, Preeligibility, Tally},
};

pub use support::Support;

/// Steps that a plan names; a longer one tells only how many it has.
pub const MAX_NAMED: usize = 20;

/// For each gap the fewest hosts that would close it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Closing {
    /// Hosts with weight that would have to declare intent; null when there are too few.
    pub hosts: Option<Plan>,
    /// The same for the intent weight; null when all weight together does not suffice.
    pub weight: Option<Plan>,
    /// The same for reach, where a delegation to a host with intent helps as well; null when all
    /// weight together does not suffice. Found step by step, each time the host that adds most.
    pub reach: Option<Plan>,
    /// All three at once; null when one of them cannot be closed.
    pub all: Option<Plan>,
}

/// Hosts whose choices together close a gap. No steps mean that there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Plan {
    /// How many steps it takes.
    pub count: usize,
    /// The first [`MAX_NAMED`] of them, the heaviest first.
    pub steps: Vec<Step>,
}

/// One host's choice in a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Step {
    /// The host.
    pub host: Address,
    /// Its own weight.
    pub weight: Weight,
    /// What stands for it now; null when it is undecided.
    pub now: Option<Choice>,
    /// What it would choose: intent, or a delegation to a host that declared intent. A delegation
    /// stands where it adds as much as an intent: it needs no hardware.
    pub choose: Choice,
    /// Weight that this adds to what is reached, after the steps before it.
    pub adds_reach: Weight,
}

/// What one host's choice would change for a candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Effects {
    /// If it declared intent; null when it has.
    pub intent: Option<Effect>,
    /// If it delegated to a host that declared intent; null when it does, and when there is none.
    pub delegate: Option<Effect>,
}

/// The gaps after a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = LeverEffect)]
pub struct Effect {
    /// Hosts still missing.
    pub hosts_missing: i64,
    /// Intent weight still missing; null when no amount suffices.
    pub weight_missing: Option<Weight>,
    /// Reach still missing; null when no amount suffices.
    pub reach_missing: Option<Weight>,
    /// What it adds to reach; negative when it takes some away.
    pub adds_reach: Weight,
    /// The model would be pre-eligible.
    pub pre_eligible: bool,
}

impl Closing {
    /// The plans for a candidate, from its support as it stands.
    #[must_use]
    pub fn new(params: &DelegationParams, support: &Support<'_>) -> Self {
        let needs = Needs::new(params, support.tally().total_network_weight);
        Self {
            hosts: close(support, &Needs { weight: Some(0), reach: Some(0), ..needs }),
            weight: close(support, &Needs { hosts: 0, reach: Some(0), ..needs }),
            reach: close(support, &Needs { hosts: 0, weight: Some(0), ..needs }),
            all: close(support, &needs),
        }
    }
}

/// The steps that meet the needs; none when they cannot be met.
fn close(support: &Support<'_>, needs: &Needs) -> Option<Plan> {
    let (weight_need, reach_need) = (needs.weight?, needs.reach?);
    let now = support.tally();
    if weight_need > now.total_network_weight || reach_need > now.total_network_weight {
        return None;
    }
    let declared =
        |tally: Tally| tally.intent_host_count >= needs.hosts && tally.intent_weight >= weight_need;
    let mut plan = Plan::default();
    if declared(now) && now.reachable_voting_power >= reach_need {
        return Some(plan);
    }
    let mut ahead = support.ahead();
    if !declared(now) {
        // Intents count for all three, and for hosts and weight the heaviest are the fewest.
        let mut heaviest = support.undeclared();
        while !declared(ahead.tally) {
            plan.push(support, ahead.declare(heaviest.next()?));
        }
    }
    while ahead.tally.reachable_voting_power < reach_need {
        let at = ahead.best()?;
        plan.push(support, ahead.connect(at));
    }
    Some(plan)
}

impl Plan {
    fn push(&mut self, support: &Support<'_>, next: support::Move) {
        self.count += 1;
        if self.steps.len() < MAX_NAMED {
            self.steps.push(support.step(next));
        }
    }
}

impl Effects {
    /// What the host's choice would change; none when it is no live member, because then the
    /// chain does not read it.
    #[must_use]
    pub fn new(
        params: &DelegationParams,
        model: &ModelParams,
        support: &Support<'_>,
        host: &Address,
    ) -> Option<Self> {
        let at = support.position(host)?;
        let effect = |tally: Tally| {
            let judged = Preeligibility::judge(params, model, tally);
            Effect {
                hosts_missing: judged.hosts_needed(),
                weight_missing: judged.weight_needed(),
                reach_missing: judged.reach_needed(),
                adds_reach: tally.reachable_voting_power - support.tally().reachable_voting_power,
                pre_eligible: judged.pre_eligible(),
            }
        };
        Some(Self {
            intent: support.if_declared(at).map(effect),
            delegate: support.if_delegated(at).map(effect),
        })
    }
}

#[cfg(test)]
mod tests;
