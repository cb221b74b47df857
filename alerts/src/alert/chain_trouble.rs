//! `EpochError` and `FallbackEpoch`: the chain tells that forming an epoch went wrong.

use bootwatch_schema::Severity;

use super::{Alert, EVENT, View, identity, says};
use crate::{
    lifecycle::Observed,
    message::{Notice, Row, grouped, plain},
};

pub(super) const EPOCH_ERROR: Alert = Alert {
    name: "EpochError",
    severity: "warning",
    when: "the chain reported an error of a stage of the epoch",
    observe: epoch_error,
    ..EVENT
};

pub(super) const FALLBACK: Alert = Alert {
    name: "FallbackEpoch",
    severity: "warning",
    when: "the chain could form no new epoch and goes on with the old group",
    observe: fallback,
    ..EVENT
};

fn epoch_error(view: View<'_>) -> Vec<Observed<'_>> {
    let what = "The chain reported an error while it changed epochs. Weights, groups or charges of \
                the epoch may differ from the forecast.";
    observed(EPOCH_ERROR.name, "epoch_error", "the chain reports an epoch error", what, view)
}

fn fallback(view: View<'_>) -> Vec<Observed<'_>> {
    let what = "No host had work accepted, so the chain formed no new epoch: the group of the epoch \
                before stays in force, and refusals and intents were not wiped.";
    let kind = "empty_epoch_fallback_applied";
    observed(FALLBACK.name, kind, "no new epoch was formed", what, view)
}

fn observed<'a>(
    name: &'static str,
    kind: &str,
    summary: &'static str,
    what: &'static str,
    view: View<'a>,
) -> Vec<Observed<'a>> {
    let troubles = view.situation.chain_troubles.iter();
    troubles
        .filter(|trouble| trouble.kind == kind && view.is_news(trouble.height))
        .map(|trouble| {
            let say = move |_: View<'_>| {
                let mut numbers = vec![Row::new("Block", &grouped(trouble.height))];
                let shown = trouble.attributes.iter().take(10);
                numbers.extend(
                    shown.map(|(key, value)| Row::new(&plain(key, 60), &plain(value, 300))),
                );
                Notice { numbers, ..says(summary, what) }
            };
            let identity = identity(name, [], trouble.height);
            Observed::new(identity, Severity::Warning, summary.to_owned(), say)
        })
        .collect()
}
