//! Incidents and silences, and what can be ordered about them: by a form where a token is configured,
//! otherwise by the command line.

use std::cmp::Reverse;

use bootwatch_schema::{Ending, Incident, IncidentState, Orders, Severity, Silence};
use jiff::Timestamp;
use serde_json::json;

use super::pieces::{Age, Moment, Sight};
use crate::{
    orders::is_over,
    report::words::{clean, count},
};

/// Incidents that are over and are shown.
const OVER: usize = 8;
/// Letters of an id that the commands carry.
const ID: usize = 8;

/// The section.
pub(super) struct Alerts {
    /// Orders are taken over HTTP.
    pub(super) open: bool,
    /// What fires, most urgent first.
    pub(super) firing: Vec<Alert>,
    /// What does not yet, or hardly any more.
    pub(super) waiting: Vec<Alert>,
    /// What ended last.
    pub(super) over: Vec<Alert>,
    pub(super) silences: Vec<Quiet>,
}

/// An incident.
#[derive(Clone)]
pub(super) struct Alert {
    fingerprint: String,
    pub(super) name: String,
    pub(super) severity: &'static str,
    pub(super) state: &'static str,
    pub(super) summary: String,
    /// Host and model, where it is about one.
    pub(super) about: String,
    pub(super) since: Age,
    /// What keeps it quiet.
    pub(super) marks: Vec<String>,
    /// It can be acknowledged.
    pub(super) may_ack: bool,
    pub(super) ack_path: String,
    pub(super) ack_command: String,
    /// What a silence would match, as JSON.
    pub(super) matchers: String,
    pub(super) silence_command: String,
    pub(super) show_command: String,
}

/// A silence in force.
pub(super) struct Quiet {
    pub(super) id: i64,
    pub(super) what: String,
    pub(super) until: String,
    pub(super) ends: Option<Moment>,
    pub(super) by: String,
    pub(super) expire_path: String,
    pub(super) expire_command: String,
}

impl Alert {
    /// Its id, cut as the command line shows it.
    pub(super) fn id(&self) -> String {
        self.fingerprint.chars().take(ID).collect()
    }

    fn new(incident: &Incident, sight: &Sight<'_>) -> Self {
        let id: String = incident.fingerprint.chars().take(ID).collect();
        let host = incident.labels.get("host").map(|address| sight.name(address));
        let model = incident.labels.get("model").map(|model| clean(model));
        let firing = incident.state == IncidentState::Firing;
        Self {
            name: clean(&incident.alert),
            severity: severity(incident.severity),
            state: state(incident),
            summary: clean(&incident.summary),
            about: host.into_iter().chain(model).collect::<Vec<_>>().join(" · "),
            since: sight.age(if firing { incident.opened_at } else { incident.changed_at }),
            marks: marks(incident),
            may_ack: firing && incident.acknowledged.is_none(),
            ack_path: format!("api/v1/incidents/{}/ack", incident.fingerprint),
            ack_command: format!("bootwatch ack {id}"),
            matchers: matchers(incident),
            silence_command: silence_command(incident),
            show_command: format!("bootwatch alerts show {id}"),
            fingerprint: incident.fingerprint.clone(),
        }
    }
}

impl Alerts {
    pub(super) fn new(
        incidents: &[Incident],
        orders: &Orders,
        open: bool,
        sight: &Sight<'_>,
    ) -> Self {
        let (mut on, mut ended): (Vec<&Incident>, Vec<&Incident>) =
            incidents.iter().partition(|incident| goes_on(incident));
        on.sort_by_key(|incident| urgency(incident));
        let (firing, waiting): (Vec<&Incident>, Vec<&Incident>) =
            on.into_iter().partition(|i| i.state == IncidentState::Firing && i.clearing.is_none());
        let shown = |list: Vec<&Incident>| list.into_iter().map(|i| Alert::new(i, sight)).collect();
        // What never fired is nobody's news.
        ended.retain(|incident| incident.occurrence > 0);
        ended.sort_by_key(|incident| Reverse(incident.changed_at));
        ended.truncate(OVER);
        let in_force = orders.silences.iter().filter(|silence| {
            let epoch = sight.situation.map(|s| s.epoch.index);
            !is_over(silence, sight.now)
                && silence.ends_epoch.zip(epoch).is_none_or(|(end, now)| now < end)
        });
        Self {
            open,
            firing: shown(firing),
            waiting: shown(waiting),
            over: shown(ended),
            silences: in_force.map(|silence| Quiet::new(silence, sight)).collect(),
        }
    }

