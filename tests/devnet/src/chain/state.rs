//! The chain's state: what queries read and blocks change.
//!
//! Every part that grows sits behind an `Arc`, so that keeping a past state costs a few counters,
//! and a part is copied only when a block changes it.

mod choices;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

pub(crate) use choices::Choices;

use super::address::{Address, ModelId};
use super::charges::Bill;
use super::wire::{
    BootstrapDelegationSnapshot, DelegationParams, DelegationRewardTransferSnapshot,
    DelegationSnapshot, EpochGroupData, EpochParams, ExcludedParticipant, MLNodeWeight, Model,
    MsgSubmitProposal, Params, Plan, PoCModelConfig, PoCValidationSnapshot, PocParams,
    PreservedNodesSnapshot,
};

/// The state after a block.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) height: i64,
    pub(crate) time: Timestamp,
    pub(crate) app_hash: [u8; 32],
    pub(crate) params: Arc<Params>,
    /// What governance approved.
    pub(crate) models: Arc<BTreeMap<ModelId, Model>>,
    /// Registered hosts.
    pub(crate) participants: Arc<BTreeSet<Address>>,
    /// Epoch index → PoC start.
    pub(crate) epochs: Arc<BTreeMap<u64, i64>>,
    /// The index of the effective epoch.
    pub(crate) effective: u64,
    pub(crate) groups: Arc<BTreeMap<u64, Arc<EpochGroups>>>,
    pub(crate) last_group_id: u64,
    pub(crate) exclusions: Arc<BTreeMap<u64, Vec<ExcludedParticipant>>>,
    pub(crate) choices: Arc<Choices>,
    pub(crate) commits: Arc<BTreeMap<i64, Commits>>,
    pub(crate) distributions: Arc<BTreeMap<i64, Distributions>>,
    /// Who submitted a seed, and how validators voted, in the running stage.
    pub(crate) seeds: Arc<BTreeSet<Address>>,
    pub(crate) votes: Arc<Votes>,
    /// Key 0x38.
    pub(crate) regular: Option<Arc<DelegationSnapshot>>,
    /// Key 0x39.
    pub(crate) bootstrap: Option<Arc<BootstrapDelegationSnapshot>>,
    /// Key 0x6c.
    pub(crate) charges: Option<Arc<DelegationRewardTransferSnapshot>>,
    /// What the charges of every epoch so far were for: no state of the chain, a record of this
    /// program.
    pub(crate) bills: Arc<BTreeMap<u64, Vec<Bill>>>,
    pub(crate) validation: Option<Arc<PoCValidationSnapshot>>,
    pub(crate) preserved: Option<Arc<PreservedNodesSnapshot>>,
    /// Open ones.
    pub(crate) proposals: Arc<Vec<Proposal>>,
    pub(crate) last_proposal: u64,
    /// The upgrade that is scheduled.
    pub(crate) upgrade: Option<Plan>,
    /// The height of the last one that was carried out; 0 before the first.
    pub(crate) upgraded_at: i64,
}

/// What hosts committed in a stage, by host and model.
pub(crate) type Commits = BTreeMap<(Address, ModelId), Commit>;

/// Which machine computed how much, by host and model.
pub(crate) type Distributions = BTreeMap<(Address, ModelId), Arc<Vec<MLNodeWeight>>>;

/// Votes on a host's work for a model, by validator; negative rejects.
pub(crate) type Votes = BTreeMap<(ModelId, Address), BTreeMap<Address, i64>>;

/// A store commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) count: u32,
    pub(crate) root_hash: Vec<u8>,
    /// The block that holds it: a second one in the same block is refused.
    pub(crate) height: i64,
}

/// A governance proposal that is voted on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Proposal {
    pub(crate) id: u64,
    pub(crate) submitted: Arc<MsgSubmitProposal>,
    pub(crate) submitted_at: Timestamp,
    /// When it says that it ends.
    pub(crate) voting_end: Timestamp,
    /// The block at whose end it is decided.
    pub(crate) decided_at: i64,
    /// Voter → yes.
    pub(crate) votes: BTreeMap<Address, bool>,
}

/// The root group of an epoch and those of its models.
#[derive(Debug, Clone, Default)]
pub(crate) struct EpochGroups {
    pub(crate) root: EpochGroupData,
    pub(crate) models: BTreeMap<ModelId, EpochGroupData>,
    /// The root's weights, by member.
    pub(crate) weights: BTreeMap<Address, i64>,
}

impl EpochGroups {
    pub(crate) fn new(root: EpochGroupData, models: BTreeMap<ModelId, EpochGroupData>) -> Self {
        let weights = root
            .validation_weights
            .iter()
            .map(|member| (Address::from(member.member_address.as_str()), member.weight))
            .collect();
        Self { root, models, weights }
    }
}

impl State {
    pub(crate) fn epoch_params(&self) -> EpochParams {
        self.params.epoch_params.unwrap_or_default()
    }

    pub(crate) fn delegation_params(&self) -> DelegationParams {
        self.params.delegation_params.clone().unwrap_or_default()
    }

    pub(crate) fn poc_params(&self) -> Option<&PocParams> {
        self.params.poc_params.as_ref()
    }

    /// The models that proof of compute runs for.
    pub(crate) fn poc_models(&self) -> &[PoCModelConfig] {
        self.poc_params().map_or(&[], |params| &params.models)
    }

    /// The newest epoch on record: the upcoming one between its PoC start and its becoming
    /// effective, else the effective one.
    pub(crate) fn latest_epoch(&self) -> (u64, i64) {
        self.epochs.last_key_value().map_or((0, 0), |(index, start)| (*index, *start))
    }

    /// The epoch whose PoC has started and which is not effective yet.
    pub(crate) fn upcoming_epoch(&self) -> Option<(u64, i64)> {
        let index = self.effective + 1;
        self.epochs.get(&index).map(|start| (index, *start))
    }

    pub(crate) fn is_excluded(&self, epoch: u64, address: &str) -> bool {
        self.exclusions
            .get(&epoch)
            .is_some_and(|items| items.iter().any(|item| item.address == address))
    }

    /// Weights of the effective epoch's members that are still in its group; their sum is T.
    pub(crate) fn live_weights(&self) -> BTreeMap<Address, i64> {
        let mut weights = self
            .groups
            .get(&self.effective)
            .map(|groups| groups.weights.clone())
            .unwrap_or_default();
        if let Some(items) = self.exclusions.get(&self.effective) {
            for item in items {
                weights.remove(item.address.as_str());
            }
        }
        weights
    }

    /// Whether a model of the effective epoch has a live member with voting power.
    pub(crate) fn is_active(&self, model: &str) -> bool {
        let Some(groups) = self.groups.get(&self.effective) else { return false };
        groups.root.sub_group_models.iter().any(|id| id == model)
            && groups.models.get(model).is_some_and(|group| {
                group.validation_weights.iter().any(|member| {
                    member.voting_power > 0
                        && !self.is_excluded(self.effective, &member.member_address)
                })
            })
    }
}
