//! Who does not know yet what holds: the difference between incidents and what was told of them
//! becomes messages. What has to wait simply stays a difference, so nothing is queued and nothing
//! can be lost in between.

use std::collections::BTreeSet;

use bootwatch_schema::{Ending, Incident, IncidentState, NewMessage, Severity, Told};
use jiff::{SignedDuration, Timestamp};

use super::{Incidents, Seen, bundle};
use crate::{
    alert::{self, HOST, MODEL, View, label},
    incident::{Telling, message_id},
    message::{Notice, Row, Tag, grouped, plain, utc},
    policy::{Pacing, Recipient, Topic},
};

/// Something that one recipient is to hear.
#[derive(Debug, Clone)]
pub(super) struct Item<'a> {
    pub(super) incident: &'a Incident,
    pub(super) telling: Telling,
    /// It does not wait for quiet hours, batches or rates.
    urgent: bool,
    /// It is critical, or ends something that was missed.
    critical: bool,
}

/// Messages for everything that is due, and who was told noted in the incidents.
pub(super) fn plan<'v>(
    incidents: &mut Incidents,
    seen: &Seen<'v>,
    view: View<'v>,
) -> Vec<NewMessage> {
    let mut messages = Vec::new();
    let mut told: Vec<(String, String, Told)> = Vec::new();
    let quiet = view.policy.pacing.quiet.as_ref().and_then(|quiet| quiet.until(view.now));
    for recipient in &view.policy.recipients {
        let key = recipient.key();
        let due: Vec<Item<'_>> = incidents
            .values()
            .filter_map(|incident| item(incident, recipient, &key, seen, quiet, view))
            .collect();
        if due.is_empty() {
            continue;
        }
        let (mut now, waiting): (Vec<_>, Vec<_>) = due.into_iter().partition(|item| item.urgent);
        if quiet.is_none() && has_room(incidents, &key, view) {
            now.extend(waiting);
        }
        for group in bundle::groups(now, view.policy.pacing.bundle_from) {
            messages.push(message(&group, recipient, incidents, seen, view));
            for item in group {
                let fingerprint = item.incident.fingerprint.clone();
                told.push((fingerprint, key.clone(), after(&item, &key, view.now)));
            }
        }
    }
    for (fingerprint, key, known) in told {
        if let Some(incident) = incidents.get_mut(&fingerprint) {
            incident.told.insert(key, known);
        }
    }
    messages
}

/// What a recipient is to hear about an incident, if anything.
fn item<'a>(
    incident: &'a Incident,
    recipient: &Recipient,
    key: &str,
    seen: &Seen<'_>,
    quiet: Option<Timestamp>,
    view: View<'_>,
) -> Option<Item<'a>> {
    let known = incident.told.get(key);
    match incident.state {
        IncidentState::Pending => None,
        IncidentState::Resolved => {
            let Some(known) = known else { return untold(incident, recipient, view) };
            if known.ended {
                return None;
            }
            let critical = incident.ending == Some(Ending::Missed);
            // Who was woken for it may go back to sleep.
            let urgent = critical || known.severity == Severity::Critical;
            Some(Item { incident, telling: Telling::Ended, urgent, critical })
        }
        IncidentState::Firing => {
            // What is not observed now is unknown, or about to end: nothing to repeat.
            seen.get(&incident.fingerprint)?;
            if incident.silenced_by.is_some()
                || incident.inhibited_by.is_some()
                || incident.acknowledged.is_some()
                || !view.policy.concerns(recipient, &topic(incident, view))
            {
                return None;
            }
            let telling = firing(incident, known, &view.policy.pacing, view.now)?;
            let critical = incident.severity == Severity::Critical;
            let urgent = critical || quiet.is_some_and(|end| is_due_before(incident, end, view));
            Some(Item { incident, telling, urgent, critical })
        }
    }
}

/// An event that was over before it could be told, because of quiet hours or a wait: what happened
/// is still news for a day. A condition that came and went is not.
fn untold<'a>(incident: &'a Incident, recipient: &Recipient, view: View<'_>) -> Option<Item<'a>> {
    let is_event = alert::find(&incident.alert).is_some_and(|alert| alert.is_event());
    let fresh = view.now.duration_since(incident.opened_at) < SignedDuration::from_hours(24);
    (is_event
        && fresh
        && incident.occurrence > 0
        && incident.silenced_by.is_none()
        && view.policy.concerns(recipient, &topic(incident, view)))
    .then_some(Item { incident, telling: Telling::Firing, urgent: false, critical: false })
}

/// Whether a firing incident is to be told now, and as what.
fn firing(
    incident: &Incident,
    known: Option<&Told>,
    pacing: &Pacing,
    now: Timestamp,
) -> Option<Telling> {
    let Some(known) = known else {
        let delay = match incident.severity {
            Severity::Critical => SignedDuration::ZERO,
            Severity::Info | Severity::Warning => pacing.first_notice_delay,
        };
        return (now.duration_since(incident.risen_at) >= delay).then_some(Telling::Firing);
    };
    if incident.step > known.step || incident.severity > known.severity {
        return Some(Telling::Firing);
    }
    let remind = pacing.remind(incident.severity)?;
    let repeats = alert::find(&incident.alert).is_some_and(|alert| alert.repeats);
    (repeats && now.duration_since(known.at) >= remind).then_some(Telling::Reminder(known.times))
}

