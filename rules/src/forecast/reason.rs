//! The sentence behind each branch. Most say the same of everybody and are not copied.

use std::borrow::Cow;

use crate::{Address, Choice, Fraction, Mode, RuleSet, resolution::BootstrapStand};

/// A sentence.
pub(super) type Reason = Cow<'static, str>;

pub(super) fn direct() -> Reason {
    "The host's own work for it is accepted.".into()
}

pub(super) fn delegate(to: &Address, share: Fraction) -> Reason {
    format!("Its delegate {to} is accepted and gets {share} of what is left of the reward.").into()
}

pub(super) fn delegate_fails(to: &Address) -> Reason {
    format!("Its delegate {to} is not accepted, so the delegation counts as nothing.").into()
}

pub(super) fn refuse() -> Reason {
    "Its refusal stands at validation start.".into()
}

pub(super) fn not_read() -> Reason {
    "It is no member of the running epoch and commits for no model, so its choice is not read."
        .into()
}

pub(super) fn none(choice: Option<&Choice>) -> Reason {
    match choice {
        Some(Choice::Intent) => {
            "An intent counts only at the capture: without accepted work it is nothing here."
        }
        _ => "It has neither accepted work nor a delegation or refusal at validation start.",
    }
    .into()
}

pub(super) fn unknown_choice(what: &str) -> Reason {
    format!("Its choice at validation start is not known; this is if it was {what}.").into()
}

pub(super) fn not_captured(active: bool) -> Reason {
    if active {
        "An active model that loses its group costs its members the weight, but no charge."
    } else {
        "The capture in force does not cover it, so there is nothing to charge."
    }
    .into()
}

pub(super) fn not_in_force(reason: &str) -> Reason {
    format!("{reason} It costs nothing before the model's penalty start.").into()
}

pub(super) fn bootstrap(
    mode: Option<Mode>,
    rule_set: RuleSet,
    stand: &BootstrapStand<'_>,
) -> Reason {
    match mode {
        None if !stand.was_member => {
            "A host that was no member of the running epoch is charged for no candidate."
        }
        None => "A candidate that was not pre-eligible costs nobody.",
        Some(Mode::BootstrapDirect) if rule_set == RuleSet::V0_2_16 => {
            "It committed for the candidate and at least one validator voted on it."
        }
        Some(Mode::BootstrapDirect) => "It committed for the candidate, accepted or not.",
        Some(Mode::BootstrapDelegate) => {
            "It had delegated the candidate at the capture; to whom does not matter."
        }
        Some(Mode::BootstrapIntentOk) => {
            "It had declared intent, and the candidate was not pre-eligible."
        }
        Some(Mode::BootstrapIntentMissed) => {
            "It had declared intent for a pre-eligible candidate and did not serve it."
        }
        Some(_) => match stand.choice {
            _ if !stand.was_member => {
                "It was no member of the running epoch, so no choice of it was captured."
            }
            Some(Choice::Refuse) => "A refusal does not count at the capture of a candidate.",
            _ => "It had neither intent nor delegation at the capture, and did not serve.",
        },
    }
    .into()
}
