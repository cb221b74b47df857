//! Requests and answers of the queries that this chain serves.

use prost::Message;

/// `Params`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryParamsResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) params: Option<super::Params>,
}

/// `GetCurrentEpoch`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryGetCurrentEpochResponse {
    #[prost(uint64, tag = "1")]
    pub(crate) epoch: u64,
}

/// `EpochInfo`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryEpochInfoResponse {
    #[prost(int64, tag = "1")]
    pub(crate) block_height: i64,
    #[prost(message, optional, tag = "2")]
    pub(crate) params: Option<super::Params>,
    #[prost(message, optional, tag = "3")]
    pub(crate) latest_epoch: Option<super::Epoch>,
    #[prost(bool, tag = "4")]
    pub(crate) is_confirmation_poc_active: bool,
    #[prost(message, optional, tag = "5")]
    pub(crate) active_confirmation_poc_event: Option<super::ConfirmationPoCEvent>,
}

/// `EpochGroupData`, asked.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryGetEpochGroupDataRequest {
    #[prost(uint64, tag = "1")]
    pub(crate) epoch_index: u64,
    #[prost(string, tag = "2")]
    pub(crate) model_id: String,
}

/// `EpochGroupData` and `CurrentEpochGroupData`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryGetEpochGroupDataResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) epoch_group_data: Option<super::EpochGroupData>,
}

/// `ExcludedParticipants`, asked.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryExcludedParticipantsRequest {
    #[prost(uint64, tag = "1")]
    pub(crate) epoch_index: u64,
}

/// `ExcludedParticipants`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryExcludedParticipantsResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) items: Vec<super::ExcludedParticipant>,
}

/// Which page of a list.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PageRequest {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) key: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub(crate) offset: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) limit: u64,
    #[prost(bool, tag = "4")]
    pub(crate) count_total: bool,
    #[prost(bool, tag = "5")]
    pub(crate) reverse: bool,
}

/// Where the next page starts.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PageResponse {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) next_key: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub(crate) total: u64,
}

/// `ModelsAll`, asked.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryModelsAllRequest {
    #[prost(message, optional, tag = "1")]
    pub(crate) pagination: Option<super::PageRequest>,
}

/// `ModelsAll`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryModelsAllResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) model: Vec<super::Model>,
    #[prost(message, optional, tag = "2")]
    pub(crate) pagination: Option<super::PageResponse>,
}

/// The commits, distributions or the validation snapshot of a stage, asked.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryStageRequest {
    #[prost(int64, tag = "1")]
    pub(crate) poc_stage_start_block_height: i64,
}

/// A commit.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PoCV2StoreCommitWithAddress {
    #[prost(string, tag = "1")]
    pub(crate) participant_address: String,
    #[prost(uint32, tag = "2")]
    pub(crate) count: u32,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) root_hash: Vec<u8>,
    #[prost(string, tag = "4")]
    pub(crate) hex_pub_key: String,
    #[prost(string, tag = "5")]
    pub(crate) model_id: String,
}

/// `AllPoCV2StoreCommitsForStage`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryAllPoCV2StoreCommitsForStageResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) commits: Vec<super::PoCV2StoreCommitWithAddress>,
}

/// A distribution.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MLNodeWeightDistributionWithAddress {
    #[prost(string, tag = "1")]
    pub(crate) participant_address: String,
    #[prost(message, repeated, tag = "2")]
    pub(crate) weights: Vec<super::MLNodeWeight>,
    #[prost(string, tag = "3")]
    pub(crate) model_id: String,
}

/// `AllMLNodeWeightDistributionsForStage`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryAllMLNodeWeightDistributionsForStageResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) distributions: Vec<super::MLNodeWeightDistributionWithAddress>,
}

/// `EstimateBitcoinReward`, asked.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryEstimateBitcoinRewardRequest {
    #[prost(string, tag = "1")]
    pub(crate) participant: String,
}

/// `EstimateBitcoinReward`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryEstimateBitcoinRewardResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) settle_amount: Option<super::SettleAmount>,
}

