//! Transactions, and what of their results is hashed.

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
