//! The bootstrap capture: intents and delegations for models that are not active, and one
//! `bootstrap_model_preeligibility` event for each
//! (x/inference/module/delegation_pipeline.go, `captureBootstrapDelegationSnapshot`).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::decimal::Dec;
use super::super::event::event;
use super::super::outcome::Event;
use super::super::preeligibility::{Candidate, Thresholds, judge};
use super::super::roster::Roster;
use super::super::spec::Spec;
use super::super::state::State;
use super::super::story::Action;
use super::super::wire::{
    BootstrapDelegationSnapshot, BootstrapModelPreEligibility, PoCDelegation, PoCDirectIntent,
};

/// Whether the story lets it fail. The chain logs the error, emits nothing and goes on; the snapshot
/// of the capture before stays.
pub(super) fn fails(state: &State, spec: &Spec) -> bool {
    let window = state.delegation_params().deploy_window;
    spec.story.steps.iter().any(|step| {
        matches!(step.action, Action::FailCapture)
            && step.moment.height(&state.epoch_params(), window, &state.epochs)
                == Some(state.height)
    })
}

pub(super) fn run(state: &mut State, spec: &Spec, roster: &Roster) -> Vec<Event> {
    let mut weights = state.live_weights();
    if let Some(most) = spec.counted_weight {
        weights.values_mut().for_each(|weight| *weight = (*weight).min(most));
    }
    let total: i64 = weights.values().sum();
    let params = state.delegation_params();
    let thresholds =
        Thresholds { weight: Dec::or_zero(params.w_threshold.as_ref()), hosts: params.v_min };
    // Ascending byte order, each once.
    let ids = state.poc_models().iter().map(|model| model.model_id.as_str());
    let candidates = ids.filter(|id| !state.is_active(id)).collect::<BTreeSet<_>>();
    let mut snapshot = BootstrapDelegationSnapshot {
        snapshot_height: state.height,
        total_network_weight: total,
        ..BootstrapDelegationSnapshot::default()
    };
    for id in candidates {
        let mut candidate =
            Candidate { coefficient: roster.coefficient(state, id), ..Candidate::default() };
        // Hosts outside the effective epoch are not read at all, nor are refusals.
        for host in weights.keys() {
            let key = (id.into(), host.clone());
            if let Some(delegate) = state.choices.delegations.get(&key) {
                candidate.delegations.insert(host, delegate);
                snapshot.delegations.push(PoCDelegation {
                    model_id: id.to_owned(),
                    delegator: host.to_string(),
                    delegate_to: delegate.to_string(),
                });
            }
            if state.choices.intents.contains(&key) {
                candidate.intents.insert(host);
                snapshot.intents.push(PoCDirectIntent {
                    model_id: id.to_owned(),
                    participant: host.to_string(),
                });
            }
        }
        let verdict = judge(&candidate, &weights, thresholds);
        snapshot.preeligibility.push(BootstrapModelPreEligibility {
            model_id: id.to_owned(),
            pre_eligible: verdict.pre_eligible,
            meets_weight_threshold: verdict.meets_weight_threshold,
            meets_v_min: verdict.meets_v_min,
            meets_reachability: verdict.meets_reachability,
            intent_host_count: verdict.intent_host_count,
            intent_weight: verdict.intent_weight,
            reachable_voting_power: verdict.reachable_voting_power,
        });
    }
    let events = snapshot.preeligibility.iter().map(|row| told(&snapshot, row)).collect();
    state.bootstrap = Some(Arc::new(snapshot));
    events
}

fn told(snapshot: &BootstrapDelegationSnapshot, row: &BootstrapModelPreEligibility) -> Event {
    event(
        "bootstrap_model_preeligibility",
        [
            ("snapshot_height", snapshot.snapshot_height.to_string()),
            ("model_id", row.model_id.clone()),
            ("pre_eligible", row.pre_eligible.to_string()),
            ("meets_weight_threshold", row.meets_weight_threshold.to_string()),
            ("meets_v_min", row.meets_v_min.to_string()),
            ("meets_reachability", row.meets_reachability.to_string()),
            ("intent_host_count", row.intent_host_count.to_string()),
            ("intent_weight", row.intent_weight.to_string()),
            ("reachable_voting_power", row.reachable_voting_power.to_string()),
            ("total_network_weight", snapshot.total_network_weight.to_string()),
        ],
    )
}
