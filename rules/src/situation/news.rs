//! What changed lately: parameters before and after, in the chain's own names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Decimal, EpochParams, Height, ModelId, Params, ledger::Ledger};

/// What one change of the parameters changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParamsChange {
    /// The block after which the new ones were first read.
    pub height: Height,
    /// Each value that differs, models apart, by name.
    pub changes: Vec<ParamChange>,
    /// Models that were added.
    pub added: Vec<ModelId>,
    /// Models that were removed.
    pub removed: Vec<ModelId>,
}

/// A value before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParamChange {
    /// The chain's name for it; a model's own begin with the model.
    pub name: String,
    /// What it was.
    pub before: String,
    /// What it is.
    pub after: String,
}

impl ParamsChange {
    /// The newest change that the ledger saw.
    pub(super) fn newest(ledger: &Ledger) -> Option<Self> {
        let (former, state) = (ledger.former.as_ref()?, ledger.state.as_ref()?);
        let (before, after) = (values(&former.params), values(&state.params));
        let missing = "absent".to_owned();
        let names: std::collections::BTreeSet<&String> =
            before.keys().chain(after.keys()).collect();
        let changes =
            names.into_iter().filter(|name| before.get(*name) != after.get(*name)).map(|name| {
                ParamChange {
                    name: name.clone(),
                    before: before.get(name).unwrap_or(&missing).clone(),
                    after: after.get(name).unwrap_or(&missing).clone(),
                }
            });
        Some(Self {
            height: former.until,
            changes: changes.collect(),
            added: only_in(&state.params, &former.params),
            removed: only_in(&former.params, &state.params),
        })
    }
}

fn only_in(these: &Params, those: &Params) -> Vec<ModelId> {
    let known = |id: &ModelId| those.models.iter().any(|model| model.model_id == *id);
    these.models.iter().map(|model| &model.model_id).filter(|id| !known(id)).cloned().collect()
}

/// Every value by its name. Values of models that come or go are left out: that is said as such.
fn values(params: &Params) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    let mut put = |name: &str, value: String| values.insert(name.to_owned(), value);
    // Named one by one: a field that is added here and forgotten there does not compile.
    let EpochParams {
        epoch_length,
        epoch_shift,
        poc_stage_duration,
        poc_exchange_duration,
        poc_validation_delay,
        poc_validation_duration,
        set_new_validators_delay,
        inference_validation_cutoff,
    } = params.epoch;
    for (name, value) in [
        ("epoch_length", epoch_length),
        ("epoch_shift", epoch_shift),
        ("poc_stage_duration", poc_stage_duration),
        ("poc_exchange_duration", poc_exchange_duration),
        ("poc_validation_delay", poc_validation_delay),
        ("poc_validation_duration", poc_validation_duration),
        ("set_new_validators_delay", set_new_validators_delay),
        ("inference_validation_cutoff", inference_validation_cutoff),
    ] {
        put(name, value.to_string());
    }
    put("validation_vote_threshold_bps", params.validation_vote_threshold_bps.to_string());
    put("guardian_addresses", params.guardians.join(" "));
    if let Some(delegation) = &params.delegation {
        put("deploy_window", delegation.deploy_window.to_string());
        put("v_min", delegation.v_min.to_string());
        put("initial_model_id", delegation.initial_model_id.to_string());
        for (name, value) in [
            ("refusal_penalty", delegation.refusal_penalty),
            ("no_participation_penalty", delegation.no_participation_penalty),
            ("delegation_share", delegation.delegation_share),
            ("w_threshold", delegation.w_threshold),
            ("cap_factor", delegation.cap_factor),
            ("max_model_voting_power", delegation.max_model_voting_power),
        ] {
            put(name, decimal(value));
        }
    }
    for model in &params.models {
        let id = &model.model_id;
        put(&format!("{id} penalty_start_epoch"), model.penalty_start_epoch.to_string());
        let coefficient = model.coefficient.map_or_else(|| "absent".to_owned(), decimal);
        put(&format!("{id} weight_scale_factor"), coefficient);
    }
    values
}

/// As an exact fraction, such as `3/20`.
fn decimal(value: Decimal) -> String {
    value.to_fraction().map_or_else(|_| "unreadable".to_owned(), |fraction| fraction.to_string())
}
