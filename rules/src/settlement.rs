//! What charges and shares leave of hosts' weights.
//!
//! Since v0.2.14 they act on the weight that an epoch is paid by, when it is settled
//! (x/inference/keeper/bitcoin_rewards.go); before, on the consensus weight itself, when it is
//! formed (x/inference/module/delegation_weight_adjustment.go).

use std::collections::BTreeMap;

use crate::{Address, ChargeSnapshot, DecimalError, RuleSet, Transfer, Weight};

/// Weights by host.
pub type Weights<'a> = BTreeMap<&'a Address, Weight>;

/// Takes charges and shares off weights, none of which may be negative. Each is floored.
///
/// # Errors
/// [`DecimalError`] when a fraction of the snapshot has no exact form here; then the weights are
/// worth nothing.
pub fn settle(
    rule_set: RuleSet,
    weights: &mut Weights<'_>,
    fixed: &ChargeSnapshot,
) -> Result<(), DecimalError> {
    let of_weight = rule_set.charges_weight();
    let whole = weights.clone();
    for penalty in &fixed.penalties {
        if let Some(weight) = weights.get_mut(&penalty.host) {
            let taken = penalty.fraction.floor_of(whole[&penalty.host])?;
            *weight -= clamp(taken, *weight);
        }
    }
    // Shares of the reward are of what charges leave; shares of the weight are of all of it.
    let base = if of_weight { whole } else { weights.clone() };
    let mut transfers: Vec<&Transfer> = fixed.transfers.iter().collect();
    if of_weight {
        transfers.sort_by_key(|transfer| (&transfer.from, &transfer.to));
    }
    for transfer in transfers {
        let Some(left) = weights.get(&transfer.from).copied() else { continue };
        if of_weight && !weights.contains_key(&transfer.to) {
            continue;
        }
        let moved = clamp(transfer.share.floor_of(base[&transfer.from])?, left);
        if let Some(from) = weights.get_mut(&transfer.from) {
            *from -= moved;
        }
        // Who earns nothing is given nothing: the share is lost.
        if let Some(to) = weights.get_mut(&transfer.to).filter(|to| of_weight || **to > 0) {
            *to = to.saturating_add(moved);
        }
    }
    Ok(())
}

/// At most what is left, and nothing for a fraction below 0, which the chain does not store.
fn clamp(taken: i128, left: Weight) -> Weight {
    Weight::try_from(taken.clamp(0, i128::from(left))).unwrap_or(left)
}

#[cfg(test)]
mod tests;
