//! The end of validation: the new epoch is formed, charges are fixed, refusals and intents are
//! wiped (x/inference/module/module.go, `onEndOfPoCValidationStage`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::acceptance::{accepted, voted};
use super::super::address::{self, Address, ModelId};
use super::super::charges::{Charges, Outcome};
use super::super::decimal::Dec;
use super::super::event::event;
use super::super::formation::{Rules, Work, cap_power};
use super::super::outcome::Event;
use super::super::roster::Roster;
use super::super::spec::{Spec, Version};
use super::super::state::{EpochGroups, State};
use super::super::wire::{
    ConfirmationWeightScale, DelegationRewardPenalty, DelegationRewardTransfer,
    DelegationRewardTransferSnapshot, MLNodeInfo, ValidationWeight,
};
use super::dkg;
use super::exclusion::updated;

pub(super) fn run(state: &mut State, spec: &Spec, roster: &Roster) -> Vec<Event> {
    let Some((epoch, stage)) = state.upcoming_epoch() else { return Vec::new() };
    let version = spec.version;
    let mut events = Vec::new();
    let mut work = accepted(state, stage, version, &guardians(state));
    if work.values().all(BTreeMap::is_empty) {
        work = reseated(state);
        let hosts = work.values().flat_map(BTreeMap::keys).collect::<BTreeSet<_>>().len();
        if hosts == 0 {
            // The stage returns: nothing is formed, and nothing is wiped.
            events.push(event(
                "epoch_error",
                [
                    ("stage", "empty_epoch_fallback".to_owned()),
                    ("error_category", "epoch_formation".to_owned()),
                    ("epoch", epoch.to_string()),
                ],
            ));
            return events;
        }
        events.push(event(
            "empty_epoch_fallback_applied",
            [("epoch", epoch.to_string()), ("participants", hosts.to_string())],
        ));
    }
    let rules = rules(state, roster);
    let everyone = work.values().flat_map(BTreeMap::keys).cloned().collect::<BTreeSet<_>>();
    let eligible = work.into_iter().filter(|(model, members)| rules.is_eligible(model, members));
    let eligible = eligible.collect::<Work>();
    let mut weights = rules.weights(&eligible);
    for host in everyone {
        weights.entry(host).or_default();
    }
    let outcome = outcome(state, version, epoch, stage, &rules, &eligible, &weights);
    let mut charges = outcome.charges();
    Arc::make_mut(&mut state.bills).insert(epoch, std::mem::take(&mut charges.bills));
    match version {
        Version::V0_2_12 => charges.act_on_weights(&mut weights),
        Version::V0_2_14 | Version::V0_2_16 => state.charges = Some(stored(epoch, charges)),
    }
    cap_power(&mut weights);
    let groups = form(state, roster, epoch, &rules, &eligible, &outcome, &weights);
    events.push(updated(groups.root.epoch_group_id));
    events.extend(
        groups
            .models
            .values()
            .filter(|group| !group.validation_weights.is_empty())
            .map(|group| updated(group.epoch_group_id)),
    );
    events.extend(dkg::events(epoch, &groups, spec));
    Arc::make_mut(&mut state.groups).insert(epoch, Arc::new(groups));
    Arc::make_mut(&mut state.choices).wipe();
    events
}

/// The accounts of the guardians, whose addresses the parameters hold in operator form.
fn guardians(state: &State) -> BTreeSet<Address> {
    let params = state.params.genesis_guardian_params.iter();
    let operators = params.flat_map(|params| &params.guardian_addresses);
    operators.filter_map(|operator| address::account_of_operator(operator)).collect()
}

/// The live members of the effective epoch with the work they had then (v0.2.14,
/// x/inference/module/epoch_fallback.go).
fn reseated(state: &State) -> Work {
    let mut work = Work::new();
    let Some(groups) = state.groups.get(&state.effective) else { return work };
    for (model, group) in &groups.models {
        for member in &group.validation_weights {
            if !state.is_excluded(state.effective, &member.member_address) {
                let host = Address::from(member.member_address.as_str());
                work.entry(model.clone()).or_default().insert(host, member.weight);
            }
        }
    }
    work
}

fn rules(state: &State, roster: &Roster) -> Rules {
    let params = state.delegation_params();
    Rules {
        coefficients: state
            .poc_models()
            .iter()
            .map(|config| {
                let id = config.model_id.as_str();
                (id.into(), roster.coefficient(state, id))
            })
            .collect(),
        initial_model: params.initial_model_id.as_str().into(),
        w_threshold: Dec::or_zero(params.w_threshold.as_ref()),
        v_min: params.v_min,
        cap_factor: Dec::or_zero(params.cap_factor.as_ref()),
        max_voting_power: Dec::or_zero(params.max_model_voting_power_percentage.as_ref()),
        previous: state.live_weights(),
    }
}

