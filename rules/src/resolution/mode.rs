//! The modes, and which one a host gets for one model.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Address, Choice, RuleSet};

/// How the chain resolves a host for a model.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Its work was accepted.
    Direct,
    /// Its delegate's work was accepted.
    Delegate,
    /// It refused in time.
    Refuse,
    /// Nothing that counts: no choice, or a delegate that failed.
    None,
    /// It committed for a candidate that stayed ineligible.
    BootstrapDirect,
    /// It had delegated at the capture; the delegate's quality does not matter.
    BootstrapDelegate,
    /// It had declared intent, and the candidate was not pre-eligible.
    BootstrapIntentOk,
    /// It had declared intent, the candidate was pre-eligible, and it did not serve.
    BootstrapIntentMissed,
    /// Nothing that counts at the capture; a refusal does not.
    BootstrapNone,
}

/// What the resolution of a candidate that stayed ineligible reads about a host with upcoming
/// weight.
#[derive(Debug, Clone, Copy)]
pub struct BootstrapStand<'a> {
    /// The capture's flag for the model.
    pub pre_eligible: bool,
    /// It is a live member of the effective root group.
    pub was_member: bool,
    /// It committed in this stage, accepted or not.
    pub committed: bool,
    /// Its commit got at least one validation vote.
    pub validated: bool,
    /// Its choice in the capture.
    pub choice: Option<&'a Choice>,
}

impl Mode {
    /// The mode for a model that became eligible. `is_member`: the host's work was accepted;
    /// `choice` is that of the snapshot at validation start; `serves` tells whether a delegate's
    /// work was accepted and it has weight in the effective group or a place in the upcoming one.
    pub fn regular(
        is_member: bool,
        choice: Option<&Choice>,
        serves: impl FnOnce(&Address) -> bool,
    ) -> Self {
        match choice {
            _ if is_member => Self::Direct,
            Some(Choice::Refuse) => Self::Refuse,
            Some(Choice::Delegate { delegate_to }) if serves(delegate_to) => Self::Delegate,
            _ => Self::None,
        }
    }

    /// The mode for a candidate that stayed ineligible; none when the rules ask nothing of the
    /// host for it.
    #[must_use]
    pub fn bootstrap(rule_set: RuleSet, stand: &BootstrapStand<'_>) -> Option<Self> {
        let newest = rule_set == RuleSet::V0_2_16;
        if newest && !(stand.pre_eligible && stand.was_member) {
            return None;
        }
        let served = if newest { stand.validated } else { stand.committed };
        Some(match stand.choice {
            _ if served => Self::BootstrapDirect,
            Some(Choice::Delegate { .. }) => Self::BootstrapDelegate,
            Some(Choice::Intent) if stand.pre_eligible => Self::BootstrapIntentMissed,
            Some(Choice::Intent) => Self::BootstrapIntentOk,
            Some(Choice::Refuse) | None => Self::BootstrapNone,
        })
    }

    /// The name in JSON, labels and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Delegate => "delegate",
            Self::Refuse => "refuse",
            Self::None => "none",
            Self::BootstrapDirect => "bootstrap_direct",
            Self::BootstrapDelegate => "bootstrap_delegate",
            Self::BootstrapIntentOk => "bootstrap_intent_ok",
            Self::BootstrapIntentMissed => "bootstrap_intent_missed",
            Self::BootstrapNone => "bootstrap_none",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stand(choice: Option<&Choice>) -> BootstrapStand<'_> {
        BootstrapStand {
            pre_eligible: true,
            was_member: true,
            committed: false,
            validated: false,
            choice,
        }
    }

    #[test]
    fn a_refusal_does_not_protect_on_a_candidate() {
        for rule_set in RuleSet::ALL {
            let mode = Mode::bootstrap(rule_set, &stand(Some(&Choice::Refuse)));
            assert_eq!(mode, Some(Mode::BootstrapNone));
        }
        assert_eq!(Mode::regular(false, Some(&Choice::Refuse), |_| true), Mode::Refuse);
    }

    #[test]
    fn serving_wins_over_every_choice() {
        let choice = Choice::Refuse;
        assert_eq!(Mode::regular(true, Some(&choice), |_| false), Mode::Direct);
        let committed = BootstrapStand { committed: true, ..stand(Some(&choice)) };
        assert_eq!(Mode::bootstrap(RuleSet::V0_2_14, &committed), Some(Mode::BootstrapDirect));
        assert_eq!(
            Mode::bootstrap(RuleSet::V0_2_16, &committed),
            Some(Mode::BootstrapNone),
            "the newest rules count a commit only with a validation vote"
        );
        let validated = BootstrapStand { validated: true, ..committed };
        assert_eq!(Mode::bootstrap(RuleSet::V0_2_16, &validated), Some(Mode::BootstrapDirect));
    }

    #[test]
    fn a_missed_capture_costs_only_under_the_older_rules() {
        let missed = |choice| BootstrapStand { pre_eligible: false, ..stand(choice) };
        let intent = Choice::Intent;
        for rule_set in [RuleSet::V0_2_12, RuleSet::V0_2_14] {
            assert_eq!(Mode::bootstrap(rule_set, &missed(None)), Some(Mode::BootstrapNone));
            assert_eq!(
                Mode::bootstrap(rule_set, &missed(Some(&intent))),
                Some(Mode::BootstrapIntentOk)
            );
        }
        assert_eq!(Mode::bootstrap(RuleSet::V0_2_16, &missed(None)), None);
    }

    #[test]
    fn a_new_host_pays_only_under_the_older_rules() {
        let new = BootstrapStand { was_member: false, ..stand(None) };
        assert_eq!(Mode::bootstrap(RuleSet::V0_2_14, &new), Some(Mode::BootstrapNone));
        assert_eq!(Mode::bootstrap(RuleSet::V0_2_16, &new), None);
    }

    #[test]
    fn a_delegate_that_fails_leaves_nothing() {
        let choice = Choice::Delegate { delegate_to: Address::from("d") };
        assert_eq!(Mode::regular(false, Some(&choice), |_| true), Mode::Delegate);
        assert_eq!(Mode::regular(false, Some(&choice), |_| false), Mode::None);
        assert_eq!(Mode::regular(false, Some(&Choice::Intent), |_| true), Mode::None);
    }
}
