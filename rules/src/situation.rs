//! The Situation: everything derivable at one height, and the only input of alerts, metrics,
//! page, API and command line. Its JSON form is schema version 1.

mod assess;
mod board;
mod hosts;
mod models;
mod news;
mod plans;
mod service;
mod timetable;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::{
    assess::{Inputs, Watched, assess},
    hosts::{
        Advice, AdviceReason, ChoiceView, Command, FixedCharge, HostModelView, HostView, RewardView,
    },
    models::{Degree, FellOut, Gap, Gaps, ModelState, ModelView, NetworkWeight, Snapshot},
    news::{Effect, ParamChange, ParamsChange},
    plans::{Disturbed, PlansView, ProposalView, UpgradeView},
    service::{
        ChannelView, DataView, Differing, DisagreementView, EndpointState, EndpointView,
        ProgressView, RequestsView, RuleMismatch, ServiceView,
    },
};
use crate::{EpochIndex, Height, forecast::TrackRecord};

/// The version of the JSON form.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything derivable at one height.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Situation {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The chain.
    pub chain_id: String,
    /// The rule set that the statements use, such as `v0.2.14`.
    pub rule_set: String,
    /// First height of the contiguous range that ends at `complete_to`.
    pub complete_from: Height,
    /// Every block up to this one has been taken in.
    pub complete_to: Height,
    /// The newest height that any endpoint has told of.
    pub head: Height,
    /// The time of block `complete_to`.
    pub head_time: Timestamp,
    /// The data is too old to say what holds now; what is shown is what held at `complete_to`.
    pub stale: bool,
    /// The height at which parameters and weights were last read from the chain.
    pub state_height: Height,
    /// The epoch clock.
    pub epoch: EpochView,
    /// Heights that freeze something, in order of height.
    pub deadlines: Vec<Deadline>,
    /// Every model in `poc_params`, ordered by id.
    pub models: Vec<ModelView>,
    /// The watched hosts, in the order of the configuration.
    pub hosts: Vec<HostView>,
    /// Where the blocks come from.
    pub endpoints: Vec<EndpointView>,
    /// What is missing or could not be read.
    pub data: DataView,
    /// How forecasts have held against the charges that the chain fixed, over all hosts.
    #[serde(default)]
    pub record: TrackRecord,
    /// The network's weight at the newest capture by both counts, where they differ: then every
    /// projection is uncertain. Null where they agree, and where we had no count of our own.
    #[serde(default)]
    pub network_weight: Option<NetworkWeight>,
    /// What the newest change of parameters changed; null while none was seen.
    #[serde(default)]
    pub params_change: Option<ParamsChange>,
    /// What governance has scheduled and what it votes on; null until the chain has told.
    #[serde(default)]
    pub plans: Option<PlansView>,
    /// The newest trouble that the chain itself told of, by kind.
    #[serde(default)]
    pub chain_troubles: Vec<ChainTrouble>,
    /// How Bootwatch itself stands; what the daemon does not measure is left out.
    #[serde(default)]
    pub service: ServiceView,
}

/// Where the chain stands in its epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EpochView {
    /// The effective epoch.
    pub index: EpochIndex,
    /// Its PoC start.
    pub poc_start: Height,
    /// The first PoC start after `complete_to`.
    pub next_poc_start: Height,
    /// The epoch that the next capture and the next choices count for.
    pub upcoming: EpochIndex,
    /// The phase.
    pub phase: Phase,
    /// Measured seconds between blocks; null until two blocks are known.
    pub block_seconds: Option<f64>,
    /// The newest block at which a capture was due or took place.
    #[serde(default)]
    pub captured: Option<CaptureBlock>,
}

/// A block at which a capture was due or took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CaptureBlock {
    /// Its height.
    pub height: Height,
    /// The epoch it counts for; null when the clock did not expect a capture in this block.
    pub epoch: Option<EpochIndex>,
}

/// Trouble that the chain itself told of in an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChainTrouble {
    /// The event's type, such as `epoch_error`.
    pub kind: String,
    /// The block it is in.
    pub height: Height,
    /// Its attributes in order.
    pub attributes: Vec<(String, String)>,
}

/// Phases of an epoch, after the block `complete_to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// From PoC start to the commit deadline: hosts generate and commit.
    PocGenerate,
    /// From the commit deadline to validation start.
    PocExchange,
    /// From validation start to validation end: hosts vote on each other's work.
    PocValidate,
    /// From validation end until the new group takes effect.
    Formed,
    /// The rest.
    Inference,
    /// The clock cannot be read: no state yet, or the chain is stuck between epochs.
    Unknown,
}

/// A height that freezes something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Deadline {
    /// Which.
    pub name: DeadlineName,
    /// The epoch it belongs to.
    pub epoch: EpochIndex,
    /// The last block that still counts; null when it does not occur with the present parameters.
    pub height: Option<Height>,
    /// Blocks from `complete_to` to it.
    pub blocks_left: Option<Height>,
    /// When it is expected.
    pub eta: Option<Timestamp>,
    /// Half the width of the interval in which it is expected, in seconds.
    pub eta_error_seconds: Option<f64>,
    /// How it stands.
    pub state: DeadlineState,
}

/// The deadlines of an epoch, in their order.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DeadlineName {
    /// The bootstrap snapshot: intents and delegations for candidates.
    Capture,
    /// PoC of the upcoming epoch starts.
    PocStart,
    /// Last block for store commits.
    CommitDeadline,
    /// Delegations and refusals for every model.
    ValidationStart,
    /// The epoch is formed, charges are fixed, refusals and intents wiped.
    ValidationEnd,
}

impl DeadlineName {
    /// All of them, in their order within an epoch.
    pub const ALL: [Self; 5] = [
        Self::Capture,
        Self::PocStart,
        Self::CommitDeadline,
        Self::ValidationStart,
        Self::ValidationEnd,
    ];

    /// The name in JSON, labels and tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::PocStart => "poc_start",
            Self::CommitDeadline => "commit_deadline",
            Self::ValidationStart => "validation_start",
            Self::ValidationEnd => "validation_end",
        }
    }
}

/// How a deadline stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeadlineState {
    /// It lies ahead.
    Ahead,
    /// It does not occur with the present parameters.
    Absent,
    /// It cannot be told.
    Unknown,
}
