//! Epochs, their groups, and what else is asked about the chain as a whole.

use prost::Message;

use super::Params;

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
