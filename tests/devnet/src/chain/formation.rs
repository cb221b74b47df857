//! From accepted work to weights and voting powers of a new epoch
//! (x/inference/module/delegation_weight_calculator.go, chainvalidation.go, power capping).

use std::collections::{BTreeMap, BTreeSet};

use super::address::{Address, ModelId};
use super::decimal::{Dec, decimal};

/// The accepted hosts of a model, with the nonces they computed.
pub(crate) type Work = BTreeMap<ModelId, BTreeMap<Address, i64>>;

/// What eligibility and weights are decided from.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) coefficients: BTreeMap<ModelId, Dec>,
    pub(crate) initial_model: ModelId,
    pub(crate) w_threshold: Dec,
    pub(crate) v_min: i64,
    pub(crate) cap_factor: Dec,
    pub(crate) max_voting_power: Dec,
    /// Live members of the effective epoch.
    pub(crate) previous: BTreeMap<Address, i64>,
}

impl Rules {
    fn total(&self) -> i64 {
        self.previous.values().sum()
    }

    fn coefficient(&self, model: &ModelId) -> Dec {
        self.coefficients.get(model).copied().unwrap_or(Dec::ONE)
    }

    /// Whether a group of accepted hosts may serve its model. Reachability and pre-eligibility do
    /// not matter any more.
    pub(crate) fn is_eligible(&self, model: &ModelId, members: &BTreeMap<Address, i64>) -> bool {
        let weight = |host: &Address| self.previous.get(host).copied().unwrap_or_default();
        let sum: i64 = members.keys().map(weight).sum();
        let weighted = members.iter().filter(|(host, work)| **work > 0 && weight(host) > 0).count();
        let network = self.previous.values().filter(|weight| **weight > 0).count();
        let at_least = |count: usize| i64::try_from(count).unwrap_or(i64::MAX) >= self.v_min;
        let exempt = *model == self.initial_model && !at_least(network);
        self.coefficient(model).is_positive()
            && sum >= self.w_threshold.of_amount(self.total())
            && (exempt || at_least(weighted))
    }

    /// Consensus weights from the eligible groups. Every group but the initial model's is capped
    /// by the previous total, unless it is alone.
    pub(crate) fn weights(&self, eligible: &Work) -> BTreeMap<Address, i64> {
        let mut weights = BTreeMap::<Address, i64>::new();
        for (model, members) in eligible {
            let coefficient = self.coefficient(model);
            let contributions =
                members.iter().map(|(host, work)| (host, coefficient.of_amount(*work)));
            let contributions = contributions.collect::<Vec<_>>();
            let raw: i64 = contributions.iter().map(|(_, contribution)| contribution).sum();
            let cap = self.cap_factor.of_amount(self.total());
            let capped = *model != self.initial_model && eligible.len() > 1 && raw > cap;
            let scale = if capped { Dec::ratio(cap.into(), raw.into()) } else { Dec::ONE };
            for (host, contribution) in contributions {
                *weights.entry(host.clone()).or_default() += scale.of_amount(contribution);
            }
        }
        weights
    }

    /// Voting powers in a model's group: own weight and that of delegators, clipped to a share of
    /// the group's sum. The excess is burned. A host alone is not clipped.
    pub(crate) fn voting_powers(
        &self,
        members: &BTreeSet<Address>,
        weights: &BTreeMap<Address, i64>,
        delegators: &[(Address, Address)],
    ) -> BTreeMap<Address, i64> {
        let weight = |host: &Address| weights.get(host).copied().unwrap_or_default();
        let mut powers =
            members.iter().map(|host| (host.clone(), weight(host))).collect::<BTreeMap<_, _>>();
        for (from, to) in delegators {
            if let Some(power) = powers.get_mut(to) {
                *power += weight(from);
            }
        }
        if powers.len() > 1 && self.max_voting_power.is_positive() {
            let most = self.max_voting_power.of_amount(powers.values().sum());
            for power in powers.values_mut() {
                *power = (*power).min(most);
            }
        }
        powers
    }
}

