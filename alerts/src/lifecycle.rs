//! The life of an incident: what an observation, or its absence, makes of it. Pure.
//!
//! ```text
//!              observed          for `hold`              gone for `clear`: met, missed, expired
//! (inactive) ──────────▶ pending ──────────▶ firing ─────────────────────────────────▶ resolved
//!      ▲                    │                │   ▲                                        │
//!      └────── gone ────────┘  a higher step └───┘      observed again in the same window │
//!                           ▲─────────────────────────────────────────────────────────────┘
//! ```
//!
//! *Unknown* stands beside all of them: while nobody can tell whether the condition holds, nothing
//! moves. Each time an incident comes back in its window, its end has to be twice as convincing, so
//! that something that flaps is told a few times and not for ever.

use bootwatch_rules::Height;
use bootwatch_schema::{Clearing, Ending, Incident, IncidentState, Severity};
use jiff::{SignedDuration, Timestamp};

use crate::{alert::View, incident::Identity, message::Notice};

/// A condition that holds now.
pub(crate) struct Observed<'a> {
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
    /// What to say about it now, to the reader of the view. Called only when there is somebody to
    /// tell.
    pub(crate) say: Box<dyn Fn(View<'a>) -> Notice + 'a>,
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

/// How long a condition has to hold, and to be gone, before that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timing {
    pub(crate) hold: SignedDuration,
    pub(crate) clear: SignedDuration,
}

impl Timing {
    pub(crate) const AT_ONCE: Self =
        Self { hold: SignedDuration::ZERO, clear: SignedDuration::ZERO };

    /// Fires at once and clears after so many seconds.
    pub(crate) const fn clears_after(seconds: i64) -> Self {
        Self { hold: SignedDuration::ZERO, clear: SignedDuration::from_secs(seconds) }
    }
}

/// The longest time that a condition has to be gone, however often it came back.
const LONGEST_CLEAR: SignedDuration = SignedDuration::from_hours(6);

/// When something happens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) height: Height,
    pub(crate) at: Timestamp,
}

/// What an observation makes of the incident known so far; none when it changes nothing.
pub(crate) fn observe(
    known: Option<&Incident>,
    seen: &Observed<'_>,
    timing: Timing,
    moment: Moment,
) -> Option<Incident> {
    match known {
        Some(incident) if incident.state == IncidentState::Pending => {
            Some(hold(incident, seen, timing, moment)).filter(|next| next != incident)
        }
        Some(incident) if incident.state == IncidentState::Firing => {
            Some(proceed(incident, seen, moment)).filter(|next| next != incident)
        }
        _ => open(known, seen, timing, moment),
    }
}

fn open(
    before: Option<&Incident>,
    seen: &Observed<'_>,
    timing: Timing,
    moment: Moment,
) -> Option<Incident> {
    if seen.step == 0 {
        return None;
    }
    let pending = Incident {
        fingerprint: seen.identity.fingerprint(),
        alert: seen.identity.alert.to_owned(),
        labels: seen.identity.labels.clone(),
        window: seen.identity.window.clone(),
        state: IncidentState::Pending,
        severity: seen.severity,
        summary: seen.summary.clone(),
        opened_height: moment.height,
        opened_at: moment.at,
        changed_at: moment.at,
        deadline: seen.deadline,
        step: seen.step,
        occurrence: before.map_or(0, |incident| incident.occurrence),
        risen_at: moment.at,
        clearing: None,
        unknown_since: None,
        acknowledged: None,
        silenced_by: None,
        inhibited_by: None,
        told: [].into(),
        ending: None,
    };
    Some(hold(&pending, seen, timing, moment))
}

/// A pending incident whose condition still holds.
fn hold(incident: &Incident, seen: &Observed<'_>, timing: Timing, moment: Moment) -> Incident {
    let next = proceed(incident, seen, moment);
    if moment.at.duration_since(incident.opened_at) < timing.hold {
        return next;
    }
    Incident {
        state: IncidentState::Firing,
        occurrence: incident.occurrence.saturating_add(1),
        risen_at: moment.at,
        changed_at: moment.at,
        ..next
    }
}

fn proceed(incident: &Incident, seen: &Observed<'_>, moment: Moment) -> Incident {
    let moved = seen.deadline != incident.deadline;
    // An estimate that wavers around a rung must not speak twice; a deadline that moves away
    // starts the ladder anew from where it now stands.
    let step = if moved { seen.step } else { seen.step.max(incident.step) };
    let rose = step > incident.step;
    let urgent = seen.severity > incident.severity;
    let mut next = Incident {
        severity: if rose || moved || urgent { seen.severity } else { incident.severity },
        summary: seen.summary.clone(),
        deadline: seen.deadline,
        step,
        clearing: None,
        unknown_since: None,
        ..incident.clone()
    };
    if moved {
        for told in next.told.values_mut() {
            told.step = told.step.min(step);
            told.severity = told.severity.min(seen.severity);
        }
    }
    if rose || urgent {
        next.risen_at = moment.at;
    }
    if next != *incident {
        next.changed_at = moment.at;
    }
    next
}

/// What the absence of its condition makes of an incident; none when it changes nothing.
pub(crate) fn end(
    incident: &Incident,
    absence: Absence,
    timing: Timing,
    moment: Moment,
) -> Option<Incident> {
    let (ending, quiet) = match absence {
        Absence::Unknown => return unknown(incident, moment),
        Absence::Faded => (Ending::Expired, true),
        Absence::Ended(ending) => (ending, false),
    };
    if incident.state == IncidentState::Pending {
        return Some(resolve(incident, Ending::Expired, true, moment));
    }
    // A deadline that was reached is a hard end: nothing comes back after it.
    let reached = incident.deadline.is_some_and(|deadline| deadline <= moment.height);
    if reached || ending == Ending::Missed {
        return Some(resolve(incident, ending, quiet, moment));
    }
    let since = incident.clearing.map_or(moment.at, |clearing| clearing.since);
    if moment.at.duration_since(since) >= patience(incident, timing) {
        return Some(resolve(incident, ending, quiet, moment));
    }
    let clearing = Some(Clearing { since, ending });
    let next = Incident { clearing, unknown_since: None, ..incident.clone() };
    Some(next).filter(|next| next != incident)
}

/// Nobody can tell: an incident that is not over is marked so, and stays as it is.
pub(crate) fn unknown(incident: &Incident, moment: Moment) -> Option<Incident> {
    (incident.unknown_since.is_none() && incident.state != IncidentState::Resolved)
        .then(|| Incident { unknown_since: Some(moment.at), ..incident.clone() })
}

fn patience(incident: &Incident, timing: Timing) -> SignedDuration {
    let doublings = incident.occurrence.saturating_sub(1).min(16);
    timing.clear.saturating_mul(1 << doublings).min(LONGEST_CLEAR.max(timing.clear))
}

fn resolve(incident: &Incident, ending: Ending, quiet: bool, moment: Moment) -> Incident {
    let severity = match ending {
        Ending::Missed => Severity::Critical,
        Ending::Met | Ending::Expired => incident.severity,
    };
    let mut next = Incident {
        state: IncidentState::Resolved,
        severity,
        changed_at: moment.at,
        clearing: None,
        unknown_since: None,
        ending: Some(ending),
        ..incident.clone()
    };
    for told in next.told.values_mut() {
        told.ended |= quiet;
    }
    next
}
