//! What `DecisionMissing` says.

use bootwatch_rules::situation::{Advice, HostModelView, HostView};
use bootwatch_schema::{Ending, Incident};

use super::{find_host, find_model};
use crate::{
    alert::{DEADLINE, HOST, MODEL, View, label},
    message::{
        By, Notice, Row, Step, Tag, choice_words, gap_rows, grouped, percent, plain, short_model,
    },
};

pub(super) fn notice(incident: &Incident, view: &View<'_>) -> Notice {
    let host = find_host(incident, view);
    let model = host.and_then(|host| find_model(incident, host));
    let advice = model.and_then(|model| model.advice.as_ref());
    let numbers =
        host.zip(model).map(|(host, model)| numbers(host, model, view)).unwrap_or_default();
    match (incident.ending, host, model, advice) {
        (None, Some(host), Some(model), Some(advice)) => {
            let by = By::new(advice.deadline, advice.last_height, view);
            Notice {
                tag: Tag::Severity(incident.severity),
                headline: format!("{}: {}, {}", plain(&host.name, 40), trouble(model), by.left),
                what: plain(&advice.why, 800),
                by: Some(by),
                cost: Some(cost(advice, incident)),
                steps: steps(advice),
                numbers,
            }
        }
        (Some(ending), ..) => {
            let outcome = Outcome::of(ending, incident, model);
            // A missed deadline may leave a later one; one that was met leaves nothing.
            let next = advice.filter(|_| ending == Ending::Missed);
            let why =
                next.map_or_else(String::new, |advice| format!(" {}", plain(&advice.why, 800)));
            let who = host.map_or(label(incident, HOST), |host| host.name.as_str());
            Notice {
                tag: outcome.tag,
                headline: format!("{}: {}", plain(who, 40), outcome.headline),
                what: format!("{}{why}", outcome.what),
                by: next.map(|advice| By::new(advice.deadline, advice.last_height, view)),
                cost: next.map(|advice| cost(advice, incident)),
                steps: next.map(steps).unwrap_or_default(),
                numbers,
            }
        }
        _ => Notice::bare(Tag::Severity(incident.severity), incident.summary.clone()),
    }
}

/// How it ended, in words.
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

fn cost(advice: &Advice, incident: &Incident) -> String {
    format!("Up to {} in epoch {}, if nothing changes.", percent(&advice.charge), incident.window)
}

fn steps(advice: &Advice) -> Vec<Step> {
    advice.commands.iter().map(Step::from).collect()
}

/// What is wrong with the stored choice, in a few words.
pub(super) fn trouble(model: &HostModelView) -> String {
    let short = short_model(model.model_id.as_str());
    match model.choice.kind.as_str() {
        "none" => format!("no choice for {short}"),
        kind => format!("{} will cost for {short}", choice_words(kind)),
    }
}

fn numbers(host: &HostView, model: &HostModelView, view: &View<'_>) -> Vec<Row> {
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
    let known = view.situation.models.iter().find(|m| m.model_id == model.model_id);
    if let Some(gaps) = known.and_then(|model| model.gaps.as_ref()) {
        rows.extend(gap_rows(gaps));
    }
    rows
}
