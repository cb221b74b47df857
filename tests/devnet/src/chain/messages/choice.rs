//! The three choices (x/inference/keeper/msg_server_poc_delegation.go). None emits an event.

use std::sync::Arc;

use super::super::state::State;
use super::super::tx::Failure;
use super::super::wire::{MsgDeclarePoCIntent, MsgRefusePoCDelegation, MsgSetPoCDelegation};

pub(super) fn set(state: &mut State, message: &MsgSetPoCDelegation) -> Result<(), Failure> {
    check(state, &message.sender, &message.model_id)?;
    let delegate = match message.delegate_to.as_str() {
        "" => None,
        delegate => {
            registered(state, delegate)?;
            Some(delegate.into())
        }
    };
    let choices = Arc::make_mut(&mut state.choices);
    choices.delegate(message.model_id.as_str().into(), message.sender.as_str().into(), delegate);
    Ok(())
}

pub(super) fn refuse(state: &mut State, message: &MsgRefusePoCDelegation) -> Result<(), Failure> {
    check(state, &message.sender, &message.model_id)?;
    let choices = Arc::make_mut(&mut state.choices);
    choices.refuse(message.model_id.as_str().into(), message.sender.as_str().into());
    Ok(())
}

pub(super) fn intent(state: &mut State, message: &MsgDeclarePoCIntent) -> Result<(), Failure> {
    check(state, &message.sender, &message.model_id)?;
    let choices = Arc::make_mut(&mut state.choices);
    choices.declare_intent(message.model_id.as_str().into(), message.sender.as_str().into());
    Ok(())
}

/// The model must be governance's, not one that proof of compute runs for.
fn check(state: &State, sender: &str, model: &str) -> Result<(), Failure> {
    registered(state, sender)?;
    if state.models.contains_key(model) {
        Ok(())
    } else {
        Err(Failure::inference(1134, &format!("model {model} not found: invalid model")))
    }
}

fn registered(state: &State, address: &str) -> Result<(), Failure> {
    if state.participants.contains(address) {
        Ok(())
    } else {
        Err(Failure::inference(1103, "participant not found"))
    }
}
