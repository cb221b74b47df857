//! What the store keeps: epochs, groups, choices, snapshots.

use prost::Message;

/// An epoch and where its proof of compute starts.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Epoch {
    #[prost(uint64, tag = "1")]
    pub(crate) index: u64,
    #[prost(int64, tag = "2")]
    pub(crate) poc_start_block_height: i64,
}

/// A model that governance approved.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Model {
    #[prost(string, tag = "1")]
    pub(crate) proposed_by: String,
    #[prost(string, tag = "2")]
    pub(crate) id: String,
    #[prost(uint64, tag = "3")]
    pub(crate) units_of_compute_per_token: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) context_window: u64,
    #[prost(string, tag = "5")]
    pub(crate) quantization: String,
    #[prost(string, tag = "8")]
    pub(crate) hf_repo: String,
    #[prost(string, tag = "9")]
    pub(crate) hf_commit: String,
    #[prost(string, repeated, tag = "10")]
    pub(crate) model_args: Vec<String>,
    #[prost(uint64, tag = "11")]
    pub(crate) v_ram: u64,
    #[prost(uint64, tag = "12")]
    pub(crate) throughput_per_nonce: u64,
    #[prost(message, optional, tag = "13")]
    pub(crate) validation_threshold: Option<super::Decimal>,
}

/// A group of an epoch: the root (no model id) or one model's.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct EpochGroupData {
    #[prost(uint64, tag = "1")]
    pub(crate) poc_start_block_height: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) epoch_group_id: u64,
    #[prost(string, tag = "3")]
    pub(crate) epoch_policy: String,
    #[prost(int64, tag = "4")]
    pub(crate) effective_block_height: i64,
    #[prost(int64, tag = "5")]
    pub(crate) last_block_height: i64,
    #[prost(message, repeated, tag = "8")]
    pub(crate) validation_weights: Vec<super::ValidationWeight>,
    #[prost(int64, tag = "13")]
    pub(crate) total_weight: i64,
    #[prost(string, tag = "14")]
    pub(crate) model_id: String,
    #[prost(string, repeated, tag = "15")]
    pub(crate) sub_group_models: Vec<String>,
    #[prost(uint64, tag = "16")]
    pub(crate) epoch_index: u64,
    #[prost(message, optional, tag = "17")]
    pub(crate) model_snapshot: Option<super::Model>,
    #[prost(message, repeated, tag = "19")]
    pub(crate) confirmation_weight_scales: Vec<super::ConfirmationWeightScale>,
}

/// A member of a group.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ValidationWeight {
    #[prost(string, tag = "1")]
    pub(crate) member_address: String,
    #[prost(int64, tag = "2")]
    pub(crate) weight: i64,
    #[prost(int32, tag = "3")]
    pub(crate) reputation: i32,
    #[prost(message, repeated, tag = "4")]
    pub(crate) ml_nodes: Vec<super::MLNodeInfo>,
    #[prost(int64, tag = "5")]
    pub(crate) confirmation_weight: i64,
    #[prost(int64, tag = "6")]
    pub(crate) voting_power: i64,
}

/// A machine of a host.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MLNodeInfo {
    #[prost(string, tag = "1")]
    pub(crate) node_id: String,
    #[prost(int64, tag = "2")]
    pub(crate) throughput: i64,
    #[prost(int64, tag = "3")]
    pub(crate) poc_weight: i64,
    #[prost(bool, repeated, tag = "4")]
    pub(crate) timeslot_allocation: Vec<bool>,
}

/// The coefficient in force when the group was formed.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ConfirmationWeightScale {
    #[prost(string, tag = "1")]
    pub(crate) model_id: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) weight_scale_factor: Option<super::Decimal>,
}

/// A member that was removed in the middle of an epoch.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ExcludedParticipant {
    #[prost(string, tag = "1")]
    pub(crate) address: String,
    #[prost(uint64, tag = "2")]
    pub(crate) epoch_index: u64,
    #[prost(string, tag = "3")]
    pub(crate) reason: String,
    #[prost(uint64, tag = "4")]
    pub(crate) exclusion_block_height: u64,
}

/// A delegation.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PoCDelegation {
    #[prost(string, tag = "1")]
    pub(crate) model_id: String,
    #[prost(string, tag = "2")]
    pub(crate) delegator: String,
    #[prost(string, tag = "3")]
    pub(crate) delegate_to: String,
}

/// A refusal.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PoCRefusal {
    #[prost(string, tag = "1")]
    pub(crate) model_id: String,
    #[prost(string, tag = "2")]
    pub(crate) participant: String,
}

/// An intent.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PoCDirectIntent {
    #[prost(string, tag = "1")]
    pub(crate) model_id: String,
    #[prost(string, tag = "2")]
    pub(crate) participant: String,
}

/// The choices at validation start, key 0x38.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct DelegationSnapshot {
    #[prost(int64, tag = "1")]
    pub(crate) snapshot_height: i64,
    #[prost(message, repeated, tag = "2")]
    pub(crate) delegations: Vec<super::PoCDelegation>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) refusals: Vec<super::PoCRefusal>,
}

