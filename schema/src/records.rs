//! What goes into the store and comes out of it.

use std::{collections::BTreeMap, fmt};

use bootwatch_rules::{
    Address, BlockFacts, ChargeSnapshot, Choice, ChoiceTx, EpochIndex, Height, HostChoices, Member,
    ModelGroup, ModelId, Observation, StoreCommit, WeightDistribution,
    forecast::{Forecasts, KeptForecast},
    ledger::{Changes, Ledger},
    situation::{EndpointView, ProgressView},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BlockRef {
    /// Its height.
    pub height: Height,
    /// Its hash, upper-case hex.
    pub hash: String,
    /// Its time.
    pub time: Timestamp,
}

/// A fact with its block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dated<T> {
    /// The block.
    pub block: BlockRef,
    /// The fact.
    pub fact: T,
}

/// A choice that stood, and what made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredChoice {
    /// The choice.
    #[serde(flatten)]
    pub choice: Choice,
    /// What made it.
    pub origin: ChoiceOrigin,
}

/// What made a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
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

/// What is stored of a range of heights, as numbers that are equal for equal contents. SHA-256 in
/// lower-case hex, over rows in the chain's order.
///
/// Two databases that took in the same blocks of the range have the same [`facts`](Self::facts),
/// whatever happened on the way: the order and the lots in which blocks came, whether the ledger
/// went through them or history was filled in, restarts, when state was read, pruned headers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Digest {
    /// The first height asked for.
    pub first: Height,
    /// The last height asked for.
    pub last: Height,
    /// Blocks of the range that are stored.
    pub blocks: u64,
    /// Rows that were read for it.
    pub rows: u64,
    /// What the blocks say: the chain's id; which heights of the range are covered; all captures,
    /// choice messages and kept events with all their columns; hash, parent, time and number of
    /// transactions of each block that has one of these; and the work of every stage that began in
    /// the range. Work that goes on after the range counts as far as it is stored.
    ///
    /// Not in it, because the chain alone does not determine it: what was read of the chain's
    /// state, the ledger, wipes (the clock that tells them was read), ranges given up, things that
    /// could not be read (the newest of all are kept).
    pub facts: String,
    /// From this height on every covered block has its header: `first`, or where pruning ended.
    pub headers_from: Height,
    /// Hash, parent, time and number of transactions of every block from
    /// [`headers_from`](Self::headers_from) on. Comparable where that height is the same.
    pub headers: String,
}

/// The ledger at its tip, as numbers that are equal for equal contents; within one version of this
/// program, because the shape of the rules' types is in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerDigest {
    /// Its last block.
    pub tip: Height,
    /// The choices that stand: model, host, kind, delegate. Not what made them, nor since when,
    /// which a ledger that began later does not know. Equal for every ledger that knows all hosts.
    pub choices: String,
    /// The chain's state as last read: the epochs by the clock, parameters, governance models,
    /// members with their exclusions, groups, charges, version. Not the height of the reading.
    /// Equal for every ledger that has read it since it last changed.
    pub state: String,
    /// What the ledger knows because it was there: wipes, the newest captures, frozen choices and
    /// terms, the work of its stage. Equal for ledgers that began at the same block and whose
    /// readings of the state succeeded by the same deadlines.
    pub memory: String,
}

/// What a check of the whole database found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Verification {
    /// The chain; empty in a database that was never bound to one.
    pub chain_id: String,
    /// The version of its schema.
    pub schema_version: i64,
    /// Blocks covered.
    pub blocks: u64,
    /// Headers kept; the chain of hashes was checked on these.
    pub headers: u64,
    /// Rows that went into the digests.
    pub rows: u64,
    /// The stored ranges, ascending, each with its digest.
    pub ranges: Vec<Digest>,
    /// Heights between them that are neither stored nor given up: still to come, or not wanted.
    pub missing: Vec<(Height, Height)>,
    /// Heights that no endpoint has any more.
    pub unfillable: Vec<Unfillable>,
    /// The ledger's digest; none before its first block.
    pub ledger: Option<LedgerDigest>,
    /// What is damaged, the first hundred.
    pub damage: Vec<Damage>,
    /// How many damages there are.
    pub damages: u64,
}

/// One thing that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// What is wrong.
    pub what: String,
    /// Where.
    pub place: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.place)
    }
}

/// A copy that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Backup {
    /// Its size.
    pub bytes: u64,
    /// The chain; empty in a database that was never bound to one.
    pub chain_id: String,
    /// The newest block in it; none in an empty one.
    pub height: Option<Height>,
    /// Blocks in it.
    pub blocks: u64,
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

/// How urgent an incident is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Needs a decision.
    Warning,
    /// Costs money unless somebody acts.
    Critical,
}

/// Where an incident is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    /// Its condition holds, but not yet long enough.
    Pending,
    /// Its condition holds.
    Firing,
    /// Its condition no longer holds.
    Resolved,
}

/// How a resolved incident ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// What was asked for was done, in time.
    Met,
    /// The deadline passed with it undone.
    Missed,
    /// It no longer matters, or nobody can tell any more which of the two it was.
    Expired,
}

