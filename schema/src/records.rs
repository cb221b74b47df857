//! What goes into the store and comes out of it.

mod incidents;
mod messages;
mod upkeep;

use std::collections::BTreeMap;

use bootwatch_rules::{
    Address, BlockFacts, ChargeSnapshot, Choice, ChoiceTx, EpochIndex, Height, HostChoices, Member,
    ModelGroup, ModelId, Observation, StoreCommit, WeightDistribution,
    forecast::{Forecasts, KeptForecast},
    ledger::{Changes, Ledger},
    situation::{EndpointView, ProgressView},
};
use jiff::Timestamp;
use serde::Serialize;

pub use self::{incidents::*, messages::*, upkeep::*};

/// One block with everything that came of it.
#[derive(Debug)]
pub struct Commit<'a> {
    /// The block.
    pub facts: &'a BlockFacts,
    /// What was asked of the chain at its height.
    pub observation: Option<&'a Observation>,
    /// What the ledger made of both.
    pub changes: &'a Changes,
    /// The newest forecast of charges, when the block brought or decided it.
    pub forecast: Option<&'a KeptForecast>,
    /// The ledger after it; a later [`load`](crate::ReadStore::load) gives back its equal.
    pub ledger: &'a Ledger,
    /// Incidents as they are after it, those that changed only.
    pub incidents: &'a [Incident],
    /// Messages that the changes call for.
    pub messages: &'a [NewMessage],
}

/// A block in which nothing happened but what transactions did.
#[derive(Debug, Clone, Copy)]
pub struct QuietBlock<'a> {
    /// The block.
    pub facts: &'a BlockFacts,
    /// What the ledger made of it.
    pub changes: &'a Changes,
}

/// Everything that is needed to go on after a restart.
#[derive(Debug)]
pub struct Loaded {
    /// The chain; empty in a store that was never bound to one.
    pub chain_id: String,
    /// Which heights are stored.
    pub coverage: Coverage,
    /// The hash of the ledger's last block; without a ledger, of the newest stored block.
    pub last_hash: Option<String>,
    /// The ledger after that block.
    pub ledger: Ledger,
    /// Incidents that are not resolved, and the few hundred resolved last.
    pub incidents: Vec<Incident>,
    /// What the daemon noted of itself last.
    pub service: ServiceRecord,
    /// The newest forecast of charges, and how all of them have held.
    pub forecasts: Forecasts,
    /// Things that could not be read so far.
    pub malformed: u64,
    /// Times the ledger had to be corrected.
    pub reconciled: u64,
}

/// Which heights are stored and which never will be. Ranges are disjoint and ascending. Those that are
/// stored do not touch; heights that were given up in pieces are told in pieces, each with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Stored ranges, first and last height.
    pub stored: Vec<(Height, Height)>,
    /// Ranges that no endpoint has any more.
    pub unfillable: Vec<Unfillable>,
}

/// Heights that no endpoint has any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Unfillable {
    /// First height.
    pub first: Height,
    /// Last height.
    pub last: Height,
    /// What the endpoints said.
    pub reason: String,
    /// When it was given up.
    pub at: Timestamp,
}

/// A block that something happened in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct BlockRef {
    /// Its height.
    pub height: Height,
    /// Its hash, upper-case hex.
    pub hash: String,
    /// Its time.
    pub time: Timestamp,
}

/// A fact with its block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Dated<T> {
    /// The block.
    pub block: BlockRef,
    /// The fact.
    pub fact: T,
}

/// A choice that stood, and what made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct StoredChoice {
    /// The choice.
    #[serde(flatten)]
    pub choice: Choice,
    /// What made it.
    pub origin: ChoiceOrigin,
}

/// What made a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum ChoiceOrigin {
    /// A transaction that was taken in.
    Tx(Dated<ChoiceTx>),
    /// It was read from the chain's state; its transaction was not seen.
    State {
        /// The block after which it was read.
        read_at: Height,
    },
}

/// What a host did for a model in a PoC stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct WorkRecord {
    /// The model.
    pub model_id: ModelId,
    /// The host.
    pub host: Address,
    /// Nonces that its last commit claimed; none without a commit.
    pub committed: Option<u32>,
    /// The block of its first commit.
    pub first_commit: Option<Height>,
    /// The block of its last commit.
    pub last_commit: Option<Height>,
    /// Sum of its last weight distribution; none without one.
    pub distributed: Option<u64>,
    /// The block of that distribution.
    pub last_distribution: Option<Height>,
}

/// What was read of an epoch while its group was in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct EpochRecord {
    /// Its number.
    pub index: EpochIndex,
    /// Its PoC start.
    pub poc_start: Height,
    /// The height of the first reading.
    pub first_read: Height,
    /// The height of the last reading, which members and groups are of.
    pub last_read: Height,
    /// The root group; excluded members are marked.
    pub members: Vec<Member>,
    /// The models' groups.
    pub model_groups: Vec<ModelGroup>,
}

/// What is kept of blocks that the ledger went through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// Blocks whose headers are kept, without their commits and distributions.
    pub blocks: BTreeMap<Height, BlockFacts>,
    /// What was read of the chain, by height.
    pub readings: BTreeMap<Height, Reading>,
    /// The first and the last commit of each host, model and stage.
    pub commits: Vec<StoreCommit>,
    /// The last weight distribution of each host, model and stage.
    pub distributions: Vec<WeightDistribution>,
}

/// What is kept of a reading of the chain's state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// Parameters, members or the epoch were other ones than before.
    pub state: bool,
    /// Choices of these hosts, complete for each.
    pub choices: Vec<HostChoices>,
    /// Charges that were fixed.
    pub charges: Option<ChargeSnapshot>,
    /// The version that the node reported, when it was another one than before.
    pub app_version: Option<String>,
}

/// How much of each kind is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, utoipa::ToSchema)]
pub struct Counts {
    /// Blocks, with or without their headers.
    pub blocks: u64,
    /// Captures.
    pub captures: u64,
    /// Choice messages, failed ones included.
    pub choice_txs: u64,
    /// Choices that stand.
    pub choices: u64,
    /// Events.
    pub events: u64,
    /// Things that could not be read, those no longer kept included.
    pub malformed: u64,
}

/// What a running daemon notes of itself now and then.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceRecord {
    /// How the endpoints stood, in the order of the configuration.
    pub endpoints: Vec<EndpointView>,
    /// How far the ledger was on its way to the head; none at the tip.
    pub catching_up: Option<ProgressView>,
    /// How far history below was; none while nothing of it was wanted.
    pub history: Option<ProgressView>,
    /// When that was noted; none before the first time.
    pub at: Option<Timestamp>,
}