fn outcome(
    state: &State,
    version: Version,
    epoch: u64,
    stage: i64,
    rules: &Rules,
    eligible: &Work,
    weights: &BTreeMap<Address, i64>,
) -> Outcome {
    let params = state.delegation_params();
    let key = |model: &str, host: &str| (ModelId::from(model), Address::from(host));
    let regular = state.regular.as_deref();
    let bootstrap = state.bootstrap.as_deref();
    Outcome {
        version,
        epoch,
        refusal: Dec::or_zero(params.refusal_penalty.as_ref()),
        no_participation: Dec::or_zero(params.no_participation_penalty.as_ref()),
        share: Dec::or_zero(params.delegation_share.as_ref()),
        penalty_start: state
            .poc_models()
            .iter()
            .map(|config| (config.model_id.as_str().into(), config.penalty_start_epoch))
            .collect(),
        previous: rules.previous.clone(),
        upcoming: weights.clone(),
        eligible: eligible
            .iter()
            .map(|(model, members)| (model.clone(), members.keys().cloned().collect()))
            .collect(),
        refusals: regular
            .iter()
            .flat_map(|snapshot| &snapshot.refusals)
            .map(|row| key(&row.model_id, &row.participant))
            .collect(),
        delegations: regular
            .iter()
            .flat_map(|snapshot| &snapshot.delegations)
            .map(|row| (key(&row.model_id, &row.delegator), row.delegate_to.as_str().into()))
            .collect(),
        report: bootstrap
            .iter()
            .flat_map(|snapshot| &snapshot.preeligibility)
            .map(|row| (row.model_id.as_str().into(), row.pre_eligible))
            .collect(),
        bootstrap_delegations: bootstrap
            .iter()
            .flat_map(|snapshot| &snapshot.delegations)
            .map(|row| key(&row.model_id, &row.delegator))
            .collect(),
        bootstrap_intents: bootstrap
            .iter()
            .flat_map(|snapshot| &snapshot.intents)
            .map(|row| key(&row.model_id, &row.participant))
            .collect(),
        commits: state
            .commits
            .get(&stage)
            .into_iter()
            .flat_map(BTreeMap::keys)
            .map(|(host, model)| (model.clone(), host.clone()))
            .collect(),
        voted: voted(&state.votes),
    }
}

fn stored(epoch: u64, charges: Charges) -> Arc<DelegationRewardTransferSnapshot> {
    let transfers = charges.transfers.into_iter().map(|transfer| DelegationRewardTransfer {
        model_id: transfer.model.to_string(),
        from: transfer.from.to_string(),
        to: transfer.to.to_string(),
        share: Some(transfer.share.to_wire()),
    });
    let penalties = charges.penalties.into_iter().map(|(host, fraction)| DelegationRewardPenalty {
        participant: host.to_string(),
        penalty_fraction: Some(fraction.to_wire()),
    });
    Arc::new(DelegationRewardTransferSnapshot {
        epoch_index: epoch,
        transfers: transfers.collect(),
        penalties: penalties.collect(),
    })
}

/// Fills the groups that PoC start created.
fn form(
    state: &State,
    roster: &Roster,
    epoch: u64,
    rules: &Rules,
    eligible: &Work,
    outcome: &Outcome,
    weights: &BTreeMap<Address, i64>,
) -> EpochGroups {
    let created = state.groups.get(&epoch).map(|groups| (**groups).clone()).unwrap_or_default();
    let mut root = created.root;
    root.validation_weights = weights
        .iter()
        // A weight of 0 is no member of an x/group.
        .filter(|(_, weight)| **weight > 0)
        .map(|(host, weight)| ValidationWeight {
            member_address: host.to_string(),
            weight: *weight,
            reputation: 100,
            ml_nodes: eligible
                .iter()
                .filter_map(|(model, members)| Some((model, members.get(host)?)))
                .enumerate()
                .map(|(index, (_, work))| node(index, *work))
                .collect(),
            confirmation_weight: *weight,
            voting_power: 0,
        })
        .collect();
    root.total_weight = root.validation_weights.iter().map(|member| member.weight).sum();
    root.confirmation_weight_scales = eligible
        .keys()
        .map(|model| ConfirmationWeightScale {
            model_id: model.to_string(),
            weight_scale_factor: Some(roster.coefficient(state, model).to_wire()),
        })
        .collect();
    // Until v0.2.16, everybody's weight votes; since then, a host that is new or back does not.
    let mut voting = weights.clone();
    if outcome.version == Version::V0_2_16 {
        voting.retain(|host, _| rules.previous.contains_key(host));
    }
    let mut models = created.models;
    for (model, work) in eligible {
        let Some(group) = models.get_mut(model) else { continue };
        let members = work.keys().cloned().collect::<BTreeSet<_>>();
        let powers = rules.voting_powers(&members, &voting, &outcome.delegators(model));
        group.validation_weights = work
            .iter()
            .map(|(host, work)| ValidationWeight {
                member_address: host.to_string(),
                weight: *work,
                reputation: 100,
                ml_nodes: vec![node(0, *work)],
                confirmation_weight: *work,
                voting_power: powers.get(host).copied().unwrap_or_default(),
            })
            .collect();
        group.total_weight = work.values().sum();
    }
    EpochGroups::new(root, models)
}

fn node(index: usize, work: i64) -> MLNodeInfo {
    MLNodeInfo {
        node_id: format!("node{}", index + 1),
        throughput: work,
        poc_weight: work,
        timeslot_allocation: vec![true, index == 0],
    }
}
