//! Validation start: delegations and refusals are captured for every model, and the voting powers
//! that decide about work are frozen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::address::{Address, ModelId};
use super::super::state::State;
use super::super::wire::{
    DelegationSnapshot, ModelVotingPowers, PoCDelegation, PoCRefusal, PoCValidationSnapshot,
    VotingPower,
};

pub(super) fn run(state: &mut State) {
    let weights = state.live_weights();
    let committers = committers(state);
    state.regular = Some(Arc::new(choices(state, &weights, &committers)));
    state.validation = Some(Arc::new(powers(state, &weights, &committers)));
}

/// Who committed for which model in the running stage.
fn committers(state: &State) -> BTreeMap<ModelId, BTreeSet<Address>> {
    let mut by_model = BTreeMap::<ModelId, BTreeSet<Address>>::new();
    let stage = state.upcoming_epoch().and_then(|(_, start)| state.commits.get(&start));
    for (host, model) in stage.into_iter().flat_map(BTreeMap::keys) {
        by_model.entry(model.clone()).or_default().insert(host.clone());
    }
    by_model
}

fn choices(
    state: &State,
    weights: &BTreeMap<Address, i64>,
    committers: &BTreeMap<ModelId, BTreeSet<Address>>,
) -> DelegationSnapshot {
    let hosts = weights.keys().chain(committers.values().flatten()).collect::<BTreeSet<_>>();
    let mut snapshot = DelegationSnapshot { snapshot_height: state.height, ..Default::default() };
    for config in state.poc_models() {
        let model = ModelId::from(config.model_id.as_str());
        for host in &hosts {
            let key = (model.clone(), (*host).clone());
            if let Some(delegate) = state.choices.delegations.get(&key) {
                snapshot.delegations.push(PoCDelegation {
                    model_id: model.to_string(),
                    delegator: host.to_string(),
                    delegate_to: delegate.to_string(),
                });
            }
            if state.choices.refusals.contains(&key) {
                snapshot.refusals.push(PoCRefusal {
                    model_id: model.to_string(),
                    participant: host.to_string(),
                });
            }
        }
    }
    snapshot
}

/// An active model's voting powers are those of the effective epoch; for another, a committer has
/// its own weight and that of the bootstrap snapshot's delegators who did not commit themselves.
fn powers(
    state: &State,
    weights: &BTreeMap<Address, i64>,
    committers: &BTreeMap<ModelId, BTreeSet<Address>>,
) -> PoCValidationSnapshot {
    let none = BTreeSet::new();
    let mut model_voting_powers = Vec::new();
    for config in state.poc_models() {
        let id = config.model_id.as_str();
        let powers = if state.is_active(id) {
            let group = state.groups.get(&state.effective).and_then(|g| g.models.get(id));
            let members = group.map_or(&[][..], |group| &group.validation_weights);
            members
                .iter()
                .filter(|member| !state.is_excluded(state.effective, &member.member_address))
                .map(|member| (Address::from(member.member_address.as_str()), member.voting_power))
                .collect()
        } else {
            let serving = committers.get(id).unwrap_or(&none);
            let own = |host: &Address| (host.clone(), weights.get(host).copied().unwrap_or(0));
            let mut powers = serving.iter().map(own).collect::<BTreeMap<_, _>>();
            let delegations = state.bootstrap.iter().flat_map(|snapshot| &snapshot.delegations);
            for row in delegations.filter(|row| row.model_id == id) {
                let weight = weights.get(row.delegator.as_str()).copied().unwrap_or_default();
                if !serving.contains(row.delegator.as_str())
                    && let Some(power) = powers.get_mut(row.delegate_to.as_str())
                {
                    *power += weight;
                }
            }
            powers
        };
        let voting_powers = powers
            .into_iter()
            .map(|(address, voting_power)| VotingPower {
                address: address.to_string(),
                voting_power,
            })
            .collect();
        model_voting_powers.push(ModelVotingPowers { model_id: id.to_owned(), voting_powers });
    }
    let start = state.upcoming_epoch().map(|(_, start)| start).unwrap_or_default();
    PoCValidationSnapshot {
        poc_stage_start_height: start,
        snapshot_height: state.height,
        app_hash: hex::encode_upper(state.app_hash),
        generation_start_timestamp: state.time.as_second(),
        exchange_end_timestamp: state.time.as_second(),
        model_voting_powers,
        total_network_weight: weights.values().sum(),
    }
}
