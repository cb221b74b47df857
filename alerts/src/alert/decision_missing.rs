//! `DecisionMissing`: a watched host has something to do before a deadline, and has not done it.
//!
//! It climbs the ladder towards the deadline. It ends as *met* when nothing is left to do while the
//! deadline is still ahead, as *missed* when the deadline passes, and as *expired* when the data
//! jumps over the deadline, so that nobody can tell.

use bootwatch_rules::{
    EpochIndex, Height,
    situation::{Advice, ChoiceView, DeadlineName, HostModelView, HostView},
};
use bootwatch_schema::{Ending, Incident};

use super::{Alert, DEADLINE, HOST, MODEL, View, label};
use crate::{
    incident::Identity,
    lifecycle::{Absence, Observed},
    message::{
        By, Notice, Row, Step, Tag, choice_words, deadline_words, gap_rows, grouped, percent,
        plain, short_model,
    },
};

pub(crate) const ALERT: Alert = Alert { name: NAME, observe, absent, notice };

const NAME: &str = "DecisionMissing";

fn observe(view: &View<'_>) -> Vec<Observed> {
    let mut seen = Vec::new();
    for host in view.situation.hosts.iter().filter(|host| host.known) {
        for model in &host.models {
            let Some(advice) = model.advice.as_ref() else { continue };
            if view.blocks_left(advice.last_height) > 0 {
                seen.push(observed(host, model, advice, view));
            }
        }
    }
    seen
}

fn observed(host: &HostView, model: &HostModelView, advice: &Advice, view: &View<'_>) -> Observed {
    let left = view.time_left(advice.deadline, advice.last_height);
    let step = view.policy.ladder.step(left, view.blocks_left(advice.last_height));
    let epoch = epoch(advice.deadline, view);
    Observed {
        identity: Identity {
            alert: NAME,
            labels: [
                (HOST.to_owned(), host.address.as_str().to_owned()),
                (MODEL.to_owned(), model.model_id.as_str().to_owned()),
                (DEADLINE.to_owned(), advice.deadline.as_str().to_owned()),
            ]
            .into(),
            window: epoch.to_string(),
        },
        step,
        severity: view.policy.ladder.severity(step),
        deadline: Some(advice.last_height),
        summary: format!(
            "{}: {} before the {} of epoch {epoch}",
            plain(&host.name, 40),
            trouble(model),
            deadline_words(advice.deadline),
        ),
    }
}

/// The epoch that a deadline counts for.
fn epoch(name: DeadlineName, view: &View<'_>) -> EpochIndex {
    view.deadline(name).map_or(view.situation.epoch.upcoming, |deadline| deadline.epoch)
}

fn absent(incident: &Incident, view: &View<'_>) -> Absence {
    let Some(host) = find_host(incident, view) else { return Absence::Faded };
    if !host.known {
        return Absence::Unknown;
    }
    let Some(model) = find_model(incident, host) else {
        return Absence::Ended(Ending::Expired);
    };
    if model.choice.kind == "unknown" {
        return Absence::Unknown;
    }
    let Some(deadline) = incident.deadline else { return Absence::Faded };
    match view.blocks_left(deadline) {
        // The same need under another deadline is an incident of its own.
        1.. if model.advice.is_some() => Absence::Faded,
        1.. => Absence::Ended(Ending::Met),
        0 if in_last_block(&model.choice, incident, deadline) => Absence::Ended(Ending::Met),
        0 => Absence::Ended(Ending::Missed),
        // The deadline's own block was not seen: what was stored then may have been replaced or
        // wiped since.
        _ => Absence::Ended(Ending::Expired),
    }
}

/// A choice in the deadline's own block still counts, since transactions run before the EndBlock
/// that takes the snapshot; by then there is no advice for this deadline any more. A capture reads
/// intents and delegations, validation start delegations and refusals.
fn in_last_block(choice: &ChoiceView, incident: &Incident, deadline: Height) -> bool {
    let counts = match choice.kind.as_str() {
        "delegate" => true,
        "intent" => label(incident, DEADLINE) == DeadlineName::Capture.as_str(),
        "refuse" => label(incident, DEADLINE) == DeadlineName::ValidationStart.as_str(),
        _ => false,
    };
    counts && choice.since == Some(deadline)
}

fn find_host<'a>(incident: &Incident, view: &View<'a>) -> Option<&'a HostView> {
    view.situation.hosts.iter().find(|host| host.address.as_str() == label(incident, HOST))
}

fn find_model<'a>(incident: &Incident, host: &'a HostView) -> Option<&'a HostModelView> {
    host.models.iter().find(|model| model.model_id.as_str() == label(incident, MODEL))
}

fn notice(incident: &Incident, view: &View<'_>) -> Notice {
    let host = find_host(incident, view);
    let model = host.and_then(|host| find_model(incident, host));
    let who = host.map_or(label(incident, HOST), |host| host.name.as_str());
    match (incident.ending, host, model) {
        (None, Some(host), Some(model)) if model.advice.is_some() => {
            firing(incident, host, model, view)
        }
        _ => ended(incident, who, host, model, view),
    }
}

