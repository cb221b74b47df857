//! How Bootwatch itself fares: endpoints, data, messages.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Height;

/// How Bootwatch itself stands, as the daemon measures it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RuleMismatch {
    /// The block.
    pub height: Height,
    /// What differs, for a person.
    pub what: String,
}

/// A way in which people are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RequestsView {
    /// Requests in the last minute.
    pub used: u32,
    /// Requests that it may be asked in any minute.
    pub limit: u32,
}

/// Endpoints that show different blocks of one height: nothing is taken in meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DisagreementView {
    /// The lowest height at which they were seen to differ.
    pub height: Height,
    /// Who shows what.
    pub endpoints: Vec<Differing>,
}

/// What one of them shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Differing {
    /// The endpoint's name.
    pub endpoint: String,
    /// The hash of its block.
    pub hash: String,
}

/// States of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
