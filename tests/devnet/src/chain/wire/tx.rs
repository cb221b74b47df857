//! Transactions and the messages that this chain executes.

use prost::Message;

/// A message with its type.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Any {
    #[prost(string, tag = "1")]
    pub(crate) type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) value: Vec<u8>,
}

/// An amount.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Coin {
    #[prost(string, tag = "1")]
    pub(crate) denom: String,
    #[prost(string, tag = "2")]
    pub(crate) amount: String,
}

/// A time.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Timestamp {
    #[prost(int64, tag = "1")]
    pub(crate) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(crate) nanos: i32,
}

/// A transaction as it travels.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TxRaw {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) body_bytes: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) auth_info_bytes: Vec<u8>,
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub(crate) signatures: Vec<Vec<u8>>,
}

/// What it does.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TxBody {
    #[prost(message, repeated, tag = "1")]
    pub(crate) messages: Vec<super::Any>,
    #[prost(string, tag = "2")]
    pub(crate) memo: String,
    #[prost(uint64, tag = "3")]
    pub(crate) timeout_height: u64,
    #[prost(bool, tag = "4")]
    pub(crate) unordered: bool,
    #[prost(message, optional, tag = "5")]
    pub(crate) timeout_timestamp: Option<super::Timestamp>,
}

/// Who signs and pays.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct AuthInfo {
    #[prost(message, repeated, tag = "1")]
    pub(crate) signer_infos: Vec<super::SignerInfo>,
    #[prost(message, optional, tag = "2")]
    pub(crate) fee: Option<super::Fee>,
}

/// A signer.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SignerInfo {
    #[prost(message, optional, tag = "1")]
    pub(crate) public_key: Option<super::Any>,
    #[prost(uint64, tag = "3")]
    pub(crate) sequence: u64,
}

/// What is paid.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Fee {
    #[prost(message, repeated, tag = "1")]
    pub(crate) amount: Vec<super::Coin>,
    #[prost(uint64, tag = "2")]
    pub(crate) gas_limit: u64,
    #[prost(string, tag = "3")]
    pub(crate) payer: String,
    #[prost(string, tag = "4")]
    pub(crate) granter: String,
}

/// The answers to the messages.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TxMsgData {
    #[prost(message, repeated, tag = "2")]
    pub(crate) msg_responses: Vec<super::Any>,
}

/// Messages on behalf of others (authz).
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MsgExec {
    #[prost(string, tag = "1")]
    pub(crate) grantee: String,
    #[prost(message, repeated, tag = "2")]
    pub(crate) msgs: Vec<super::Any>,
}

/// A bank transfer.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MsgSend {
    #[prost(string, tag = "1")]
    pub(crate) from_address: String,
    #[prost(string, tag = "2")]
    pub(crate) to_address: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) amount: Vec<super::Coin>,
}

/// A governance proposal.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MsgSubmitProposal {
    #[prost(message, repeated, tag = "1")]
    pub(crate) messages: Vec<super::Any>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) initial_deposit: Vec<super::Coin>,
    #[prost(string, tag = "3")]
    pub(crate) proposer: String,
    #[prost(string, tag = "4")]
    pub(crate) metadata: String,
    #[prost(string, tag = "5")]
    pub(crate) title: String,
    #[prost(string, tag = "6")]
    pub(crate) summary: String,
}

/// Its number.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MsgSubmitProposalResponse {
    #[prost(uint64, tag = "1")]
    pub(crate) proposal_id: u64,
}

/// A vote; option 1 is yes, 3 is no.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MsgVote {
    #[prost(uint64, tag = "1")]
    pub(crate) proposal_id: u64,
    #[prost(string, tag = "2")]
    pub(crate) voter: String,
    #[prost(int32, tag = "3")]
    pub(crate) option: i32,
    #[prost(string, tag = "4")]
    pub(crate) metadata: String,
}

/// New parameters of the inference module; the whole set.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MsgUpdateParams {
    #[prost(string, tag = "1")]
    pub(crate) authority: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) params: Option<super::Params>,
}

