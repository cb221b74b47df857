//! The chain's protobuf, declared by hand: only the fields that are used, so that a newer chain
//! that adds fields still decodes. Numbers and types as in the public `.proto` files of
//! gonka-ai/gonka at v0.2.14 (package `inference.inference`) and of the Cosmos SDK.

use prost::Message;

/// `cosmos.tx.v1beta1.TxRaw`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct TxRaw {
    /// A [`TxBody`].
    #[prost(bytes = "vec", tag = "1")]
    pub body_bytes: Vec<u8>,
}

/// `cosmos.tx.v1beta1.TxBody`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct TxBody {
    /// The messages, in order of execution.
    #[prost(message, repeated, tag = "1")]
    pub messages: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Any {
    /// Such as `/inference.inference.MsgDeclarePoCIntent`.
    #[prost(string, tag = "1")]
    pub type_url: String,
    /// The encoded message.
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

/// `cosmos.authz.v1beta1.MsgExec`: messages sent with another's permission.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct MsgExec {
    /// The messages; one may be a `MsgExec` again.
    #[prost(message, repeated, tag = "2")]
    pub msgs: Vec<Any>,
}

/// `MsgSetPoCDelegation`; an empty delegate clears.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct MsgSetPocDelegation {
    /// The host.
    #[prost(string, tag = "1")]
    pub sender: String,
    /// The model.
    #[prost(string, tag = "2")]
    pub model_id: String,
    /// The delegate.
    #[prost(string, tag = "3")]
    pub delegate_to: String,
}

/// `MsgRefusePoCDelegation` and `MsgDeclarePoCIntent`, which have the same fields.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct MsgPocModel {
    /// The host.
    #[prost(string, tag = "1")]
    pub sender: String,
    /// The model.
    #[prost(string, tag = "2")]
    pub model_id: String,
}

/// `MsgPoCV2StoreCommit`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct MsgStoreCommit {
    /// The host.
    #[prost(string, tag = "1")]
    pub creator: String,
    /// The stage.
    #[prost(int64, tag = "2")]
    pub stage: i64,
    /// One for each model.
    #[prost(message, repeated, tag = "5")]
    pub entries: Vec<CommitEntry>,
}

/// `PoCV2CommitEntry`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct CommitEntry {
    /// The model.
    #[prost(string, tag = "1")]
    pub model_id: String,
    /// Claimed nonces.
    #[prost(uint32, tag = "2")]
    pub count: u32,
}

/// `MsgMLNodeWeightDistribution`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct MsgWeightDistribution {
    /// The host.
    #[prost(string, tag = "1")]
    pub creator: String,
    /// The stage.
    #[prost(int64, tag = "2")]
    pub stage: i64,
    /// One for each model.
    #[prost(message, repeated, tag = "4")]
    pub entries: Vec<DistributionEntry>,
}

/// `MLNodeDistributionEntry`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct DistributionEntry {
    /// The model.
    #[prost(string, tag = "1")]
    pub model_id: String,
    /// One for each ML node.
    #[prost(message, repeated, tag = "2")]
    pub weights: Vec<NodeWeight>,
}

/// `MLNodeWeight`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct NodeWeight {
    /// The node's part of the committed count.
    #[prost(uint32, tag = "2")]
    pub weight: u32,
}

/// `Decimal`: value × 10^exponent.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Decimal {
    /// The digits.
    #[prost(int64, tag = "1")]
    pub value: i64,
    /// The power of ten.
    #[prost(int32, tag = "2")]
    pub exponent: i32,
}

/// `Epoch`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Epoch {
    /// Its number.
    #[prost(uint64, tag = "1")]
    pub index: u64,
    /// Its PoC start.
    #[prost(int64, tag = "2")]
    pub poc_start_block_height: i64,
}

/// `Params`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Params {
    #[prost(message, optional, tag = "1")]
    #[allow(missing_docs)]
    pub epoch_params: Option<EpochParams>,
    #[prost(message, optional, tag = "3")]
    #[allow(missing_docs)]
    pub poc_params: Option<PocParams>,
    #[prost(message, optional, tag = "10")]
    #[allow(missing_docs)]
    pub genesis_guardian_params: Option<GenesisGuardianParams>,
    #[prost(message, optional, tag = "16")]
    #[allow(missing_docs)]
    pub delegation_params: Option<DelegationParams>,
}

