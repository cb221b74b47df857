//! What a watched host has to do before a deadline that will cost it: the common part of all alerts
//! that follow the advice.
//!
//! Each climbs the ladder towards the deadline. It ends as *met* when nothing is left to do while
//! the deadline is still ahead, as *missed* when the deadline passes, and as *expired* when the data
//! jumps over the deadline, so that nobody can tell.

use bootwatch_rules::{
    EpochIndex,
    situation::{Advice, AdviceReason, DeadlineName, HostModelView, HostView, Phase},
};
use bootwatch_schema::{Ending, Incident, Severity};

use super::{DEADLINE, HOST, MODEL, View, identity, label};
use crate::{
    lifecycle::{Absence, Observed},
    message::{
        By, Notice, Row, Step, Tag, choice_words, deadline_words, gap_rows, grouped, percent,
        plain, short_model,
    },
};

/// Which advice an alert follows.
pub(super) struct Need {
    pub(super) name: &'static str,
    pub(super) reasons: &'static [AdviceReason],
    /// It is told when it comes to be, and not only when the deadline is near.
    pub(super) at_once: bool,
}

pub(super) fn observe<'a>(need: &Need, view: View<'a>) -> Vec<Observed<'a>> {
    view.choices()
        .filter_map(|(host, model)| {
            let advice = model.advice.as_ref()?;
            let ours = need.reasons.contains(&advice.reason);
            (ours && view.blocks_left(advice.last_height) > 0)
                .then(|| observed(need, host, model, advice, view))
        })
        .collect()
}

fn observed<'a>(
    need: &Need,
    host: &'a HostView,
    model: &'a HostModelView,
    advice: &'a Advice,
    view: View<'a>,
) -> Observed<'a> {
    let ladder = &view.policy.ladder;
    let left = view.time_left(advice.deadline, advice.last_height);
    let mut step = ladder.step(left, view.blocks_left(advice.last_height));
    let mut severity = ladder.severity(step);
    if need.at_once {
        step = step.max(1);
        severity = severity.max(Severity::Warning);
    }
    let epoch = epoch(advice.deadline, view);
    let labels = [
        (HOST, host.address.as_str()),
        (MODEL, model.model_id.as_str()),
        (DEADLINE, advice.deadline.as_str()),
    ];
    Observed {
        identity: identity(need.name, labels, epoch),
        step,
        severity,
        deadline: Some(advice.last_height),
        summary: format!(
            "{}: {} before the {} of epoch {epoch}",
            plain(&host.name, 40),
            trouble(model, advice.reason),
            deadline_words(advice.deadline),
        ),
        say: Box::new(move |view| say(host, model, advice, view)),
    }
}

fn say(host: &HostView, model: &HostModelView, advice: &Advice, view: View<'_>) -> Notice {
    let by = By::new(advice.deadline, advice.last_height, &view);
    let trouble = trouble(model, advice.reason);
    Notice {
        tag: Tag::Done,
        headline: format!("{}: {trouble}, {}", plain(&host.name, 40), by.left),
        what: plain(&advice.why, 800),
        by: Some(by),
        cost: Some(cost(advice, epoch(advice.deadline, view))),
        steps: steps(advice),
        numbers: numbers(host, model, view),
    }
}

/// The epoch that a deadline counts for.
fn epoch(name: DeadlineName, view: View<'_>) -> EpochIndex {
    view.deadline(name).map_or(view.situation.epoch.upcoming, |deadline| deadline.epoch)
}

pub(super) fn absent(incident: &Incident, view: View<'_>) -> Absence {
    let Some(host) = view.host_of(incident) else { return Absence::Faded };
    if !host.known {
        return Absence::Unknown;
    }
    let Some((_, model)) = view.choice_of(incident) else {
        return Absence::Ended(Ending::Expired);
    };
    if model.choice.kind == "unknown" {
        return Absence::Unknown;
    }
    let Some(deadline) = incident.deadline else { return Absence::Faded };
    match view.blocks_left(deadline) {
        // The same need for another reason, or under another deadline, is an incident of its own.
        1.. if model.advice.is_some() => Absence::Faded,
        // While an epoch is formed the rules give no advice, and the wipe is about to take refusals
        // and intents away: too early to call it settled.
        1.. if is_forming(view) => Absence::Unknown,
        1.. => Absence::Ended(Ending::Met),
        0 if in_last_block(model, incident) => Absence::Ended(Ending::Met),
        0 => Absence::Ended(Ending::Missed),
        // The deadline's own block was not seen: what was stored then may have been replaced or
        // wiped since.
        _ => Absence::Ended(Ending::Expired),
    }
}

/// What is done in the deadline's own block still counts, since transactions run before the
/// EndBlock that takes the snapshot; by then there is no advice for this deadline any more. Neither
/// is there for what was settled shortly before and still stands. A capture reads intents and
/// delegations, validation start delegations and refusals.
fn in_last_block(model: &HostModelView, incident: &Incident) -> bool {
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
    let settled = incident.clearing.is_some_and(|clearing| clearing.ending == Ending::Met);
    counts && (settled || model.choice.since == incident.deadline)
}

fn is_forming(view: View<'_>) -> bool {
    matches!(view.situation.epoch.phase, Phase::PocValidate | Phase::Formed)
}