fn topic<'a>(incident: &'a Incident, view: View<'a>) -> Topic<'a> {
    let address = label(incident, HOST);
    let name = view.situation.hosts.iter().find(|host| host.address.as_str() == address);
    Topic {
        alert: &incident.alert,
        severity: incident.severity,
        host: incident
            .labels
            .get(HOST)
            .map(|address| (address.as_str(), name.map_or("", |host| host.name.as_str()))),
        model: incident.labels.get(MODEL).map(String::as_str),
    }
}

/// A deadline that falls before `end` does not wait for it; nor does one of unknown time.
fn is_due_before(incident: &Incident, end: Timestamp, view: View<'_>) -> bool {
    let Some(deadline) = incident.deadline else { return false };
    view.eta(deadline).is_none_or(|eta| eta < end)
}

/// Whether a recipient may be sent something that is not urgent: not too soon after the last one,
/// and not too many in an hour.
fn has_room(incidents: &Incidents, key: &str, view: View<'_>) -> bool {
    let pacing = &view.policy.pacing;
    let age = |told: &Told| view.now.duration_since(told.at);
    // A bundle is one message, at one time.
    let recent: BTreeSet<Timestamp> = incidents
        .values()
        .filter_map(|incident| incident.told.get(key))
        .filter(|told| told.severity < Severity::Critical)
        .filter(|told| age(told) < SignedDuration::from_hours(1))
        .map(|told| told.at)
        .collect();
    let last = recent.last().map(|at| view.now.duration_since(*at));
    last.is_none_or(|last| last >= pacing.batch_every)
        && recent.len() < usize::try_from(pacing.per_hour).unwrap_or(usize::MAX)
}

/// What the recipient knows once the message is out.
fn after(item: &Item<'_>, key: &str, now: Timestamp) -> Told {
    let known = item.incident.told.get(key);
    Told {
        step: item.incident.step,
        severity: item.incident.severity,
        at: now,
        times: known.map_or(0, |known| known.times).saturating_add(1),
        ended: item.incident.state == IncidentState::Resolved,
    }
}

/// One message for one or more items.
fn message<'v>(
    items: &[Item<'_>],
    recipient: &Recipient,
    incidents: &Incidents,
    seen: &Seen<'v>,
    view: View<'v>,
) -> NewMessage {
    let ids: Vec<String> =
        items.iter().map(|item| message_id(item.incident, item.telling, recipient)).collect();
    let notices: Vec<Notice> =
        items.iter().map(|item| notice(item, incidents, seen, view)).collect();
    let (message_id, incident, notice) = match (items, ids.as_slice(), notices.as_slice()) {
        ([item], [id], [notice]) => (id.clone(), item.incident.fingerprint.clone(), notice.clone()),
        _ => {
            let id = bundle::id(&ids);
            (id.clone(), id, bundle::notice(items, &notices))
        }
    };
    let rendered = notice.render(&view);
    NewMessage {
        message_id,
        incident,
        channel: recipient.channel.clone(),
        recipient: recipient.address.clone(),
        subject: rendered.subject,
        text: rendered.text,
        html: rendered.html,
        created_at: view.now,
        created_height: view.situation.complete_to,
    }
}

/// What to say about one incident.
fn notice<'v>(item: &Item<'_>, incidents: &Incidents, seen: &Seen<'v>, view: View<'v>) -> Notice {
    let incident = item.incident;
    let known = match (item.telling, seen.get(&incident.fingerprint)) {
        (Telling::Ended, _) => alert::find(&incident.alert).map(|a| (a.over)(incident, view)),
        (_, Some(seen)) => Some((seen.say)(view)),
        (_, None) => None,
    };
    let tag = Tag::Severity(incident.severity);
    let mut notice = known.unwrap_or_else(|| Notice::bare(tag, incident.summary.clone()));
    if item.telling != Telling::Ended {
        notice.tag = tag;
    }
    if let Telling::Reminder(told) = item.telling {
        let since = utc(incident.opened_at, None);
        notice.numbers.push(Row::new("Firing since", &format!("{since}, reminder {told}")));
    }
    let held: Vec<&str> = incidents
        .values()
        .filter(|other| other.inhibited_by.as_ref() == Some(&incident.fingerprint))
        .filter(|other| other.state == IncidentState::Firing)
        .map(|other| other.summary.as_str())
        .collect();
    if !held.is_empty() {
        let shown: Vec<String> = held.iter().take(5).map(|summary| plain(summary, 120)).collect();
        let count = grouped(i64::try_from(held.len()).unwrap_or(i64::MAX));
        notice
            .numbers
            .push(Row::new("Held back meanwhile", &format!("{count}: {}", shown.join("; "))));
    }
    notice
}

impl Item<'_> {
    pub(super) fn is_critical(&self) -> bool {
        self.critical
    }
}
