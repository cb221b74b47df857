//! The situations in which a host loses by doing nothing more, in words.

use crate::{Address, Height, situation::AdviceReason};

/// Why a host has to act.
pub(super) enum Trap {
    /// It never chose.
    Nothing,
    /// Its refusal of an earlier epoch is gone.
    ExpiredRefusal {
        /// The wipe.
        wiped: Height,
    },
    /// Its intent of an earlier epoch is gone.
    ExpiredIntent {
        /// The wipe.
        wiped: Height,
    },
    /// Refusals are not read for a candidate.
    RefusalOnCandidate,
    /// As above, and the capture is over.
    RefusalCaptured,
    /// An intent counts for candidates only.
    IntentOnActive,
    /// It delegates to a host outside the model's group.
    DelegateDoesNotServe {
        /// That host.
        delegate: Address,
    },
    /// It delegates to a host that the capture will not count.
    DelegateWithoutIntent {
        /// That host.
        delegate: Address,
    },
    /// It has no choice, and the capture found none that counts.
    MissedCapture {
        /// The capture.
        capture: Height,
        /// The model costs something also while it stays a candidate.
        costs: bool,
    },
    /// It has no choice after the capture; what that found is no longer of use, or not known.
    NothingLeft,
    /// It delegated after the capture.
    LateDelegation {
        /// The capture.
        capture: Height,
    },
    /// It declared intent after the capture.
    LateIntent {
        /// Its block.
        since: Height,
        /// The capture.
        snapshot: Height,
        /// The wipe that will remove it.
        wipe: Height,
    },
    /// It refused after validation start.
    LateRefusal {
        /// Its block.
        since: Height,
        /// Validation start.
        snapshot: Height,
        /// The wipe that will remove it.
        wipe: Height,
    },
    /// It declared intent for a model that was pre-eligible.
    IntentMustBeServed,
}

impl Trap {
    /// The reason in one word.
    pub(super) fn reason(&self) -> AdviceReason {
        match self {
            Self::Nothing | Self::MissedCapture { .. } | Self::NothingLeft => {
                AdviceReason::NoChoice
            }
            Self::ExpiredRefusal { .. } => AdviceReason::RefusalExpired,
            Self::ExpiredIntent { .. } => AdviceReason::IntentExpired,
            Self::RefusalOnCandidate | Self::RefusalCaptured => AdviceReason::RefusalOnCandidate,
            Self::IntentOnActive => AdviceReason::IntentOnActive,
            Self::DelegateDoesNotServe { .. } => AdviceReason::DelegateDoesNotServe,
            Self::DelegateWithoutIntent { .. } => AdviceReason::DelegateWithoutIntent,
            Self::LateDelegation { .. } | Self::LateIntent { .. } | Self::LateRefusal { .. } => {
                AdviceReason::TooLate
            }
            Self::IntentMustBeServed => AdviceReason::IntentNotServed,
        }
    }

    /// The reason, with `charge` such as `15 % of the reward`.
    pub(super) fn why(&self, charge: &str) -> String {
        match self {
            Self::Nothing => format!("No choice stands for this model, which costs {charge}."),
            Self::ExpiredRefusal { wiped } => format!(
                "The refusal expired at block {wiped}: the chain wipes refusals and intents in \
                 every epoch. Without a new choice this costs {charge}."
            ),
            Self::ExpiredIntent { wiped } => format!(
                "The intent expired at block {wiped}: the chain wipes refusals and intents in \
                 every epoch. Without a new choice this costs {charge}."
            ),
            Self::RefusalOnCandidate => format!(
                "A refusal does not protect here: the capture of a candidate model does not read \
                 refusals, and while the model stays a candidate this costs {charge}."
            ),
            Self::RefusalCaptured => format!(
                "The capture did not read the refusal. While the model stays a candidate this \
                 costs {charge}; only a store commit for it still avoids that."
            ),
            Self::IntentOnActive => format!(
                "An intent has no effect on a model that is already active, and declaring it \
                 removed any delegation. Unless the host serves the model, this costs {charge}."
            ),
            Self::DelegateDoesNotServe { delegate } => format!(
                "The delegate {delegate} does not serve this model, so the delegation counts as \
                 no choice, which costs {charge}."
            ),
            Self::DelegateWithoutIntent { delegate } => format!(
                "The delegate {delegate} has not declared intent: this weight does not count \
                 towards reach, and if the model becomes eligible without that host, the \
                 delegation counts as no choice, which costs {charge}."
            ),
            Self::MissedCapture { capture, costs } => {
                let stays = if *costs {
                    format!(
                        "While the model stays a candidate this costs {charge}, unless the host \
                         commits for it."
                    )
                } else {
                    "While the model stays a candidate this costs nothing.".to_owned()
                };
                format!(
                    "The capture at block {capture} found no choice that counts. {stays} If it \
                     becomes eligible, what stands at validation start decides, and nothing costs \
                     {charge}."
                )
            }
            Self::NothingLeft => format!(
                "No choice stands for this model. If it becomes eligible, what stands at \
                 validation start decides, and nothing costs {charge}."
            ),
            Self::LateDelegation { capture } => format!(
                "The delegation came after the capture at block {capture} and counts from the \
                 next one. While the model stays a candidate this costs {charge}; only a store \
                 commit for it still avoids that."
            ),
            Self::LateIntent { since, snapshot, wipe } => format!(
                "The intent of block {since} came after the capture at block {snapshot}: it counts \
                 for nothing and is wiped at block {wipe}. Choose again after that, or it costs \
                 {charge} in the next epoch."
            ),
            Self::LateRefusal { since, snapshot, wipe } => format!(
                "The refusal of block {since} came after validation start at block {snapshot}: it \
                 counts for nothing and is wiped at block {wipe}. Choose again after that, or it \
                 costs {charge} in the next epoch."
            ),
            Self::IntentMustBeServed => format!(
                "Intent was declared and the model was pre-eligible: without a store commit for it \
                 this costs {charge}."
            ),
        }
    }
}
