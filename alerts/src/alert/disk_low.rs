//! `DiskLow`: the database's disk is almost full, or cannot be written at all.

use bootwatch_schema::{Ending, Severity};

use super::{About, Alert, Basis, CONDITION, View, identity, says};
use crate::{
    lifecycle::{Absence, Observed, Timing},
    message::{Notice, Row, grouped, plain},
};

pub(super) const ALERT: Alert = Alert {
    name: NAME,
    about: About::Bootwatch,
    basis: Basis::Bootwatch,
    severity: "warning, critical when the database cannot be written",
    when: "little is free on the database's disk; clears a quarter above",
    keys: &["disk_low_mb"],
    timing: |_| Timing::clears_after(60),
    observe,
    absent: |_, view| match view.situation.service.disk_free {
        Some(_) => Absence::Ended(Ending::Met),
        None => Absence::Unknown,
    },
    ..CONDITION
};

const NAME: &str = "DiskLow";
const MEGABYTE: u64 = 1_000_000;

fn observe(view: View<'_>) -> Vec<Observed<'_>> {
    let service = &view.situation.service;
    let identity = identity(NAME, [], "");
    let mut limit = view.policy.thresholds.disk_low_mb.saturating_mul(MEGABYTE);
    if view.is_open(&identity) {
        limit = limit.saturating_add(limit / 4);
    }
    let low = service.disk_free.is_some_and(|free| free < limit);
    let (step, severity, summary) = match &service.store_trouble {
        Some(_) => (2, Severity::Critical, "the database cannot be written"),
        None if low => (1, Severity::Warning, "the disk of the database is almost full"),
        None => return Vec::new(),
    };
    let say = move |_: View<'_>| {
        let mut numbers = Vec::new();
        if let Some(free) = service.disk_free {
            let free = grouped(i64::try_from(free / MEGABYTE).unwrap_or(i64::MAX));
            numbers.push(Row::new("Free", &format!("{free} MB")));
        }
        if let Some(trouble) = &service.store_trouble {
            numbers.push(Row::new("Database", &plain(trouble, 300)));
        }
        Notice {
            numbers,
            ..says(
                summary,
                "When the disk is full no block is taken in until there is room again; nothing \
                 that was stored is lost. Bootwatch's own database grows by less than 50 MB a \
                 year: look at what else is on the disk.",
            )
        }
    };
    vec![Observed { step, ..Observed::new(identity, severity, summary.to_owned(), say) }]
}
