//! `ForecastMismatch`: the chain contradicted what our rules said of it.

use bootwatch_rules::forecast::TrackRecord;
use bootwatch_schema::Severity;

use super::{About, Alert, Basis, EVENT, View, identity, says};
use crate::{
    lifecycle::Observed,
    message::{Notice, Row, grouped, plain},
};

pub(super) const ALERT: Alert = Alert {
    name: NAME,
    about: About::Bootwatch,
    basis: Basis::Bootwatch,
    severity: "warning",
    when: "a capture, or a charge that the chain fixed, came out otherwise than our rules say",
    observe,
    ..EVENT
};

const NAME: &str = "ForecastMismatch";

fn observe(view: View<'_>) -> Vec<Observed<'_>> {
    let Some(mismatch) = &view.situation.service.mismatch else { return Vec::new() };
    let TrackRecord { epochs, right, .. } = view.situation.record;
    let say = move |view: View<'_>| Notice {
        numbers: vec![
            Row::new("Block", &grouped(mismatch.height)),
            Row::new("Difference", &plain(&mismatch.what, 400)),
            Row::new("Rules", &plain(&view.situation.rule_set, 40)),
            Row::new("Epochs forecast right", &format!("{right} of {epochs}")),
        ],
        ..says(
            "the chain contradicts our forecast",
            "The chain's own result differs from what Bootwatch's rules give for the same block. \
             Forecasts and projections may be wrong until this is understood: check that the rule \
             set is that of the chain's version, and report it.",
        )
    };
    let summary = "the chain contradicts our forecast".to_owned();
    vec![Observed::new(identity(NAME, [], mismatch.height), Severity::Warning, summary, say)]
}
