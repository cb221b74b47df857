//! The `expect` part: what `bootwatch whatif --scenario` prints.

use serde_json::{Map, Value, json};

use crate::{
    DelegationParams, HostCharge, ModelParams,
    preeligibility::{Preeligibility, project},
    resolution::Formation,
};

pub(super) fn expect<'m>(
    params: &DelegationParams,
    candidates: impl Iterator<Item = &'m ModelParams>,
    formation: &Formation<'_>,
) -> Value {
    let preeligibility = candidates.map(|model| {
        let choices = formation.bootstrap.get(&model.model_id).into_iter().flatten();
        answer(&project(params, model, formation.network, choices))
    });
    let charges = formation.resolve();
    json!({
        "preeligibility": preeligibility.collect::<Vec<_>>(),
        "penalties": charges.iter().map(charge).collect::<Vec<_>>(),
    })
}

fn answer(p: &Preeligibility) -> Value {
    json!({
        "model_id": p.model_id,
        "pre_eligible": p.pre_eligible(),
        "meets_weight_threshold": p.meets_weight_threshold,
        "meets_v_min": p.meets_v_min,
        "meets_reachability": p.meets_reachability,
        "intent_host_count": p.tally.intent_host_count,
        "intent_weight": p.tally.intent_weight,
        "reachable_voting_power": p.tally.reachable_voting_power,
        "total_network_weight": p.tally.total_network_weight,
        "hosts_needed": p.hosts_needed(),
        "weight_needed": p.weight_needed(),
        "reach_needed": p.reach_needed(),
    })
}

fn charge(row: &HostCharge) -> Value {
    let models: Map<String, Value> = row
        .models
        .iter()
        .map(|c| (c.model_id.to_string(), json!({ "mode": c.mode, "fraction": c.fraction })))
        .collect();
    json!({
        "host": row.host,
        "fraction": row.fraction,
        "models": models,
        "transfers": row.transfers,
    })
}
