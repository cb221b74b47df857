//! Parameters of the inference module; the groups that nothing here reads are left out.

use prost::Message;

/// value × 10^exponent.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct Decimal {
    #[prost(int64, tag = "1")]
    pub(crate) value: i64,
    #[prost(int32, tag = "2")]
    pub(crate) exponent: i32,
}

/// All parameter groups that this chain reads.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Params {
    #[prost(message, optional, tag = "1")]
    pub(crate) epoch_params: Option<super::EpochParams>,
    #[prost(message, optional, tag = "3")]
    pub(crate) poc_params: Option<super::PocParams>,
    #[prost(message, optional, tag = "9")]
    pub(crate) confirmation_poc_params: Option<super::ConfirmationPoCParams>,
    #[prost(message, optional, tag = "10")]
    pub(crate) genesis_guardian_params: Option<super::GenesisGuardianParams>,
    #[prost(message, optional, tag = "16")]
    pub(crate) delegation_params: Option<super::DelegationParams>,
}

/// Lengths of the epoch and its stages, blocks.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct EpochParams {
    #[prost(int64, tag = "1")]
    pub(crate) epoch_length: i64,
    #[prost(int64, tag = "2")]
    pub(crate) epoch_multiplier: i64,
    #[prost(int64, tag = "3")]
    pub(crate) epoch_shift: i64,
    #[prost(int64, tag = "5")]
    pub(crate) poc_stage_duration: i64,
    #[prost(int64, tag = "6")]
    pub(crate) poc_exchange_duration: i64,
    #[prost(int64, tag = "7")]
    pub(crate) poc_validation_delay: i64,
    #[prost(int64, tag = "8")]
    pub(crate) poc_validation_duration: i64,
    #[prost(int64, tag = "9")]
    pub(crate) set_new_validators_delay: i64,
    #[prost(int64, tag = "10")]
    pub(crate) inference_validation_cutoff: i64,
    #[prost(uint64, tag = "11")]
    pub(crate) inference_pruning_epoch_threshold: u64,
    #[prost(int64, tag = "15")]
    pub(crate) confirmation_poc_safety_window: i64,
}

/// Proof-of-compute parameters.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PocParams {
    #[prost(uint64, tag = "3")]
    pub(crate) poc_data_pruning_epoch_threshold: u64,
    #[prost(bool, tag = "8")]
    pub(crate) poc_v2_enabled: bool,
    #[prost(bool, tag = "9")]
    pub(crate) confirmation_poc_v2_enabled: bool,
    #[prost(uint32, tag = "11")]
    pub(crate) validation_slots: u32,
    #[prost(bool, tag = "12")]
    pub(crate) poc_normalization_enabled: bool,
    #[prost(message, repeated, tag = "14")]
    pub(crate) models: Vec<super::PoCModelConfig>,
    #[prost(uint32, tag = "15")]
    pub(crate) validation_vote_threshold_bps: u32,
}

/// One model that proof of compute runs for.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PoCModelConfig {
    #[prost(string, tag = "1")]
    pub(crate) model_id: String,
    #[prost(int64, tag = "2")]
    pub(crate) seq_len: i64,
    #[prost(message, optional, tag = "4")]
    pub(crate) weight_scale_factor: Option<super::Decimal>,
    #[prost(uint64, tag = "5")]
    pub(crate) penalty_start_epoch: u64,
}

/// What the choices cost and when they are captured.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct DelegationParams {
    #[prost(int64, tag = "1")]
    pub(crate) deploy_window: i64,
    #[prost(message, optional, tag = "2")]
    pub(crate) refusal_penalty: Option<super::Decimal>,
    #[prost(message, optional, tag = "3")]
    pub(crate) no_participation_penalty: Option<super::Decimal>,
    #[prost(message, optional, tag = "4")]
    pub(crate) delegation_share: Option<super::Decimal>,
    #[prost(message, optional, tag = "5")]
    pub(crate) w_threshold: Option<super::Decimal>,
    #[prost(int64, tag = "6")]
    pub(crate) v_min: i64,
    #[prost(message, optional, tag = "7")]
    pub(crate) cap_factor: Option<super::Decimal>,
    #[prost(string, tag = "8")]
    pub(crate) initial_model_id: String,
    #[prost(message, optional, tag = "9")]
    pub(crate) max_model_voting_power_percentage: Option<super::Decimal>,
}

/// The guardians, as operator addresses.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct GenesisGuardianParams {
    #[prost(int64, tag = "1")]
    pub(crate) network_maturity_threshold: i64,
    #[prost(int64, tag = "2")]
    pub(crate) network_maturity_min_height: i64,
    #[prost(string, repeated, tag = "3")]
    pub(crate) guardian_addresses: Vec<String>,
}

/// Confirmation proof of compute.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ConfirmationPoCParams {
    #[prost(uint64, tag = "1")]
    pub(crate) expected_confirmations_per_epoch: u64,
    #[prost(message, optional, tag = "2")]
    pub(crate) alpha_threshold: Option<super::Decimal>,
    #[prost(message, optional, tag = "3")]
    pub(crate) slash_fraction: Option<super::Decimal>,
    #[prost(int64, tag = "4")]
    pub(crate) upgrade_protection_window: i64,
}
