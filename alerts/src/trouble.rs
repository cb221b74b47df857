//! What is said about delivery itself: a message that was refused for good, told at once to everybody
//! else, and the message of `bootwatch notify test`. That a whole channel does not get through is an
//! alert like the others.

use bootwatch_rules::situation::Situation;
use bootwatch_schema::{Incident, IncidentState, NewMessage, Severity};
use jiff::Timestamp;

use crate::{
    alert::notifications_failing,
    incident::digest,
    message::{About, Basis, Name, Notice, Phrase, Row, Tag, plain},
    recipient::Recipient,
};

/// Somebody whom a channel does not reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The channel.
    pub channel: String,
    /// Who does not get messages.
    pub recipient: String,
    /// What the other side said.
    pub error: String,
}

/// Messages about a trouble to everybody whom it does not keep from getting them. The same trouble
/// is told once a day, whoever tells it: the ids are those of the day.
#[must_use]
pub fn messages(
    trouble: &Trouble,
    recipients: &[Recipient],
    situation: Option<&Situation>,
    page: Option<&str>,
    now: Timestamp,
) -> Vec<NewMessage> {
    let who = trouble.recipient.as_str();
    let window = now.strftime("%Y-%m-%d").to_string();
    let labels = [("channel", trouble.channel.as_str()), ("recipient", who)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let incident = Incident {
        labels: labels.into(),
        ..incident(
            notifications_failing::NAME,
            &[&trouble.channel, who],
            window,
            Severity::Warning,
            situation,
            now,
        )
    };
    let basis = situation.map(Basis::from);
    let told = recipients
        .iter()
        .filter(|r| r.channel != trouble.channel || r.address != trouble.recipient);
    told.map(|recipient| {
        let lang = recipient.reader.lang;
        let (channel, refused) = (&plain(&trouble.channel, 40), &plain(who, 80));
        let headline = Phrase::Refused { channel, recipient: refused }.say(lang);
        let what = Phrase::RefusedWhat { channel, recipient: refused }.say(lang);
        let numbers = vec![
            Row::named(Name::Channel, channel, lang),
            Row::named(Name::Answer, &plain(&trouble.error, 400), lang),
        ];
        let tag = Tag::Severity(incident.severity);
        let notice = Notice { numbers, what, ..Notice::bare(tag, headline) };
        address(&notice, &incident, recipient, basis.as_ref(), page, now)
    })
    .collect()
}

/// A message that says only that the channel works; each call is a new one.
#[must_use]
pub fn test_message(recipient: &Recipient, now: Timestamp) -> NewMessage {
    let lang = recipient.reader.lang;
    let nanos = now.as_nanosecond().to_string();
    let parts = [recipient.channel.as_str(), &recipient.address, &nanos];
    let incident = incident("Test", &parts, nanos.clone(), Severity::Info, None, now);
    let notice = Notice {
        what: Phrase::TestWhat { channel: &plain(&recipient.channel, 40) }.say(lang),
        ..Notice::bare(Tag::Test, Phrase::TestHeadline.say(lang))
    };
    address(&notice, &incident, recipient, None, None, now)
}

/// An incident that the engine knows nothing of.
pub(crate) fn incident(
    alert: &str,
    parts: &[&str],
    window: String,
    severity: Severity,
    situation: Option<&Situation>,
    now: Timestamp,
) -> Incident {
    Incident {
        fingerprint: digest([alert, &window].into_iter().chain(parts.iter().copied())),
        alert: alert.to_owned(),
        labels: [].into(),
        window,
        state: IncidentState::Firing,
        severity,
        summary: String::new(),
        opened_height: situation.map_or(0, |situation| situation.complete_to),
        opened_at: now,
        changed_at: now,
        deadline: None,
        step: 1,
        occurrence: 1,
        risen_at: now,
        clearing: None,
        unknown_since: None,
        acknowledged: None,
        silenced_by: None,
        inhibited_by: None,
        told: [].into(),
        ending: None,
    }
}

/// The message about such an incident.
pub(crate) fn address(
    notice: &Notice,
    incident: &Incident,
    recipient: &Recipient,
    basis: Option<&Basis>,
    page: Option<&str>,
    now: Timestamp,
) -> NewMessage {
    let id = digest([incident.fingerprint.as_str(), &recipient.channel, &recipient.address]);
    let about = About { message_id: &id, incident, recipient, basis, page, now };
    notice.address(&about, incident.opened_height)
}