    /// What is shown of an incident that goes on.
    pub(super) fn of(&self, incident: &Incident) -> Option<Alert> {
        let mut going_on = self.firing.iter().chain(&self.waiting);
        going_on.find(|alert| alert.fingerprint == incident.fingerprint).cloned()
    }
}

impl Quiet {
    fn new(silence: &Silence, sight: &Sight<'_>) -> Self {
        let matchers = silence.matchers.iter();
        let what: Vec<_> =
            matchers.map(|(name, value)| format!("{}={}", clean(name), clean(value))).collect();
        let epoch = silence.ends_epoch.map(|epoch| format!("until epoch {epoch}"));
        Self {
            id: silence.id,
            what: what.join(" "),
            until: epoch.unwrap_or_default(),
            ends: silence.ends_at.map(|end| sight.moment(end)),
            by: format!("{}: {}", clean(&silence.author), clean(&silence.comment)),
            expire_path: format!("api/v1/silences/{}/expire", silence.id),
            expire_command: format!("bootwatch silence expire {}", silence.id),
        }
    }
}

/// What sorts the most urgent first.
pub(super) fn urgency(incident: &Incident) -> (Reverse<Severity>, i64, Timestamp) {
    let deadline = incident.deadline.unwrap_or(i64::MAX);
    (Reverse(incident.severity), deadline, incident.opened_at)
}

/// It fires, and nothing keeps it quiet.
pub(super) fn speaks(incident: &Incident) -> bool {
    incident.state == IncidentState::Firing
        && incident.clearing.is_none()
        && incident.acknowledged.is_none()
        && incident.silenced_by.is_none()
        && incident.inhibited_by.is_none()
}

/// It is not over.
pub(super) fn goes_on(incident: &Incident) -> bool {
    incident.state != IncidentState::Resolved
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

fn state(incident: &Incident) -> &'static str {
    match (incident.state, incident.ending) {
        (IncidentState::Resolved, Some(Ending::Met)) => "met",
        (IncidentState::Resolved, Some(Ending::Missed)) => "missed",
        (IncidentState::Resolved, _) => "over",
        _ if incident.unknown_since.is_some() => "unknown",
        (IncidentState::Pending, _) => "pending",
        (IncidentState::Firing, _) if incident.clearing.is_some() => "clearing",
        (IncidentState::Firing, _) => "firing",
    }
}

fn marks(incident: &Incident) -> Vec<String> {
    if incident.state == IncidentState::Resolved {
        return Vec::new();
    }
    let known = incident.acknowledged.as_ref().map(|ack| {
        let comment = match ack.comment.trim() {
            "" => String::new(),
            comment => format!(": {}", clean(comment)),
        };
        format!("known to {}{comment}", clean(&ack.author))
    });
    let silenced = incident.silenced_by.map(|id| format!("silence {id}"));
    let explained = incident
        .inhibited_by
        .as_ref()
        .map(|root| format!("explained by {}", root.chars().take(ID).collect::<String>()));
    let block = incident.deadline.map(|height| format!("last block {}", count(height)));
    [block, known, silenced, explained].into_iter().flatten().collect()
}

/// The alert, and the host and model that it is about.
fn labels(incident: &Incident) -> impl Iterator<Item = (&str, &str)> {
    let own = incident.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    std::iter::once(("alert", incident.alert.as_str())).chain(own.filter(|(name, value)| {
        matches!(*name, "host" | "model" | "endpoint" | "channel") && !value.is_empty()
    }))
}

fn matchers(incident: &Incident) -> String {
    let labels = labels(incident).map(|(name, value)| (name.to_owned(), json!(value)));
    serde_json::Value::Object(labels.collect()).to_string()
}

/// A line that a shell takes apart as it is meant, whatever the chain put into a label.
fn silence_command(incident: &Incident) -> String {
    let pairs = labels(incident).map(|(name, value)| {
        let pair = format!("{name}={value}");
        shlex::try_quote(&pair).map_or_else(|_| String::new(), |quoted| quoted.into_owned())
    });
    let pairs: Vec<_> = pairs.collect();
    clean(&format!("bootwatch silence add {} --for 4h --comment WHY", pairs.join(" ")))
}
