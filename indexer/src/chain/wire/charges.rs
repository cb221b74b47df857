//! Choices, the charges that follow from them, and what is left.

use prost::Message;

use super::Decimal;

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
