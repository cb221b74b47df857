//! What changed: parameters before and after, in the chain's own names.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Decimal, EpochParams, Height, ModelId, Params, ledger::Ledger};

/// What one change of the parameters changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ParamChange {
    /// The chain's name for it; a model's own begin with the model.
    pub name: String,
    /// What it was, or is while the change is only proposed.
    pub before: String,
    /// What it is, or would be.
    pub after: String,
    /// What it moves.
    #[serde(default)]
    pub effect: Effect,
}

/// What a parameter decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ParamEffect)]
pub enum Effect {
    /// When something is frozen.
    Deadline,
    /// What is enough for a model, or for a vote.
    Threshold,
    /// What a choice costs.
    Charge,
    /// How a model counts, and from when.
    Model,
    /// Nothing that a choice hangs on.
    #[default]
    Other,
}

/// What differs between two sets of parameters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Difference {
    pub(super) changes: Vec<ParamChange>,
    pub(super) added: Vec<ModelId>,
    pub(super) removed: Vec<ModelId>,
}

impl ParamsChange {
    /// The newest change that the ledger saw.
    pub(super) fn newest(ledger: &Ledger) -> Option<Self> {
        let (former, state) = (ledger.former.as_ref()?, ledger.state.as_ref()?);
        let Difference { changes, added, removed } =
            Difference::between(&former.params, &state.params);
        Some(Self { height: former.until, changes, added, removed })
    }
}

impl Difference {
    pub(super) fn between(before: &Params, after: &Params) -> Self {
        let (was, is) = (values(before), values(after));
        let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
        let change = |name: &String| {
            let (was, is) = (was.get(name), is.get(name));
            let effect = is.or(was)?.0;
            let text = |value: Option<&(Effect, String)>| match value.map(|(_, text)| text.as_str())
            {
                None => "absent".to_owned(),
                Some("") => "none".to_owned(),
                Some(text) => text.to_owned(),
            };
            let differs =
                ParamChange { name: name.clone(), before: text(was), after: text(is), effect };
            (was != is).then_some(differs)
        };
        Self {
            changes: names.into_iter().filter_map(change).collect(),
            added: only_in(after, before),
            removed: only_in(before, after),
        }
    }
}

fn only_in(these: &Params, those: &Params) -> Vec<ModelId> {
    let known = |id: &ModelId| those.models.iter().any(|model| model.model_id == *id);
    these.models.iter().map(|model| &model.model_id).filter(|id| !known(id)).cloned().collect()
}

/// Every value by its name. A model's own are told from the others by the space in their names.
fn values(params: &Params) -> BTreeMap<String, (Effect, String)> {
    use Effect::{Charge, Deadline, Model, Other, Threshold};
    let mut values = BTreeMap::new();
    let mut put =
        |effect, name: &str, value: String| values.insert(name.to_owned(), (effect, value));
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
    for (effect, name, value) in [
        (Deadline, "epoch_length", epoch_length),
        (Deadline, "epoch_shift", epoch_shift),
        (Deadline, "poc_stage_duration", poc_stage_duration),
        (Deadline, "poc_exchange_duration", poc_exchange_duration),
        (Deadline, "poc_validation_delay", poc_validation_delay),
        (Deadline, "poc_validation_duration", poc_validation_duration),
        (Deadline, "set_new_validators_delay", set_new_validators_delay),
        (Other, "inference_validation_cutoff", inference_validation_cutoff),
    ] {
        put(effect, name, value.to_string());
    }
    let bps = params.validation_vote_threshold_bps;
    put(Threshold, "validation_vote_threshold_bps", bps.to_string());
    put(Other, "guardian_addresses", params.guardians.join(" "));
    if let Some(delegation) = &params.delegation {
        put(Deadline, "deploy_window", delegation.deploy_window.to_string());
        put(Threshold, "v_min", delegation.v_min.to_string());
        put(Model, "initial_model_id", delegation.initial_model_id.to_string());
        for (effect, name, value) in [
            (Charge, "refusal_penalty", delegation.refusal_penalty),
            (Charge, "no_participation_penalty", delegation.no_participation_penalty),
            (Charge, "delegation_share", delegation.delegation_share),
            (Threshold, "w_threshold", delegation.w_threshold),
            (Threshold, "cap_factor", delegation.cap_factor),
            (Threshold, "max_model_voting_power", delegation.max_model_voting_power),
        ] {
            put(effect, name, decimal(value));
        }
    }
    for model in &params.models {
        let id = &model.model_id;
        let start = model.penalty_start_epoch.to_string();
        put(Model, &format!("{id} penalty_start_epoch"), start);
        let coefficient = model.coefficient.map_or_else(|| "absent".to_owned(), decimal);
        put(Model, &format!("{id} weight_scale_factor"), coefficient);
    }
    values
}

/// As an exact fraction, such as `3/20`.
fn decimal(value: Decimal) -> String {
    value.to_fraction().map_or_else(|_| "unreadable".to_owned(), |fraction| fraction.to_string())
}
