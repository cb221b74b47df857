//! Whether a candidate model could be served: the three checks of the bootstrap snapshot
//! (x/inference/module/delegation_weight_calculator.go).

use std::collections::{BTreeMap, BTreeSet};

use super::address::Address;
use super::decimal::Dec;

/// The choices for one candidate model, of live members only.
#[derive(Debug, Default)]
pub(crate) struct Candidate<'a> {
    pub(crate) coefficient: Dec,
    pub(crate) intents: BTreeSet<&'a Address>,
    pub(crate) delegations: BTreeMap<&'a Address, &'a Address>,
}

/// What the parameters ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Thresholds {
    pub(crate) weight: Dec,
    pub(crate) hosts: i64,
}

/// What the event says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) pre_eligible: bool,
    pub(crate) meets_weight_threshold: bool,
    pub(crate) meets_v_min: bool,
    pub(crate) meets_reachability: bool,
    pub(crate) intent_host_count: i64,
    pub(crate) intent_weight: i64,
    pub(crate) reachable_voting_power: i64,
}

/// Judges a candidate among members of `weights`.
pub(crate) fn judge(
    candidate: &Candidate<'_>,
    weights: &BTreeMap<Address, i64>,
    thresholds: Thresholds,
) -> Verdict {
    let weight = |host: &Address| weights.get(host).copied().unwrap_or_default();
    let total: i64 = weights.values().sum();
    let intent_weight: i64 = candidate.intents.iter().map(|host| weight(host)).sum();
    let hosts = candidate.intents.iter().filter(|host| weight(host) > 0).count();
    let intent_host_count = i64::try_from(hosts).unwrap_or(i64::MAX);
    // A single hop: only a delegation to a host that itself declared intent counts.
    let brought: i64 = candidate
        .delegations
        .iter()
        .filter(|(from, to)| candidate.intents.contains(*to) && !candidate.intents.contains(*from))
        .map(|(from, _)| weight(from))
        .sum();
    let reachable = intent_weight + brought;
    let meets_weight_threshold =
        thresholds.weight.is_zero() || intent_weight >= thresholds.weight.of_amount(total);
    let meets_v_min = thresholds.hosts <= 0 || intent_host_count >= thresholds.hosts;
    let meets_reachability = total > 0 && 3 * i128::from(reachable) > 2 * i128::from(total);
    Verdict {
        pre_eligible: candidate.coefficient.is_positive()
            && meets_weight_threshold
            && meets_v_min
            && meets_reachability,
        meets_weight_threshold,
        meets_v_min,
        meets_reachability,
        intent_host_count,
        intent_weight,
        reachable_voting_power: reachable,
    }
}

#[cfg(test)]
mod tests {
    use super::super::decimal::decimal;
    use super::*;

    /// weights, intents, delegations, w_threshold (percent), v_min.
    fn judged(
        weights: &[(&str, i64)],
        intents: &[&str],
        delegations: &[(&str, &str)],
        percent: i64,
        hosts: i64,
    ) -> Verdict {
        let weights =
            weights.iter().map(|(host, weight)| (Address::from(*host), *weight)).collect();
        let intents = intents.iter().map(|host| Address::from(*host)).collect::<Vec<_>>();
        let pairs = delegations
            .iter()
            .map(|(from, to)| (Address::from(*from), Address::from(*to)))
            .collect::<Vec<_>>();
        let candidate = Candidate {
            coefficient: Dec::ONE,
            intents: intents.iter().collect(),
            delegations: pairs.iter().map(|(from, to)| (from, to)).collect(),
        };
        let weight = Dec::or_zero(Some(&decimal(percent, -2)));
        judge(&candidate, &weights, Thresholds { weight, hosts })
    }

    fn flags(verdict: &Verdict) -> (bool, bool, bool, bool) {
        (
            verdict.meets_weight_threshold,
            verdict.meets_v_min,
            verdict.meets_reachability,
            verdict.pre_eligible,
        )
    }

    const THREE: [(&str, i64); 3] = [("a", 100), ("b", 60), ("c", 40)];

    #[test]
    fn the_chains_own_cases() {
        let v = judged(&THREE, &["a"], &[("b", "a"), ("c", "a")], 60, 1);
        assert_eq!(flags(&v), (false, true, true, false));
        assert_eq!((v.intent_host_count, v.intent_weight, v.reachable_voting_power), (1, 100, 200));

        let v = judged(&THREE, &["a"], &[("b", "a"), ("c", "a")], 40, 2);
        assert_eq!(flags(&v), (true, false, true, false));

        let v = judged(&[("a", 50), ("b", 10), ("c", 40)], &["a", "b"], &[], 50, 2);
        assert_eq!(flags(&v), (true, true, false, false));
        assert_eq!(v.reachable_voting_power, 60);

        let v = judged(&THREE, &["a", "b"], &[("c", "a")], 50, 2);
        assert_eq!(flags(&v), (true, true, true, true));
        assert_eq!((v.intent_host_count, v.intent_weight, v.reachable_voting_power), (2, 160, 200));

        let v = judged(&THREE, &["a"], &[], 50, 2);
        assert_eq!(flags(&v), (true, false, false, false));

        let v = judged(&[("a", 50), ("b", 20), ("c", 30)], &["a", "b"], &[("c", "a")], 0, 0);
        assert_eq!((v.reachable_voting_power, v.meets_reachability), (100, true));
    }

    #[test]
    fn two_thirds_exactly_do_not_reach() {
        let v = judged(&[("a", 200), ("b", 100)], &["a"], &[], 0, 0);
        assert!(!v.meets_reachability);
        let v = judged(&[("a", 201), ("b", 100)], &["a"], &[], 0, 0);
        assert!(v.meets_reachability);
    }

    #[test]
    fn an_empty_network_meets_a_threshold_of_nothing_but_reaches_nobody() {
        assert_eq!(flags(&judged(&[], &[], &[], 10, 0)), (true, true, false, false));
    }

    #[test]
    fn a_delegation_to_a_host_without_intent_brings_nothing() {
        let v = judged(&THREE, &["a"], &[("b", "c"), ("c", "a")], 0, 0);
        assert_eq!(v.reachable_voting_power, 140);
    }
}
