//! The alerts that follow the advice: why a watched host has something to do decides which of them
//! speaks, so that each can be chosen, silenced and looked up by its own name.

use bootwatch_rules::situation::AdviceReason;

use super::{
    About, Alert, CONDITION, View,
    costly::{self, Need},
};
use crate::lifecycle::Observed;

/// What they have in common.
const COSTLY: Alert = Alert {
    about: About::Host,
    absent: costly::absent,
    over: costly::over,
    keys: &["ladder"],
    ..CONDITION
};

const NO_CHOICE: Need =
    Need { name: "DecisionMissing", reasons: &[AdviceReason::NoChoice], at_once: false };

pub(super) const DECISION_MISSING: Alert = Alert {
    name: NO_CHOICE.name,
    severity: "by the ladder",
    when: "no choice stands for a model, and the next deadline will cost",
    observe: no_choice,
    ..COSTLY
};

fn no_choice(view: View<'_>) -> Vec<Observed<'_>> {
    costly::observe(&NO_CHOICE, view)
}

const EXPIRED: Need = Need {
    name: "ChoiceExpired",
    reasons: &[AdviceReason::RefusalExpired, AdviceReason::IntentExpired],
    at_once: true,
};

pub(super) const CHOICE_EXPIRED: Alert = Alert {
    name: EXPIRED.name,
    severity: "warning, then by the ladder",
    when: "the wipe at a validation end took a refusal or an intent, and nothing replaced it",
    observe: expired,
    ..COSTLY
};

fn expired(view: View<'_>) -> Vec<Observed<'_>> {
    costly::observe(&EXPIRED, view)
}

const CANDIDATE_REFUSED: Need = Need {
    name: "RefusalOnCandidate",
    reasons: &[AdviceReason::RefusalOnCandidate],
    at_once: true,
};

pub(super) const REFUSAL_ON_CANDIDATE: Alert = Alert {
    name: CANDIDATE_REFUSED.name,
    severity: "warning, then by the ladder",
    when: "a refusal stands for a candidate model, whose capture does not read refusals",
    observe: candidate_refused,
    ..COSTLY
};

fn candidate_refused(view: View<'_>) -> Vec<Observed<'_>> {
    costly::observe(&CANDIDATE_REFUSED, view)
}

const TOO_LATE: Need =
    Need { name: "ChoiceTooLate", reasons: &[AdviceReason::TooLate], at_once: true };

pub(super) const CHOICE_TOO_LATE: Alert = Alert {
    name: TOO_LATE.name,
    severity: "warning, then by the ladder",
    when: "a transaction succeeded after the snapshot that it was meant for: it counts for nothing",
    observe: too_late,
    ..COSTLY
};

fn too_late(view: View<'_>) -> Vec<Observed<'_>> {
    costly::observe(&TOO_LATE, view)
}

const DELETED: Need =
    Need { name: "DelegationDeleted", reasons: &[AdviceReason::IntentOnActive], at_once: true };

pub(super) const DELEGATION_DELETED: Alert = Alert {
    name: DELETED.name,
    severity: "warning, then by the ladder",
    when: "an intent was declared for an active model: it has no effect and removed any delegation",
    observe: deleted,
    ..COSTLY
};

fn deleted(view: View<'_>) -> Vec<Observed<'_>> {
    costly::observe(&DELETED, view)
}

const WITHOUT_EFFECT: Need = Need {
    name: "DelegationWithoutEffect",
    reasons: &[AdviceReason::DelegateDoesNotServe, AdviceReason::DelegateWithoutIntent],
    at_once: true,
};

pub(super) const DELEGATION_WITHOUT_EFFECT: Alert = Alert {
    name: WITHOUT_EFFECT.name,
    severity: "warning, then by the ladder",
    when: "the delegate does not serve the model, or has no intent for the candidate",
    observe: without_effect,
    ..COSTLY
};

fn without_effect(view: View<'_>) -> Vec<Observed<'_>> {
    costly::observe(&WITHOUT_EFFECT, view)
}
