//! Whether a database is sound, and copies of it.

use std::fmt;

use bootwatch_rules::Height;
use serde::Serialize;

use super::Unfillable;

/// What is stored of a range of heights, as numbers that are equal for equal contents. SHA-256 in
/// lower-case hex, over rows in the chain's order.
///
/// Two databases that took in the same blocks of the range have the same [`facts`](Self::facts),
/// whatever happened on the way: the order and the lots in which blocks came, whether the ledger
/// went through them or history was filled in, restarts, when state was read, pruned headers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, utoipa::ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
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