/// `EpochParams`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
#[allow(missing_docs, reason = "the chain's own names, explained by the rules' clock")]
pub struct EpochParams {
    #[prost(int64, tag = "1")]
    pub epoch_length: i64,
    #[prost(int64, tag = "3")]
    pub epoch_shift: i64,
    #[prost(int64, tag = "5")]
    pub poc_stage_duration: i64,
    #[prost(int64, tag = "6")]
    pub poc_exchange_duration: i64,
    #[prost(int64, tag = "7")]
    pub poc_validation_delay: i64,
    #[prost(int64, tag = "8")]
    pub poc_validation_duration: i64,
    #[prost(int64, tag = "9")]
    pub set_new_validators_delay: i64,
    #[prost(int64, tag = "10")]
    pub inference_validation_cutoff: i64,
}

/// `PocParams`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct PocParams {
    /// The models that take part.
    #[prost(message, repeated, tag = "14")]
    pub models: Vec<PocModelConfig>,
    /// In 1/10,000; 0 means 5000.
    #[prost(uint32, tag = "15")]
    pub validation_vote_threshold_bps: u32,
}

/// `PoCModelConfig`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct PocModelConfig {
    /// The model.
    #[prost(string, tag = "1")]
    pub model_id: String,
    /// The coefficient; removed in v0.2.16.
    #[prost(message, optional, tag = "4")]
    pub weight_scale_factor: Option<Decimal>,
    /// First epoch in which it can cost anything.
    #[prost(uint64, tag = "5")]
    pub penalty_start_epoch: u64,
    /// Since v0.2.16: the bounds of a coefficient that is worked out for every epoch. That they are
    /// there is all that is used.
    #[prost(message, optional, tag = "6")]
    pub dynamic_coefficient: Option<DynamicCoefficient>,
}

/// `DynamicCoefficient`, since v0.2.16; none of its fields are used.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct DynamicCoefficient {}

/// `DelegationParams`.
#[derive(Clone, PartialEq, Eq, Message)]
#[allow(missing_docs, reason = "the chain's own names, explained by the rules' parameters")]
pub struct DelegationParams {
    #[prost(int64, tag = "1")]
    pub deploy_window: i64,
    #[prost(message, optional, tag = "2")]
    pub refusal_penalty: Option<Decimal>,
    #[prost(message, optional, tag = "3")]
    pub no_participation_penalty: Option<Decimal>,
    #[prost(message, optional, tag = "4")]
    pub delegation_share: Option<Decimal>,
    #[prost(message, optional, tag = "5")]
    pub w_threshold: Option<Decimal>,
    #[prost(int64, tag = "6")]
    pub v_min: i64,
    #[prost(message, optional, tag = "7")]
    pub cap_factor: Option<Decimal>,
    #[prost(string, tag = "8")]
    pub initial_model_id: String,
    #[prost(message, optional, tag = "9")]
    pub max_model_voting_power_percentage: Option<Decimal>,
}

/// `GenesisGuardianParams`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct GenesisGuardianParams {
    /// `gonkavaloper1…`.
    #[prost(string, repeated, tag = "3")]
    pub guardian_addresses: Vec<String>,
}

/// `QueryEpochInfoResponse`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct EpochInfoResponse {
    /// The height of the state.
    #[prost(int64, tag = "1")]
    pub block_height: i64,
    /// Parameters.
    #[prost(message, optional, tag = "2")]
    pub params: Option<Params>,
    /// The newest epoch that exists.
    #[prost(message, optional, tag = "3")]
    pub latest_epoch: Option<Epoch>,
}

/// `QueryGetCurrentEpochResponse`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct CurrentEpochResponse {
    /// The effective epoch's number.
    #[prost(uint64, tag = "1")]
    pub epoch: u64,
}

/// `QueryGetEpochGroupDataRequest`; an empty model is the root group.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct EpochGroupDataRequest {
    /// The epoch.
    #[prost(uint64, tag = "1")]
    pub epoch_index: u64,
    /// The model.
    #[prost(string, tag = "2")]
    pub model_id: String,
}

/// `QueryGetEpochGroupDataResponse`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct EpochGroupDataResponse {
    /// The group.
    #[prost(message, optional, tag = "1")]
    pub epoch_group_data: Option<EpochGroupData>,
}

/// `EpochGroupData`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct EpochGroupData {
    /// PoC start of its epoch.
    #[prost(uint64, tag = "1")]
    pub poc_start_block_height: u64,
    /// Its members, excluded ones included.
    #[prost(message, repeated, tag = "8")]
    pub validation_weights: Vec<ValidationWeight>,
    /// The models that have a group.
    #[prost(string, repeated, tag = "15")]
    pub sub_group_models: Vec<String>,
    /// Its epoch.
    #[prost(uint64, tag = "16")]
    pub epoch_index: u64,
}