/// `ActiveConfirmationPoCEvent`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryActiveConfirmationPoCEventResponse {
    #[prost(bool, tag = "1")]
    pub(crate) is_active: bool,
    #[prost(message, optional, tag = "2")]
    pub(crate) event: Option<super::ConfirmationPoCEvent>,
}

/// `LastUpgradeHeight`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryGetLastUpgradeHeightResponse {
    #[prost(int64, tag = "1")]
    pub(crate) last_upgrade_height: i64,
    #[prost(bool, tag = "2")]
    pub(crate) found: bool,
}

/// `PoCValidationSnapshot`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryPoCValidationSnapshotResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) snapshot: Option<super::PoCValidationSnapshot>,
    #[prost(bool, tag = "2")]
    pub(crate) found: bool,
}

/// `PreservedNodesSnapshot`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryPreservedNodesSnapshotResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) snapshot: Option<super::PreservedNodesSnapshot>,
    #[prost(bool, tag = "2")]
    pub(crate) found: bool,
}

/// `PoCDelegation`, asked; no model id means every model.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryPoCDelegationRequest {
    #[prost(string, tag = "1")]
    pub(crate) participant: String,
    #[prost(string, tag = "2")]
    pub(crate) model_id: String,
}

/// `PoCDelegation`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryPoCDelegationResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) delegations: Vec<super::PoCDelegation>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) refusals: Vec<super::PoCRefusal>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) intents: Vec<super::PoCDirectIntent>,
}

/// `cosmos.gov.v1.Query/Proposals`, asked; status 0 means every one.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryProposalsRequest {
    #[prost(int32, tag = "1")]
    pub(crate) proposal_status: i32,
    #[prost(message, optional, tag = "4")]
    pub(crate) pagination: Option<super::PageRequest>,
}

/// `cosmos.gov.v1.Query/Proposals`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryProposalsResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) proposals: Vec<super::GovProposal>,
    #[prost(message, optional, tag = "2")]
    pub(crate) pagination: Option<super::PageResponse>,
}

/// `cosmos.gov.v1.Proposal`; status 2 is the voting period.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct GovProposal {
    #[prost(uint64, tag = "1")]
    pub(crate) id: u64,
    #[prost(message, repeated, tag = "2")]
    pub(crate) messages: Vec<super::Any>,
    #[prost(int32, tag = "3")]
    pub(crate) status: i32,
    #[prost(message, optional, tag = "5")]
    pub(crate) submit_time: Option<super::Timestamp>,
    #[prost(message, repeated, tag = "7")]
    pub(crate) total_deposit: Vec<super::Coin>,
    #[prost(message, optional, tag = "8")]
    pub(crate) voting_start_time: Option<super::Timestamp>,
    #[prost(message, optional, tag = "9")]
    pub(crate) voting_end_time: Option<super::Timestamp>,
    #[prost(string, tag = "10")]
    pub(crate) metadata: String,
    #[prost(string, tag = "11")]
    pub(crate) title: String,
    #[prost(string, tag = "12")]
    pub(crate) summary: String,
    #[prost(string, tag = "13")]
    pub(crate) proposer: String,
}

/// `cosmos.upgrade.v1beta1.Query/CurrentPlan`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct QueryCurrentPlanResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) plan: Option<super::Plan>,
}

/// `cosmos.base.tendermint.v1beta1.Service/GetNodeInfo`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct GetNodeInfoResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) default_node_info: Option<super::DefaultNodeInfo>,
    #[prost(message, optional, tag = "2")]
    pub(crate) application_version: Option<super::VersionInfo>,
}

/// The node, as CometBFT describes it.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct DefaultNodeInfo {
    #[prost(string, tag = "3")]
    pub(crate) network: String,
    #[prost(string, tag = "4")]
    pub(crate) version: String,
    #[prost(string, tag = "6")]
    pub(crate) moniker: String,
}

/// The application.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct VersionInfo {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) app_name: String,
    #[prost(string, tag = "3")]
    pub(crate) version: String,
    #[prost(string, tag = "4")]
    pub(crate) git_commit: String,
    #[prost(string, tag = "6")]
    pub(crate) go_version: String,
    #[prost(string, tag = "8")]
    pub(crate) cosmos_sdk_version: String,
}
