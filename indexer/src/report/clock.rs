//! Heights and phases in words.

use bootwatch_rules::situation::{Deadline, DeadlineName, DeadlineState, Phase};
use jiff::{Timestamp, tz::TimeZone};

use super::{
    Due,
    words::{count, counted, elapsed, instant, span},
};

/// A phase in a few words.
pub(crate) fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::PocGenerate => "PoC runs",
        Phase::PocExchange => "PoC exchange",
        Phase::PocValidate => "PoC validation",
        Phase::Formed => "next group formed",
        Phase::Inference => "inference",
        Phase::Unknown => "phase unknown",
    }
}

/// `in 33 min`, or `due now`.
pub(super) fn until(eta: Timestamp, now: Timestamp) -> String {
    if eta <= now { "due now".to_owned() } else { format!("in {}", elapsed(now, eta)) }
}

pub(crate) fn name(name: DeadlineName) -> &'static str {
    match name {
        DeadlineName::Capture => "capture",
        DeadlineName::PocStart => "PoC start",
        DeadlineName::CommitDeadline => "commit deadline",
        DeadlineName::ValidationStart => "validation start",
        DeadlineName::ValidationEnd => "validation end",
    }
}

fn meaning(name: DeadlineName) -> &'static str {
    match name {
        DeadlineName::Capture => "freezes intents and delegations for candidates",
        DeadlineName::PocStart => "hosts begin to work for the next epoch",
        DeadlineName::CommitDeadline => "last block for store commits",
        DeadlineName::ValidationStart => "freezes delegations and refusals for every model",
        DeadlineName::ValidationEnd => "fixes the charges, wipes refusals and intents",
    }
}

pub(super) fn due(deadline: &Deadline, now: Timestamp, zone: &TimeZone) -> Due {
    let dash = || "-".to_owned();
    let left = match (deadline.state, deadline.eta, deadline.eta_error_seconds) {
        (DeadlineState::Absent, ..) => "does not occur with the present parameters".to_owned(),
        (DeadlineState::Unknown, ..) | (DeadlineState::Ahead, None, _) => "not known".to_owned(),
        (DeadlineState::Ahead, Some(eta), None) => until(eta, now),
        (DeadlineState::Ahead, Some(eta), Some(error)) => {
            format!("{} ± {}", until(eta, now), span(error))
        }
    };
    Due {
        name: name(deadline.name),
        meaning: meaning(deadline.name),
        epoch: deadline.epoch.to_string(),
        height: deadline.height.map_or_else(dash, count),
        blocks: deadline.blocks_left.map_or_else(dash, |left| counted(left, "block")),
        left,
        at: deadline.eta.map_or_else(dash, |eta| instant(eta, now, zone)),
        datetime: deadline.eta.map(|eta| eta.to_string()),
    }
}
