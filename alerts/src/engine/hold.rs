//! What keeps an incident quiet: a silence, a root cause that speaks for it, or somebody who knows.

use bootwatch_rules::situation::Situation;
use bootwatch_schema::{Incident, IncidentState, Orders, Severity, Silence};
use jiff::Timestamp;

use super::Incidents;
use crate::alert::{self, Basis, HOST, MODEL, View, chain_halted, endpoint, ingest_stalled, label};

/// Marks every incident that goes on with what keeps it quiet now. How one ended under a silence is
/// told to nobody, nor to whom refused to hear that it began; a root cause keeps no end from those who
/// heard the beginning.
pub(super) fn apply(incidents: &mut Incidents, orders: &Orders, view: View<'_>) {
    let silences: Vec<&Silence> =
        orders.silences.iter().filter(|silence| is_active(silence, view)).collect();
    let firing: Vec<Firing> = incidents.values().filter_map(Firing::of).collect();
    for incident in incidents.values_mut() {
        if incident.state == IncidentState::Resolved {
            incident.inhibited_by = None;
            if incident.silenced_by.is_some() {
                incident.told.values_mut().for_each(|told| told.ended = true);
            }
            for key in orders.refused.get(&incident.fingerprint).into_iter().flatten() {
                if let Some(told) = incident.told.get_mut(key) {
                    told.ended = true;
                }
            }
            continue;
        }
        incident.silenced_by = silences
            .iter()
            .find(|silence| matches(silence, incident, view.situation))
            .map(|silence| silence.id);
        incident.inhibited_by =
            firing.iter().find(|root| root.explains(incident)).map(|root| root.fingerprint.clone());
        incident.acknowledged = orders
            .acknowledgements
            .get(&incident.fingerprint)
            .filter(|ack| {
                ack.occurrence == incident.occurrence && ack.severity >= incident.severity
            })
            .cloned();
    }
}

fn is_active(silence: &Silence, view: View<'_>) -> bool {
    let over = |end: Option<Timestamp>| end.is_some_and(|end| end <= view.now);
    silence.starts_at <= view.now
        && !over(silence.ends_at)
        && !over(silence.expired_at)
        && silence.ends_epoch.is_none_or(|epoch| view.situation.epoch.index < epoch)
}

/// Whether a silence is about an incident. Hosts may be given by their configured name.
fn matches(silence: &Silence, incident: &Incident, situation: &Situation) -> bool {
    silence.matchers.iter().all(|(name, value)| match name.as_str() {
        "alert" => incident.alert == *value,
        "severity" => alert::severity_word(incident.severity) == value,
        HOST => {
            let address = label(incident, HOST);
            let named = situation
                .hosts
                .iter()
                .any(|host| host.address.as_str() == address && host.name == *value);
            address == value || named
        }
        name => incident.labels.get(name) == Some(value),
    })
}

/// A firing incident that may explain others.
struct Firing {
    fingerprint: String,
    alert: String,
    critical: bool,
    host: String,
    model: String,
}

impl Firing {
    fn of(incident: &Incident) -> Option<Self> {
        (incident.state == IncidentState::Firing).then(|| Self {
            fingerprint: incident.fingerprint.clone(),
            alert: incident.alert.clone(),
            critical: incident.severity == Severity::Critical,
            host: label(incident, HOST).to_owned(),
            model: label(incident, MODEL).to_owned(),
        })
    }

    /// The root cause first: without an endpoint nothing else about Bootwatch is news, a halted
    /// chain explains that no block comes, and what is critical about a host and model says more
    /// than a warning about them.
    fn explains(&self, other: &Incident) -> bool {
        if self.fingerprint == other.fingerprint {
            return false;
        }
        let about_itself =
            alert::find(&other.alert).is_some_and(|alert| alert.basis == Basis::Bootwatch);
        match self.alert.as_str() {
            endpoint::NONE_HEALTHY => {
                let explained = [
                    endpoint::DOWN,
                    endpoint::LAGGING,
                    endpoint::WRONG,
                    ingest_stalled::NAME,
                    chain_halted::NAME,
                ];
                !about_itself || explained.contains(&other.alert.as_str())
            }
            ingest_stalled::NAME | chain_halted::NAME => {
                !about_itself
                    || (self.alert == chain_halted::NAME && other.alert == ingest_stalled::NAME)
            }
            endpoint::DISAGREE => other.alert == ingest_stalled::NAME,
            _ => {
                self.critical
                    && other.severity < Severity::Critical
                    && !self.host.is_empty()
                    && !self.model.is_empty()
                    && self.host == label(other, HOST)
                    && self.model == label(other, MODEL)
            }
        }
    }
}
