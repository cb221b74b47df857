//! What the running epoch will pay (x/inference/keeper/bitcoin_rewards.go).

use std::collections::BTreeMap;

use super::super::address::Address;
use super::super::decimal::Dec;
use super::super::state::State;
use super::super::wire::SettleAmount;

/// What an epoch pays in all, ngonka.
const EPOCH_REWARD: i128 = 285_000_000_000_000;

/// A member's share, after charges and transfers; `None` for who is no live member.
pub(super) fn estimate(state: &State, participant: &str) -> Option<SettleAmount> {
    let weights = state.live_weights();
    weights.get(participant)?;
    let full: i128 = weights.values().map(|weight| i128::from(*weight)).sum();
    let rewarded = rewarded(state, weights);
    let weight = rewarded.get(participant).copied().unwrap_or_default();
    let reward = EPOCH_REWARD * i128::from(weight) / full.max(1);
    Some(SettleAmount {
        participant: participant.to_owned(),
        reward_coins: u64::try_from(reward).unwrap_or_default(),
        epoch_index: state.effective,
        ..SettleAmount::default()
    })
}

/// Weights after the charges of the effective epoch. The denominator stays the full weight: what
/// is taken goes to governance.
fn rewarded(state: &State, weights: BTreeMap<Address, i64>) -> BTreeMap<Address, i64> {
    let charges = state.charges.iter().filter(|charges| charges.epoch_index == state.effective);
    let mut rewarded = weights;
    for charges in charges {
        for row in &charges.penalties {
            if let Some(weight) = rewarded.get_mut(row.participant.as_str()) {
                *weight -= Dec::or_zero(row.penalty_fraction.as_ref()).of_amount(*weight);
            }
        }
        let after_penalties = rewarded.clone();
        let base = |host: &str| after_penalties.get(host).copied().unwrap_or_default();
        for row in &charges.transfers {
            let left = rewarded.get(row.from.as_str()).copied().unwrap_or_default();
            let share = Dec::or_zero(row.share.as_ref()).of_amount(base(&row.from)).min(left);
            if let Some(from) = rewarded.get_mut(row.from.as_str()) {
                *from -= share;
            }
            if base(&row.to) > 0
                && let Some(to) = rewarded.get_mut(row.to.as_str())
            {
                *to += share;
            }
        }
    }
    rewarded
}