/// An upgrade of the software.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MsgSoftwareUpgrade {
    #[prost(string, tag = "1")]
    pub(crate) authority: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) plan: Option<super::Plan>,
}

/// Its name and the first height of the new program.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Plan {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(int64, tag = "3")]
    pub(crate) height: i64,
    #[prost(string, tag = "4")]
    pub(crate) info: String,
}

/// Takes the scheduled upgrade back.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MsgCancelUpgrade {
    #[prost(string, tag = "1")]
    pub(crate) authority: String,
}

/// Delegate; an empty target clears.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MsgSetPoCDelegation {
    #[prost(string, tag = "1")]
    pub(crate) sender: String,
    #[prost(string, tag = "2")]
    pub(crate) model_id: String,
    #[prost(string, tag = "3")]
    pub(crate) delegate_to: String,
}

/// Refuse.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MsgRefusePoCDelegation {
    #[prost(string, tag = "1")]
    pub(crate) sender: String,
    #[prost(string, tag = "2")]
    pub(crate) model_id: String,
}

/// Declare intent.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MsgDeclarePoCIntent {
    #[prost(string, tag = "1")]
    pub(crate) sender: String,
    #[prost(string, tag = "2")]
    pub(crate) model_id: String,
}

/// What a host computed so far.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MsgPoCV2StoreCommit {
    #[prost(string, tag = "1")]
    pub(crate) creator: String,
    #[prost(int64, tag = "2")]
    pub(crate) poc_stage_start_block_height: i64,
    #[prost(message, repeated, tag = "5")]
    pub(crate) entries: Vec<super::PoCV2CommitEntry>,
}

/// For one model.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PoCV2CommitEntry {
    #[prost(string, tag = "1")]
    pub(crate) model_id: String,
    #[prost(uint32, tag = "2")]
    pub(crate) count: u32,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) root_hash: Vec<u8>,
}

/// Which machine computed how much.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MsgMLNodeWeightDistribution {
    #[prost(string, tag = "1")]
    pub(crate) creator: String,
    #[prost(int64, tag = "2")]
    pub(crate) poc_stage_start_block_height: i64,
    #[prost(message, repeated, tag = "4")]
    pub(crate) entries: Vec<super::MLNodeDistributionEntry>,
}

/// For one model.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MLNodeDistributionEntry {
    #[prost(string, tag = "1")]
    pub(crate) model_id: String,
    #[prost(message, repeated, tag = "2")]
    pub(crate) weights: Vec<super::MLNodeWeight>,
}

/// A validator's votes. Only the first field's number is certain.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MsgSubmitPocValidationsV2 {
    #[prost(string, tag = "1")]
    pub(crate) creator: String,
    #[prost(int64, tag = "2")]
    pub(crate) poc_stage_start_block_height: i64,
    #[prost(message, repeated, tag = "3")]
    pub(crate) validations: Vec<super::PoCValidationV2>,
}

/// One vote; a weight of -1 rejects.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PoCValidationV2 {
    #[prost(string, tag = "1")]
    pub(crate) participant_address: String,
    #[prost(int64, tag = "2")]
    pub(crate) validated_weight: i64,
    #[prost(string, tag = "3")]
    pub(crate) model_id: String,
}

/// The seed of the new epoch; without it a host is dropped.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MsgSubmitSeed {
    #[prost(string, tag = "1")]
    pub(crate) creator: String,
    #[prost(uint64, tag = "2")]
    pub(crate) epoch_index: u64,
    #[prost(string, tag = "3")]
    pub(crate) signature: String,
}

/// Registers a host.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MsgSubmitNewParticipant {
    #[prost(string, tag = "1")]
    pub(crate) creator: String,
    #[prost(string, tag = "2")]
    pub(crate) url: String,
}

/// A change of machines; only its sender is read.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MsgSubmitHardwareDiff {
    #[prost(string, tag = "1")]
    pub(crate) creator: String,
}
