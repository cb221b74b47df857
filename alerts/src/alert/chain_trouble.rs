//! `EpochError` and `FallbackEpoch`: the chain tells that forming an epoch went wrong.

use bootwatch_rules::situation::ChainTrouble;
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
    when: "no host's work was accepted, and the chain seated the old group again as the new epoch",
    observe: fallback,
    ..EVENT
};

fn epoch_error(view: View<'_>) -> Vec<Observed<'_>> {
    let says = |trouble: &ChainTrouble| {
        if trouble.attributes.contains(&UNFORMED.map(str::to_owned).into()) {
            "No host had work accepted, and no live member was left to be seated again: the epoch \
             was not formed. Nothing was charged for it, and refusals and intents were not wiped."
        } else {
            "The chain reported an error while it changed epochs. Weights, groups or charges of \
             the epoch may differ from the forecast."
        }
    };
    observed(EPOCH_ERROR.name, "epoch_error", "the chain reports an epoch error", says, view)
}

/// The stage of the error by which an epoch is not formed at all (x/inference/module/module.go,
/// `onEndOfPoCValidationStage`): it returns before charges and the wipe.
const UNFORMED: [&str; 2] = ["stage", "empty_epoch_fallback"];

fn fallback(view: View<'_>) -> Vec<Observed<'_>> {
    let says = |_: &ChainTrouble| {
        "No host had work accepted, so the chain seated the live members of the running epoch again \
         as the new one. The rest went on as ever: charges were fixed, and refusals and intents \
         wiped. Choose again for the epoch after it."
    };
    let kind = "empty_epoch_fallback_applied";
    observed(FALLBACK.name, kind, "the old group was seated again", says, view)
}

fn observed<'a>(
    name: &'static str,
    kind: &str,
    summary: &'static str,
    what: impl Fn(&ChainTrouble) -> &'static str,
    view: View<'a>,
) -> Vec<Observed<'a>> {
    let troubles = view.situation.chain_troubles.iter();
    troubles
        .filter(|trouble| trouble.kind == kind && view.is_news(trouble.height))
        .map(|trouble| {
            let what = what(trouble);
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
