//! What one block says: the outcome of decoding, before any rule is applied.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Address, Capture, ChoiceTx, Height, ModelId, Position};

/// Everything Bootwatch keeps of one block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BlockFacts {
    /// Its height.
    pub height: Height,
    /// Its hash, upper-case hex.
    pub hash: String,
    /// The hash of the block before it; empty for the first block of a chain.
    pub parent: String,
    /// Its time.
    pub time: Timestamp,
    /// Transactions in it, of any kind.
    pub tx_count: u32,
    /// One for each candidate model, in a capture block.
    pub captures: Vec<Capture>,
    /// Choice messages in the order of execution, failed ones included.
    pub choices: Vec<ChoiceTx>,
    /// Store commits of transactions that succeeded.
    pub commits: Vec<StoreCommit>,
    /// Weight distributions of transactions that succeeded.
    pub distributions: Vec<WeightDistribution>,
    /// The other events worth keeping.
    pub events: Vec<ChainEvent>,
    /// What should have been readable and was not.
    pub malformed: Vec<Malformed>,
}

/// One entry of a `MsgPoCV2StoreCommit`: a host claims work for a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StoreCommit {
    /// Where its message stands.
    pub position: Position,
    /// The host.
    pub host: Address,
    /// The stage: PoC start, or the trigger height of a confirmation PoC.
    pub stage: Height,
    /// The model.
    pub model_id: ModelId,
    /// Claimed nonces so far; grows from commit to commit.
    pub count: u32,
}

/// One entry of a `MsgMLNodeWeightDistribution`; a commit without it counts nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WeightDistribution {
    /// Where its message stands.
    pub position: Position,
    /// The host.
    pub host: Address,
    /// The stage, as in [`StoreCommit`].
    pub stage: Height,
    /// The model.
    pub model_id: ModelId,
    /// Sum over its ML nodes.
    pub weight: u64,
}

/// An event that is kept with its raw attributes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChainEvent {
    /// Its place among all events of the block: transactions in order, then the block's own.
    pub seq: u32,
    /// The transaction that emitted it; none for the block's own.
    pub tx_index: Option<u32>,
    /// Its type, such as `epoch_error`.
    pub kind: String,
    /// Its attributes in order; keys may repeat.
    pub attributes: Vec<(String, String)>,
}

impl ChainEvent {
    /// The first attribute of that key.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&str> {
        self.attributes.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }
}

/// Something that matters and cannot be read. It never stops ingestion: it is counted, kept as it
/// came, and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Malformed {
    /// What it should have been, such as `tx` or `bootstrap_model_preeligibility`.
    pub what: String,
    /// Where it stands in the block, for a person.
    pub place: String,
    /// Why it cannot be read.
    pub reason: String,
    /// The thing itself: JSON for events, base64 for transactions, cut at a few kilobytes.
    pub raw: String,
}