fn firing(incident: &Incident, host: &HostView, model: &HostModelView, view: &View<'_>) -> Notice {
    let advice = model.advice.as_ref();
    let deadline = incident.deadline.unwrap_or_default();
    let name = advice.map_or(DeadlineName::Capture, |advice| advice.deadline);
    let by = By::new(name, deadline, view);
    let left = by.left.clone();
    Notice {
        tag: Tag::Severity(incident.severity),
        headline: format!("{}: {}, {left}", plain(&host.name, 40), trouble(model)),
        what: advice.map(|advice| plain(&advice.why, 800)).unwrap_or_default(),
        cost: advice.map(|advice| {
            format!(
                "{} of this host's reward of epoch {}, if nothing changes.",
                percent(&advice.charge),
                incident.window
            )
        }),
        by: Some(by),
        steps: advice
            .map(|advice| advice.commands.iter().map(Step::from).collect())
            .unwrap_or_default(),
        numbers: numbers(incident, host, model, view),
    }
}

fn ended(
    incident: &Incident,
    who: &str,
    host: Option<&HostView>,
    model: Option<&HostModelView>,
    view: &View<'_>,
) -> Notice {
    let id = plain(label(incident, MODEL), 200);
    let short = short_model(label(incident, MODEL));
    let deadline = incident.deadline.unwrap_or_default();
    let what_deadline = label(incident, DEADLINE).replace('_', " ");
    let stored = model.map_or("nothing", |model| choice_words(&model.choice.kind));
    let (tag, headline, what, cost) = match incident.ending {
        Some(Ending::Met) | None => (
            Tag::Done,
            format!("settled for {short}: {stored}"),
            format!(
                "Nothing is left to do for {id} before the {what_deadline} of epoch {}. Stored now: {stored}.",
                incident.window
            ),
            None,
        ),
        Some(Ending::Missed) => (
            Tag::Severity(incident.severity),
            format!("{what_deadline} missed for {short}"),
            format!(
                "Block {}, the {what_deadline} of epoch {}, has passed and nothing that helps was \
                 included for {id}. Stored then: {stored}. What is sent from now on does not count \
                 for it.",
                grouped(deadline),
                incident.window
            ),
            model.and_then(|model| model.advice.as_ref()).map(|advice| {
                format!(
                    "{} of this host's reward of epoch {} is still open until block {}.",
                    percent(&advice.charge),
                    incident.window,
                    grouped(advice.last_height)
                )
            }),
        ),
        Some(Ending::Expired) => (
            Tag::Severity(incident.severity),
            format!("{what_deadline} of {short} is over, outcome not seen"),
            match model {
                Some(_) => format!(
                    "Block {}, the {what_deadline} of epoch {}, passed while Bootwatch had no \
                     current data, so it cannot tell whether a choice for {id} was in time. Stored \
                     now: {stored}.",
                    grouped(deadline),
                    incident.window
                ),
                None => format!(
                    "{id} is no longer among the models of this host, so there is nothing left to \
                     decide."
                ),
            },
            None,
        ),
    };
    Notice {
        tag,
        headline: format!("{}: {headline}", plain(who, 40)),
        what,
        by: None,
        cost,
        steps: model
            .and_then(|model| model.advice.as_ref())
            .filter(|_| incident.ending == Some(Ending::Missed))
            .map(|advice| advice.commands.iter().map(Step::from).collect())
            .unwrap_or_default(),
        numbers: host
            .zip(model)
            .map(|(host, model)| numbers(incident, host, model, view))
            .unwrap_or_default(),
    }
}

/// What is wrong with the stored choice, in a few words.
fn trouble(model: &HostModelView) -> String {
    let short = short_model(model.model_id.as_str());
    match model.choice.kind.as_str() {
        "none" => format!("no choice for {short}"),
        kind => format!("{} will cost for {short}", choice_words(kind)),
    }
}

fn numbers(
    incident: &Incident,
    host: &HostView,
    model: &HostModelView,
    view: &View<'_>,
) -> Vec<Row> {
    let stored = match (&model.choice.delegate_to, model.choice.since) {
        (Some(to), _) => format!("delegation to {}", plain(to.as_str(), 80)),
        (None, Some(since)) => {
            format!("{} since block {}", choice_words(&model.choice.kind), grouped(since))
        }
        (None, None) => choice_words(&model.choice.kind).to_owned(),
    };
    let mut rows = vec![
        Row::new(
            "Host",
            &format!("{} ({})", plain(&host.name, 40), plain(host.address.as_str(), 80)),
        ),
        Row::new("Model", &plain(label(incident, MODEL), 200)),
        Row::new("Stored choice", &stored),
    ];
    if let Some(weight) = host.weight {
        rows.push(Row::new("Weight", &grouped(weight)));
    }
    let known = view.situation.models.iter().find(|m| m.model_id == model.model_id);
    if let Some(gaps) = known.and_then(|model| model.gaps.as_ref()) {
        rows.extend(gap_rows(gaps));
    }
    rows
}
