//! PoC start: the upcoming epoch is recorded and its groups are created.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::address;
use super::super::clock::Context;
use super::super::event::{event, json_string};
use super::super::outcome::Event;
use super::super::state::{EpochGroups, State};
use super::super::wire::{
    EpochGroupData, ModelPreservedNodes, ParticipantPreservedNodes, PreservedNodesSnapshot,
};

/// How many epochs' groups, exclusions and commits stay queryable.
const KEPT_EPOCHS: u64 = 24;
const KEPT_STAGES: usize = 2;

pub(super) fn run(state: &mut State, context: Context) -> Vec<Event> {
    let (index, height) = (context.index, state.height);
    let start = u64::try_from(height).unwrap_or_default();
    Arc::make_mut(&mut state.epochs).insert(index, height);
    let mut events = Vec::new();
    let mut group = |state: &mut State, model: &str| {
        state.last_group_id += 1;
        let policy = address::module(&format!("group policy {}", state.last_group_id));
        let id = json_string(&state.last_group_id.to_string());
        events.push(event("cosmos.group.v1.EventCreateGroup", [("group_id", id)]));
        let policy_event = [("address", json_string(&policy))];
        events.push(event("cosmos.group.v1.EventCreateGroupPolicy", policy_event));
        EpochGroupData {
            poc_start_block_height: start,
            epoch_group_id: state.last_group_id,
            epoch_policy: policy.to_string(),
            model_id: model.to_owned(),
            epoch_index: index,
            model_snapshot: state.models.get(model).cloned(),
            ..EpochGroupData::default()
        }
    };
    let ids = state.poc_models().iter().map(|model| model.model_id.clone()).collect::<Vec<_>>();
    let mut root = group(state, "");
    root.sub_group_models.clone_from(&ids);
    let models =
        ids.iter().map(|id| (id.as_str().into(), group(state, id))).collect::<BTreeMap<_, _>>();
    let groups = Arc::make_mut(&mut state.groups);
    groups.insert(index, Arc::new(EpochGroups::new(root, models)));
    groups.retain(|epoch, _| epoch + KEPT_EPOCHS > index);
    Arc::make_mut(&mut state.exclusions).retain(|epoch, _| epoch + KEPT_EPOCHS > index);
    state.seeds = Arc::default();
    state.votes = Arc::default();
    let commits = Arc::make_mut(&mut state.commits);
    while commits.len() >= KEPT_STAGES {
        commits.pop_first();
    }
    let distributions = Arc::make_mut(&mut state.distributions);
    while distributions.len() >= KEPT_STAGES {
        distributions.pop_first();
    }
    state.preserved = Some(Arc::new(preserved(state)));
    events
}

/// One machine of every fifth member of each active model keeps serving.
fn preserved(state: &State) -> PreservedNodesSnapshot {
    let groups = state.groups.get(&state.effective);
    let model_preserved_nodes = groups
        .into_iter()
        .flat_map(|groups| &groups.models)
        .map(|(model, group)| ModelPreservedNodes {
            model_id: model.to_string(),
            participants: group
                .validation_weights
                .iter()
                .step_by(5)
                .map(|member| ParticipantPreservedNodes {
                    participant_id: member.member_address.clone(),
                    node_ids: member.ml_nodes.iter().take(1).map(|n| n.node_id.clone()).collect(),
                })
                .collect(),
        })
        .collect();
    PreservedNodesSnapshot { episode_anchor_height: state.height, model_preserved_nodes }
}
