//! The state before the first block.
//!
//! The chain starts in epoch 0 with a root group and no model served, and its first block is the
//! PoC start of epoch 1. So every stage of epoch 1 really happens, and the first capture comes
//! within the first epoch length.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::address;
use super::decimal::decimal;
use super::roster::{INITIAL_MODEL, Roster};
use super::spec::{Spec, Version};
use super::state::{EpochGroups, State};
use super::story::{ModelLine, ParamChange};
use super::wire::{
    ConfirmationPoCParams, DelegationParams, EpochGroupData, EpochParams, GenesisGuardianParams,
    Model, Params, PoCModelConfig, PocParams, ValidationWeight,
};

/// The state at height 0.
pub(crate) fn state(spec: &Spec, roster: &Roster) -> State {
    let models = roster.models.iter().map(|line| (line.id.as_str().into(), governed(line)));
    let registered = || roster.hosts.iter().filter(|host| !host.joins);
    let weights = registered()
        .map(|host| ValidationWeight {
            member_address: host.address.to_string(),
            weight: host.weight,
            reputation: 100,
            ..ValidationWeight::default()
        })
        .collect::<Vec<_>>();
    let root = EpochGroupData {
        epoch_group_id: 1,
        total_weight: weights.iter().map(|member| member.weight).sum(),
        validation_weights: weights,
        ..EpochGroupData::default()
    };
    let mut params = params(spec, roster);
    change(&mut params, &spec.story.params, roster, spec.version);
    State {
        params: Arc::new(params),
        models: Arc::new(models.collect()),
        participants: Arc::new(registered().map(|host| host.address.clone()).collect()),
        epochs: Arc::new(BTreeMap::from([(0, 0)])),
        groups: Arc::new(BTreeMap::from([(0, Arc::new(EpochGroups::new(root, BTreeMap::new())))])),
        last_group_id: 1,
        ..State::default()
    }
}

fn governed(line: &ModelLine) -> Model {
    Model {
        proposed_by: address::module("gov").to_string(),
        id: line.id.clone(),
        units_of_compute_per_token: 100,
        context_window: 131_072,
        quantization: "fp8".to_owned(),
        hf_repo: line.id.clone(),
        hf_commit: "main".to_owned(),
        model_args: vec!["--enable-auto-tool-choice".to_owned()],
        v_ram: 640,
        throughput_per_nonce: 1_000,
        validation_threshold: Some(decimal(97, -2)),
    }
}

/// Mainnet's parameters of mid-2026, with the spec's lengths.
fn params(spec: &Spec, roster: &Roster) -> Params {
    let timing = &spec.timing;
    let initial = roster
        .models
        .iter()
        .filter(|line| line.poc)
        .find(|line| line.id == INITIAL_MODEL)
        .or_else(|| roster.models.iter().find(|line| line.poc));
    Params {
        epoch_params: Some(EpochParams {
            epoch_length: timing.epoch_length,
            epoch_multiplier: 1,
            // Epoch 0 ends, and epoch 1 starts, with block 1.
            epoch_shift: timing.epoch_length - 1,
            poc_stage_duration: timing.poc_stage,
            poc_exchange_duration: timing.poc_exchange,
            poc_validation_delay: timing.validation_delay,
            poc_validation_duration: timing.validation,
            set_new_validators_delay: timing.set_new_validators,
            inference_validation_cutoff: 2,
            inference_pruning_epoch_threshold: 2,
            confirmation_poc_safety_window: timing.deploy_window.max(0),
        }),
        poc_params: Some(PocParams {
            poc_data_pruning_epoch_threshold: 1,
            poc_v2_enabled: true,
            confirmation_poc_v2_enabled: true,
            poc_normalization_enabled: true,
            models: roster
                .models
                .iter()
                .filter(|line| line.poc)
                .map(|line| configured(line, spec.version))
                .collect(),
            validation_vote_threshold_bps: match spec.version {
                Version::V0_2_12 => 0,
                Version::V0_2_14 | Version::V0_2_16 => 5_000,
            },
            ..PocParams::default()
        }),
        confirmation_poc_params: Some(ConfirmationPoCParams {
            expected_confirmations_per_epoch: 0,
            alpha_threshold: Some(decimal(5, -1)),
            slash_fraction: Some(decimal(0, 0)),
            upgrade_protection_window: timing.deploy_window.max(0),
        }),
        genesis_guardian_params: Some(GenesisGuardianParams {
            network_maturity_threshold: 10_000_000,
            network_maturity_min_height: 3_000_000,
            guardian_addresses: roster
                .hosts
                .iter()
                .filter(|host| host.guardian)
                .filter_map(|host| address::operator(&host.address))
                .collect(),
        }),
        delegation_params: Some(DelegationParams {
            deploy_window: timing.deploy_window,
            refusal_penalty: Some(decimal(1, -1)),
            no_participation_penalty: Some(decimal(15, -2)),
            delegation_share: Some(decimal(5, -2)),
            w_threshold: Some(decimal(1, -1)),
            v_min: 3,
            cap_factor: Some(decimal(75, -2)),
            initial_model_id: initial.map(|line| line.id.clone()).unwrap_or_default(),
            max_model_voting_power_percentage: Some(decimal(3, -1)),
        }),
    }
}

fn configured(line: &ModelLine, version: Version) -> PoCModelConfig {
    PoCModelConfig {
        model_id: line.id.clone(),
        seq_len: 1_024,
        // v0.2.16 replaces the field by a dynamic coefficient, whose field number is not public.
        weight_scale_factor: match version {
            Version::V0_2_12 | Version::V0_2_14 => line.coefficient,
            Version::V0_2_16 => None,
        },
        penalty_start_epoch: line.penalty_start_epoch,
    }
}

/// Applies new values to a set of parameters.
pub(crate) fn change(params: &mut Params, change: &ParamChange, roster: &Roster, version: Version) {
    let set = |target: &mut i64, value: Option<i64>| {
        if let Some(value) = value {
            *target = value;
        }
    };
    let epoch = params.epoch_params.get_or_insert_default();
    set(&mut epoch.epoch_length, change.epoch_length);
    set(&mut epoch.set_new_validators_delay, change.set_new_validators_delay);
    let delegation = params.delegation_params.get_or_insert_default();
    set(&mut delegation.deploy_window, change.deploy_window);
    set(&mut delegation.v_min, change.v_min);
    let decimals = [
        (&mut delegation.w_threshold, change.w_threshold),
        (&mut delegation.refusal_penalty, change.refusal_penalty),
        (&mut delegation.no_participation_penalty, change.no_participation_penalty),
        (&mut delegation.delegation_share, change.delegation_share),
    ];
    for (target, value) in decimals {
        if value.is_some() {
            *target = value;
        }
    }
    if let Some(model) = &change.initial_model_id {
        delegation.initial_model_id.clone_from(model);
    }
    let poc = params.poc_params.get_or_insert_default();
    if let Some(removed) = &change.remove_model {
        poc.models.retain(|model| model.model_id != *removed);
    }
    if let Some(line) =
        roster.models.iter().find(|line| Some(&line.id) == change.add_model.as_ref())
        && poc.models.iter().all(|model| model.model_id != line.id)
    {
        poc.models.push(configured(line, version));
    }
}
