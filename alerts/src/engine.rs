//! The engine: one Situation in, what changed and what is to be said out.

use std::collections::{BTreeMap, HashSet};

use bootwatch_rules::situation::{Phase, Situation};
use bootwatch_schema::{Incident, IncidentState, NewMessage};
use jiff::Timestamp;

use crate::{
    alert::{ALERTS, View},
    incident::{Telling, message_id},
    lifecycle::{self, Change, Moment},
    message,
    policy::{Policy, Recipient},
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

/// Turns Situations into decisions. Pure: no I/O, no clock; the same incidents, Situation and time
/// give the same decision, with the same ids.
#[derive(Debug, Clone)]
pub struct Engine {
    policy: Policy,
    incidents: BTreeMap<String, Incident>,
}

impl Engine {
    /// An engine that knows of no incident.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self { policy, incidents: BTreeMap::new() }
    }

    /// Takes over what the store kept, so that nothing is decided twice.
    pub fn restore(&mut self, incidents: Vec<Incident>) {
        self.incidents = incidents.into_iter().map(|i| (i.fingerprint.clone(), i)).collect();
    }

    /// The incidents it knows: those that go on, and those that ended in this epoch or the one
    /// before.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.values()
    }

    /// What follows from a Situation.
    ///
    /// A stale Situation, or one whose clock cannot be read, decides nothing: data that is missing
    /// neither fires nor resolves. To be called with every block; a block left out costs no
    /// incident, only the certainty about how one ended.
    pub fn evaluate(&mut self, situation: &Situation, now: Timestamp) -> Decision {
        if situation.stale || situation.epoch.phase == Phase::Unknown {
            return Decision::default();
        }
        let view = View { situation, policy: &self.policy, now };
        let moment = Moment { height: situation.complete_to, at: now };
        let mut decision = Decision::default();
        for alert in ALERTS {
            let seen = (alert.observe)(&view);
            let mut present = HashSet::with_capacity(seen.len());
            for seen in seen {
                let fingerprint = seen.identity.fingerprint();
                if let Some(change) =
                    lifecycle::observe(self.incidents.get(&fingerprint), seen, moment)
                {
                    let told =
                        tell(change, &view, Telling::Firing, alert.notice, &mut decision.messages);
                    decision.incidents.push(told);
                }
                present.insert(fingerprint);
            }
            for incident in self.incidents.values() {
                if incident.alert != alert.name
                    || incident.state == IncidentState::Resolved
                    || present.contains(&incident.fingerprint)
                {
                    continue;
                }
                let absence = (alert.absent)(incident, &view);
                if let Some(change) = lifecycle::end(incident, absence, moment) {
                    let told =
                        tell(change, &view, Telling::Ended, alert.notice, &mut decision.messages);
                    decision.incidents.push(told);
                }
            }
        }
        for incident in &decision.incidents {
            self.incidents.insert(incident.fingerprint.clone(), incident.clone());
        }
        self.forget(situation);
        decision
    }

    /// Drops incidents that ended before the last epoch: their windows cannot come back.
    fn forget(&mut self, situation: &Situation) {
        let epoch = &situation.epoch;
        let length = epoch.next_poc_start.saturating_sub(epoch.poc_start);
        let horizon = epoch.poc_start.saturating_sub(length);
        self.incidents.retain(|_, incident| {
            incident.state != IncidentState::Resolved || incident.opened_height >= horizon
        });
    }
}

/// Writes the messages of a change and notes in the incident who gets them. How it ended is heard
/// only by those who heard that it began.
fn tell(
    change: Change,
    view: &View<'_>,
    telling: Telling,
    notice: fn(&Incident, &View<'_>) -> message::Notice,
    messages: &mut Vec<NewMessage>,
) -> Incident {
    let Change { mut incident, tell } = change;
    if !tell {
        return incident;
    }
    let recipients: Vec<&Recipient> = view
        .policy
        .recipients
        .iter()
        .filter(|r| telling == Telling::Firing || incident.told.contains(&r.key()))
        .collect();
    if recipients.is_empty() {
        return incident;
    }
    let rendered = notice(&incident, view).render(view);
    for recipient in recipients {
        messages.push(NewMessage {
            message_id: message_id(&incident, telling, recipient),
            incident: incident.fingerprint.clone(),
            channel: recipient.channel.clone(),
            recipient: recipient.address.clone(),
            subject: rendered.subject.clone(),
            text: rendered.text.clone(),
            html: rendered.html.clone(),
            created_at: view.now,
            created_height: view.situation.complete_to,
        });
        incident.told.insert(recipient.key());
    }
    incident
}
