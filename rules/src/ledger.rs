//! The ledger: the chain's state as it follows from a base and the blocks after it.
//!
//! It owns the choice state machine, the work of the running PoC stage and what past heights froze.
//! The chain's own answers at a height win over what was derived from blocks; between two answers
//! the blocks alone carry it on. It reads nothing itself: [`Ledger::needs`] says what to ask.

mod apply;
mod needs;
mod past;
mod share;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ops::ControlFlow,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::{
    needs::Needs,
    past::{MAX_PAST, PastEpoch},
};
use crate::{
    Address, Capture, ChainState, ChargeSnapshot, Choice, DelegationParams, EpochIndex, Height,
    ModelId, ModelParams, Params, Position, Weight,
    clock::{Clock, ClockParams},
    plans::Plans,
    reward::Rewards,
};

/// Recent blocks that a ledger keeps for the pace of the chain: about three hours on mainnet.
pub const MAX_TICKS: usize = 2048;

/// Choices without their origin, by model and host.
pub type Choices = BTreeMap<ModelId, BTreeMap<Address, Choice>>;

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
    /// The newest estimates of what hosts earn.
    pub rewards: Option<Rewards>,
    /// What governance is about to do, as it was read last.
    pub plans: Option<Plans>,
    /// What past heights froze.
    pub frozen: Frozen,
    /// Epochs before the one that the state is of, the newest first; bounded.
    pub past: Vec<PastEpoch>,
    /// The parameters before the newest change of them that was seen.
    pub former: Option<FormerParams>,
    /// The newest event of each kind in [`TROUBLES`].
    pub troubles: BTreeMap<String, Trouble>,
}

/// Events in which the chain tells that forming an epoch went wrong.
pub const TROUBLES: [&str; 2] = ["epoch_error", "empty_epoch_fallback_applied"];

/// Parameters that were replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormerParams {
    /// The block after which the new ones were first read.
    pub until: Height,
    /// What was in force before.
    pub params: Params,
}

/// Trouble that the chain told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The block.
    pub height: Height,
    /// The event's attributes.
    pub attributes: Vec<(String, String)>,
}

/// What past heights froze or removed: later choices do not change it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Frozen {
    /// All choices at the newest capture.
    pub capture: Option<FrozenChoices>,
    /// All choices at the newest validation start.
    pub validation_start: Option<FrozenChoices>,
    /// The refusals and intents that the newest wipe removed.
    pub wiped: Option<FrozenChoices>,
    /// What each model's newest capture was judged by.
    pub terms: BTreeMap<ModelId, CaptureTerms>,
}

/// Choices at the end of one block.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FrozenChoices {
    /// The block.
    pub height: Height,
    /// The epoch that they count for; for a wipe, the epoch just formed. None when the clock did
    /// not expect this block to freeze anything.
    pub epoch: Option<EpochIndex>,
    /// The choices.
    pub choices: Choices,
}

/// The parameters that a capture was judged by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureTerms {
    /// The capture's block.
    pub height: Height,
    /// The epoch it counts for; none when the clock did not expect a capture there.
    pub epoch: Option<EpochIndex>,
    /// Thresholds at that height.
    pub params: DelegationParams,
    /// The model's own parameters at that height.
    pub model: Option<ModelParams>,
    /// T by our own weights at that height; null unless they were read there.
    #[serde(default)]
    pub network_weight: Option<Weight>,
    /// What our rules made of our own weights and choices at that height; null unless every one of
    /// them was known.
    #[serde(default)]
    pub ours: Option<Capture>,
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
    /// A PoC stage began in this block: work of the one before it no longer counts.
    pub stage_began: bool,
    /// Choices were frozen at the end of this block.
    pub froze: bool,
}

impl Changes {
    /// Whether nothing happened but what transactions did: no stage was reached, nothing was frozen
    /// or removed, and nothing came from the chain's own answers.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        !(self.wiped || self.stage_began || self.froze)
            && self.new_hosts.is_empty()
            && self.choices.iter().all(|change| matches!(change.cause, Cause::Tx(_)))
    }
}

impl Ledger {
    /// The choice of a host for a model.
    #[must_use]
    pub fn choice(&self, host: &Address, model: &ModelId) -> Option<&Standing> {
        self.choices.get(model)?.get(host)
    }

    /// The epoch clock at the end of block `tip`: the chain's records as they were last read,
    /// carried on with the parameters that were read with them. None before the first reading.
    #[must_use]
    pub fn clock(&self) -> Option<(Clock, ClockParams)> {
        let state = self.state.as_ref()?;
        let params = ClockParams::from(&state.params);
        let mut clock = Clock::new(state.effective, state.latest);
        if let Some(tip) = self.tip {
            let blocks = state.height.saturating_add(1)..=tip.height;
            clock.advance(&params, blocks, |_| ControlFlow::Continue(()));
        }
        Some((clock, params))
    }

    /// Whether members and groups are those of the epoch in force. They are not once the chain has
    /// moved on to another epoch since they were read, and before the first reading.
    #[must_use]
    pub fn members_are_current(&self) -> bool {
        let effective = self.clock().and_then(|(clock, _)| clock.effective);
        self.state.as_ref().zip(effective).is_some_and(|(s, now)| s.effective.index == now.index)
    }

    /// Standing choices without their origin.
    #[must_use]
    pub fn standing(&self) -> Choices {
        let plain = |hosts: &BTreeMap<Address, Standing>| {
            hosts.iter().map(|(host, standing)| (host.clone(), standing.choice.clone())).collect()
        };
        self.choices.iter().map(|(model, hosts)| (model.clone(), plain(hosts))).collect()
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
