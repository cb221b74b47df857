//! Removing members of the running epoch, when the story says so.
//!
//! On the real chain the cause is a failed confirmation or bad statistics; what others see is the
//! same: an entry in the list of exclusions, and groups that change.

use std::sync::Arc;

use super::super::event::{event, json_string};
use super::super::outcome::Event;
use super::super::roster::Roster;
use super::super::spec::Spec;
use super::super::state::State;
use super::super::story::Action;
use super::super::wire::ExcludedParticipant;

pub(super) fn apply(state: &mut State, spec: &Spec, roster: &Roster) -> Vec<Event> {
    let mut events = Vec::new();
    for step in &spec.story.steps {
        let Action::Exclude { host, reason } = &step.action else { continue };
        let window = state.params.delegation_params.as_ref().map_or(0, |p| p.deploy_window);
        if step.moment.height(&state.epoch_params(), window, &state.epochs) != Some(state.height) {
            continue;
        }
        if let Some(host) = roster.named(host) {
            events.extend(exclude(state, &host.address, reason));
        }
    }
    events
}

fn exclude(state: &mut State, address: &str, reason: &str) -> Vec<Event> {
    let epoch = state.effective;
    let Some(groups) = state.groups.get(&epoch).cloned() else { return Vec::new() };
    if !groups.weights.contains_key(address) || state.is_excluded(epoch, address) {
        return Vec::new();
    }
    let item = ExcludedParticipant {
        address: address.to_owned(),
        epoch_index: epoch,
        reason: reason.to_owned(),
        exclusion_block_height: u64::try_from(state.height).unwrap_or_default(),
    };
    Arc::make_mut(&mut state.exclusions).entry(epoch).or_default().push(item);
    let held = groups.models.values().filter(|group| {
        group.validation_weights.iter().any(|member| member.member_address == address)
    });
    std::iter::once(&groups.root).chain(held).map(|group| updated(group.epoch_group_id)).collect()
}

/// `cosmos.group.v1.EventUpdateGroup`, a typed event: its value is JSON, a quoted number.
pub(super) fn updated(group_id: u64) -> Event {
    event("cosmos.group.v1.EventUpdateGroup", [("group_id", json_string(&group_id.to_string()))])
}
