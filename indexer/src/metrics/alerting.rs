//! What the alerts make of it.

use std::collections::BTreeMap;

use bootwatch_alerts::alert_names;
use bootwatch_schema::{Incident, IncidentState, Orders, Severity};
use jiff::Timestamp;
use prometheus::{Gauge, IntCounter, IntGauge, IntGaugeVec, Registry};

use super::{
    Metrics,
    registry::{counter, gauge, int_gauge, int_gauges},
    seconds,
};

const SEVERITIES: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Critical];
const STATES: [&str; 4] = ["pending", "firing", "clearing", "unknown"];

#[derive(Debug)]
pub(super) struct Alerting {
    evaluations: IntCounter,
    last_evaluation: Gauge,
    incidents: IntGaugeVec,
    firing: IntGaugeVec,
    silences: IntGauge,
}

impl Alerting {
    pub(super) fn new(r: &Registry) -> Self {
        let alerting = Self {
            evaluations: counter(
                r,
                "bootwatch_alert_evaluations_total",
                "Times the alerts were evaluated.",
            ),
            last_evaluation: gauge(
                r,
                "bootwatch_alert_last_evaluation_timestamp_seconds",
                "When the alerts were last evaluated.",
            ),
            incidents: int_gauges(
                r,
                "bootwatch_incidents",
                "Incidents that go on, by severity and state (docs/alerts.md says what each state means).",
                &["severity", "state"],
            ),
            firing: int_gauges(
                r,
                "bootwatch_alerts_firing",
                "Incidents of an alert whose condition holds, or of which nobody can tell at the moment.",
                &["alert"],
            ),
            silences: int_gauge(
                r,
                "bootwatch_silences",
                "Silences that operators ordered and that have not ended.",
            ),
        };
        alerting.count([].into_iter());
        alerting
    }

    fn count<'a>(&self, incidents: impl Iterator<Item = &'a Incident>) {
        let mut stands: BTreeMap<(&str, &str), i64> = BTreeMap::new();
        let mut alerts: BTreeMap<&str, i64> = BTreeMap::new();
        for incident in incidents.filter(|i| i.state != IncidentState::Resolved) {
            let state = state(incident);
            *stands.entry((word(incident.severity), state)).or_default() += 1;
            if state != "pending" {
                *alerts.entry(&incident.alert).or_default() += 1;
            }
        }
        for severity in SEVERITIES.map(word) {
            for state in STATES {
                let count = stands.get(&(severity, state)).copied().unwrap_or(0);
                self.incidents.with_label_values(&[severity, state]).set(count);
            }
        }
        // Names come from the engine, and never from a stored incident of another version.
        for alert in alert_names() {
            let count = alerts.get(alert).copied().unwrap_or(0);
            self.firing.with_label_values(&[alert]).set(count);
        }
    }
}

impl Metrics {
    /// The alerts have been evaluated, and these are the incidents that the engine knows.
    pub fn evaluated<'a>(&self, incidents: impl Iterator<Item = &'a Incident>, now: Timestamp) {
        self.alerting.evaluations.inc();
        self.alerting.last_evaluation.set(seconds(now));
        self.alerting.count(incidents);
    }

    /// What operators have ordered.
    pub fn ordered(&self, orders: &Orders) {
        let silences = i64::try_from(orders.silences.len()).unwrap_or(i64::MAX);
        self.alerting.silences.set(silences);
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

fn state(incident: &Incident) -> &'static str {
    match incident.state {
        _ if incident.unknown_since.is_some() => "unknown",
        IncidentState::Pending => "pending",
        _ if incident.clearing.is_some() => "clearing",
        _ => "firing",
    }
}