/// What one pre-eligibility event said.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct BootstrapModelPreEligibility {
    #[prost(string, tag = "1")]
    pub(crate) model_id: String,
    #[prost(bool, tag = "2")]
    pub(crate) pre_eligible: bool,
    #[prost(bool, tag = "3")]
    pub(crate) meets_weight_threshold: bool,
    #[prost(bool, tag = "4")]
    pub(crate) meets_v_min: bool,
    #[prost(bool, tag = "5")]
    pub(crate) meets_reachability: bool,
    #[prost(int64, tag = "6")]
    pub(crate) intent_host_count: i64,
    #[prost(int64, tag = "7")]
    pub(crate) intent_weight: i64,
    #[prost(int64, tag = "8")]
    pub(crate) reachable_voting_power: i64,
}

/// The choices at the capture, key 0x39.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct BootstrapDelegationSnapshot {
    #[prost(int64, tag = "1")]
    pub(crate) snapshot_height: i64,
    #[prost(message, repeated, tag = "2")]
    pub(crate) delegations: Vec<super::PoCDelegation>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) intents: Vec<super::PoCDirectIntent>,
    #[prost(int64, tag = "4")]
    pub(crate) total_network_weight: i64,
    #[prost(message, repeated, tag = "5")]
    pub(crate) preeligibility: Vec<super::BootstrapModelPreEligibility>,
}

/// A share that goes to a delegate.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct DelegationRewardTransfer {
    #[prost(string, tag = "1")]
    pub(crate) model_id: String,
    #[prost(string, tag = "2")]
    pub(crate) from: String,
    #[prost(string, tag = "3")]
    pub(crate) to: String,
    #[prost(message, optional, tag = "4")]
    pub(crate) share: Option<super::Decimal>,
}

/// The fraction an epoch takes from a host.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct DelegationRewardPenalty {
    #[prost(string, tag = "1")]
    pub(crate) participant: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) penalty_fraction: Option<super::Decimal>,
}

/// The charges of an epoch, key 0x6c.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct DelegationRewardTransferSnapshot {
    #[prost(uint64, tag = "1")]
    pub(crate) epoch_index: u64,
    #[prost(message, repeated, tag = "2")]
    pub(crate) transfers: Vec<super::DelegationRewardTransfer>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) penalties: Vec<super::DelegationRewardPenalty>,
}

/// The voting powers frozen at validation start. Field numbers from 4 on are a guess.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PoCValidationSnapshot {
    #[prost(int64, tag = "1")]
    pub(crate) poc_stage_start_height: i64,
    #[prost(int64, tag = "2")]
    pub(crate) snapshot_height: i64,
    #[prost(string, tag = "3")]
    pub(crate) app_hash: String,
    #[prost(int64, tag = "5")]
    pub(crate) generation_start_timestamp: i64,
    #[prost(int64, tag = "6")]
    pub(crate) exchange_end_timestamp: i64,
    #[prost(message, repeated, tag = "7")]
    pub(crate) model_voting_powers: Vec<super::ModelVotingPowers>,
    #[prost(int64, tag = "8")]
    pub(crate) total_network_weight: i64,
}

/// The voting powers of one model.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ModelVotingPowers {
    #[prost(string, tag = "1")]
    pub(crate) model_id: String,
    #[prost(message, repeated, tag = "2")]
    pub(crate) voting_powers: Vec<super::VotingPower>,
}

/// The voting power of one host.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct VotingPower {
    #[prost(string, tag = "1")]
    pub(crate) address: String,
    #[prost(int64, tag = "2")]
    pub(crate) voting_power: i64,
}

/// The machines that keep serving during a proof of compute.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PreservedNodesSnapshot {
    #[prost(int64, tag = "1")]
    pub(crate) episode_anchor_height: i64,
    #[prost(message, repeated, tag = "2")]
    pub(crate) model_preserved_nodes: Vec<super::ModelPreservedNodes>,
}

/// Those of one model.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ModelPreservedNodes {
    #[prost(string, tag = "1")]
    pub(crate) model_id: String,
    #[prost(message, repeated, tag = "2")]
    pub(crate) participants: Vec<super::ParticipantPreservedNodes>,
}

/// Those of one host.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ParticipantPreservedNodes {
    #[prost(string, tag = "1")]
    pub(crate) participant_id: String,
    #[prost(string, repeated, tag = "2")]
    pub(crate) node_ids: Vec<String>,
}

/// What an epoch pays a host, in ngonka.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SettleAmount {
    #[prost(string, tag = "1")]
    pub(crate) participant: String,
    #[prost(uint64, tag = "2")]
    pub(crate) reward_coins: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) work_coins: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) epoch_index: u64,
    #[prost(string, tag = "5")]
    pub(crate) seed_signature: String,
    #[prost(int64, tag = "6")]
    pub(crate) last_claim_attempt: i64,
}

/// A confirmation proof of compute.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ConfirmationPoCEvent {
    #[prost(uint64, tag = "1")]
    pub(crate) epoch_index: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) event_sequence: u64,
    #[prost(int64, tag = "3")]
    pub(crate) trigger_height: i64,
    #[prost(int64, tag = "4")]
    pub(crate) generation_start_height: i64,
    #[prost(int32, tag = "8")]
    pub(crate) phase: i32,
    #[prost(string, tag = "9")]
    pub(crate) poc_seed_block_hash: String,
}

/// The weight one machine claims.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MLNodeWeight {
    #[prost(string, tag = "1")]
    pub(crate) node_id: String,
    #[prost(uint32, tag = "2")]
    pub(crate) weight: u32,
}

/// The answer to a subspace query.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Pairs {
    #[prost(message, repeated, tag = "1")]
    pub(crate) pairs: Vec<super::Pair>,
}

/// One key and its value.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Pair {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) value: Vec<u8>,
}
