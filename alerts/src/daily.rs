//! The message of every day: that all is well, or what is not. It shows that silence is good news:
//! who does not get it knows that something is wrong with whoever should have sent it.

use bootwatch_rules::situation::{DeadlineState, Situation};
use bootwatch_schema::{Incident, IncidentState, NewMessage, Severity};
use jiff::{SignedDuration, Timestamp, civil};

use crate::{
    message::{Basis, Notice, Phrase, Row, Tag, deadline_words, grouped, plain, utc},
    recipient::{Recipient, Wants},
    trouble,
};

/// A message that could not be decided for so long after its time is left out: the next day's comes.
const WINDOW: SignedDuration = SignedDuration::from_hours(2);
/// Alerts that are listed.
const LISTED: usize = 20;
/// Alerts are judged every second; a loop that does not come round for so long is stuck.
const STUCK: SignedDuration = SignedDuration::from_mins(2);

/// Why Bootwatch itself is not well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each says it in `as_str`")]
pub enum Unwell {
    NoBlock,
    NotJudged,
    Stale,
    NotDelivered,
    NotWritten,
}

impl Unwell {
    /// Why Bootwatch is not well; none when blocks are fresh, alerts are judged, messages get
    /// through and the database can be written. `patience` is how long a message may wait.
    #[must_use]
    pub fn of(
        newest: Option<&Situation>,
        patience: SignedDuration,
        now: Timestamp,
    ) -> Option<Self> {
        let Some(situation) = newest else { return Some(Self::NoBlock) };
        let service = &situation.service;
        if service.judged_at.is_none_or(|at| now.duration_since(at) > STUCK) {
            return Some(Self::NotJudged);
        }
        if situation.stale {
            return Some(Self::Stale);
        }
        let waits = |oldest: Timestamp| now.duration_since(oldest) >= patience;
        let waiting = service.channels.iter().any(|channel| channel.oldest.is_some_and(waits));
        if waiting || service.nobody_reached {
            return Some(Self::NotDelivered);
        }
        service.store_trouble.as_ref().map(|_| Self::NotWritten)
    }

    /// The words for it in English.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoBlock => "no block has been taken in yet",
            Self::NotJudged => "alerts are not judged any more",
            Self::Stale => "the data is old",
            Self::NotDelivered => "messages do not get through",
            Self::NotWritten => "the database cannot be written",
        }
    }
}

/// The day whose message is due for somebody, and since when; none when none is. It goes to people
/// who want to hear of everything.
#[must_use]
pub fn due(
    recipient: &Recipient,
    at: civil::Time,
    now: Timestamp,
) -> Option<(civil::Date, SignedDuration)> {
    if recipient.form.is_for_programs() || recipient.wants != Wants::default() {
        return None;
    }
    let zone = &recipient.reader.zone;
    let today = now.to_zoned(zone.clone()).date();
    [today, today.yesterday().ok()?].into_iter().find_map(|day| {
        let time = day.to_datetime(at).to_zoned(zone.clone()).ok()?.timestamp();
        let since = now.duration_since(time);
        (SignedDuration::ZERO..WINDOW).contains(&since).then_some((day, since))
    })
}

/// The message of a day. The same day's has the same id, whoever writes it.
#[must_use]
pub fn message(
    recipient: &Recipient,
    day: civil::Date,
    unwell: Option<Unwell>,
    incidents: &[Incident],
    situation: Option<&Situation>,
    page: Option<&str>,
    now: Timestamp,
) -> NewMessage {
    let lang = recipient.reader.lang;
    let mut firing: Vec<&Incident> = incidents
        .iter()
        .filter(|i| i.state == IncidentState::Firing && i.severity > Severity::Info)
        .collect();
    firing.sort_by_key(|incident| std::cmp::Reverse(incident.severity));
    let worst = firing.first().map(|incident| incident.severity);
    let block = grouped(situation.map_or(0, |situation| situation.complete_to));
    let (severity, headline, what) = match (unwell, worst) {
        (Some(unwell), worst) => {
            let why = &Phrase::Unwell(unwell).say(lang);
            (
                worst.unwrap_or(Severity::Warning),
                Phrase::NotWell { why }.say(lang),
                Phrase::NotWellWhat { why, block: &block }.say(lang),
            )
        }
        (None, Some(worst)) => (
            worst,
            Phrase::StillFiring { count: firing.len() }.say(lang),
            Phrase::StillFiringWhat { block: &block }.say(lang),
        ),
        (None, None) => (
            Severity::Info,
            Phrase::AllWell.say(lang),
            Phrase::AllWellWhat { block: &block }.say(lang),
        ),
    };
    let tag = |severity| Phrase::Tag(Tag::Severity(severity)).say(lang);
    let mut numbers: Vec<Row> = firing
        .iter()
        .take(LISTED)
        .map(|incident| {
            let name = format!("{} {}", tag(incident.severity), incident.alert);
            Row::new(&name, &plain(&incident.summary, 160))
        })
        .collect();
    let ahead = situation.iter().flat_map(|situation| &situation.deadlines);
    numbers.extend(ahead.filter(|deadline| deadline.state == DeadlineState::Ahead).filter_map(
        |deadline| {
            let time = utc(deadline.eta?, deadline.eta_error_seconds, lang);
            Some(Row::new(&deadline_words(deadline.name, lang), &time))
        },
    ));
    let notice = Notice { what, numbers, ..Notice::bare(Tag::Severity(severity), headline) };
    let window = day.to_string();
    let incident = trouble::incident("Daily", &[], window, severity, situation, now);
    let basis = situation.map(Basis::from);
    trouble::address(&notice, &incident, recipient, basis.as_ref(), page, now)
}

