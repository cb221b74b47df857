//! The end of a block: the inference module's stages.

use std::sync::Arc;

use super::clock::Context;
use super::outcome::Event;
use super::roster::Roster;
use super::spec::Spec;
use super::state::State;

/// Runs it and gives its events, without the `mode` attribute.
pub(crate) fn run(state: &mut State, _spec: &Spec, _roster: &Roster) -> Vec<Event> {
    let events = Vec::new();
    let params = state.epoch_params();
    let Some(context) = Context::at(&params, &state.epochs, state.effective, state.height) else {
        return events;
    };
    if context.effective(&params) == state.height {
        state.effective = context.index;
    }
    if context.poc_start == state.height {
        Arc::make_mut(&mut state.epochs).insert(state.effective + 1, state.height);
    }
    events
}