/// `ValidationWeight`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ValidationWeight {
    /// The host.
    #[prost(string, tag = "1")]
    pub member_address: String,
    /// Consensus weight in the root group, PoC weight in a model's.
    #[prost(int64, tag = "2")]
    pub weight: i64,
    /// Only in a model's group.
    #[prost(int64, tag = "6")]
    pub voting_power: i64,
}

/// `QueryExcludedParticipantsRequest`; 0 is the effective epoch.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct ExcludedParticipantsRequest {
    /// The epoch.
    #[prost(uint64, tag = "1")]
    pub epoch_index: u64,
}

/// `QueryExcludedParticipantsResponse`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ExcludedParticipantsResponse {
    /// The hosts.
    #[prost(message, repeated, tag = "1")]
    pub items: Vec<ExcludedParticipant>,
}

/// `ExcludedParticipant`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ExcludedParticipant {
    /// The host.
    #[prost(string, tag = "1")]
    pub address: String,
    /// The epoch.
    #[prost(uint64, tag = "2")]
    pub epoch_index: u64,
    /// The chain's word for it.
    #[prost(string, tag = "3")]
    pub reason: String,
    /// The block that removed it.
    #[prost(uint64, tag = "4")]
    pub exclusion_block_height: u64,
}

/// `QueryModelsAllRequest`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ModelsAllRequest {
    /// Which page.
    #[prost(message, optional, tag = "1")]
    pub pagination: Option<PageRequest>,
}

/// `cosmos.base.query.v1beta1.PageRequest`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct PageRequest {
    /// Where it begins, from the page before.
    #[prost(bytes = "vec", tag = "1")]
    pub key: Vec<u8>,
    /// At most so many.
    #[prost(uint64, tag = "3")]
    pub limit: u64,
}

/// `QueryModelsAllResponse`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ModelsAllResponse {
    /// The models.
    #[prost(message, repeated, tag = "1")]
    pub model: Vec<Model>,
    /// Where the next page begins.
    #[prost(message, optional, tag = "2")]
    pub pagination: Option<PageResponse>,
}

/// `cosmos.base.query.v1beta1.PageResponse`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct PageResponse {
    /// Empty on the last page.
    #[prost(bytes = "vec", tag = "1")]
    pub next_key: Vec<u8>,
}

/// `Model`, as governance registered it.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Model {
    /// Its id.
    #[prost(string, tag = "2")]
    pub id: String,
}

/// `QueryEstimateBitcoinRewardRequest`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct EstimateRewardRequest {
    /// The host.
    #[prost(string, tag = "1")]
    pub participant: String,
}

/// `QueryEstimateBitcoinRewardResponse`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct EstimateRewardResponse {
    /// The settlement as it would be now.
    #[prost(message, optional, tag = "1")]
    pub settle_amount: Option<SettleAmount>,
}

/// `SettleAmount`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct SettleAmount {
    /// What the host is paid for its weight, in ngonka, after charges and shares.
    #[prost(uint64, tag = "2")]
    pub reward_coins: u64,
    /// The epoch.
    #[prost(uint64, tag = "4")]
    pub epoch_index: u64,
}

/// `cosmos.gov.v1.QueryProposalsRequest`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ProposalsRequest {
    /// 2 is the voting period.
    #[prost(int32, tag = "1")]
    pub proposal_status: i32,
    /// Which page.
    #[prost(message, optional, tag = "4")]
    pub pagination: Option<PageRequest>,
}

/// `cosmos.gov.v1.QueryProposalsResponse`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ProposalsResponse {
    /// The proposals.
    #[prost(message, repeated, tag = "1")]
    pub proposals: Vec<Proposal>,
    /// Where the next page begins.
    #[prost(message, optional, tag = "2")]
    pub pagination: Option<PageResponse>,
}

/// `cosmos.gov.v1.Proposal`, SDK 0.50.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Proposal {
    /// Its number.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// What is executed when it passes, in this order.
    #[prost(message, repeated, tag = "2")]
    pub messages: Vec<Any>,
    /// When the vote ends.
    #[prost(message, optional, tag = "9")]
    pub voting_end_time: Option<Timestamp>,
    /// Its title.
    #[prost(string, tag = "11")]
    pub title: String,
    /// It needs more votes in a shorter time.
    #[prost(bool, tag = "14")]
    pub expedited: bool,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Timestamp {
    /// Since 1970.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// 0 to 999,999,999.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// `MsgUpdateParams`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct MsgUpdateParams {
    /// The whole set.
    #[prost(message, optional, tag = "2")]
    pub params: Option<Params>,
}

