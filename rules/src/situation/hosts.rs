//! Watched hosts: their choices, what those can cost, and what to do.

use serde::{Deserialize, Serialize};

use super::DeadlineName;
use crate::{
    Address, EpochIndex, Exclusion, Fraction, Height, ModelId, Weight,
    closing::Effects,
    delegates::DelegateFacts,
    forecast::{ChargeRange, ModelForecast, TrackRecord},
    reward::{Cost, Ngonka, Reward},
};

/// A watched host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HostView {
    /// Its address.
    pub address: Address,
    /// Its name in the configuration.
    pub name: String,
    /// Its weight in the effective root group; null when it is no live member.
    pub weight: Option<Weight>,
    /// Why and when it was removed from the running epoch.
    #[serde(default)]
    pub excluded: Option<Exclusion>,
    /// Its choices are known completely.
    pub known: bool,
    /// The least and the most that the epoch being formed next can take from it, over all models,
    /// watched or not; null while that cannot be told.
    #[serde(default)]
    pub charge: Option<ChargeRange>,
    /// What the chain fixed for it at the newest validation end whose charges were read.
    #[serde(default)]
    pub fixed: Option<FixedCharge>,
    /// What that charge comes to; null while the reward, or under rule set `v0.2.12` the weight, is
    /// not known.
    #[serde(default)]
    pub cost: Option<Cost>,
    /// What it earns in the running epoch, as the chain estimates it.
    #[serde(default)]
    pub reward: Option<RewardView>,
    /// How forecasts of its charges have held.
    #[serde(default)]
    pub record: TrackRecord,
    /// One for each model that is watched for it.
    pub models: Vec<HostModelView>,
}

/// What the chain takes from a host in an epoch: final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FixedCharge {
    /// The epoch.
    pub epoch: EpochIndex,
    /// The exact fraction of its reward; under rule set `v0.2.12`, of its weight.
    pub fraction: Fraction,
    /// About how many ngonka that is, while the epoch's reward is estimated; null otherwise.
    #[serde(default)]
    pub amount: Option<Ngonka>,
}

/// What a host earns in an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RewardView {
    /// The epoch.
    pub epoch: EpochIndex,
    /// The height at which the chain was asked.
    pub read_at: Height,
    /// The amounts.
    #[serde(flatten)]
    pub reward: Reward,
}

/// A watched host and a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HostModelView {
    /// The model.
    pub model_id: ModelId,
    /// What is stored.
    pub choice: ChoiceView,
    /// For a candidate: whether this host's weight counts towards reach.
    pub reaches: Option<bool>,
    /// Nonces it committed in the newest PoC stage; null without a commit.
    pub committed: Option<u32>,
    /// Sum of its weight distribution in that stage; null while it is missing.
    #[serde(default)]
    pub distributed: Option<u64>,
    /// It serves the model in the running epoch: a live member of its group with voting power.
    #[serde(default)]
    pub serves: bool,
    /// What it should do, and until when.
    pub advice: Option<Advice>,
    /// The outcomes that are still open for the epoch being formed next; null while they cannot
    /// be told.
    #[serde(default)]
    pub forecast: Option<ModelForecast>,
    /// What they come to; null as the host's.
    #[serde(default)]
    pub cost: Option<Cost>,
    /// For a candidate: what its intent or delegation would change; null as the gaps are, and for
    /// a host whose choices the chain does not read.
    #[serde(default)]
    pub effects: Option<Effects>,
    /// What is known about the host it delegates to.
    #[serde(default)]
    pub delegate: Option<DelegateFacts>,
}

/// A stored choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChoiceView {
    /// `delegate`, `refuse`, `intent`, `none`, or `unknown` while the host was not yet read.
    pub kind: String,
    /// The delegate.
    pub delegate_to: Option<Address>,
    /// The block from which it stands.
    pub since: Option<Height>,
    /// The transaction that made it.
    pub tx_hash: Option<String>,
}

/// The next useful action of a host for a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Advice {
    /// Why, in one sentence.
    pub why: String,
    /// Why, in one word.
    #[serde(default)]
    pub reason: AdviceReason,
    /// The deadline it must be included by.
    pub deadline: DeadlineName,
    /// The last block that still counts.
    pub last_height: Height,
    /// What it costs not to act, as an exact fraction of the reward, such as `3/20`.
    pub charge: String,
    /// Commands that avoid it, best first.
    pub commands: Vec<Command>,
}

/// Why a host has something to do for a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdviceReason {
    /// No choice stands.
    #[default]
    NoChoice,
    /// The wipe of a validation end took its refusal.
    RefusalExpired,
    /// The wipe of a validation end took its intent.
    IntentExpired,
    /// A refusal stands for a candidate, where it is not read.
    RefusalOnCandidate,
    /// Its intent for an active model has no effect, and removed any delegation.
    IntentOnActive,
    /// It delegates to a host that does not serve the model.
    DelegateDoesNotServe,
    /// It delegates to a host that has not declared intent.
    DelegateWithoutIntent,
    /// Its choice came after the snapshot that it was meant for.
    TooLate,
    /// It declared intent for a pre-eligible model and has not committed yet.
    IntentNotServed,
}

/// A command for the host's own machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Command {
    /// What it does, in a few words.
    pub does: String,
    /// The command, quoted for a shell; the key's name is a placeholder.
    pub line: String,
}
