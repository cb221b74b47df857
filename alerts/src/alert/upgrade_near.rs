//! `UpgradeNear`: the chain stands still at a height until its new program runs.

use bootwatch_rules::situation::{Disturbed, UpgradeView};
use bootwatch_schema::{Ending, Incident, Severity};

use super::{Alert, CONDITION, View, identity, label, says};
use crate::{
    lifecycle::{Absence, Observed, Timing},
    message::{Lang, Notice, Row, Tag, deadline_words, grouped, left, plain, utc},
};

pub(super) const ALERT: Alert = Alert {
    name: NAME,
    severity: "info, warning when it is near or disturbs a deadline",
    when: "an upgrade of the chain is scheduled",
    keys: &["upgrade_within"],
    // What the chain has scheduled does not flap: the plan is there, carried out or taken back.
    timing: |_| Timing::AT_ONCE,
    observe,
    absent,
    over,
    ..CONDITION
};

const NAME: &str = "UpgradeNear";
/// The label of the upgrade's name.
const UPGRADE: &str = "upgrade";

fn observe(view: View<'_>) -> Vec<Observed<'_>> {
    let plans = view.situation.plans.as_ref();
    plans
        .and_then(|plans| plans.upgrade.as_ref())
        .map(|upgrade| observed(upgrade, view))
        .into_iter()
        .collect()
}

fn observed<'a>(upgrade: &'a UpgradeView, view: View<'a>) -> Observed<'a> {
    let within = view.policy.thresholds.upgrade_within;
    let near = upgrade.eta.is_some_and(|eta| eta.duration_since(view.now) <= within);
    let (step, severity) = if near || upgrade.disturbs.is_some() {
        (2, Severity::Warning)
    } else {
        (1, Severity::Info)
    };
    let name = plain(&upgrade.name, 60);
    let summary = format!("upgrade {name} at block {}", grouped(upgrade.height));
    let headline = summary.clone();
    let say = move |view: View<'a>| say(upgrade, &headline, view);
    Observed {
        step,
        deadline: Some(upgrade.height),
        ..Observed::new(identity(NAME, [(UPGRADE, &name)], upgrade.height), severity, summary, say)
    }
}

fn say(upgrade: &UpgradeView, headline: &str, view: View<'_>) -> Notice {
    let lang = view.lang();
    let time_left = upgrade.eta.map(|eta| eta.duration_since(view.now));
    let mut numbers = vec![
        Row::new("Upgrade", &plain(&upgrade.name, 200)),
        Row::new(
            "Its block",
            &format!("{}, {} blocks ahead", grouped(upgrade.height), grouped(upgrade.blocks_left)),
        ),
    ];
    let expected = upgrade.eta.map(|eta| utc(eta, upgrade.eta_error_seconds, lang));
    numbers.extend(expected.map(|text| Row::new("Expected", &text)));
    let mut what = format!(
        "The old program makes no block from {} on: the chain stands still there until enough \
         hosts run the new one, and every deadline after it comes later by as long. Have the new \
         version of node and API in place before, and see that both run it after.",
        grouped(upgrade.height)
    );
    if let Some(disturbed) = &upgrade.disturbs {
        numbers.push(Row::new("Comes before", &due(upgrade, disturbed, lang)));
        what += &format!(
            " It comes {} blocks before {}: choices and work for that may not get through in time \
             after it. Send choices before the upgrade.",
            grouped(disturbed.height.saturating_sub(upgrade.height)),
            deadline_words(disturbed.name, lang)
        );
    }
    let left = left(time_left, upgrade.blocks_left, lang);
    Notice { numbers, ..says(format!("{headline}, {left}"), what) }
}

/// `capture of epoch 360, block 5,551,615, 400 blocks later`.
pub(super) fn due(upgrade: &UpgradeView, disturbed: &Disturbed, lang: Lang) -> String {
    format!(
        "{} of epoch {}, block {}, {} blocks later",
        deadline_words(disturbed.name, lang),
        disturbed.epoch,
        grouped(disturbed.height),
        grouped(disturbed.height.saturating_sub(upgrade.height))
    )
}

fn absent(incident: &Incident, view: View<'_>) -> Absence {
    let reached = incident.deadline.is_some_and(|height| view.blocks_left(height) <= 0);
    match &view.situation.plans {
        _ if reached => Absence::Ended(Ending::Met),
        None => Absence::Unknown,
        Some(_) => Absence::Ended(Ending::Expired),
    }
}

fn over(incident: &Incident, _: View<'_>) -> Notice {
    let name = plain(label(incident, UPGRADE), 60);
    let block = grouped(incident.deadline.unwrap_or_default());
    match incident.ending {
        Some(Ending::Met) => says(
            format!("upgrade {name}: block {block} is there"),
            format!(
                "The chain has passed block {block}. See that your own node and API run {name}."
            ),
        ),
        _ => Notice {
            tag: Tag::Done,
            ..says(
                format!("upgrade {name} at block {block} is off"),
                "It is no longer scheduled: it was taken back, or another took its place.",
            )
        },
    }
}