/// How it ended, in words.
pub(super) fn over(incident: &Incident, view: View<'_>) -> Notice {
    let found = view.choice_of(incident);
    let ending = incident.ending.unwrap_or(Ending::Expired);
    let outcome = Outcome::of(ending, incident, found.map(|(_, model)| model));
    // A missed deadline may leave a later one; one that was met leaves nothing.
    let next =
        found.and_then(|(_, model)| model.advice.as_ref()).filter(|_| ending == Ending::Missed);
    let why = next.map_or_else(String::new, |advice| format!(" {}", plain(&advice.why, 800)));
    let who = view.host_of(incident).map_or(label(incident, HOST), |host| host.name.as_str());
    Notice {
        tag: outcome.tag,
        headline: format!("{}: {}", plain(who, 40), outcome.headline),
        what: format!("{}{why}", outcome.what),
        by: next.map(|advice| By::new(advice.deadline, advice.last_height, &view)),
        cost: next.map(|advice| cost(advice, epoch(advice.deadline, view))),
        steps: next.map(steps).unwrap_or_default(),
        numbers: found.map(|(host, model)| numbers(host, model, view)).unwrap_or_default(),
    }
}

struct Outcome {
    tag: Tag,
    headline: String,
    what: String,
}

impl Outcome {
    fn of(ending: Ending, incident: &Incident, model: Option<&HostModelView>) -> Self {
        let id = plain(label(incident, MODEL), 200);
        let short = short_model(label(incident, MODEL));
        let name = label(incident, DEADLINE).replace('_', " ");
        let block = grouped(incident.deadline.unwrap_or_default());
        let epoch = &incident.window;
        let severity = Tag::Severity(incident.severity);
        let Some(model) = model else {
            return Self {
                tag: Tag::Done,
                headline: format!("nothing left to decide for {short}"),
                what: format!("{id} is no longer among the models of this host."),
            };
        };
        let stored = choice_words(&model.choice.kind);
        match ending {
            Ending::Met => Self {
                tag: Tag::Done,
                headline: format!("settled for {short} ({stored})"),
                what: format!(
                    "Nothing is left to do for {id} before the {name} of epoch {epoch}. Stored \
                     now: {stored}."
                ),
            },
            Ending::Missed => Self {
                tag: severity,
                headline: format!("{name} missed for {short}"),
                what: format!(
                    "Block {block}, the {name} of epoch {epoch}, has passed, and nothing that helps \
                     was included for {id}. Stored then: {stored}. What is sent from now on does \
                     not count for it."
                ),
            },
            Ending::Expired => Self {
                tag: severity,
                headline: format!("{name} for {short} is over, outcome not seen"),
                what: format!(
                    "Block {block}, the {name} of epoch {epoch}, passed while Bootwatch had no \
                     current data, so it cannot tell whether a choice for {id} was in time. Stored \
                     now: {stored}."
                ),
            },
        }
    }
}

fn cost(advice: &Advice, epoch: EpochIndex) -> String {
    format!("Up to {} in epoch {epoch}, if nothing changes.", percent(&advice.charge))
}

pub(super) fn steps(advice: &Advice) -> Vec<Step> {
    advice.commands.iter().map(Step::from).collect()
}

/// What is wrong with the stored choice, in a few words.
fn trouble(model: &HostModelView, reason: AdviceReason) -> String {
    let short = short_model(model.model_id.as_str());
    match reason {
        AdviceReason::RefusalExpired => format!("the refusal of {short} has expired"),
        AdviceReason::IntentExpired => format!("the intent for {short} has expired"),
        AdviceReason::RefusalOnCandidate => format!("refusing {short} does not protect"),
        AdviceReason::IntentOnActive => format!("the intent for {short} has no effect"),
        AdviceReason::DelegateDoesNotServe => format!("the delegate does not serve {short}"),
        AdviceReason::DelegateWithoutIntent => format!("the delegate has no intent for {short}"),
        AdviceReason::TooLate => format!("the choice for {short} came too late"),
        AdviceReason::IntentNotServed => format!("no commit for {short}"),
        AdviceReason::NoChoice => format!("no choice for {short}"),
    }
}

pub(super) fn numbers(host: &HostView, model: &HostModelView, view: View<'_>) -> Vec<Row> {
    let mut stored = choice_words(&model.choice.kind).to_owned();
    if let Some(to) = &model.choice.delegate_to {
        stored = format!("{stored} to {}", plain(to.as_str(), 80));
    }
    if let Some(since) = model.choice.since {
        stored = format!("{stored} since block {}", grouped(since));
    }
    let mut rows = vec![
        Row::new(
            "Host",
            &format!("{} ({})", plain(&host.name, 40), plain(host.address.as_str(), 80)),
        ),
        Row::new("Model", &plain(model.model_id.as_str(), 200)),
        Row::new("Stored choice", &stored),
    ];
    if let Some(weight) = host.weight {
        rows.push(Row::new("Weight", &grouped(weight)));
    }
    let known = view.model(&model.model_id);
    if let Some(gaps) = known.and_then(|model| model.gaps.as_ref()) {
        rows.extend(gap_rows(gaps));
    }
    rows
}
