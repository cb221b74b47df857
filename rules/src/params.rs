//! The chain's parameters, as far as the rules use them. They are live: governance can change any
//! of them between two blocks.

use serde::{Deserialize, Serialize};

use crate::{Decimal, EpochIndex, Height, ModelId};

/// All parameters that a rule reads, at one height.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Params {
    /// Lengths of the stages, in blocks.
    pub epoch: EpochParams,
    /// Thresholds and penalties; absent on a state from before v0.2.12, and then the chain
    /// neither captures nor charges.
    pub delegation: Option<DelegationParams>,
    /// `poc_params.models`, in the chain's order.
    pub models: Vec<ModelParams>,
    /// Share of the network's weight that must vote for a host's work, in 1/10,000; 0 means 5000.
    pub validation_vote_threshold_bps: u32,
    /// Guardians as the chain lists them: `gonkavaloper1…`.
    pub guardians: Vec<String>,
}

/// `params.epoch_params`; all values in blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[allow(missing_docs, reason = "the chain's own names, explained by the clock")]
pub struct EpochParams {
    pub epoch_length: Height,
    pub epoch_shift: Height,
    pub poc_stage_duration: Height,
    pub poc_exchange_duration: Height,
    pub poc_validation_delay: Height,
    pub poc_validation_duration: Height,
    pub set_new_validators_delay: Height,
    pub inference_validation_cutoff: Height,
}

/// `params.delegation_params`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DelegationParams {
    /// Blocks between the capture and the next PoC start; 0 or less means no capture.
    pub deploy_window: Height,
    /// What refusing an eligible model takes from a host's reward.
    pub refusal_penalty: Decimal,
    /// What having no standing choice takes.
    pub no_participation_penalty: Decimal,
    /// The part of a delegator's reward that goes to its delegate.
    pub delegation_share: Decimal,
    /// Part of the network's weight that must declare intent, floored to an integer weight.
    pub w_threshold: Decimal,
    /// Hosts with weight that must declare intent.
    pub v_min: i64,
    /// Limits what one group adds to the consensus weight.
    pub cap_factor: Decimal,
    /// The network's base model.
    pub initial_model_id: ModelId,
    /// Largest share of a group's voting power for one host; the excess is burned.
    pub max_model_voting_power: Decimal,
}

/// One entry of `params.poc_params.models`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ModelParams {
    /// The model.
    pub model_id: ModelId,
    /// `weight_scale_factor`; absent or `{0, 0}` means 1.
    pub coefficient: Option<Decimal>,
    /// Since v0.2.16 the chain works the coefficient out anew for every epoch, within bounds that
    /// governance sets (`dynamic_coefficient`). Then it is not known from the parameters.
    #[serde(default)]
    pub dynamic: bool,
    /// First epoch in which this model can cost anything.
    pub penalty_start_epoch: EpochIndex,
}

impl ModelParams {
    /// What a unit of work for the model weighs. Absent and `{0, 0}` mean 1 (`LegacyDecOrOne`,
    /// x/inference/types/params.go). None when it is not known.
    #[must_use]
    pub fn known_coefficient(&self) -> Option<Decimal> {
        let one = Decimal::new(1, 0);
        let stated = self.coefficient.unwrap_or(one);
        (!self.dynamic).then_some(if stated == Decimal::default() { one } else { stated })
    }

    /// Whether work for the model counts at all. One that is not known is taken to: its bounds are
    /// there to scale work, not to void it.
    #[must_use]
    pub fn coefficient_is_positive(&self) -> bool {
        self.known_coefficient().is_none_or(|coefficient| coefficient.is_positive())
    }
}

impl Default for ModelId {
    fn default() -> Self {
        Self::from("")
    }
}
