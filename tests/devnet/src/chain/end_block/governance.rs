//! Deciding proposals whose voting period ends with this block.

use std::sync::Arc;

use super::super::decimal::Dec;
use super::super::event::event;
use super::super::messages::Resolution;
use super::super::outcome::Event;
use super::super::state::{Proposal, State};
use super::super::wire::Params;

/// New parameters are in force for the rest of this block's end, and after.
pub(super) fn decide(state: &mut State) -> Vec<Event> {
    if state.proposals.iter().all(|proposal| proposal.decided_at > state.height) {
        return Vec::new();
    }
    let open = Arc::unwrap_or_clone(std::mem::take(&mut state.proposals));
    let (due, later): (Vec<_>, Vec<_>) =
        open.into_iter().partition(|proposal| proposal.decided_at <= state.height);
    state.proposals = Arc::new(later);
    due.into_iter().map(|proposal| decide_one(state, proposal)).collect()
}

fn decide_one(state: &mut State, proposal: Proposal) -> Event {
    let weights = state.live_weights();
    let tally = |wanted: bool| -> i64 {
        let voters = proposal.votes.iter().filter(|(_, yes)| **yes == wanted);
        voters.filter_map(|(voter, _)| weights.get(voter)).sum()
    };
    let passed = tally(true) > tally(false);
    let (result, log) = match passed.then(|| execute(state, &proposal)) {
        Some(Ok(())) => ("proposal_passed", "passed".to_owned()),
        Some(Err(problem)) => ("proposal_failed", format!("passed, but {problem}")),
        None => ("proposal_rejected", "rejected".to_owned()),
    };
    let id = proposal.id.to_string();
    let attributes =
        [("proposal_id", id.as_str()), ("proposal_result", result), ("proposal_log", &log)];
    event("active_proposal", attributes)
}

/// All messages, or none.
fn execute(state: &mut State, proposal: &Proposal) -> Result<(), String> {
    let (mut params, mut upgrade) = (Arc::clone(&state.params), state.upgrade.clone());
    for (number, any) in proposal.submitted.messages.iter().enumerate() {
        let outcome = match Resolution::decode(any) {
            Ok(Resolution::Params(Some(new))) => check(&new).map(|()| params = Arc::new(*new)),
            Ok(Resolution::Params(None) | Resolution::Other) => Ok(()),
            // x/upgrade/keeper/keeper.go, ScheduleUpgrade; a second plan replaces the first.
            Ok(Resolution::Upgrade(plan)) if plan.height <= state.height => {
                Err("upgrade cannot be scheduled in the past: invalid request".to_owned())
            }
            Ok(Resolution::Upgrade(plan)) => {
                upgrade = Some(plan);
                Ok(())
            }
            Ok(Resolution::CancelUpgrade) => {
                upgrade = None;
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        };
        outcome.map_err(|problem| {
            format!("msg {number} ({}) failed on execution: {problem}", any.type_url)
        })?;
    }
    (state.params, state.upgrade) = (params, upgrade);
    Ok(())
}

/// Longer stages than this would only test integer overflow.
const LONGEST: i64 = 1 << 40;

/// What x/inference/types/params.go checks, as far as these parameters go: signs and ranges, but
/// no relation between lengths, nor between the deploy window and the epoch.
fn check(params: &Params) -> Result<(), String> {
    let epoch = params.epoch_params.unwrap_or_default();
    let delegation = params.delegation_params.clone().unwrap_or_default();
    let lengths = [
        ("epoch_length", epoch.epoch_length, 1),
        ("poc_stage_duration", epoch.poc_stage_duration, 1),
        ("poc_exchange_duration", epoch.poc_exchange_duration, 0),
        ("poc_validation_delay", epoch.poc_validation_delay, 0),
        ("poc_validation_duration", epoch.poc_validation_duration, 1),
        ("set_new_validators_delay", epoch.set_new_validators_delay, 0),
        ("deploy_window", delegation.deploy_window, 0),
        ("v_min", delegation.v_min, 0),
    ];
    for (name, value, least) in lengths {
        if !(least..=LONGEST).contains(&value) {
            return Err(format!("{name} out of range: {value}"));
        }
    }
    let fractions = [
        ("refusal_penalty", delegation.refusal_penalty),
        ("no_participation_penalty", delegation.no_participation_penalty),
        ("delegation_share", delegation.delegation_share),
        ("w_threshold", delegation.w_threshold),
        ("cap_factor", delegation.cap_factor),
    ];
    for (name, value) in fractions {
        if !(Dec::ZERO..=Dec::ONE).contains(&Dec::or_zero(value.as_ref())) {
            return Err(format!("{name} must be between 0 and 1"));
        }
    }
    let initial = &delegation.initial_model_id;
    let models = params.poc_params.iter().flat_map(|params| &params.models);
    if !initial.is_empty() && models.clone().all(|model| model.model_id != *initial) {
        return Err(format!("initial_model_id {initial} is not one of poc_params.models"));
    }
    Ok(())
}
