//! The engine: one Situation in, what changed and what is to be said out.
//!
//! Three steps, each level-triggered, so that a restart between any two of them changes nothing:
//! what holds ([`lifecycle`]), what keeps it quiet ([`hold`]), and who does not know it yet
//! ([`delivery`]).

mod bundle;
mod delivery;
mod hold;

use std::collections::{BTreeMap, BTreeSet};

use bootwatch_rules::situation::{Phase, Situation};
use bootwatch_schema::{Incident, IncidentState, NewMessage, Orders};
use jiff::Timestamp;

use crate::{
    alert::{self, ALERTS, Alert, Basis, View},
    lifecycle::{self, Moment, Observed},
    message::Reader,
    policy::Policy,
};

/// What follows from one Situation. Stored with the block in one transaction, or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// Incidents as they are now, those that changed only.
    pub incidents: Vec<Incident>,
    /// Messages that the changes call for.
    pub messages: Vec<NewMessage>,
}

impl Decision {
    /// Nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.incidents.is_empty() && self.messages.is_empty()
    }
}

/// Turns Situations into decisions. Pure: no I/O, no clock; the same incidents, orders, Situation
/// and time give the same decision, with the same ids.
#[derive(Debug, Clone)]
pub struct Engine {
    policy: Policy,
    incidents: Incidents,
    orders: Orders,
}

/// Incidents by fingerprint.
type Incidents = BTreeMap<String, Incident>;

/// What was observed in this evaluation, by fingerprint.
type Seen<'a> = BTreeMap<String, Observed<'a>>;

impl Engine {
    /// An engine that knows of no incident.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self { policy, incidents: BTreeMap::new(), orders: Orders::default() }
    }

    /// Takes over what the store kept, so that nothing is decided twice.
    pub fn restore(&mut self, incidents: Vec<Incident>) {
        self.incidents = incidents.into_iter().map(|i| (i.fingerprint.clone(), i)).collect();
    }

    /// What operators have ordered, and who refused to hear; in force from the next evaluation on.
    pub fn obey(&mut self, orders: Orders) {
        self.orders = orders;
    }

    /// The incidents it knows: those that go on, and those that ended in this epoch or the one
    /// before.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.values()
    }

    /// What follows from a Situation.
    ///
    /// While it is stale, or its clock cannot be read, only Bootwatch itself is judged: data that
    /// is missing neither fires nor resolves anything else. To be called with every block, and now
    /// and then without one: reminders, and notices that had to wait, are due by time alone. A
    /// block left out costs no incident, only the certainty about how one ended.
    pub fn evaluate(&mut self, situation: &Situation, now: Timestamp) -> Decision {
        self.judge(situation, now, true)
    }

    /// What followed from a Situation of the past, as of its own time: what the chain said, without
    /// Bootwatch itself, whose state then nobody knows any more.
    pub fn evaluate_past(&mut self, situation: &Situation, then: Timestamp) -> Decision {
        self.judge(situation, then, false)
    }

    fn judge(&mut self, situation: &Situation, now: Timestamp, itself: bool) -> Decision {
        let before = self.incidents.clone();
        let reader = &Reader::PLAIN;
        let view = View { situation, policy: &self.policy, reader, incidents: &before, now };
        let moment = Moment { height: situation.complete_to, at: now };
        let blind = situation.stale || situation.epoch.phase == Phase::Unknown;
        // What happened was said by the blocks; what goes on rests on members and parameters.
        let outdated = situation.data.state_unread;
        let mut seen = Seen::new();
        for alert in ALERTS {
            if self.policy.off.contains(alert.name) {
                drop_open(&mut self.incidents, alert, moment);
                continue;
            }
            if !itself && alert.basis == Basis::Bootwatch {
                continue;
            }
            let unknown = blind || outdated && !alert.is_event();
            if unknown && alert.basis == Basis::Chain {
                freeze(&mut self.incidents, alert, moment);
                continue;
            }
            let observed = (alert.observe)(view);
            let present = follow(&mut self.incidents, alert, observed, view, moment);
            seen.extend(present);
        }
        hold::apply(&mut self.incidents, &self.orders, view);
        let messages = delivery::plan(&mut self.incidents, &seen, view);
        let changed = |incident: &&Incident| before.get(&incident.fingerprint) != Some(incident);
        let incidents = self.incidents.values().filter(changed).cloned().collect();
        forget(&mut self.incidents, situation);
        Decision { incidents, messages }
    }
}

/// Drops incidents that ended before the last epoch: their windows cannot come back.
fn forget(incidents: &mut Incidents, situation: &Situation) {
    let epoch = &situation.epoch;
    let length = epoch.next_poc_start.saturating_sub(epoch.poc_start);
    let horizon = epoch.poc_start.saturating_sub(length);
    incidents.retain(|_, incident| {
        incident.state != IncidentState::Resolved || incident.opened_height >= horizon
    });
}

/// Carries an alert's incidents on, and gives back what was observed of them.
fn follow<'a>(
    incidents: &mut Incidents,
    alert: &Alert,
    observed: Vec<Observed<'a>>,
    view: View<'_>,
    moment: Moment,
) -> Seen<'a> {
    let timing = (alert.timing)(view.policy);
    let mut present = Seen::new();
    for seen in observed {
        let fingerprint = seen.identity.fingerprint();
        if let Some(next) = lifecycle::observe(incidents.get(&fingerprint), &seen, timing, moment) {
            incidents.insert(fingerprint.clone(), next);
        }
        present.insert(fingerprint, seen);
    }
    let gone: Vec<String> = open_of(incidents, alert)
        .filter(|incident| !present.contains_key(&incident.fingerprint))
        .map(|incident| incident.fingerprint.clone())
        .collect();
    for fingerprint in gone {
        let incident = &incidents[&fingerprint];
        let absence = (alert.absent)(incident, view);
        if let Some(next) = lifecycle::end(incident, absence, timing, moment) {
            incidents.insert(fingerprint, next);
        }
    }
    present
}

fn open_of<'a>(incidents: &'a Incidents, alert: &Alert) -> impl Iterator<Item = &'a Incident> {
    let name = alert.name;
    incidents
        .values()
        .filter(move |incident| incident.alert == name && incident.state != IncidentState::Resolved)
}

fn freeze(incidents: &mut Incidents, alert: &Alert, moment: Moment) {
    let frozen: Vec<Incident> = open_of(incidents, alert)
        .filter_map(|incident| lifecycle::unknown(incident, moment))
        .collect();
    incidents.extend(frozen.into_iter().map(|incident| (incident.fingerprint.clone(), incident)));
}

/// An alert that is not watched any more leaves nothing open, and says nothing about it.
fn drop_open(incidents: &mut Incidents, alert: &Alert, moment: Moment) {
    let dropped: Vec<Incident> = open_of(incidents, alert)
        .filter_map(|incident| {
            lifecycle::end(incident, lifecycle::Absence::Faded, lifecycle::Timing::AT_ONCE, moment)
        })
        .collect();
    incidents.extend(dropped.into_iter().map(|incident| (incident.fingerprint.clone(), incident)));
}

/// The names of all alerts, as recipients, silences and the configuration know them.
#[must_use]
pub fn alert_names() -> BTreeSet<&'static str> {
    alert::ALERTS.iter().map(|alert| alert.name).collect()
}
