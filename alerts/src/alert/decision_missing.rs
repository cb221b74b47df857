//! `DecisionMissing`: a watched host has something to do before a deadline, and has not done it.
//!
//! It climbs the ladder towards the deadline. It ends as *met* when nothing is left to do while the
//! deadline is still ahead, as *missed* when the deadline passes, and as *expired* when the data
//! jumps over the deadline, so that nobody can tell.

mod notice;

use bootwatch_rules::{
    EpochIndex, Height,
    situation::{Advice, DeadlineName, HostModelView, HostView, Phase},
};
use bootwatch_schema::{Ending, Incident};

use self::notice::{notice, trouble};
use super::{Alert, DEADLINE, HOST, MODEL, View, label};
use crate::{
    incident::Identity,
    lifecycle::{Absence, Observed},
    message::{deadline_words, plain},
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
        // While an epoch is formed the rules give no advice, and the wipe is about to take refusals
        // and intents away: too early to call it settled.
        1.. if is_forming(view) => Absence::Unknown,
        1.. => Absence::Ended(Ending::Met),
        0 if in_last_block(model, incident, deadline) => Absence::Ended(Ending::Met),
        0 => Absence::Ended(Ending::Missed),
        // The deadline's own block was not seen: what was stored then may have been replaced or
        // wiped since.
        _ => Absence::Ended(Ending::Expired),
    }
}

/// What is done in the deadline's own block still counts, since transactions run before the
/// EndBlock that takes the snapshot; by then there is no advice for this deadline any more. A
/// capture reads intents and delegations, validation start delegations and refusals.
fn in_last_block(model: &HostModelView, incident: &Incident, deadline: Height) -> bool {
    let is_for = |name: DeadlineName| label(incident, DEADLINE) == name.as_str();
    if is_for(DeadlineName::CommitDeadline) {
        return model.committed.is_some();
    }
    let counts = match model.choice.kind.as_str() {
        "delegate" => true,
        "intent" => is_for(DeadlineName::Capture),
        "refuse" => is_for(DeadlineName::ValidationStart),
        _ => false,
    };
    counts && model.choice.since == Some(deadline)
}

fn is_forming(view: &View<'_>) -> bool {
    matches!(view.situation.epoch.phase, Phase::PocValidate | Phase::Formed)
}

fn find_host<'a>(incident: &Incident, view: &View<'a>) -> Option<&'a HostView> {
    view.situation.hosts.iter().find(|host| host.address.as_str() == label(incident, HOST))
}

fn find_model<'a>(incident: &Incident, host: &'a HostView) -> Option<&'a HostModelView> {
    host.models.iter().find(|model| model.model_id.as_str() == label(incident, MODEL))
}
