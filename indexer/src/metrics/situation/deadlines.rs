//! Heights that freeze something.

use bootwatch_rules::situation::{Deadline, DeadlineState};

use super::{Families, count, number, seconds};

/// Those that lie ahead.
pub(super) fn families(out: &mut Families, deadlines: &[Deadline]) {
    for deadline in deadlines {
        self::deadline(out, deadline);
    }
}

fn deadline(out: &mut Families, deadline: &Deadline) {
    let labels = &[("deadline", deadline.name.as_str())];
    if deadline.state != DeadlineState::Ahead {
        return;
    }
    if let Some(height) = deadline.height {
        out.gauge(
            "bootwatch_deadline_height",
            "Last block that still counts for the deadline.",
            labels,
            number(height),
        );
    }
    if let Some(eta) = deadline.eta {
        out.gauge(
            "bootwatch_deadline_timestamp_seconds",
            "When the deadline is expected.",
            labels,
            seconds(eta),
        );
    }
    if let Some(error) = deadline.eta_error_seconds {
        out.gauge(
            "bootwatch_deadline_uncertainty_seconds",
            "The deadline may be this much earlier or later than expected.",
            labels,
            error,
        );
    }
    out.gauge(
        "bootwatch_deadline_epoch",
        "The epoch the deadline counts for.",
        labels,
        count(deadline.epoch),
    );
}
