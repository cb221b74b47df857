//! The life of an incident: what a block's observation makes of it. Pure.
//!
//! ```text
//!            observed at step ≥ 1              condition gone: met, missed, expired
//! (nothing) ─────────────────────▶ firing ─────────────────────────────────────────▶ resolved
//!                                   │   ▲                                               │
//!                    a higher step  └───┘        observed again in the same window      │
//!                                   ▲───────────────────────────────────────────────────┘
//! ```
//!
//! What cannot be told is not passed in at all, so it neither fires nor resolves anything.

use bootwatch_rules::Height;
use bootwatch_schema::{Ending, Incident, IncidentState, Severity};
use jiff::Timestamp;

use crate::incident::Identity;

/// A condition that holds now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Observed {
    /// Which incident it belongs to.
    pub(crate) identity: Identity,
    /// How far up the ladder; 0 keeps an incident alive but opens none.
    pub(crate) step: u32,
    /// How urgent.
    pub(crate) severity: Severity,
    /// The last block that still counts.
    pub(crate) deadline: Option<Height>,
    /// One line that stays true from block to block: no times, no countdowns.
    pub(crate) summary: String,
}

/// What has become of an incident whose condition was not observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absence {
    /// Nobody can tell: it stays as it is.
    Unknown,
    /// It ended, and those who were told should hear how.
    Ended(Ending),
    /// It ended, and nobody needs to hear.
    Faded,
}

/// When something happens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) height: Height,
    pub(crate) at: Timestamp,
}

/// An incident that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) incident: Incident,
    /// Whether the change is worth a message.
    pub(crate) tell: bool,
}

/// What an observation makes of the incident known so far, if it changes anything.
pub(crate) fn observe(known: Option<&Incident>, seen: Observed, moment: Moment) -> Option<Change> {
    match known {
        Some(incident) if incident.state != IncidentState::Resolved => {
            proceed(incident, seen, moment)
        }
        _ => open(seen, moment),
    }
}

fn open(seen: Observed, moment: Moment) -> Option<Change> {
    if seen.step == 0 {
        return None;
    }
    let incident = Incident {
        fingerprint: seen.identity.fingerprint(),
        alert: seen.identity.alert.to_owned(),
        labels: seen.identity.labels,
        window: seen.identity.window,
        state: IncidentState::Firing,
        severity: seen.severity,
        summary: seen.summary,
        opened_height: moment.height,
        opened_at: moment.at,
        changed_at: moment.at,
        deadline: seen.deadline,
        step: seen.step,
        told: [].into(),
        ending: None,
    };
    Some(Change { incident, tell: true })
}

fn proceed(incident: &Incident, seen: Observed, moment: Moment) -> Option<Change> {
    let moved = seen.deadline != incident.deadline;
    // An estimate that wavers around a rung must not speak twice; a deadline that moves away
    // starts the ladder anew from where it now stands.
    let step = if moved { seen.step } else { seen.step.max(incident.step) };
    let rose = step > incident.step;
    let severity = if rose || moved { seen.severity } else { incident.severity };
    if !moved && !rose && seen.summary == incident.summary {
        return None;
    }
    let incident = Incident {
        severity,
        summary: seen.summary,
        deadline: seen.deadline,
        step,
        changed_at: moment.at,
        ..incident.clone()
    };
    Some(Change { incident, tell: rose })
}

/// What the end of its condition makes of an incident.
pub(crate) fn end(incident: &Incident, absence: Absence, moment: Moment) -> Option<Change> {
    let (ending, tell) = match absence {
        Absence::Unknown => return None,
        Absence::Faded => (Ending::Expired, false),
        Absence::Ended(ending) => (ending, true),
    };
    let severity = match ending {
        Ending::Missed => Severity::Critical,
        Ending::Met | Ending::Expired => incident.severity,
    };
    let incident = Incident {
        state: IncidentState::Resolved,
        severity,
        changed_at: moment.at,
        ending: Some(ending),
        ..incident.clone()
    };
    Some(Change { incident, tell })
}
