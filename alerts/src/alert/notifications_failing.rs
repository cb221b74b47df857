//! `NotificationsFailing`: messages wait and do not get through. Whoever has another channel hears it
//! there; the page and the metrics show it in any case. What the other side refuses for good is told
//! at once, in its words, by [`crate::trouble`].

use bootwatch_rules::situation::ChannelView;
use bootwatch_schema::{Ending, Incident, Severity};
use jiff::SignedDuration;

use super::{About, Alert, Basis, CONDITION, View, ended, identity, label, says};
use crate::{
    lifecycle::{Absence, Observed, Timing},
    message::{Lang, Name, Notice, Phrase, Row, grouped, plain, utc},
};

pub(super) const ALERT: Alert = Alert {
    name: NAME,
    about: About::Bootwatch,
    basis: Basis::Bootwatch,
    severity: "critical; warning for a refusal",
    when: "messages of a channel wait for long; a refusal for good is told at once, by the others",
    keys: &["delivery_failing_after"],
    timing: |_| Timing { hold: SignedDuration::ZERO, clear: SignedDuration::from_mins(5) },
    observe,
    absent: |incident, view| {
        let name = label(incident, CHANNEL);
        let known = view.situation.service.channels.iter().any(|channel| channel.name == name);
        // What the daemon has not measured yet, after its start, is no recovery.
        if known { Absence::Ended(Ending::Met) } else { Absence::Unknown }
    },
    over,
    ..CONDITION
};

pub(crate) const NAME: &str = "NotificationsFailing";
const CHANNEL: &str = "channel";

fn observe(view: View<'_>) -> Vec<Observed<'_>> {
    let channels = view.situation.service.channels.iter();
    channels.filter_map(|channel| observed(channel, view)).collect()
}

fn observed<'a>(channel: &'a ChannelView, view: View<'a>) -> Option<Observed<'a>> {
    let limit = view.policy.thresholds.delivery_failing_after;
    let oldest = channel.oldest.filter(|oldest| view.now.duration_since(*oldest) >= limit)?;
    let headline =
        |lang| Phrase::NotGettingThrough { channel: &plain(&channel.name, 40) }.say(lang);
    let say = move |view: View<'_>| {
        let lang = view.lang();
        let count = |count: u64| grouped(i64::try_from(count).unwrap_or(i64::MAX));
        let (waiting, since) = (&count(channel.waiting), &utc(oldest, None, lang));
        let what = Phrase::NotGettingThroughWhat { waiting, since }.say(lang);
        let numbers = vec![
            Row::named(Name::Waiting, waiting, lang),
            Row::named(Name::RefusedToday, &count(channel.rejected), lang),
        ];
        Notice { numbers, ..says(headline(lang), what) }
    };
    let identity = identity(NAME, [(CHANNEL, channel.name.as_str())], "");
    Some(Observed::new(identity, Severity::Critical, headline(Lang::En), say))
}

fn over(incident: &Incident, view: View<'_>) -> Notice {
    let channel = &plain(label(incident, CHANNEL), 40);
    ended(incident, view, &Phrase::NotGettingThrough { channel }.say(view.lang()))
}