/// Something that needs somebody. Its identity is the alert, the labels and the window, never the
/// text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Hash of alert, labels and window.
    pub fingerprint: String,
    /// The alert's name, such as `DecisionMissing`.
    pub alert: String,
    /// What it is about.
    pub labels: BTreeMap<String, String>,
    /// What bounds it in time, usually the epoch: a new window is a new incident.
    pub window: String,
    /// Where it is in its life.
    pub state: IncidentState,
    /// How urgent.
    pub severity: Severity,
    /// One line for a person.
    pub summary: String,
    /// The block at which it began.
    pub opened_height: Height,
    /// When it began.
    pub opened_at: Timestamp,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// The last block that still counts, for an incident with a deadline.
    #[serde(default)]
    pub deadline: Option<Height>,
    /// The step of its ladder, 1 being the first.
    #[serde(default)]
    pub step: u32,
    /// How often it has fired in its window; 0 while it never got beyond pending.
    #[serde(default)]
    pub occurrence: u32,
    /// When its step last rose; what has to be told is due from then on.
    pub risen_at: Timestamp,
    /// Set while its condition is gone, but not yet for long enough.
    #[serde(default)]
    pub clearing: Option<Clearing>,
    /// Since when nobody can tell whether its condition holds. It stays as it is.
    #[serde(default)]
    pub unknown_since: Option<Timestamp>,
    /// Somebody knows about it: no reminders until it becomes more urgent.
    #[serde(default)]
    pub acknowledged: Option<Acknowledgement>,
    /// The silence that keeps it quiet.
    #[serde(default)]
    pub silenced_by: Option<i64>,
    /// The fingerprint of the incident that explains it, and speaks for it.
    #[serde(default)]
    pub inhibited_by: Option<String>,
    /// What was told to whom, by `channel:recipient`. Only they hear how it ends.
    #[serde(default)]
    pub told: BTreeMap<String, Told>,
    /// How it ended; null while it goes on.
    #[serde(default)]
    pub ending: Option<Ending>,
}

/// A condition that is gone: the incident ends unless it comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clearing {
    /// Since when.
    pub since: Timestamp,
    /// How it would end.
    pub ending: Ending,
}

/// What one recipient knows of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The step that was told last.
    pub step: u32,
    /// How urgent it was said to be.
    pub severity: Severity,
    /// When it was told last.
    pub at: Timestamp,
    /// How many times in this occurrence: the first notice, higher steps, reminders.
    pub times: u32,
    /// It was told that it ended, or need not be.
    pub ended: bool,
}

/// Somebody's word that they know about an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Which occurrence; the next one is not covered.
    pub occurrence: u32,
    /// How urgent it was then; a more urgent one is not covered.
    pub severity: Severity,
    /// Who.
    pub author: String,
    /// Why.
    pub comment: String,
    /// When.
    pub at: Timestamp,
}

/// Incidents that are kept quiet for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Its number; given by the store.
    pub id: i64,
    /// Which incidents: each label must have that value. `alert` and `severity` count as labels.
    pub matchers: BTreeMap<String, String>,
    /// From when.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Option<Timestamp>,
    /// Until this epoch is in force. One of the two ends is set.
    pub ends_epoch: Option<EpochIndex>,
    /// Who ordered it.
    pub author: String,
    /// Why.
    pub comment: String,
    /// When it was ended by hand.
    #[serde(default)]
    pub expired_at: Option<Timestamp>,
}

/// What operators have ordered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Orders {
    /// Silences, those that are over included, by number.
    pub silences: Vec<Silence>,
    /// Acknowledgements by the incident's fingerprint.
    pub acknowledgements: BTreeMap<String, Acknowledgement>,
}

/// A message that has been decided and waits in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Deterministic: the same decision for the same recipient has the same id, in any process.
    pub message_id: String,
    /// The incident's fingerprint.
    pub incident: String,
    /// The channel, such as `email`.
    pub channel: String,
    /// Who gets it.
    pub recipient: String,
    /// How urgent it is: when the outbox is full, the least urgent gives way.
    pub severity: Severity,
    /// The subject line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML.
    pub html: Option<String>,
    /// When it was decided.
    pub created_at: Timestamp,
    /// The block it was decided at.
    pub created_height: Height,
}

/// A message that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingMessage {
    /// The message.
    pub message: NewMessage,
    /// Deliveries tried so far.
    pub attempts: u32,
    /// What the last one said.
    pub last_error: Option<String>,
}

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Accepted by the other side.
    Delivered {
        /// The message.
        message_id: String,
        /// When.
        at: Timestamp,
    },
    /// Not now.
    Retry {
        /// The message.
        message_id: String,
        /// Not before.
        next: Timestamp,
        /// What the other side said.
        error: String,
    },
    /// Never.
    Rejected {
        /// The message.
        message_id: String,
        /// When.
        at: Timestamp,
        /// What the other side said.
        error: String,
    },
}
