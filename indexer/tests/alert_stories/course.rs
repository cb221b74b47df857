//! A story that was played: what became of every incident, what was told, and what the chain itself
//! has to say to compare it with.

use std::collections::BTreeMap;

use bootwatch::chain::wire;
use bootwatch_alerts::Decision;
use bootwatch_devnet::chain::HostInfo;
use bootwatch_rules::{BlockFacts, Height};
use bootwatch_schema::{Incident, Severity};

use crate::{
    calendar::{TIMING, validation_end},
    player::Player,
    told::{Life, Told, Turn},
};

pub(crate) const QWEN: &str = "Qwen/Qwen3-235B-A22B-Instruct-2507-FP8";
pub(crate) const KIMI: &str = "moonshotai/Kimi-K2.6";
pub(crate) const DEEPSEEK: &str = "deepseek-ai/DeepSeek-V4-Flash-0731";
/// In place of a label: whatever the labels are.
pub(crate) const ANY: &str = "";

/// What an epoch of the simulated chain pays in all, ngonka, as its settlement has it.
const EPOCH_REWARD: i128 = 285_000_000_000_000;

/// A story that was played.
pub(crate) struct Course {
    /// The chain, at the last block.
    pub(crate) player: Player,
    /// Addresses by name.
    addresses: BTreeMap<String, String>,
    blocks: BTreeMap<Height, Block>,
    lives: Vec<(Incident, Vec<Turn>)>,
    messages: Vec<Told>,
}

struct Block {
    facts: BlockFacts,
    /// What the chain's hosts weigh after it.
    hosts: Vec<HostInfo>,
}

impl Course {
    pub(crate) fn new(player: Player) -> Self {
        let hosts = player.watched.iter();
        Self {
            addresses: hosts.map(|host| (host.name.clone(), host.address.to_string())).collect(),
            player,
            blocks: BTreeMap::new(),
            lives: Vec::new(),
            messages: Vec::new(),
        }
    }

    /// Writes down a block that was taken in, and what followed from it.
    pub(crate) fn note(&mut self, facts: BlockFacts, decision: Decision) {
        for incident in decision.incidents {
            let turn = Turn::of(&incident, facts.height);
            let known = self.lives.iter_mut().find(|(i, _)| i.fingerprint == incident.fingerprint);
            match known {
                None => self.lives.push((incident, vec![turn])),
                Some((_, turns)) if turns.last().is_some_and(|last| last.is_as(&turn)) => {}
                Some((_, turns)) => turns.push(turn),
            }
        }
        self.messages.extend(decision.messages.iter().map(Told::from));
        self.blocks.insert(facts.height, Block { facts, hosts: self.player.weights() });
    }

    /// Every incident of an alert that has this label, with all that became of it, in the order in
    /// which they began. Hosts may be given by their names.
    pub(crate) fn lives(&self, alert: &str, label: &str) -> Vec<Life> {
        let label = self.value(label);
        let of_it = self.lives.iter().filter(|(incident, _)| {
            incident.alert == alert
                && (label == ANY || incident.labels.values().any(|value| value == label))
        });
        let life = |(incident, turns): &(Incident, Vec<Turn>)| Life {
            window: incident.window.clone(),
            labels: incident.labels.clone(),
            turns: turns.clone(),
        };
        of_it.map(life).collect()
    }

    /// How an incident should have gone. Hosts may be given by their names.
    pub(crate) fn life(
        &self,
        window: impl ToString,
        labels: &[(&str, &str)],
        turns: &[Turn],
    ) -> Life {
        let labels = labels.iter();
        Life {
            window: window.to_string(),
            labels: labels
                .map(|(name, value)| ((*name).to_owned(), self.value(value).to_owned()))
                .collect(),
            turns: turns.to_vec(),
        }
    }

    /// What was told of an alert with this label after a block: exactly one message.
    pub(crate) fn told(&self, alert: &str, label: &str, height: Height) -> &Told {
        let mut of_it = self.about(alert, label);
        of_it.retain(|told| told.height == height);
        match of_it[..] {
            [told] => told,
            ref found => panic!("one message of {alert} about {label} at {height}: {found:?}"),
        }
    }

    /// The heights at which it was told of, with how urgent it was.
    pub(crate) fn told_at(&self, alert: &str, label: &str) -> Vec<(Height, Severity)> {
        self.about(alert, label).iter().map(|told| (told.height, told.severity)).collect()
    }

