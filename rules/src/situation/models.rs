//! Models: who would pass, what is missing, what the last capture said.

use serde::{Deserialize, Serialize};

use crate::{
    Capture, Decimal, EpochIndex, Height, ModelId, Weight, closing::Closing,
    delegates::DelegateFacts, margin::Margin,
};

/// One number, counted twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NetworkWeight {
    /// The capture's block.
    pub height: Height,
    /// The weight of the live members as we know them.
    pub ours: Weight,
    /// What the capture said.
    pub chain: Weight,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ModelView {
    /// The model.
    pub model_id: ModelId,
    /// Whether it has a group with voting power.
    pub state: ModelState,
    /// First epoch in which it can cost anything.
    pub penalty_start_epoch: EpochIndex,
    /// What a unit of work for it weighs; null when the chain works that out for every epoch, and
    /// it is not known here.
    #[serde(default)]
    pub coefficient: Option<Decimal>,
    /// What the chain would answer if the capture were now; null for an active model.
    pub gaps: Option<Gaps>,
    /// The last capture of this model.
    pub snapshot: Option<Snapshot>,
    /// For a candidate: the fewest hosts that would close each gap; null as the gaps are.
    #[serde(default)]
    pub closing: Option<Closing>,
    /// For an active model: how far its group is from losing its place.
    #[serde(default)]
    pub margin: Option<Margin>,
    /// Hosts that nothing known speaks against as delegates, the least burdened first.
    #[serde(default)]
    pub sound_delegates: Vec<DelegateFacts>,
    /// For a candidate: when it lost its group, if it had one in the epochs that are known.
    #[serde(default)]
    pub fell_out: Option<FellOut>,
}

/// A model that had a group and has none any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FellOut {
    /// The newest epoch in which it had one.
    pub active_in: EpochIndex,
    /// The first known epoch after it without.
    pub without_since: EpochIndex,
}

/// Whether a model has a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelState {
    /// A live member of its group has voting power.
    Active,
    /// It must pass a capture and a PoC to get a group.
    Candidate,
}

/// A capture with its gaps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Snapshot {
    /// The event's attributes.
    #[serde(flatten)]
    pub capture: Capture,
    /// The epoch it counts for, when the capture falls into a known one.
    pub epoch: Option<EpochIndex>,
    /// How far it was from each threshold, by the parameters at its height.
    pub gaps: Gaps,
    /// The same by our own weights and choices, where that is another reading; null where both
    /// agree, and where we had none.
    #[serde(default)]
    pub ours: Option<Gaps>,
}

/// The three checks of pre-eligibility.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Gaps {
    /// How certain this is.
    pub degree: Degree,
    /// Hosts with weight that declared intent.
    pub hosts: Gap,
    /// Their weight.
    pub weight: Gap,
    /// Their weight and what delegates to them.
    pub reach: Gap,
    /// All three, and a positive coefficient.
    pub pre_eligible: bool,
    /// The chain counted another network weight at the newest capture, so a projection from ours
    /// may be wrong.
    #[serde(default)]
    pub uncertain: bool,
}

/// How certain a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Degree {
    /// What the chain would answer if the deadline were now.
    Projected,
    /// What the capture said; advisory.
    Snapshot,
    /// After validation end.
    Final,
}

/// What is there, what is needed, what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Gap {
    /// What is there.
    pub have: i64,
    /// What is needed; null when no amount suffices (a network without weight).
    pub need: Option<i64>,
    /// `need − have`, at least 0; null as above.
    pub missing: Option<i64>,
}
