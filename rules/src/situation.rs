//! The Situation: everything derivable at one height, and the only input of alerts, metrics,
//! page, API and command line. Its JSON form is schema version 1.

mod assess;
mod news;
mod plans;
mod timetable;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::{
    assess::{Inputs, Watched, assess},
    news::{Effect, ParamChange, ParamsChange},
    plans::{Disturbed, PlansView, ProposalView, UpgradeView},
};
use crate::{
    Address, Capture, Decimal, EpochIndex, Exclusion, Fraction, Height, ModelId, Weight,
    closing::{Closing, Effects},
    delegates::DelegateFacts,
    forecast::{ChargeRange, ModelForecast, TrackRecord},
    margin::Margin,
    reward::{Cost, Ngonka, Reward},
};

/// The version of the JSON form.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything derivable at one height.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

/// One number, counted twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkWeight {
    /// The capture's block.
    pub height: Height,
    /// The weight of the live members as we know them.
    pub ours: Weight,
    /// What the capture said.
    pub chain: Weight,
}

/// Where the chain stands in its epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureBlock {
    /// Its height.
    pub height: Height,
    /// The epoch it counts for; null when the clock did not expect a capture in this block.
    pub epoch: Option<EpochIndex>,
}

/// Trouble that the chain itself told of in an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainTrouble {
    /// The event's type, such as `epoch_error`.
    pub kind: String,
    /// The block it is in.
    pub height: Height,
    /// Its attributes in order.
    pub attributes: Vec<(String, String)>,
}

/// How Bootwatch itself stands, as the daemon measures it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ServiceView {
    /// When the newest block was taken in; null before the first one of this process.
    pub advanced_at: Option<Timestamp>,
    /// When this was judged, alerts included.
    #[serde(default)]
    pub judged_at: Option<Timestamp>,
    /// Bytes that are free on the disk of the database.
    pub disk_free: Option<u64>,
    /// Why the database cannot be written at the moment.
    pub store_trouble: Option<String>,
    /// The newest block since the start in which the chain contradicted our rules.
    #[serde(default)]
    pub mismatch: Option<RuleMismatch>,
    /// Everybody refused the last message to them: nobody hears anything any more.
    #[serde(default)]
    pub nobody_reached: bool,
    /// The ways in which people are told.
    pub channels: Vec<ChannelView>,
}

/// The chain said otherwise than our rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleMismatch {
    /// The block.
    pub height: Height,
    /// What differs, for a person.
    pub what: String,
}

/// A way in which people are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelView {
    /// Its name, such as `email`.
    pub name: String,
    /// Messages that wait.
    pub waiting: u64,
    /// When the oldest of them was decided.
    pub oldest: Option<Timestamp>,
    /// Messages that were refused for good in the last 24 hours.
    pub rejected: u64,
}

/// Phases of an epoch, after the block `complete_to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadlineState {
    /// It lies ahead.
    Ahead,
    /// It does not occur with the present parameters.
    Absent,
    /// It cannot be told.
    Unknown,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FellOut {
    /// The newest epoch in which it had one.
    pub active_in: EpochIndex,
    /// The first known epoch after it without.
    pub without_since: EpochIndex,
}

/// Whether a model has a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelState {
    /// A live member of its group has voting power.
    Active,
    /// It must pass a capture and a PoC to get a group.
    Candidate,
}

/// A capture with its gaps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// What is there.
    pub have: i64,
    /// What is needed; null when no amount suffices (a network without weight).
    pub need: Option<i64>,
    /// `need − have`, at least 0; null as above.
    pub missing: Option<i64>,
}

/// A watched host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// What it does, in a few words.
    pub does: String,
    /// The command, quoted for a shell; the key's name is a placeholder.
    pub line: String,
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointView {
    /// Its name in the configuration; never its URL, which may hold a password.
    pub name: String,
    /// Its state.
    pub state: EndpointState,
    /// Why it is in that state, for a person.
    pub reason: Option<String>,
    /// The newest height it told of.
    pub height: Option<Height>,
    /// The oldest height it still has.
    pub earliest: Option<Height>,
    /// Blocks are taken from this one.
    pub selected: bool,
    /// Its websocket is connected.
    pub websocket: bool,
    /// Blocks that it is behind the best of the others; none while it is not known.
    #[serde(default)]
    pub behind: Option<Height>,
    /// How long it takes to answer, in milliseconds, smoothed; none before its first answer.
    #[serde(default)]
    pub latency_ms: Option<u64>,
    /// It is left alone until then, because it lied or lagged.
    #[serde(default)]
    pub quarantined_until: Option<Timestamp>,
    /// What it may be asked; none without a limit.
    #[serde(default)]
    pub requests: Option<RequestsView>,
}

/// The budget of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestsView {
    /// Requests in the last minute.
    pub used: u32,
    /// Requests that it may be asked in any minute.
    pub limit: u32,
}

/// Endpoints that show different blocks of one height: nothing is taken in meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisagreementView {
    /// The lowest height at which they were seen to differ.
    pub height: Height,
    /// Who shows what.
    pub endpoints: Vec<Differing>,
}

/// What one of them shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differing {
    /// The endpoint's name.
    pub endpoint: String,
    /// The hash of its block.
    pub hash: String,
}

/// States of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointState {
    /// Not asked yet.
    Unknown,
    /// It answers, and its data is good.
    Up,
    /// It is behind the others or catching up.
    Lagging,
    /// It does not answer.
    Down,
    /// It serves another chain, or blocks that do not link to ours.
    Wrong,
}

/// What is missing or could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DataView {
    /// Ranges that no endpoint has any more, first and last height.
    pub unfillable: Vec<(Height, Height)>,
    /// Things that could not be read so far.
    pub malformed: u64,
    /// Times the ledger had to be corrected from the chain's state.
    pub reconciled: u64,
    /// Parameters, members or groups may have changed since they were read, and could not be read
    /// anew yet: what rests on them is not known, and the data counts as stale.
    #[serde(default)]
    pub state_unread: bool,
    /// Endpoints that disagree about a block.
    #[serde(default)]
    pub disagreement: Option<DisagreementView>,
    /// How far the ledger is on its way to the head; null at the tip.
    #[serde(default)]
    pub catching_up: Option<ProgressView>,
    /// How far history below is; null while nothing of it is wanted.
    #[serde(default)]
    pub history: Option<ProgressView>,
}

/// How far a long piece of work is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressView {
    /// Blocks stored since it began.
    pub done: u64,
    /// Blocks that are left.
    pub left: u64,
    /// Blocks a minute, lately.
    pub per_minute: u64,
    /// When it will be over at that rate; null while nothing moves.
    pub eta: Option<Timestamp>,
}
