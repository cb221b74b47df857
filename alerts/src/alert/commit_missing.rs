//! `CommitMissing`: PoC has started, and a host that has to commit for a model has not. What it must
//! serve are models of whose group it is a member, and pre-eligible ones that it declared intent for.

use bootwatch_rules::situation::{AdviceReason, DeadlineName, HostModelView, HostView, Phase};
use bootwatch_schema::{Ending, Incident, Severity};

use super::{About, Alert, CONDITION, HOST, MODEL, View, costly, ended, identity, names, says};
use crate::{
    lifecycle::{Absence, Observed, Timing},
    message::{By, Lang, Notice, Phrase, plain, short_model},
};

pub(super) const ALERT: Alert = Alert {
    name: NAME,
    about: About::Host,
    severity: "critical",
    when: "PoC runs, the commit deadline is near, and a host that serves the model or declared \
           intent for it, pre-eligible, has not committed",
    keys: &["commit_blocks"],
    timing: |_| Timing::AT_ONCE,
    observe,
    absent,
    over,
    ..CONDITION
};

const NAME: &str = "CommitMissing";

fn observe(view: View<'_>) -> Vec<Observed<'_>> {
    if view.situation.epoch.phase != Phase::PocGenerate {
        return Vec::new();
    }
    let Some(deadline) = view.deadline(DeadlineName::CommitDeadline) else { return Vec::new() };
    let Some(height) = deadline.height else { return Vec::new() };
    if !(1..=view.policy.thresholds.commit_blocks).contains(&view.blocks_left(height)) {
        return Vec::new();
    }
    view.choices()
        .filter(|(_, model)| model.committed.is_none() && must_commit(model))
        .map(|(host, model)| {
            let labels = [(HOST, host.address.as_str()), (MODEL, model.model_id.as_str())];
            let short = short_model(model.model_id.as_str());
            let summary = format!("{}: {}", plain(&host.name, 40), trouble(&short, Lang::En));
            Observed {
                deadline: Some(height),
                ..Observed::new(
                    identity(NAME, labels, deadline.epoch),
                    Severity::Critical,
                    summary,
                    move |view| say(host, model, height, view),
                )
            }
        })
        .collect()
}

fn must_commit(model: &HostModelView) -> bool {
    let owes = model.advice.as_ref().is_some_and(|a| a.reason == AdviceReason::IntentNotServed);
    // A member that delegated or refused has said that it will not.
    let serves = model.serves && !matches!(model.choice.kind.as_str(), "delegate" | "refuse");
    owes || serves
}

fn trouble(model: &str, lang: Lang) -> String {
    Phrase::Need { reason: AdviceReason::IntentNotServed, model }.say(lang)
}

fn say(host: &HostView, model: &HostModelView, height: i64, view: View<'_>) -> Notice {
    let by = By::new(DeadlineName::CommitDeadline, height, &view);
    let trouble = trouble(&short_model(model.model_id.as_str()), view.lang());
    Notice {
        by: Some(by.clone()),
        numbers: costly::numbers(host, model, view),
        ..says(
            format!("{}: {trouble}, {}", plain(&host.name, 40), by.left),
            Phrase::NoCommitWhat { model: &plain(model.model_id.as_str(), 200) }.say(view.lang()),
        )
    }
}

fn over(incident: &Incident, view: View<'_>) -> Notice {
    let (host, model) = names(incident, view);
    ended(incident, view, &format!("{host}: {}", trouble(&model, view.lang())))
}

fn absent(incident: &Incident, view: View<'_>) -> Absence {
    let Some((_, model)) = view.choice_of(incident) else { return Absence::Faded };
    let left = incident.deadline.map_or(-1, |deadline| view.blocks_left(deadline));
    match (model.committed, left) {
        (Some(_), _) => Absence::Ended(Ending::Met),
        (None, 1..) => Absence::Faded,
        (None, 0) => Absence::Ended(Ending::Missed),
        (None, _) => Absence::Ended(Ending::Expired),
    }
}
