//! Random networks: a few hosts, weights that are mostly small so that thresholds are met and
//! missed often, and every kind of choice.

use bootwatch_rules::{Address, Choice, Decimal, DelegationParams, Network, Weight};
use proptest::prelude::*;

/// A network with the choices for one model.
#[derive(Debug, Clone)]
pub(crate) struct Town {
    pub(crate) members: Vec<(Address, Weight)>,
    pub(crate) choices: Vec<(Address, Choice)>,
}

impl Town {
    pub(crate) fn network(&self) -> Network<'_> {
        Network::new(self.members.iter().map(|(host, weight)| (host, *weight))).unwrap()
    }

    pub(crate) fn choices(&self) -> impl Iterator<Item = (&Address, &Choice)> {
        self.choices.iter().map(|(host, choice)| (host, choice))
    }

    /// The choice of one host replaced.
    pub(crate) fn with(&self, host: &Address, choice: Option<Choice>) -> Self {
        let mut town = self.clone();
        town.choices.retain(|(other, _)| other != host);
        town.choices.extend(choice.map(|choice| (host.clone(), choice)));
        town
    }
}

pub(crate) fn host(number: usize) -> Address {
    Address::from(format!("gonka1host{number:02}"))
}

pub(crate) fn weight() -> impl Strategy<Value = Weight> {
    prop_oneof![
        2 => Just(0),
        6 => 1..50_i64,
        3 => 1_000..60_000_i64,
        1 => 0..=i64::MAX / 64,
    ]
}

/// A choice among `hosts`, two of whom are strangers to the network.
pub(crate) fn choice(hosts: usize) -> impl Strategy<Value = Option<Choice>> {
    prop_oneof![
        2 => Just(None),
        3 => Just(Some(Choice::Intent)),
        1 => Just(Some(Choice::Refuse)),
        4 => (0..hosts + 2).prop_map(|to| Some(Choice::Delegate { delegate_to: host(to) })),
    ]
}

pub(crate) fn town() -> impl Strategy<Value = Town> {
    (0..12_usize).prop_flat_map(|hosts| {
        let members = prop::collection::vec(weight(), hosts);
        let choices = prop::collection::vec(choice(hosts), hosts + 2);
        (members, choices).prop_map(|(weights, choices)| Town {
            members: weights.into_iter().enumerate().map(|(n, w)| (host(n), w)).collect(),
            choices: choices
                .into_iter()
                .enumerate()
                .filter_map(|(n, choice)| choice.map(|choice| (host(n), choice)))
                .collect(),
        })
    })
}

/// Decimals as parameters have them, and absurd ones.
pub(crate) fn decimal() -> impl Strategy<Value = Decimal> {
    prop_oneof![
        1 => Just(Decimal::default()),
        6 => (0..=1_000_000_i64, -6..=-5_i32).prop_map(|(v, e)| Decimal::new(v, e)),
        1 => (any::<i64>(), -40..=40_i32).prop_map(|(v, e)| Decimal::new(v, e)),
        1 => (any::<i64>(), any::<i32>()).prop_map(|(v, e)| Decimal::new(v, e)),
    ]
}

pub(crate) fn thresholds() -> impl Strategy<Value = DelegationParams> {
    let v_min = prop_oneof![8 => 0..6_i64, 1 => any::<i64>()];
    (decimal(), v_min).prop_map(|(w_threshold, v_min)| DelegationParams {
        w_threshold,
        v_min,
        ..DelegationParams::default()
    })
}
