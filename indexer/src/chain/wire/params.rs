//! Parameters.

use prost::Message;

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
