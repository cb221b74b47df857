//! Who does not know yet what holds: the difference between incidents and what was told of them
//! becomes messages. What has to wait simply stays a difference, so nothing is queued and nothing
//! can be lost in between.

use std::collections::BTreeSet;

use bootwatch_schema::{Ending, Incident, IncidentState, NewMessage, Part, Severity, Told};
use jiff::{SignedDuration, Timestamp};

use super::{Incidents, Seen, bundle};
use crate::{
    alert::{self, View},
    incident::{Telling, message_id},
    message::{About, Basis, Name, Notice, Phrase, Row, Tag, grouped, plain, utc},
    policy::Pacing,
    recipient::Recipient,
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
    let pacing = &view.policy.pacing;
    for recipient in &view.policy.recipients {
        let key = recipient.key();
        // A program has no night, and wants each incident by itself.
        let for_program = recipient.form.is_for_programs();
        let zone = &recipient.reader.zone;
        let quiet = pacing.quiet.and_then(|quiet| quiet.until(view.now, zone));
        let due: Vec<Item<'_>> = incidents
            .values()
            .filter_map(|incident| item(incident, recipient, &key, seen, quiet, view))
            .collect();
        if due.is_empty() {
            continue;
        }
        let (mut now, waiting): (Vec<_>, Vec<_>) = due.into_iter().partition(|item| item.urgent);
        if for_program || quiet.is_none() && has_room(incidents, &key, view) {
            now.extend(waiting);
        }
        let bundle_from = if for_program { usize::MAX } else { pacing.bundle_from };
        for group in bundle::groups(now, bundle_from) {
            messages.extend(message(&group, recipient, incidents, seen, view));
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
                || !recipient.wants(incident)
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
        && recipient.wants(incident))
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
        return has_passed(delay, incident.risen_at, now).then_some(Telling::Firing);
    };
    if incident.step > known.step || incident.severity > known.severity {
        return Some(Telling::Firing);
    }
    let remind = pacing.remind(incident.severity)?;
    let repeats = alert::find(&incident.alert).is_some_and(|alert| alert.repeats);
    (repeats && now.duration_since(known.at) >= remind).then_some(Telling::Reminder(known.times))
}

/// Whether a time has passed since a moment. A moment that is still to come was told by a clock that
/// has been set back since: waiting for it could take days.
fn has_passed(time: SignedDuration, since: Timestamp, now: Timestamp) -> bool {
    let passed = now.duration_since(since);
    passed >= time || passed.is_negative()
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
        // The clock has been set back since.
        .filter(|told| !age(told).is_negative())
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

/// One message for one or more items, in the words of its recipient.
fn message<'v>(
    items: &[Item<'_>],
    recipient: &'v Recipient,
    incidents: &Incidents,
    seen: &Seen<'v>,
    view: View<'v>,
) -> Option<NewMessage> {
    let view = View { reader: &recipient.reader, ..view };
    let ids: Vec<String> =
        items.iter().map(|item| message_id(item.incident, item.telling, recipient)).collect();
    let notices: Vec<Notice> =
        items.iter().map(|item| notice(item, incidents, seen, view)).collect();
    let basis = Basis::from(view.situation);
    let first = items.first()?.incident;
    let about = |message_id| About {
        message_id,
        incident: first,
        recipient,
        basis: Some(&basis),
        page: view.policy.page.as_deref(),
        now: view.now,
    };
    let height = view.situation.complete_to;
    let part = |item: &Item<'_>| Part {
        incident: item.incident.fingerprint.clone(),
        ended: item.telling == Telling::Ended,
    };
    let parts = items.iter().map(part).collect();
    if let ([id], [notice]) = (ids.as_slice(), notices.as_slice()) {
        return Some(NewMessage { parts, ..notice.address(&about(id), height) });
    }
    // A bundle is a thread of its own for mail programs; the outbox keeps the order of its parts.
    let id = bundle::id(&ids);
    let severity = items.iter().map(|item| item.incident.severity).max()?;
    let message = bundle::notice(items, &notices, view.lang()).address(&about(&id), height);
    Some(NewMessage { incident: id, parts, severity, ..message })
}

/// What to say about one incident.
fn notice<'v>(item: &Item<'_>, incidents: &Incidents, seen: &Seen<'v>, view: View<'v>) -> Notice {
    let incident = item.incident;
    let known = match (item.telling, seen.get(&incident.fingerprint)) {
        (Telling::Ended, _) => alert::find(&incident.alert).map(|a| (a.over)(incident, view)),
        (_, Some(seen)) => Some((seen.say)(view)),
        (_, None) => None,
    };
    let lang = view.lang();
    let tag = Tag::Severity(incident.severity);
    let mut notice = known.unwrap_or_else(|| Notice::bare(tag, incident.summary.clone()));
    if item.telling != Telling::Ended {
        notice.tag = tag;
    }
    // When the notice that it fires still waits, this one takes its place and is all that is read.
    if item.telling == Telling::Ended {
        let from = &utc(incident.opened_at, None, lang);
        let to = &utc(incident.changed_at, None, lang);
        let words = Phrase::FromTo { from, to }.say(lang);
        notice.numbers.push(Row::named(Name::Fired, &words, lang));
    }
    if let Telling::Reminder(told) = item.telling {
        let since = &utc(incident.opened_at, None, lang);
        let words = Phrase::Reminder { since, times: told }.say(lang);
        notice.numbers.push(Row::named(Name::FiringSince, &words, lang));
    }
    let held: Vec<&Incident> = incidents
        .values()
        .filter(|other| other.inhibited_by.as_ref() == Some(&incident.fingerprint))
        .filter(|other| other.state == IncidentState::Firing)
        .collect();
    if !held.is_empty() {
        let words = |other: &&Incident| match seen.get(&other.fingerprint) {
            Some(seen) => plain(&(seen.say)(view).headline, 120),
            None => plain(&other.summary, 120),
        };
        let shown: Vec<String> = held.iter().take(5).map(words).collect();
        let count = grouped(i64::try_from(held.len()).unwrap_or(i64::MAX));
        let words = format!("{count}: {}", shown.join("; "));
        notice.numbers.push(Row::named(Name::HeldBack, &words, lang));
    }
    notice
}

impl Item<'_> {
    pub(super) fn is_critical(&self) -> bool {
        self.critical
    }
}