/// `cosmos.upgrade.v1beta1.MsgSoftwareUpgrade`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct MsgSoftwareUpgrade {
    /// What is scheduled.
    #[prost(message, optional, tag = "2")]
    pub plan: Option<UpgradePlan>,
}

/// `cosmos.upgrade.v1beta1.Plan`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct UpgradePlan {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The first block of the new program.
    #[prost(int64, tag = "3")]
    pub height: i64,
}

/// `cosmos.upgrade.v1beta1.QueryCurrentPlanResponse`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct CurrentPlanResponse {
    /// Absent when nothing is scheduled.
    #[prost(message, optional, tag = "1")]
    pub plan: Option<UpgradePlan>,
}

/// `QueryPoCDelegationRequest`; an empty model asks for all.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct PocDelegationRequest {
    /// The host.
    #[prost(string, tag = "1")]
    pub participant: String,
    /// The model.
    #[prost(string, tag = "2")]
    pub model_id: String,
}

/// `QueryPoCDelegationResponse`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct PocDelegationResponse {
    /// Delegations by it.
    #[prost(message, repeated, tag = "1")]
    pub delegations: Vec<PocDelegation>,
    /// Its refusals.
    #[prost(message, repeated, tag = "2")]
    pub refusals: Vec<PocModelChoice>,
    /// Its intents.
    #[prost(message, repeated, tag = "3")]
    pub intents: Vec<PocModelChoice>,
}

/// `PoCDelegation`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct PocDelegation {
    /// The model.
    #[prost(string, tag = "1")]
    pub model_id: String,
    /// The delegate.
    #[prost(string, tag = "3")]
    pub delegate_to: String,
}

/// `PoCRefusal` and `PoCDirectIntent`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct PocModelChoice {
    /// The model.
    #[prost(string, tag = "1")]
    pub model_id: String,
}

/// The SDK's `kv.Pairs`, the answer of a store's `subspace` query.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Pairs {
    /// Everything below the prefix.
    #[prost(message, repeated, tag = "1")]
    pub pairs: Vec<Pair>,
}

/// One key; its value is not read.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Pair {
    /// The whole key, prefix included.
    #[prost(bytes = "vec", tag = "1")]
    pub key: Vec<u8>,
}

/// `DelegationRewardTransferSnapshot`, the value of store key 0x6c.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct RewardTransferSnapshot {
    /// The epoch they are charged in.
    #[prost(uint64, tag = "1")]
    pub epoch_index: u64,
    /// Shares that move.
    #[prost(message, repeated, tag = "2")]
    pub transfers: Vec<RewardTransfer>,
    /// What each host loses.
    #[prost(message, repeated, tag = "3")]
    pub penalties: Vec<RewardPenalty>,
}

/// `DelegationRewardTransfer`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct RewardTransfer {
    /// The model.
    #[prost(string, tag = "1")]
    pub model_id: String,
    /// The delegator.
    #[prost(string, tag = "2")]
    pub from: String,
    /// The delegate.
    #[prost(string, tag = "3")]
    pub to: String,
    /// The share.
    #[prost(message, optional, tag = "4")]
    pub share: Option<Decimal>,
}

/// `DelegationRewardPenalty`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct RewardPenalty {
    /// The host.
    #[prost(string, tag = "1")]
    pub participant: String,
    /// The fraction.
    #[prost(message, optional, tag = "2")]
    pub penalty_fraction: Option<Decimal>,
}

/// `cosmos.base.tendermint.v1beta1.GetNodeInfoResponse`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct NodeInfoResponse {
    /// The application.
    #[prost(message, optional, tag = "2")]
    pub application_version: Option<ApplicationVersion>,
}

/// `cosmos.base.tendermint.v1beta1.VersionInfo`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct ApplicationVersion {
    /// Such as `0.2.14`, with or without a `v`.
    #[prost(string, tag = "3")]
    pub version: String,
}

/// The part of `ExecTxResult` that consensus covers (CometBFT `types/results.go`): what
/// `last_results_hash` of the next header is the root of.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct DeterministicTxResult {
    /// 0 for success.
    #[prost(uint32, tag = "1")]
    pub code: u32,
    /// What the messages answered.
    #[prost(bytes = "vec", tag = "2")]
    pub data: Vec<u8>,
    /// The gas that was asked for.
    #[prost(int64, tag = "5")]
    pub gas_wanted: i64,
    /// The gas that was used.
    #[prost(int64, tag = "6")]
    pub gas_used: i64,
}
