//! `UpgradeNear`: the chain stands still at a height until its new program runs.

use bootwatch_rules::situation::{Disturbed, UpgradeView};
use bootwatch_schema::{Ending, Incident, Severity};

use super::{Alert, CONDITION, View, identity, label, says};
use crate::{
    lifecycle::{Absence, Observed, Timing},
    message::{Lang, Name, Notice, Phrase, Row, deadline_words, grouped, left, plain, utc},
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
    let summary = headline(upgrade, Lang::En);
    let say = move |view: View<'a>| say(upgrade, view);
    Observed {
        step,
        deadline: Some(upgrade.height),
        ..Observed::new(identity(NAME, [(UPGRADE, &name)], upgrade.height), severity, summary, say)
    }
}

fn headline(upgrade: &UpgradeView, lang: Lang) -> String {
    let (name, block) = (&plain(&upgrade.name, 60), &grouped(upgrade.height));
    Phrase::UpgradeAt { upgrade: name, block }.say(lang)
}

fn say(upgrade: &UpgradeView, view: View<'_>) -> Notice {
    let lang = view.lang();
    let (block, blocks) = (&grouped(upgrade.height), upgrade.blocks_left);
    let ahead = Phrase::BlocksAhead { block, blocks }.say(lang);
    let mut numbers = vec![
        Row::named(Name::Upgrade, &plain(&upgrade.name, 200), lang),
        Row::named(Name::UpgradeBlock, &ahead, lang),
    ];
    let expected = upgrade.eta.map(|eta| utc(eta, upgrade.eta_error_seconds, lang));
    numbers.extend(expected.map(|text| Row::named(Name::Expected, &text, lang)));
    let mut what = Phrase::UpgradeWhat { block }.say(lang);
    if let Some(disturbed) = &upgrade.disturbs {
        numbers.push(Row::named(Name::ComesBefore, &due(upgrade, disturbed, lang), lang));
        let blocks = disturbed.height.saturating_sub(upgrade.height);
        let deadline = &deadline_words(disturbed.name, lang);
        what = format!("{what} {}", Phrase::UpgradeDisturbs { blocks, deadline }.say(lang));
    }
    let time_left = upgrade.eta.map(|eta| eta.duration_since(view.now));
    let left = left(time_left, upgrade.blocks_left, lang);
    Notice { numbers, ..says(format!("{}, {left}", headline(upgrade, lang)), what) }
}

/// `capture of epoch 360, block 5,551,615, 400 blocks later`.
pub(super) fn due(upgrade: &UpgradeView, disturbed: &Disturbed, lang: Lang) -> String {
    Phrase::DeadlineAfter {
        deadline: &deadline_words(disturbed.name, lang),
        epoch: disturbed.epoch,
        block: &grouped(disturbed.height),
        blocks: disturbed.height.saturating_sub(upgrade.height),
    }
    .say(lang)
}

fn absent(incident: &Incident, view: View<'_>) -> Absence {
    let reached = incident.deadline.is_some_and(|height| view.blocks_left(height) <= 0);
    match &view.situation.plans {
        _ if reached => Absence::Ended(Ending::Met),
        None => Absence::Unknown,
        Some(_) => Absence::Ended(Ending::Expired),
    }
}

fn over(incident: &Incident, view: View<'_>) -> Notice {
    let lang = view.lang();
    let upgrade = &plain(label(incident, UPGRADE), 60);
    let block = &grouped(incident.deadline.unwrap_or_default());
    let (headline, what) = match incident.ending {
        Some(Ending::Met) => {
            (Phrase::UpgradeThere { upgrade, block }, Phrase::UpgradeThereWhat { upgrade, block })
        }
        _ => (Phrase::UpgradeOff { upgrade, block }, Phrase::UpgradeOffWhat),
    };
    says(headline.say(lang), what.say(lang))
}
