//! The hosts of a chain and the models they can serve: from the story, and from the seed for the
//! rest.

use std::collections::{BTreeMap, BTreeSet};

use super::address::{self, Address, ModelId};
use super::decimal::{Dec, decimal};
use super::dice::Dice;
use super::spec::Spec;
use super::state::State;
use super::story::ModelLine;

/// A host as the chain's makers know it.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) address: Address,
    /// The key that may act for it through authz.
    pub(crate) warm: Address,
    /// Its weight in epoch 0, and about what it computes for later.
    pub(crate) weight: i64,
    pub(crate) serves: BTreeSet<ModelId>,
    /// Only the story decides its choices.
    pub(crate) scripted: bool,
    pub(crate) guardian: bool,
    /// Not registered at genesis.
    pub(crate) joins: bool,
}

/// Hosts and models.
#[derive(Debug, Clone)]
pub(crate) struct Roster {
    pub(crate) hosts: Vec<Host>,
    pub(crate) models: Vec<ModelLine>,
    by_name: BTreeMap<String, usize>,
    /// (warm key, host): who may act for whom through authz.
    grants: BTreeSet<(Address, Address)>,
}

/// The model that is exempt from the cap and from v_min, as on mainnet since epoch 308.
pub(crate) const INITIAL_MODEL: &str = "MiniMaxAI/MiniMax-M2.7";

fn default_models() -> Vec<ModelLine> {
    let model = |id: &str, coefficient, penalty_start_epoch, poc, served| ModelLine {
        id: id.to_owned(),
        coefficient,
        penalty_start_epoch,
        poc,
        served,
    };
    vec![
        model(INITIAL_MODEL, Some(decimal(3024, -4)), 0, true, 88),
        model("Qwen/Qwen3-235B-A22B-Instruct-2507-FP8", None, 0, true, 78),
        model("moonshotai/Kimi-K2.6", Some(decimal(945, -3)), 2, true, 66),
        model("deepseek-ai/DeepSeek-V4-Flash-0731", Some(decimal(214, -3)), 3, true, 52),
        model("zai-org/GLM-5.2-FP8", Some(decimal(25_935, -4)), 500, true, 12),
        // Approved by governance, but no proof of compute runs for it: choices have no effect.
        model("zai-org/GLM-5.3-Flash", None, 0, false, 0),
    ]
}

/// Names for hosts that the story does not name.
const NAMES: [&str; 24] = [
    "alder", "birch", "cedar", "dogwood", "elm", "fir", "ginkgo", "hazel", "ironwood", "juniper",
    "katsura", "larch", "maple", "nutmeg", "oak", "pine", "quince", "rowan", "spruce", "teak",
    "ulmo", "viburnum", "willow", "yew",
];

impl Roster {
    pub(crate) fn new(spec: &Spec) -> Self {
        let dice = Dice::new(spec.seed);
        let models = spec.story.models.clone().unwrap_or_else(default_models);
        let mut hosts = Vec::new();
        for named in &spec.story.named {
            let weight = named.weight.unwrap_or_else(|| seeded_weight(dice, &named.name));
            let serves = match &named.serves {
                Some(models) => models.iter().map(|id| id.as_str().into()).collect(),
                None => seeded_models(dice, &named.name, &models),
            };
            hosts.push(Host {
                address: address::account(spec.seed, &named.name),
                warm: address::warm_key(spec.seed, &named.name),
                name: named.name.clone(),
                weight,
                serves,
                scripted: named.scripted,
                guardian: named.guardian,
                joins: named.joins,
            });
        }
        let count = spec.hosts.unwrap_or(spec.story.hosts);
        let mut next = 0;
        while hosts.len() < count {
            let name = match NAMES.get(next) {
                Some(name) => (*name).to_owned(),
                None => format!("{}-{}", NAMES[next % NAMES.len()], next / NAMES.len() + 1),
            };
            next += 1;
            if hosts.iter().any(|host: &Host| host.name == name) {
                continue;
            }
            hosts.push(Host {
                address: address::account(spec.seed, &name),
                warm: address::warm_key(spec.seed, &name),
                weight: seeded_weight(dice, &name),
                serves: seeded_models(dice, &name, &models),
                // The first three that the seed names, as mainnet has three.
                guardian: next <= 3 && spec.story.named.iter().all(|host| !host.guardian),
                scripted: false,
                joins: false,
                name,
            });
        }
        let by_name =
            hosts.iter().enumerate().map(|(index, host)| (host.name.clone(), index)).collect();
        let grants = hosts.iter().map(|host| (host.warm.clone(), host.address.clone())).collect();
        Self { hosts, models, by_name, grants }
    }

    /// Whether `granter` lets `grantee` act for it.
    pub(crate) fn may_act(&self, grantee: &str, granter: &str) -> bool {
        self.grants.contains(&(grantee.into(), granter.into()))
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Host> {
        self.by_name.get(name).and_then(|index| self.hosts.get(*index))
    }

    /// A model's coefficient: the parameter, or since v0.2.16, where it is dynamic, what the
    /// chain would have computed.
    pub(crate) fn coefficient(&self, state: &State, model: &str) -> Dec {
        let config = state.poc_models().iter().find(|config| config.model_id == model);
        let line = || self.models.iter().find(|line| line.id == model);
        match config.and_then(|config| config.weight_scale_factor) {
            Some(factor) => Dec::or_one(Some(&factor)),
            None => Dec::or_one(line().and_then(|line| line.coefficient.as_ref())),
        }
    }

    /// The nonces that `host` computes for `model` in `epoch`: what its weight needs, shared among
    /// the models it serves, give or take six percent.
    pub(crate) fn nonces(&self, dice: Dice, host: &Host, model: &str, epoch: u64) -> u32 {
        let coefficient = self
            .models
            .iter()
            .find(|line| line.id == model)
            .map_or(Dec::ONE, |line| Dec::or_one(line.coefficient.as_ref()));
        let shares = i64::try_from(host.serves.len().max(1)).unwrap_or(1);
        let epoch = i64::try_from(epoch).unwrap_or_default();
        let percent = 94 + dice.below(13, "nonces", &[&host.name, model], &[epoch]);
        let wanted = host.weight / shares * i64::try_from(percent).unwrap_or(100) / 100;
        let per_nonce = coefficient.of_amount(1_000_000).max(1);
        let nonces = i128::from(wanted) * 1_000_000 / i128::from(per_nonce);
        u32::try_from(nonces.max(1)).unwrap_or(u32::MAX)
    }
}

/// Most hosts are small and a few are large, as on mainnet (20 hosts: about 400,000 in all).
fn seeded_weight(dice: Dice, name: &str) -> i64 {
    let draw = dice.below(1_000, "weight", &[name], &[]);
    let large = draw * draw * draw / 18_000;
    i64::try_from(2_000 + large + dice.below(900, "weight too", &[name], &[])).unwrap_or(2_000)
}

fn seeded_models(dice: Dice, name: &str, models: &[ModelLine]) -> BTreeSet<ModelId> {
    models
        .iter()
        .filter(|model| model.poc)
        .filter(|model| dice.chance(model.served, "serves", &[name, &model.id], &[]))
        .map(|model| model.id.as_str().into())
        .collect()
}
