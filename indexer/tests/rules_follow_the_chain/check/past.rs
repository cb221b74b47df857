//! What is remembered of epochs that are over, against the chain's own records of them: models that
//! fell out, and what delegates did.

use std::collections::{BTreeMap, BTreeSet};

use bootwatch::chain::wire;
use bootwatch_rules::{
    EpochIndex, Height, ModelId,
    delegates::Service,
    ledger::MAX_PAST,
    situation::{FellOut, ModelState},
};

use super::Checked;

/// An epoch as the chain keeps it.
struct Record {
    index: EpochIndex,
    /// Hosts with weight, by model; only models of which a live member has voting power.
    groups: BTreeMap<ModelId, BTreeSet<String>>,
    excluded: BTreeSet<String>,
}

impl Checked {
    /// Once for each epoch, in the block after which it is in force.
    pub(super) fn compare_past(&mut self, height: Height) {
        let answer: wire::CurrentEpochResponse = self.player.ask("GetCurrentEpoch", &());
        if self.in_force.first() == Some(&answer.epoch) {
            return;
        }
        self.in_force.insert(0, answer.epoch);
        self.in_force.truncate(MAX_PAST + 1);
        let records: Vec<Record> = self.in_force.iter().map(|epoch| self.record(*epoch)).collect();
        let [running, past @ ..] = &records[..] else { return };
        let situation = self.situation();
        let mut problems = Vec::new();
        for view in &situation.models {
            let id = &view.model_id;
            let is_candidate = view.state == ModelState::Candidate;
            if is_candidate == running.groups.contains_key(id) {
                problems.push(format!("{id} is a candidate: {is_candidate}"));
            }
            let expected = fell_out(running, past, id);
            self.score.fell_out += usize::from(expected.is_some());
            if view.fell_out != expected {
                problems.push(format!("{id} is {:?}, the chain: {expected:?}", view.fell_out));
            }
        }
        let views = situation.hosts.iter().flat_map(|host| &host.models);
        for (model, delegate) in
            views.filter_map(|view| Some((&view.model_id, view.delegate.as_ref()?)))
        {
            for (service, record) in delegate.before.iter().zip(past) {
                self.score.services += 1;
                self.score.served += usize::from(service.served);
                if !is_told(service, record, model, delegate.host.as_str()) {
                    let host = &delegate.host;
                    problems.push(format!("{host} is said to have done {service:?} for {model}"));
                }
            }
            if delegate.before.len() != past.len() {
                problems.push(format!("{} epochs of {}", delegate.before.len(), delegate.host));
            }
        }
        for problem in problems {
            self.mismatch(height, format!("past: {problem}"));
        }
    }

    fn record(&self, index: EpochIndex) -> Record {
        let group = |model: &str| {
            let request =
                wire::EpochGroupDataRequest { epoch_index: index, model_id: model.to_owned() };
            let answer: wire::EpochGroupDataResponse = self.player.ask("EpochGroupData", &request);
            answer.epoch_group_data.unwrap()
        };
        let of_epoch = wire::ExcludedParticipantsRequest { epoch_index: index };
        let answer: wire::ExcludedParticipantsResponse =
            self.player.ask("ExcludedParticipants", &of_epoch);
        let excluded: BTreeSet<String> =
            answer.items.into_iter().map(|item| item.address).collect();
        let root = group("");
        let live = |member: &&wire::ValidationWeight| {
            member.voting_power > 0 && !excluded.contains(&member.member_address)
        };
        let groups = root.sub_group_models.iter().map(|id| (id, group(id).validation_weights));
        let groups = groups.filter(|(_, members)| members.iter().any(|member| live(&member)));
        let groups = groups.map(|(id, members)| {
            let serving = members.into_iter().filter(|member| member.weight > 0);
            (ModelId::from(id.as_str()), serving.map(|member| member.member_address).collect())
        });
        Record { index, groups: groups.collect(), excluded }
    }
}

/// When the model lost its group, by the chain's records; none while it has one.
fn fell_out(running: &Record, past: &[Record], model: &ModelId) -> Option<FellOut> {
    if running.groups.contains_key(model) {
        return None;
    }
    let place = past.iter().position(|record| record.groups.contains_key(model))?;
    let without_since = place.checked_sub(1).map_or(running.index, |after| past[after].index);
    Some(FellOut { active_in: past[place].index, without_since })
}

fn is_told(service: &Service, record: &Record, model: &ModelId, host: &str) -> bool {
    let served = record.groups.get(model).is_some_and(|hosts| hosts.contains(host));
    service.epoch == record.index
        && service.served == served
        && service.excluded.is_some() == record.excluded.contains(host)
}
