//! `IngestStalled`: the chain goes on, and Bootwatch takes no block in.

use bootwatch_schema::{Ending, Severity};
use jiff::SignedDuration;

use super::{About, Alert, Basis, CONDITION, View, identity, says};
use crate::{
    lifecycle::{Absence, Observed, Timing},
    message::{Notice, Row, grouped, plain, utc},
};

pub(super) const ALERT: Alert = Alert {
    name: NAME,
    about: About::Bootwatch,
    basis: Basis::Bootwatch,
    severity: "critical",
    when: "the chain has newer blocks, and none was taken in for a while",
    keys: &["ingest_stalled_after"],
    timing: |_| Timing::clears_after(60),
    observe,
    absent: |_, view| {
        // Blocks come again, but until the head is reached what is shown is the past.
        if view.situation.stale { Absence::Unknown } else { Absence::Ended(Ending::Met) }
    },
    ..CONDITION
};

pub(crate) const NAME: &str = "IngestStalled";

fn observe(view: View<'_>) -> Vec<Observed<'_>> {
    let situation = view.situation;
    let Some(advanced) = situation.service.advanced_at else { return Vec::new() };
    let since: SignedDuration = view.now.duration_since(advanced);
    let behind = situation.head.saturating_sub(situation.complete_to);
    if !situation.stale || behind <= 0 || since < view.policy.thresholds.ingest_stalled_after {
        return Vec::new();
    }
    let say = move |view: View<'_>| {
        let mut numbers = vec![
            Row::new("Last block taken in", &grouped(situation.complete_to)),
            Row::new("Taken in at", &utc(advanced, None, view.lang())),
            Row::new("Newest block told of", &grouped(situation.head)),
        ];
        if let Some(trouble) = &situation.service.store_trouble {
            numbers.push(Row::new("Database", &plain(trouble, 300)));
        }
        Notice {
            numbers,
            ..says(
                format!("no block taken in, {} behind", grouped(behind)),
                "The chain goes on, but Bootwatch takes no block in. What it shows is the past, \
                 and deadlines may pass unnoticed. See its log, the disk, and the endpoints.",
            )
        }
    };
    let summary = "no block is taken in".to_owned();
    vec![Observed::new(identity(NAME, [], ""), Severity::Critical, summary, say)]
}
