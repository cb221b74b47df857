//! Proof of compute as hosts' daemons do it: commits while the window is open, then the
//! distribution with the seed, then votes on the others' work.

use std::collections::BTreeMap;

use super::super::address::{Address, ModelId};
use super::super::clock::Context;
use super::super::roster::Host;
use super::super::tx::{Draft, message, type_url, wrapped};
use super::super::wire::{
    Any, MLNodeDistributionEntry, MLNodeWeight, MsgMLNodeWeightDistribution, MsgPoCV2StoreCommit,
    MsgSubmitPocValidationsV2, MsgSubmitSeed, PoCV2CommitEntry, PoCValidationV2,
};
use super::{Item, Scene};

/// Votes come from the heaviest validators of a model, until they hold nearly all of its power;
/// every validator votes on every commit, so their number is limited.
const ENOUGH_PERCENT: i128 = 95;
const MOST_VALIDATORS: usize = 80;

impl Scene<'_> {
    pub(super) fn work(&self) -> Vec<Item> {
        let Some((index, poc_start)) = self.state.upcoming_epoch() else { return Vec::new() };
        let context = Context { index, poc_start };
        let params = self.state.epoch_params();
        let deadline = context.commit_deadline(&params);
        let start = context.validation_start(&params);
        let end = context.validation_end(&params);
        if (poc_start + 1..=deadline).contains(&self.height) {
            self.commits(context, deadline)
        } else if self.height > deadline && self.height <= end {
            let mut items = self.distributions(context, deadline, end);
            if self.height > start {
                items.extend(self.votes_on_work(context, start, end));
            }
            items
        } else {
            Vec::new()
        }
    }

    /// Something that goes wrong on a host's side, when the story lets it.
    fn mishap(&self, percent: u32, what: &str, about: &[&str], epoch: u64) -> bool {
        let epoch = i64::try_from(epoch).unwrap_or_default();
        self.spec.story.background.failures && self.dice.chance(percent, what, about, &[epoch])
    }

    fn commits(&self, context: Context, deadline: i64) -> Vec<Item> {
        let (into, window) = (self.height - context.poc_start, deadline - context.poc_start);
        let last = into == window;
        let mut items = Vec::new();
        for host in self.roster.hosts.iter().filter(|host| self.is_registered(host)) {
            let name = host.name.as_str();
            let sends = self.dice.chance(45, "commits", &[name], &[self.height]);
            let late = self.mishap(4, "misses the last commit", &[name], context.index);
            if !(sends || last) || (last && late && window > 1) {
                continue;
            }
            if self.mishap(3, "is down", &[name], context.index) {
                continue;
            }
            let entries = self
                .serving(host)
                .into_iter()
                .filter(|model| !self.mishap(3, "model is down", &[name, model], context.index))
                .filter(|model| self.is_worth_it(host, model, context.index))
                .filter_map(|model| self.progress(host, model, context, into, window))
                .collect::<Vec<_>>();
            if entries.is_empty() {
                continue;
            }
            let commit = MsgPoCV2StoreCommit {
                creator: host.address.to_string(),
                poc_stage_start_block_height: context.poc_start,
                entries,
            };
            items.push(self.by_daemon(host, vec![message(type_url::COMMIT, &commit)]));
        }
        items
    }

    /// Whether a host that nobody steers computes for a model: for a candidate mostly when it was
    /// pre-eligible, in the first epoch when the model is widespread, and not while the model is
    /// in a slump, which is how active models lose their groups.
    fn is_worth_it(&self, host: &Host, model: &str, epoch: u64) -> bool {
        if host.scripted {
            return true;
        }
        let initial = self.state.params.delegation_params.as_ref();
        let initial = initial.is_some_and(|params| params.initial_model_id == model);
        let name = host.name.as_str();
        if !initial
            && self.mishap(7, "slump", &[model], epoch)
            && self.mishap(85, "joins the slump", &[name, model], epoch)
        {
            return false;
        }
        if self.state.is_active(model) {
            return true;
        }
        match &self.state.bootstrap {
            None => {
                let line = self.roster.models.iter().find(|line| line.id == model);
                line.is_some_and(|line| line.served >= 60)
            }
            Some(snapshot) => {
                let row = snapshot.preeligibility.iter().find(|row| row.model_id == model);
                let invited = row.is_some_and(|row| row.pre_eligible);
                let epoch = i64::try_from(epoch).unwrap_or_default();
                invited || self.dice.chance(5, "tries anyway", &[name, model], &[epoch])
            }
        }
    }

    /// How far a host is with a model, if further than it committed before.
    fn progress(
        &self,
        host: &Host,
        model: ModelId,
        context: Context,
        into: i64,
        window: i64,
    ) -> Option<PoCV2CommitEntry> {
        let total = i64::from(self.roster.nonces(self.dice, host, &model, context.index));
        let count = u32::try_from(total * into / window.max(1)).unwrap_or(u32::MAX).max(1);
        let key = (host.address.clone(), model.clone());
        let before = self.state.commits.get(&context.poc_start).and_then(|all| all.get(&key));
        if before.is_some_and(|commit| commit.count >= count) {
            return None;
        }
        let about = [host.name.as_str(), &model];
        let root_hash = self.dice.hash("root", &about, &[self.height]).to_vec();
        Some(PoCV2CommitEntry { model_id: model.to_string(), count, root_hash })
    }

    fn distributions(&self, context: Context, deadline: i64, end: i64) -> Vec<Item> {
        let Some(commits) = self.state.commits.get(&context.poc_start) else { return Vec::new() };
        let room = u64::try_from((end - deadline).max(1)).unwrap_or(1);
        let stage = [context.poc_start];
        let mut items = Vec::new();
        for host in &self.roster.hosts {
            let about = [host.name.as_str()];
            let at = deadline + 1 + self.below(room, "distributes", &about, &stage);
            if at != self.height
                || self.withholds(host)
                || self.mishap(2, "forgets to distribute", &about, context.index)
            {
                continue;
            }
            let from = (host.address.clone(), ModelId::from(""));
            let own = commits.range(from..).take_while(|((who, _), _)| *who == host.address);
            let entries = own.map(|((_, model), commit)| MLNodeDistributionEntry {
                model_id: model.to_string(),
                weights: nodes(commit.count),
            });
            let entries = entries.collect::<Vec<_>>();
            if entries.is_empty() {
                continue;
            }
            let creator = host.address.to_string();
            let seed = MsgSubmitSeed {
                creator: creator.clone(),
                epoch_index: context.index,
                signature: hex::encode(self.dice.hash("seed", &about, &stage)),
            };
            let distribution = MsgMLNodeWeightDistribution {
                creator,
                poc_stage_start_block_height: context.poc_start,
                entries,
            };
            let messages =
                vec![message(type_url::DISTRIBUTE, &distribution), message(type_url::SEED, &seed)];
            items.push(self.by_daemon(host, messages));
        }
        items
    }

    fn votes_on_work(&self, context: Context, start: i64, end: i64) -> Vec<Item> {
        let Some(commits) = self.state.commits.get(&context.poc_start) else { return Vec::new() };
        let mut by_model = BTreeMap::<&ModelId, Vec<(&Address, u32)>>::new();
        for ((host, model), commit) in commits {
            by_model.entry(model).or_default().push((host, commit.count));
        }
        let room = u64::try_from((end - start).max(1)).unwrap_or(1);
        let mut ballots = BTreeMap::<Address, Vec<PoCValidationV2>>::new();
        for (model, validator) in self.validators() {
            let about: [&str; 1] = [&validator];
            let at = start + 1 + self.below(room, "votes", &about, &[context.poc_start]);
            if at != self.height || self.mishap(3, "does not vote", &about, context.index) {
                continue;
            }
            let ballot = ballots.entry(validator.clone()).or_default();
            for (host, count) in by_model.get(&model).into_iter().flatten() {
                let bad = self.mishap(2, "computes wrongly", &[host, &model], context.index);
                ballot.push(PoCValidationV2 {
                    participant_address: host.to_string(),
                    validated_weight: if bad { -1 } else { i64::from(*count) },
                    model_id: model.to_string(),
                });
            }
        }
        let hosts = self.roster.hosts.iter();
        let hosts = hosts.filter_map(|host| Some((host, ballots.remove(&host.address)?)));
        hosts
            .filter(|(_, validations)| !validations.is_empty())
            .map(|(host, validations)| {
                let votes = MsgSubmitPocValidationsV2 {
                    creator: host.address.to_string(),
                    poc_stage_start_block_height: context.poc_start,
                    validations,
                };
                self.by_daemon(host, vec![message(type_url::VALIDATE, &votes)])
            })
            .collect()
    }

    /// Who votes for which model.
    fn validators(&self) -> Vec<(ModelId, Address)> {
        let mut voting = Vec::new();
        for model in self.state.validation.iter().flat_map(|all| &all.model_voting_powers) {
            let mut rows = model.voting_powers.iter().collect::<Vec<_>>();
            rows.sort_by(|a, b| {
                b.voting_power.cmp(&a.voting_power).then_with(|| a.address.cmp(&b.address))
            });
            let sum: i128 = rows.iter().map(|row| i128::from(row.voting_power)).sum();
            let mut held = 0;
            let mut heard = 0;
            for row in rows.iter().take_while(|row| row.voting_power > 0) {
                if heard == MOST_VALIDATORS || held * 100 > sum * ENOUGH_PERCENT {
                    break;
                }
                held += i128::from(row.voting_power);
                heard += 1;
                voting.push((model.model_id.as_str().into(), row.address.as_str().into()));
            }
            // Among thousands of hosts no side reaches half of the network: guardians decide.
            if heard == MOST_VALIDATORS {
                let guardians = self.roster.hosts.iter().filter(|host| {
                    let heard = &rows[..MOST_VALIDATORS];
                    host.guardian && heard.iter().all(|row| *row.address != *host.address)
                });
                voting.extend(
                    guardians.map(|host| (model.model_id.as_str().into(), host.address.clone())),
                );
            }
        }
        voting
    }

    pub(super) fn below(&self, limit: u64, what: &str, about: &[&str], numbers: &[i64]) -> i64 {
        i64::try_from(self.dice.below(limit, what, about, numbers)).unwrap_or_default()
    }

    /// Two hosts of three let their warm key send it; half of the transactions are unordered.
    fn by_daemon(&self, host: &Host, messages: Vec<Any>) -> Item {
        let about = [host.name.as_str()];
        let mut draft = if self.dice.chance(66, "warm", &about, &[]) {
            Draft::new(&host.warm, vec![wrapped(&host.warm, messages)])
        } else {
            Draft::new(&host.address, messages)
        };
        draft.unordered = self.dice.chance(50, "unordered", &about, &[self.height]);
        Item::Draft(draft)
    }
}

/// A host's machines: one, or two when there is enough to share.
fn nodes(count: u32) -> Vec<MLNodeWeight> {
    let second = count / 3;
    let node = |id: &str, weight| MLNodeWeight { node_id: id.to_owned(), weight };
    if second == 0 {
        vec![node("node1", count)]
    } else {
        vec![node("node1", count - second), node("node2", second)]
    }
}
