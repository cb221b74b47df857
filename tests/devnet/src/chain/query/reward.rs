//! What the running epoch will pay (x/inference/keeper/bitcoin_rewards.go).

use std::collections::BTreeMap;

use super::super::address::Address;
use super::super::decimal::Dec;
use super::super::state::State;
use super::super::wire::{DelegationRewardTransferSnapshot, SettleAmount};

/// What an epoch pays in all, ngonka.
const EPOCH_REWARD: i128 = 285_000_000_000_000;

/// A member's share of the epoch whose charges are stored, after charges and transfers
/// (x/inference/keeper/query_estimate_bitcoin_reward.go): from validation end on that is the epoch
/// just formed. `None` before any charges, and for who is no live member of that epoch.
pub(super) fn estimate(state: &State, participant: &str) -> Option<SettleAmount> {
    let charges = state.charges.as_deref()?;
    let weights = live_weights(state, charges.epoch_index);
    weights.get(participant)?;
    let full: i128 = weights.values().map(|weight| i128::from(*weight)).sum();
    let rewarded = rewarded(charges, weights);
    let weight = rewarded.get(participant).copied().unwrap_or_default();
    let reward = EPOCH_REWARD * i128::from(weight) / full.max(1);
    Some(SettleAmount {
        participant: participant.to_owned(),
        reward_coins: u64::try_from(reward).unwrap_or_default(),
        epoch_index: charges.epoch_index,
        ..SettleAmount::default()
    })
}

/// Weights of an epoch's members that were not excluded from it.
fn live_weights(state: &State, epoch: u64) -> BTreeMap<Address, i64> {
    let groups = state.groups.get(&epoch);
    let mut weights = groups.map(|groups| groups.weights.clone()).unwrap_or_default();
    weights.retain(|host, _| !state.is_excluded(epoch, host));
    weights
}

/// Weights after charges: penalties first, then the delegators' shares of what is left. The
/// denominator stays the full weight: what is taken goes to governance.
fn rewarded(
    charges: &DelegationRewardTransferSnapshot,
    weights: BTreeMap<Address, i64>,
) -> BTreeMap<Address, i64> {
    let mut rewarded = weights;
    for row in &charges.penalties {
        if let Some(weight) = rewarded.get_mut(row.participant.as_str()) {
            *weight -= Dec::or_zero(row.penalty_fraction.as_ref()).of_amount(*weight);
        }
    }
    let after_penalties = rewarded.clone();
    for row in &charges.transfers {
        let Some(base) = after_penalties.get(row.from.as_str()) else { continue };
        let left = rewarded.get(row.from.as_str()).copied().unwrap_or_default();
        let share = Dec::or_zero(row.share.as_ref()).of_amount(*base).min(left);
        if let Some(from) = rewarded.get_mut(row.from.as_str()) {
            *from -= share;
        }
        if let Some(to) = rewarded.get_mut(row.to.as_str()).filter(|to| **to > 0) {
            *to += share;
        }
    }
    rewarded
}