#[cfg(test)]
mod tests {
    use bootwatch_schema::Severity;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::{message::Lang, recipient::Form};

    fn somebody(zone: &str) -> Recipient {
        let mut recipient = Recipient::new("email", "me@example.org");
        recipient.reader.zone = TimeZone::get(zone).unwrap();
        recipient
    }

    fn due_at(recipient: &Recipient, now: &str) -> Option<String> {
        let at = "09:00".parse().unwrap();
        due(recipient, at, now.parse().unwrap()).map(|(day, _)| day.to_string())
    }

    // Fails when the hour is taken in another zone than the recipient's, when a change of the clocks
    // moves it, when a day has two messages, or when it comes hours late.
    #[test]
    fn it_is_due_once_a_day_on_the_recipients_clock() {
        let berlin = somebody("Europe/Berlin");
        assert_eq!(due_at(&berlin, "2026-08-13T06:59:59Z"), None);
        assert_eq!(due_at(&berlin, "2026-08-13T07:00:00Z").as_deref(), Some("2026-08-13"));
        assert_eq!(due_at(&berlin, "2026-08-13T08:59:59Z").as_deref(), Some("2026-08-13"));
        assert_eq!(due_at(&berlin, "2026-08-13T09:00:00Z"), None);
        assert_eq!(due_at(&berlin, "2026-12-13T07:30:00Z"), None);
        assert_eq!(due_at(&berlin, "2026-12-13T08:00:00Z").as_deref(), Some("2026-12-13"));
        let late = "23:30".parse().unwrap();
        let (day, _) =
            due(&somebody("UTC"), late, "2026-08-14T00:10:00Z".parse().unwrap()).unwrap();
        assert_eq!(day.to_string(), "2026-08-13");
    }

    // Fails when a program, or somebody who wants only what is critical, gets it.
    #[test]
    fn it_goes_to_people_who_want_everything() {
        let now = "2026-08-13T09:30:00Z";
        let mut recipient = somebody("UTC");
        assert!(due_at(&recipient, now).is_some());
        recipient.wants.min_severity = Severity::Critical;
        assert_eq!(due_at(&recipient, now), None);
        recipient.wants = Wants::default();
        recipient.form = Form::Json;
        assert_eq!(due_at(&recipient, now), None);
    }

    // Fails when it says that all is well although something fires or Bootwatch is blind, or when
    // the same day's message has two ids.
    #[test]
    fn it_never_says_well_when_it_is_not() {
        let now: Timestamp = "2026-08-13T09:00:00Z".parse().unwrap();
        let (recipient, day) = (somebody("UTC"), civil::date(2026, 8, 13));
        let say = |unwell, incidents: &[Incident]| {
            message(&recipient, day, unwell, incidents, None, None, now)
        };
        let well = say(None, &[]);
        assert_eq!(well.subject, "[INFO] all is well");
        let mut incident =
            trouble::incident("DiskLow", &[], String::new(), Severity::Critical, None, now);
        incident.summary = "hardly any disk".into();
        let fires = say(None, std::slice::from_ref(&incident));
        assert_eq!(fires.subject, "[CRITICAL] 1 alert fires");
        assert!(fires.text.contains("hardly any disk"), "{}", fires.text);
        incident.state = IncidentState::Resolved;
        assert_eq!(say(None, &[incident]).subject, well.subject);
        let blind = say(Some(Unwell::Stale), &[]);
        assert_eq!(blind.subject, "[WARNING] Bootwatch is not well: the data is old");
        assert_eq!(well.message_id, blind.message_id);
        for lang in Lang::ALL {
            let mut other = recipient.clone();
            other.reader.lang = lang;
            let said = message(&other, day, Some(Unwell::NotWritten), &[], None, None, now);
            assert!(!said.subject.contains("all is well"), "{}", said.subject);
        }
    }
}