    /// The height and the subject of every message.
    pub(crate) fn subjects(&self) -> Vec<(Height, String)> {
        let subject = |told: &Told| (told.height, told.text("subject").to_owned());
        self.messages.iter().map(subject).collect()
    }

    fn about(&self, alert: &str, label: &str) -> Vec<&Told> {
        let label = self.value(label);
        self.messages.iter().filter(|told| told.is_about(alert, label)).collect()
    }

    fn value<'a>(&'a self, label: &'a str) -> &'a str {
        self.addresses.get(label).map_or(label, String::as_str)
    }

    /// The address of a host.
    pub(crate) fn address(&self, host: &str) -> &str {
        &self.addresses[host]
    }

    /// What a block holds.
    pub(crate) fn facts(&self, height: Height) -> &BlockFacts {
        &self.blocks[&height].facts
    }

    /// The nonces that a host had committed for a model by a block of the running stage.
    pub(crate) fn committed(&self, host: &str, model: &str, by: Height) -> Option<i64> {
        let stage = by - (by - 1) % TIMING.epoch_length;
        let commits = self.blocks.range(stage..=by).flat_map(|(_, block)| &block.facts.commits);
        let own = commits.filter(|commit| commit.host.as_str() == self.address(host));
        own.filter(|commit| commit.model_id.as_str() == model).map(|c| c.count.into()).next_back()
    }

    /// The block of a host's first commit for a model from a height on.
    pub(crate) fn first_commit(&self, host: &str, model: &str, from: Height) -> Option<Height> {
        let mut blocks = self.blocks.range(from..);
        let (height, _) = blocks.find(|(_, block)| {
            block.facts.commits.iter().any(|commit| {
                commit.host.as_str() == self.address(host) && commit.model_id.as_str() == model
            })
        })?;
        Some(*height)
    }

    /// The block of a host's first weight distribution for a model from a height on.
    pub(crate) fn distribution(&self, host: &str, model: &str, from: Height) -> Option<Height> {
        let mut blocks = self.blocks.range(from..);
        let (height, _) = blocks.find(|(_, block)| {
            block.facts.distributions.iter().any(|sent| {
                sent.host.as_str() == self.address(host) && sent.model_id.as_str() == model
            })
        })?;
        Some(*height)
    }

    /// What a host weighs after a block, by the chain's own list.
    pub(crate) fn weight(&self, host: &str, height: Height) -> i64 {
        let hosts = &self.blocks[&height].hosts;
        hosts.iter().find(|info| info.name == host).unwrap().weight
    }

    /// What the whole network weighs.
    pub(crate) fn network(&self, height: Height) -> i64 {
        self.blocks[&height].hosts.iter().map(|info| info.weight).sum()
    }

    /// What an epoch pays a host before charges by the weights after a block, ngonka: its part of
    /// what the chain pays in all.
    pub(crate) fn reward(&self, host: &str, height: Height) -> u64 {
        let (own, all) = (self.weight(host, height), self.network(height));
        u64::try_from(EPOCH_REWARD * i128::from(own) / i128::from(all)).unwrap()
    }

    /// The charge that the chain stored for a host in the block that formed an epoch, such as `3/20`.
    pub(crate) fn charge(&self, host: &str, epoch: i64) -> String {
        let formed = validation_end(epoch);
        let stored = |height| self.player.charges_at(height);
        let epoch = u64::try_from(epoch).unwrap();
        assert!(stored(formed - 1).is_none_or(|charges| charges.epoch_index < epoch));
        let charges = stored(formed).unwrap();
        assert_eq!(charges.epoch_index, epoch);
        charges.of(&self.address(host).into()).unwrap().to_string()
    }

    /// The voting powers in a model's group by address, as the chain tells them after a block.
    pub(crate) fn powers(&self, model: &str, epoch: u64, height: Height) -> BTreeMap<String, i64> {
        let request =
            wire::EpochGroupDataRequest { epoch_index: epoch, model_id: model.to_owned() };
        let answer: wire::EpochGroupDataResponse =
            self.player.ask_at(height, "EpochGroupData", &request);
        let members = answer.epoch_group_data.unwrap().validation_weights.into_iter();
        members.map(|member| (member.member_address, member.voting_power)).collect()
    }
}
