//! What governance is about to do, as the chain tells it: the upgrade that is scheduled, and the
//! proposals that are voted on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Height, Params};

/// Everything that was read of it, at one height.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Plans {
    /// The height it was read at: the state after that block.
    pub read_at: Height,
    /// The upgrade that is scheduled. The chain keeps one at most.
    pub upgrade: Option<UpgradePlan>,
    /// Proposals in their voting period, by number.
    pub proposals: Vec<Proposal>,
    /// There are more of them than were read.
    pub more: bool,
}

/// A software upgrade. The old program makes no block from its height on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UpgradePlan {
    /// Its name, such as `v0.2.15`.
    pub name: String,
    /// The first block of the new program.
    pub height: Height,
}

/// A proposal in its voting period.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Proposal {
    /// Its number.
    pub id: u64,
    /// Its title, as its proposer wrote it; cut.
    pub title: String,
    /// It is decided by the first block whose time is not before this.
    pub voting_end: Option<Timestamp>,
    /// It needs more votes in a shorter time; when it fails, the vote goes on as an ordinary one.
    pub expedited: bool,
    /// The types of its messages, each once, such as `/inference.inference.MsgUpdateParams`.
    pub messages: Vec<String>,
    /// The parameters that it would set: the whole set.
    pub params: Option<Params>,
    /// The upgrade that it would schedule.
    pub upgrade: Option<UpgradePlan>,
    /// It would take the scheduled upgrade back.
    pub cancels_upgrade: bool,
}

impl Plans {
    /// The upgrade, unless the chain has gone past it.
    #[must_use]
    pub fn upgrade_after(&self, tip: Height) -> Option<&UpgradePlan> {
        self.upgrade.as_ref().filter(|plan| plan.height > tip)
    }

    /// Proposals that no block of that time or before it has decided
    /// (`EndBlocker` in x/gov/abci.go: those whose end is not after the block's time).
    pub fn open_at(&self, time: Timestamp) -> impl Iterator<Item = &Proposal> {
        self.proposals
            .iter()
            .filter(move |proposal| proposal.voting_end.is_none_or(|end| end > time))
    }
}
