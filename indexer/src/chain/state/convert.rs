//! From the application's messages to the words of the rules.

use std::collections::BTreeMap;

use bootwatch_rules::{
    Address, ChargeSnapshot, Choice, Decimal, DelegationParams, EpochParams, Exclusion,
    GroupMember, Height, HostChoices, Member, ModelGroup, ModelId, ModelParams, Params, Penalty,
    Transfer,
};

use crate::chain::wire;

fn decimal(wire: wire::Decimal) -> Decimal {
    Decimal { value: wire.value, exponent: wire.exponent }
}

pub(super) fn params(wire: wire::Params) -> Params {
    let epoch = wire.epoch_params.unwrap_or_default();
    let poc = wire.poc_params.unwrap_or_default();
    Params {
        epoch: EpochParams {
            epoch_length: epoch.epoch_length,
            epoch_shift: epoch.epoch_shift,
            poc_stage_duration: epoch.poc_stage_duration,
            poc_exchange_duration: epoch.poc_exchange_duration,
            poc_validation_delay: epoch.poc_validation_delay,
            poc_validation_duration: epoch.poc_validation_duration,
            set_new_validators_delay: epoch.set_new_validators_delay,
            inference_validation_cutoff: epoch.inference_validation_cutoff,
        },
        delegation: wire.delegation_params.map(delegation_params),
        models: poc
            .models
            .into_iter()
            .map(|model| ModelParams {
                model_id: model.model_id.into(),
                coefficient: model.weight_scale_factor.map(decimal),
                dynamic: model.dynamic_coefficient.is_some(),
                penalty_start_epoch: model.penalty_start_epoch,
            })
            .collect(),
        validation_vote_threshold_bps: poc.validation_vote_threshold_bps,
        guardians: wire.genesis_guardian_params.unwrap_or_default().guardian_addresses,
    }
}

fn delegation_params(wire: wire::DelegationParams) -> DelegationParams {
    let or_zero = |value: Option<wire::Decimal>| decimal(value.unwrap_or_default());
    DelegationParams {
        deploy_window: wire.deploy_window,
        refusal_penalty: or_zero(wire.refusal_penalty),
        no_participation_penalty: or_zero(wire.no_participation_penalty),
        delegation_share: or_zero(wire.delegation_share),
        w_threshold: or_zero(wire.w_threshold),
        v_min: wire.v_min,
        cap_factor: or_zero(wire.cap_factor),
        initial_model_id: wire.initial_model_id.into(),
        max_model_voting_power: or_zero(wire.max_model_voting_power_percentage),
    }
}

pub(super) fn members(
    weights: Vec<wire::ValidationWeight>,
    excluded: Vec<wire::ExcludedParticipant>,
) -> Vec<Member> {
    let mut excluded: BTreeMap<String, Exclusion> = excluded
        .into_iter()
        .map(|item| {
            let height = Height::try_from(item.exclusion_block_height).unwrap_or(Height::MAX);
            (item.address, Exclusion { reason: item.reason, height })
        })
        .collect();
    weights
        .into_iter()
        .map(|member| Member {
            excluded: excluded.remove(&member.member_address),
            host: member.member_address.into(),
            weight: member.weight,
        })
        .collect()
}

pub(super) fn model_group((model, group): (String, wire::EpochGroupData)) -> ModelGroup {
    let members = group.validation_weights.into_iter().map(|member| GroupMember {
        host: member.member_address.into(),
        weight: member.weight,
        voting_power: member.voting_power,
    });
    ModelGroup { model_id: model.into(), members: members.collect() }
}

/// The chain keeps at most one kind for a host and model; were there more, the delegation would be
/// what counts for an active model, so it goes last and wins.
pub(super) fn host_choices(host: Address, answer: wire::PocDelegationResponse) -> HostChoices {
    let mut choices: BTreeMap<ModelId, Choice> = BTreeMap::new();
    for refusal in answer.refusals {
        choices.insert(refusal.model_id.into(), Choice::Refuse);
    }
    for intent in answer.intents {
        choices.insert(intent.model_id.into(), Choice::Intent);
    }
    for delegation in answer.delegations {
        let delegate_to = Address::from(delegation.delegate_to);
        choices.insert(delegation.model_id.into(), Choice::Delegate { delegate_to });
    }
    HostChoices { host, choices: choices.into_iter().collect() }
}

pub(super) fn charges(wire: wire::RewardTransferSnapshot) -> ChargeSnapshot {
    ChargeSnapshot {
        epoch_index: wire.epoch_index,
        transfers: wire
            .transfers
            .into_iter()
            .map(|transfer| Transfer {
                model_id: transfer.model_id.into(),
                from: transfer.from.into(),
                to: transfer.to.into(),
                share: decimal(transfer.share.unwrap_or_default()),
            })
            .collect(),
        penalties: wire
            .penalties
            .into_iter()
            .map(|penalty| Penalty {
                host: penalty.participant.into(),
                fraction: decimal(penalty.penalty_fraction.unwrap_or_default()),
            })
            .collect(),
    }
}
