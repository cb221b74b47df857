use super::*;
use crate::{Decimal, Penalty};

fn fixed(penalties: &[(&str, i64)], transfers: &[(&str, &str, i64)]) -> ChargeSnapshot {
    ChargeSnapshot {
        epoch_index: 1,
        penalties: penalties
            .iter()
            .map(|(host, percent)| Penalty {
                host: Address::from(*host),
                fraction: Decimal::new(*percent, -2),
            })
            .collect(),
        transfers: transfers
            .iter()
            .map(|(from, to, percent)| Transfer {
                model_id: "m".into(),
                from: Address::from(*from),
                to: Address::from(*to),
                share: Decimal::new(*percent, -2),
            })
            .collect(),
    }
}

fn settled(
    rule_set: RuleSet,
    weights: &[(&str, Weight)],
    fixed: &ChargeSnapshot,
) -> Vec<(String, Weight)> {
    let hosts: Vec<_> = weights.iter().map(|(host, w)| (Address::from(*host), *w)).collect();
    let mut all: Weights<'_> = hosts.iter().map(|(host, weight)| (host, *weight)).collect();
    settle(rule_set, &mut all, fixed).unwrap();
    all.into_iter().map(|(host, weight)| (host.to_string(), weight)).collect()
}

fn expect(weights: &[(&str, Weight)]) -> Vec<(String, Weight)> {
    weights.iter().map(|(host, weight)| ((*host).to_owned(), *weight)).collect()
}

/// A share of the reward is of what the charge leaves, a share of the weight is of all of it.
#[test]
fn a_share_comes_after_the_charge_or_beside_it() {
    let weights = [("a", 999), ("b", 100)];
    let charges = fixed(&[("a", 15)], &[("a", "b", 5)]);
    // 999 − floor(149.85) = 850; floor(42.5) of it goes.
    let of_reward = expect(&[("a", 850 - 42), ("b", 142)]);
    assert_eq!(settled(RuleSet::V0_2_14, &weights, &charges), of_reward);
    assert_eq!(settled(RuleSet::V0_2_16, &weights, &charges), of_reward);
    // floor(49.95) of the whole weight goes.
    let of_weight = expect(&[("a", 850 - 49), ("b", 149)]);
    assert_eq!(settled(RuleSet::V0_2_12, &weights, &charges), of_weight);
}

#[test]
fn nobody_gives_more_than_is_left() {
    let weights = [("a", 100), ("b", 10), ("c", 10)];
    let charges = fixed(&[("a", 90)], &[("a", "c", 50), ("a", "b", 50)]);
    // Of the weight 10 are left after the charge; `b` comes before `c`.
    let of_weight = expect(&[("a", 0), ("b", 20), ("c", 10)]);
    assert_eq!(settled(RuleSet::V0_2_12, &weights, &charges), of_weight);
    let of_reward = expect(&[("a", 0), ("b", 15), ("c", 15)]);
    assert_eq!(settled(RuleSet::V0_2_14, &weights, &charges), of_reward);
}

/// A delegate that is not in the epoch: its delegator keeps weight, but loses reward.
#[test]
fn a_delegate_that_earns_nothing_gets_nothing() {
    let charges = fixed(&[], &[("a", "b", 10), ("a", "c", 10)]);
    let weights = [("a", 100), ("b", 0)];
    assert_eq!(
        settled(RuleSet::V0_2_14, &weights, &charges),
        expect(&[("a", 80), ("b", 0)]),
        "lost to whoever gets what nobody earns"
    );
    assert_eq!(settled(RuleSet::V0_2_12, &weights, &charges), expect(&[("a", 90), ("b", 10)]));
}

#[test]
fn strangers_and_odd_fractions_change_nothing() {
    let weights = [("a", 7)];
    let charges = fixed(&[("x", 50), ("a", -5)], &[("x", "a", 50), ("a", "x", -5)]);
    for rule_set in RuleSet::ALL {
        assert_eq!(settled(rule_set, &weights, &charges), expect(&weights), "{rule_set}");
    }
    let mut odd = fixed(&[("a", 1)], &[]);
    odd.penalties[0].fraction = Decimal::new(1, 400);
    let host = Address::from("a");
    let mut all: Weights<'_> = [(&host, 7)].into();
    assert!(settle(RuleSet::V0_2_14, &mut all, &odd).is_err());
}
