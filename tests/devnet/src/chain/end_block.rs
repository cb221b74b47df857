//! The end of a block: governance first, then the inference module's stages in its own order
//! (x/inference/module/module.go, `EndBlock`).

mod capture;
mod dkg;
mod exclusion;
mod governance;
mod poc_start;
mod validation_end;
mod validation_start;

use std::sync::Arc;

use super::clock::Context;
use super::outcome::Event;
use super::roster::Roster;
use super::spec::Spec;
use super::state::State;

/// Runs it and gives its events, without the `mode` attribute.
pub(crate) fn run(state: &mut State, spec: &Spec, roster: &Roster) -> Vec<Event> {
    let mut events = governance::decide(state);
    events.extend(exclusion::apply(state, spec, roster));
    let params = state.epoch_params();
    let height = state.height;
    // No context, no stage: the chain logs an error and goes on, block after block.
    let Some(context) = Context::at(&params, &state.epochs, state.effective, height) else {
        return events;
    };
    if context.validation_end(&params) == height && context.index > 0 {
        events.extend(validation_end::run(state, spec, roster));
    }
    if context.effective(&params) == height && context.index > 0 {
        become_effective(state, context.index);
        // Nothing was formed: the effective epoch is one that was never started, and from here
        // on every block ends here (case "epoch_length lowered" of the missed PoC start).
        if !state.epochs.contains_key(&state.effective) {
            return events;
        }
    }
    if context.poc_start == height && context.index > 0 {
        events.extend(poc_start::run(state, context));
    }
    let deploy_window = state.delegation_params().deploy_window;
    if context.capture(&params, deploy_window) == Some(height) && !capture::fails(state, spec) {
        events.extend(capture::run(state, spec, roster));
    }
    // Without a record of the upcoming epoch there is no stage to capture for.
    if context.validation_start(&params) == height && state.upcoming_epoch().is_some() {
        validation_start::run(state);
    }
    events
}

fn become_effective(state: &mut State, index: u64) {
    let before = state.effective;
    state.effective = index;
    state.validation = None;
    let height = state.height;
    let groups = Arc::make_mut(&mut state.groups);
    if let Some(old) = groups.get_mut(&before) {
        Arc::make_mut(old).root.last_block_height = height - 1;
    }
    if let Some(new) = groups.get_mut(&index) {
        Arc::make_mut(new).root.effective_block_height = height;
    }
}
