//! The ledger: the chain's state as it follows from a base and the blocks after it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Address, Capture, ChainState, ChargeSnapshot, Choice, Height, ModelId, Position, Weight,
};

/// A choice that stands, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The choice.
    pub choice: Choice,
    /// The transaction that made it; none when it was read from the chain's state.
    pub origin: Option<Origin>,
    /// The height from which it is known to stand.
    pub since: Height,
}

/// The transaction behind a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Where the message stands.
    pub position: Position,
    /// Upper-case hex hash of the transaction.
    pub tx_hash: String,
}

/// What a host did for a model in the running PoC stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Work {
    /// Claimed nonces of its last store commit; none while it has not committed.
    pub committed: Option<u32>,
    /// The block of its first commit.
    pub first_commit: Option<Height>,
    /// Sum of its weight distribution; none while it is missing.
    pub distributed: Option<u64>,
}

/// Height and time of a recent block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    /// The block.
    pub height: Height,
    /// Its time.
    pub time: Timestamp,
}

/// Everything the rules know at one height. Equal inputs give an equal ledger, whatever the
/// batches in which they came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    /// The last block applied.
    pub tip: Option<Tick>,
    /// Recent blocks, oldest first, for the pace of the chain; bounded.
    pub ticks: VecDeque<Tick>,
    /// The newest state read from the chain.
    pub state: Option<ChainState>,
    /// The version the chain's application reports.
    pub app_version: Option<String>,
    /// Hosts whose choices are known completely.
    pub known_hosts: BTreeSet<Address>,
    /// Standing choices.
    pub choices: BTreeMap<ModelId, BTreeMap<Address, Standing>>,
    /// The newest capture, by model.
    pub captures: BTreeMap<ModelId, Capture>,
    /// The PoC stage that [`Ledger::work`] belongs to.
    pub stage: Option<Height>,
    /// Work of that stage.
    pub work: BTreeMap<ModelId, BTreeMap<Address, Work>>,
    /// The charges of the newest epoch for which they were read.
    pub charges: Option<ChargeSnapshot>,
}

/// Why a choice changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause {
    /// A transaction.
    Tx(Origin),
    /// The wipe of refusals and intents at a validation end.
    Wipe,
    /// First reading of this host from the chain's state.
    Base,
    /// The chain's state differed from the ledger, which was corrected.
    Reconciled,
}

/// A change of one host's choice for one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChoiceChange {
    /// The block after which it holds.
    pub height: Height,
    /// The host.
    pub host: Address,
    /// The model.
    pub model_id: ModelId,
    /// What stood before.
    pub before: Option<Choice>,
    /// What stands now.
    pub after: Option<Standing>,
    /// Why.
    pub cause: Cause,
}

/// What applying one block did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Choices that changed, in order of execution; the same host and model may occur twice.
    pub choices: Vec<ChoiceChange>,
    /// Refusals and intents were wiped in this block.
    pub wiped: bool,
    /// Hosts that became known.
    pub new_hosts: Vec<Address>,
}

impl Ledger {
    /// The choice of a host for a model.
    #[must_use]
    pub fn choice(&self, host: &Address, model: &ModelId) -> Option<&Standing> {
        self.choices.get(model)?.get(host)
    }

    /// Live members of the effective root group with their weights.
    pub fn live_members(&self) -> impl Iterator<Item = (&Address, Weight)> {
        self.state
            .iter()
            .flat_map(|state| &state.members)
            .filter(|member| member.excluded.is_none())
            .map(|member| (&member.host, member.weight))
    }
}
