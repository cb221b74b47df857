//! Proof of compute: commits, distributions, votes, seeds
//! (x/inference/keeper/msg_server_poc_v2_commit.go and its neighbours).

use std::sync::Arc;

use super::super::address::{Address, ModelId};
use super::super::clock::Context;
use super::super::state::{Commit, State};
use super::super::tx::Failure;
use super::super::wire::{
    MsgMLNodeWeightDistribution, MsgPoCV2StoreCommit, MsgSubmitPocValidationsV2, MsgSubmitSeed,
};

/// The running stage: the upcoming epoch, if `stage` is where its PoC started.
fn running(state: &State, stage: i64) -> Result<Context, Failure> {
    match state.upcoming_epoch() {
        Some((index, poc_start)) if poc_start == stage => Ok(Context { index, poc_start }),
        _ => {
            let log = format!("start block height {stage}: wrong PoC start block height");
            Err(Failure::inference(1107, &log))
        }
    }
}

fn too_late(state: &State) -> Failure {
    Failure::inference(1108, &format!("block height {}: PoC window is closed", state.height))
}

pub(super) fn commit(state: &mut State, message: &MsgPoCV2StoreCommit) -> Result<(), Failure> {
    let invalid = |what: &str| Failure::inference(1137, &format!("{what}: invalid store commit"));
    if !state.poc_params().is_some_and(|params| params.poc_v2_enabled) {
        return Err(Failure::inference(1163, "PoC v2 is not enabled"));
    }
    let context = running(state, message.poc_stage_start_block_height)?;
    let window = context.poc_start + 1..=context.commit_deadline(&state.epoch_params());
    if !window.contains(&state.height) {
        return Err(too_late(state));
    }
    if message.entries.is_empty() {
        return Err(invalid("no entries"));
    }
    let host = Address::from(message.creator.as_str());
    let before = state.commits.get(&context.poc_start);
    for entry in &message.entries {
        let model = entry.model_id.as_str();
        if !state.models.contains_key(model) {
            return Err(Failure::inference(
                1134,
                &format!("model {model} not found: invalid model"),
            ));
        }
        if entry.count == 0 || entry.root_hash.len() != 32 {
            return Err(invalid("count must be positive and root_hash 32 bytes"));
        }
        let key = (host.clone(), ModelId::from(model));
        if let Some(old) = before.and_then(|commits| commits.get(&key)) {
            if old.height == state.height {
                return Err(invalid("only one commit per block"));
            }
            if entry.count <= old.count {
                return Err(invalid("count must increase"));
            }
        }
    }
    let height = state.height;
    let commits = Arc::make_mut(&mut state.commits).entry(context.poc_start).or_default();
    for entry in &message.entries {
        let commit = Commit { count: entry.count, root_hash: entry.root_hash.clone(), height };
        commits.insert((host.clone(), entry.model_id.as_str().into()), commit);
    }
    Ok(())
}

pub(super) fn distribute(
    state: &mut State,
    message: &MsgMLNodeWeightDistribution,
) -> Result<(), Failure> {
    let context = running(state, message.poc_stage_start_block_height)?;
    if state.height > context.validation_end(&state.epoch_params()) {
        return Err(too_late(state));
    }
    let host = Address::from(message.creator.as_str());
    let commits = state.commits.get(&context.poc_start);
    for entry in &message.entries {
        let key = (host.clone(), ModelId::from(entry.model_id.as_str()));
        let count = commits.and_then(|commits| commits.get(&key)).map(|commit| commit.count);
        let sum: u64 = entry.weights.iter().map(|node| u64::from(node.weight)).sum();
        if count.map(u64::from) != Some(sum) {
            let log =
                format!("weights sum to {sum}, committed {count:?}: invalid weight distribution");
            return Err(Failure::inference(1137, &log));
        }
    }
    let all = Arc::make_mut(&mut state.distributions).entry(context.poc_start).or_default();
    for entry in &message.entries {
        let key = (host.clone(), entry.model_id.as_str().into());
        all.insert(key, Arc::new(entry.weights.clone()));
    }
    Ok(())
}

pub(super) fn validate(
    state: &mut State,
    message: &MsgSubmitPocValidationsV2,
) -> Result<(), Failure> {
    let context = running(state, message.poc_stage_start_block_height)?;
    let params = state.epoch_params();
    let window = context.validation_start(&params) + 1..=context.validation_end(&params);
    if !window.contains(&state.height) {
        return Err(too_late(state));
    }
    let validator = Address::from(message.creator.as_str());
    let votes = Arc::make_mut(&mut state.votes);
    for vote in &message.validations {
        let key = (vote.model_id.as_str().into(), vote.participant_address.as_str().into());
        votes.entry(key).or_default().insert(validator.clone(), vote.validated_weight);
    }
    Ok(())
}

pub(super) fn seed(state: &mut State, message: &MsgSubmitSeed) -> Result<(), Failure> {
    match state.upcoming_epoch() {
        Some((index, _)) if index == message.epoch_index => {
            Arc::make_mut(&mut state.seeds).insert(message.creator.as_str().into());
            Ok(())
        }
        _ => Err(Failure::inference(1107, "seed is not for the upcoming epoch")),
    }
}