/// Limits every host to 30 % of the network's weight after capping; 40 % among three, 50 % among
/// two, nothing for one alone.
pub(crate) fn cap_power(weights: &mut BTreeMap<Address, i64>) {
    let share = match weights.len() {
        0 | 1 => return,
        2 => decimal(5, -1),
        3 => decimal(4, -1),
        _ => decimal(3, -1),
    };
    let tenths = i128::from(share.value);
    let mut sorted = weights.values().copied().collect::<Vec<_>>();
    sorted.sort_unstable();
    let mut below: i128 = 0;
    for (index, weight) in sorted.iter().enumerate() {
        let rest = i128::try_from(sorted.len() - index).unwrap_or(i128::MAX);
        // Were everyone from here on as heavy as this one, would this one hold too much?
        let flat = below + i128::from(*weight) * rest;
        if i128::from(*weight) * 10 > tenths * flat {
            let room = 10 - tenths * rest;
            if room > 0 {
                let cap = i64::try_from(tenths * below / room).unwrap_or(i64::MAX);
                for weight in weights.values_mut() {
                    *weight = (*weight).min(cap);
                }
            }
            return;
        }
        below += i128::from(*weight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(weights: &[(&str, i64)]) -> BTreeMap<Address, i64> {
        weights.iter().map(|(host, weight)| (Address::from(*host), *weight)).collect()
    }

    fn rules(previous: &[(&str, i64)]) -> Rules {
        let dec = |value, exponent| Dec::or_zero(Some(&decimal(value, exponent)));
        Rules {
            coefficients: BTreeMap::from([("half".into(), dec(5, -1))]),
            initial_model: "initial".into(),
            w_threshold: dec(5, -1),
            v_min: 2,
            cap_factor: dec(75, -2),
            max_voting_power: dec(3, -1),
            previous: hosts(previous),
        }
    }

    #[test]
    fn eligibility_asks_for_previous_weight_and_for_hosts_that_have_it() {
        let rules = rules(&[("a", 60), ("b", 40), ("c", 20)]);
        let model = ModelId::from("m");
        assert!(rules.is_eligible(&model, &hosts(&[("a", 1), ("b", 1)])));
        assert!(!rules.is_eligible(&model, &hosts(&[("a", 1), ("new", 1)])), "one with weight");
        assert!(!rules.is_eligible(&model, &hosts(&[("b", 1), ("c", 1)]).split_off("c")));
        assert!(rules.is_eligible(&model, &hosts(&[("b", 1), ("c", 1)])), "60 of 120 is enough");
        let small = self::rules(&[("a", 60)]);
        assert!(small.is_eligible(&"initial".into(), &hosts(&[("a", 1)])), "exempt");
        assert!(!small.is_eligible(&model, &hosts(&[("a", 1)])));
    }

    #[test]
    fn a_group_is_scaled_down_to_its_cap() {
        let rules = rules(&[("a", 100), ("b", 100)]);
        let half = hosts(&[("a", 401), ("b", 199)]);
        let initial = hosts(&[("a", 1_000)]);
        let work = Work::from([("half".into(), half.clone()), ("initial".into(), initial)]);
        // floor(200 + 99) = 299 raw, cap 150: scale 0.50167…; the initial model has no cap.
        assert_eq!(rules.weights(&work), hosts(&[("a", 1_100), ("b", 49)]));
        let alone = Work::from([("half".into(), half)]);
        assert_eq!(rules.weights(&alone), hosts(&[("a", 200), ("b", 99)]));
    }

    #[test]
    fn voting_power_above_the_limit_is_burned() {
        let rules = rules(&[]);
        let weights = hosts(&[("a", 500), ("b", 200), ("c", 300)]);
        let members = BTreeSet::from(["a".into(), "b".into()]);
        let delegators = [("c".into(), Address::from("a"))];
        let powers = rules.voting_powers(&members, &weights, &delegators);
        assert_eq!(powers, hosts(&[("a", 300), ("b", 200)]));
        let alone = BTreeSet::from([Address::from("a")]);
        assert_eq!(rules.voting_powers(&alone, &weights, &delegators), hosts(&[("a", 800)]));
    }

    #[test]
    fn no_host_holds_more_than_its_share_of_the_network() {
        let mut weights = hosts(&[("a", 1_000), ("b", 100), ("c", 100), ("d", 100), ("e", 100)]);
        cap_power(&mut weights);
        assert_eq!(weights["a"], 171, "0.3 × 400 / 0.7");
        let mut two = hosts(&[("a", 900), ("b", 100)]);
        cap_power(&mut two);
        assert_eq!(two, hosts(&[("a", 100), ("b", 100)]));
        let mut even = hosts(&[("a", 100), ("b", 100), ("c", 100), ("d", 100)]);
        cap_power(&mut even);
        assert_eq!(even["d"], 100);
    }
}
