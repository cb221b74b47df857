//! What an epoch takes from hosts for the models they did not serve, and what goes to delegates
//! (x/inference/module/delegation_pipeline.go and bootstrap_penalty.go).

use std::collections::{BTreeMap, BTreeSet};

use super::address::{Address, ModelId};
use super::decimal::Dec;
use super::spec::Version;

/// What charges are decided from, at validation end.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) version: Version,
    /// The epoch being formed.
    pub(crate) epoch: u64,
    pub(crate) refusal: Dec,
    pub(crate) no_participation: Dec,
    pub(crate) share: Dec,
    /// The first epoch in which a model's penalties apply; a missing one means always.
    pub(crate) penalty_start: BTreeMap<ModelId, u64>,
    /// Live members of the effective epoch.
    pub(crate) previous: BTreeMap<Address, i64>,
    /// Hosts of the epoch being formed, with their new weights.
    pub(crate) upcoming: BTreeMap<Address, i64>,
    /// The accepted hosts of each eligible model.
    pub(crate) eligible: BTreeMap<ModelId, BTreeSet<Address>>,
    /// The choices at validation start.
    pub(crate) refusals: BTreeSet<(ModelId, Address)>,
    pub(crate) delegations: BTreeMap<(ModelId, Address), Address>,
    /// The bootstrap snapshot: its models and whether they were pre-eligible, and its choices.
    pub(crate) report: BTreeMap<ModelId, bool>,
    pub(crate) bootstrap_delegations: BTreeSet<(ModelId, Address)>,
    pub(crate) bootstrap_intents: BTreeSet<(ModelId, Address)>,
    /// Commits of this stage, and those of them that got at least one vote.
    pub(crate) commits: BTreeSet<(ModelId, Address)>,
    pub(crate) voted: BTreeSet<(ModelId, Address)>,
}

/// The charges of an epoch.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Charges {
    /// Host → fraction, positive and at most 1.
    pub(crate) penalties: BTreeMap<Address, Dec>,
    /// In (from, to, model) order.
    pub(crate) transfers: Vec<Transfer>,
    /// What each penalty is for.
    pub(crate) bills: Vec<Bill>,
}

/// A part of a penalty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// Who pays.
    pub host: String,
    /// For which model.
    pub model: String,
    /// Why.
    pub because: Because,
}

/// Why a host pays for a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Because {
    /// It refused a model of the new epoch.
    Refused,
    /// It neither works for a model of the new epoch nor delegates it to somebody who does, nor
    /// refused it.
    Nothing,
    /// The model was captured and is not among those of the new epoch, and the host did nothing for
    /// it.
    Missed,
}

/// A share of a delegator's reward, or weight, that goes to its delegate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Transfer {
    pub(crate) from: Address,
    pub(crate) to: Address,
    pub(crate) model: ModelId,
    pub(crate) share: Dec,
}

/// How a host takes part in an eligible model.
#[derive(Debug, PartialEq, Eq)]
enum Mode<'a> {
    Direct,
    Refuse,
    Delegate(&'a Address),
    None,
}

impl Outcome {
    /// Decides them.
    pub(crate) fn charges(&self) -> Charges {
        let mut charges = Charges::default();
        if self.refusal.is_zero() && self.no_participation.is_zero() && self.share.is_zero() {
            return charges;
        }
        let weighted = self.previous.iter().filter(|(_, weight)| **weight > 0);
        let hosts = weighted.map(|(host, _)| host).chain(self.upcoming.keys());
        for host in hosts.collect::<BTreeSet<_>>() {
            let mut sum = Dec::ZERO;
            let mut bills = Vec::new();
            let bill = |model: &ModelId, because| Bill {
                host: host.to_string(),
                model: model.to_string(),
                because,
            };
            for model in self.eligible.keys().filter(|model| self.penalised(model)) {
                match self.mode(model, host) {
                    Mode::Direct => {}
                    Mode::Refuse => {
                        sum = sum.plus(self.refusal);
                        bills.push(bill(model, Because::Refused));
                    }
                    Mode::None => {
                        sum = sum.plus(self.no_participation);
                        bills.push(bill(model, Because::Nothing));
                    }
                    Mode::Delegate(to) if !self.share.is_zero() => {
                        charges.transfers.push(Transfer {
                            from: host.clone(),
                            to: to.clone(),
                            model: model.clone(),
                            share: self.share,
                        });
                    }
                    Mode::Delegate(_) => {}
                }
            }
            // A transfer is listed for whoever takes part; a penalty needs something to take from.
            if self.upcoming.get(host).is_none_or(|weight| *weight <= 0) {
                continue;
            }
            let missed =
                self.report.iter().filter(|(model, _)| !self.eligible.contains_key(*model));
            for (model, pre_eligible) in missed.filter(|(model, _)| self.penalised(model)) {
                if self.pays_for_missed(model, *pre_eligible, host) {
                    sum = sum.plus(self.no_participation);
                    bills.push(bill(model, Because::Missed));
                }
            }
            if sum.is_positive() {
                charges.bills.extend(bills);
                charges.penalties.insert(host.clone(), sum.min(Dec::ONE));
            }
        }
        charges.transfers.sort();
        charges
    }

