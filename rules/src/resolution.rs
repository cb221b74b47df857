//! How the chain resolves every host at a validation end, once the PoC's outcome is known.
//!
//! Sources: x/inference/module/delegation_weight_calculator.go (regular modes),
//! bootstrap_penalty.go (candidates that stayed ineligible); v0.2.14, and for the newest rule set
//! a later state of the same files.

mod mode;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Address, Choice, EpochIndex, Fraction, HostCharge, ModelCharge, ModelId, Network, Penalties,
    RuleSet, Share, Weight,
};

pub use mode::{BootstrapStand, Mode};

/// Choices as a snapshot holds them.
pub type ChoicesByModel = BTreeMap<ModelId, BTreeMap<Address, Choice>>;

/// What a PoC produced.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// The hosts of the upcoming group with their new consensus weight.
    pub upcoming_weights: BTreeMap<Address, Weight>,
    /// Accepted hosts of each model that became eligible; no entry for the others.
    pub eligible_members: BTreeMap<ModelId, BTreeSet<Address>>,
    /// Hosts that committed for a model, accepted or not.
    pub committers: BTreeMap<ModelId, BTreeSet<Address>>,
    /// Those whose commit got at least one validation vote.
    pub validated_committers: BTreeMap<ModelId, BTreeSet<Address>>,
}

/// Everything that the resolution at a validation end reads.
#[derive(Debug, Clone, Copy)]
pub struct Formation<'a> {
    /// The rules in force.
    pub rule_set: RuleSet,
    /// The epoch that is being formed.
    pub epoch: EpochIndex,
    /// The fractions of the parameters.
    pub penalties: Penalties,
    /// First epoch in which each model can cost anything; a model without an entry always can.
    pub penalty_start: &'a BTreeMap<ModelId, EpochIndex>,
    /// Live members of the effective root group.
    pub network: &'a Network<'a>,
    /// Choices captured at H, for the candidates.
    pub bootstrap: &'a ChoicesByModel,
    /// The `pre_eligible` flags of that capture: the models it covers.
    pub report: &'a BTreeMap<ModelId, bool>,
    /// Choices captured at validation start.
    pub regular: &'a ChoicesByModel,
    /// What the PoC produced.
    pub outcome: &'a Outcome,
}

impl Formation<'_> {
    /// The charges of every host that the chain resolves: those with weight in the effective
    /// group and those of the upcoming one, ordered by address.
    #[must_use]
    pub fn resolve(&self) -> Vec<HostCharge> {
        let weighty =
            self.network.members().filter(|(_, weight)| *weight > 0).map(|(host, _)| host);
        let hosts: BTreeSet<_> = weighty.chain(self.outcome.upcoming_weights.keys()).collect();
        hosts.into_iter().map(|host| self.resolve_host(host)).collect()
    }

    /// The charges of one host.
    #[must_use]
    pub fn resolve_host(&self, host: &Address) -> HostCharge {
        let has_weight = self.outcome.upcoming_weights.get(host).is_some_and(|weight| *weight > 0);
        let mut models = Vec::new();
        let mut transfers = Vec::new();
        for (model_id, members) in &self.outcome.eligible_members {
            let mode = self.regular_mode(host, model_id, members);
            let in_force = self.in_force(model_id);
            let fraction = self.fraction(mode, in_force && has_weight);
            models.push(ModelCharge { model_id: model_id.clone(), mode, fraction });
            if mode == Mode::Delegate
                && in_force
                && !self.penalties.share().is_zero()
                && let Some(Choice::Delegate { delegate_to }) = chosen(self.regular, model_id, host)
            {
                let (model_id, to) = (model_id.clone(), delegate_to.clone());
                transfers.push(Share { model_id, to, share: self.penalties.share() });
            }
        }
        for (model_id, pre_eligible) in self.report {
            if self.outcome.eligible_members.contains_key(model_id) || !has_weight {
                continue;
            }
            let stand = BootstrapStand {
                pre_eligible: *pre_eligible,
                was_member: self.network.contains(host),
                committed: contains(&self.outcome.committers, model_id, host),
                validated: contains(&self.outcome.validated_committers, model_id, host),
                choice: chosen(self.bootstrap, model_id, host),
            };
            if let Some(mode) = Mode::bootstrap(self.rule_set, &stand) {
                let fraction = self.fraction(mode, self.in_force(model_id));
                models.push(ModelCharge { model_id: model_id.clone(), mode, fraction });
            }
        }
        models.sort_by(|a, b| a.model_id.cmp(&b.model_id));
        let fraction = Fraction::capped_sum(models.iter().map(|charge| charge.fraction))
            .expect("charges are shares of at most 37 decimal places");
        HostCharge { host: host.clone(), fraction, models, transfers }
    }

    fn regular_mode(
        &self,
        host: &Address,
        model_id: &ModelId,
        members: &BTreeSet<Address>,
    ) -> Mode {
        let choice = chosen(self.regular, model_id, host);
        Mode::regular(members.contains(host), choice, |delegate| {
            members.contains(delegate)
                && (self.network.weight(delegate).is_some_and(|weight| weight > 0)
                    || self.outcome.upcoming_weights.contains_key(delegate))
        })
    }

    fn in_force(&self, model_id: &ModelId) -> bool {
        self.penalty_start.get(model_id).is_none_or(|start| self.epoch >= *start)
    }

    fn fraction(&self, mode: Mode, counts: bool) -> Fraction {
        if counts { self.penalties.of(mode) } else { Fraction::ZERO }
    }
}

fn chosen<'c>(choices: &'c ChoicesByModel, model: &ModelId, host: &Address) -> Option<&'c Choice> {
    choices.get(model)?.get(host)
}

fn contains(sets: &BTreeMap<ModelId, BTreeSet<Address>>, model: &ModelId, host: &Address) -> bool {
    sets.get(model).is_some_and(|hosts| hosts.contains(host))
}
