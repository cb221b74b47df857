//! What the chain answers about itself at one pinned height.

use serde::{Deserialize, Serialize};

use crate::{
    Address, Choice, Decimal, DecimalError, EpochIndex, Fraction, Height, ModelId, Params, Weight,
    plans::Plans, reward::RewardReading,
};

/// An epoch and the height at which its PoC starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Epoch {
    /// Its number.
    pub index: EpochIndex,
    /// Its PoC start.
    pub poc_start: Height,
}

/// The chain's state as the rules need it, at one height.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChainState {
    /// The height it was read at: the state after that block.
    pub height: Height,
    /// Parameters.
    pub params: Params,
    /// The epoch whose group is in force.
    pub effective: Epoch,
    /// The newest epoch that exists: the upcoming one between PoC start and effective.
    pub latest: Epoch,
    /// Members of the effective root group; excluded ones are marked, not left out.
    pub members: Vec<Member>,
    /// The effective epoch's model groups.
    pub model_groups: Vec<ModelGroup>,
    /// Models that governance has registered; a choice for any other is refused.
    pub governance_models: Vec<ModelId>,
}

/// A member of the effective root group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Member {
    /// The host.
    pub host: Address,
    /// Its consensus weight.
    pub weight: Weight,
    /// Set when it was removed during the epoch: it then counts for nothing.
    pub excluded: Option<Exclusion>,
}

/// Why and when a host was removed from the running epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Exclusion {
    /// The chain's word for it, such as `downtime`.
    pub reason: String,
    /// The block that removed it.
    pub height: Height,
}

/// One model's group in the effective epoch. The chain creates a group for every model at PoC
/// start, so its existence alone does not make a model active.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ModelGroup {
    /// The model.
    pub model_id: ModelId,
    /// Its members.
    pub members: Vec<GroupMember>,
}

/// A member of a model's group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct GroupMember {
    /// The host.
    pub host: Address,
    /// Its raw PoC weight for the model.
    pub weight: Weight,
    /// Its voting power: own and delegated weight, capped.
    pub voting_power: Weight,
}

/// One host's stored choices for all models, as the chain answers them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HostChoices {
    /// The host.
    pub host: Address,
    /// At most one for each model.
    pub choices: Vec<(ModelId, Choice)>,
}

/// The charges that the chain fixed for an epoch at its validation end (store key 0x6c).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChargeSnapshot {
    /// The epoch they are charged in.
    pub epoch_index: EpochIndex,
    /// Shares that move to delegates.
    pub transfers: Vec<Transfer>,
    /// What each host loses.
    pub penalties: Vec<Penalty>,
}

impl ChargeSnapshot {
    /// What a host loses. The chain lists only those that lose something.
    ///
    /// # Errors
    /// [`DecimalError`] when the chain's fraction has no exact form here.
    pub fn of(&self, host: &Address) -> Result<Fraction, DecimalError> {
        let listed = self.penalties.iter().find(|penalty| penalty.host == *host);
        listed.map_or(Ok(Fraction::ZERO), |penalty| penalty.fraction.to_fraction())
    }
}

/// A delegator's share moving to its delegate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Transfer {
    /// The model.
    pub model_id: ModelId,
    /// The delegator.
    pub from: Address,
    /// The delegate.
    pub to: Address,
    /// The share of what is left after penalties.
    pub share: Decimal,
}

/// What one host loses in an epoch, over all models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Penalty {
    /// The host.
    pub host: Address,
    /// The fraction, at most 1.
    pub fraction: Decimal,
}

/// What was asked of the chain besides the blocks, at the height of the block it comes with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Observation {
    /// Parameters, epochs, groups.
    pub state: Option<ChainState>,
    /// Choices of these hosts, complete for each host that is listed; empty when none were asked.
    pub choices: Vec<HostChoices>,
    /// Charges fixed at a validation end.
    pub charges: Option<ChargeSnapshot>,
    /// What watched hosts earn, as the chain estimates it.
    pub rewards: Option<RewardReading>,
    /// What governance is about to do.
    pub plans: Option<Plans>,
    /// The version that the node's application reports, such as `0.2.14`.
    pub app_version: Option<String>,
}