    fn penalised(&self, model: &ModelId) -> bool {
        self.penalty_start.get(model).is_none_or(|start| self.epoch >= *start)
    }

    fn mode(&self, model: &ModelId, host: &Address) -> Mode<'_> {
        let Some(members) = self.eligible.get(model) else { return Mode::None };
        let key = (model.clone(), host.clone());
        if members.contains(host) {
            return Mode::Direct;
        }
        if self.refusals.contains(&key) {
            return Mode::Refuse;
        }
        match self.delegations.get(&key) {
            Some(to) if members.contains(to) && self.counts(to) => Mode::Delegate(to),
            _ => Mode::None,
        }
    }

    /// Who delegates to whom in an eligible model, as far as it counts.
    pub(crate) fn delegators(&self, model: &ModelId) -> Vec<(Address, Address)> {
        let hosts = self.previous.keys().chain(self.upcoming.keys()).collect::<BTreeSet<_>>();
        let delegating = hosts.into_iter().filter_map(|host| match self.mode(model, host) {
            Mode::Delegate(to) => Some((host.clone(), to.clone())),
            Mode::Direct | Mode::Refuse | Mode::None => None,
        });
        delegating.collect()
    }

    /// Whether a delegate has weight now or is in the epoch being formed.
    fn counts(&self, host: &Address) -> bool {
        self.previous.get(host).is_some_and(|weight| *weight > 0)
            || self.upcoming.contains_key(host)
    }

    /// Whether a host pays for a model of the bootstrap report that did not become eligible.
    fn pays_for_missed(&self, model: &ModelId, pre_eligible: bool, host: &Address) -> bool {
        let key = (model.clone(), host.clone());
        match self.version {
            Version::V0_2_12 | Version::V0_2_14 => {
                if self.commits.contains(&key) || self.bootstrap_delegations.contains(&key) {
                    false
                } else if self.bootstrap_intents.contains(&key) {
                    pre_eligible
                } else {
                    true
                }
            }
            Version::V0_2_16 => {
                pre_eligible
                    && self.previous.contains_key(host)
                    && !self.voted.contains(&key)
                    && !self.bootstrap_delegations.contains(&key)
            }
        }
    }
}

impl Charges {
    /// v0.2.12 and v0.2.13: charges act on consensus weight.
    pub(crate) fn act_on_weights(&self, weights: &mut BTreeMap<Address, i64>) {
        let original = weights.clone();
        for (host, fraction) in &self.penalties {
            if let Some(weight) = weights.get_mut(host) {
                *weight -= fraction.of_amount(*weight);
            }
        }
        // In (from, to) order; a share is of the weight before penalties, limited by what is left.
        for transfer in &self.transfers {
            if !weights.contains_key(&transfer.to) || !weights.contains_key(&transfer.from) {
                continue;
            }
            let left = weights.get(&transfer.from).copied().unwrap_or_default();
            let before = original.get(&transfer.from).copied().unwrap_or_default();
            let moved = transfer.share.of_amount(before).min(left);
            *weights.entry(transfer.from.clone()).or_default() -= moved;
            *weights.entry(transfer.to.clone()).or_default() += moved;
        }
    }
}

#[cfg(test)]
mod tests;
