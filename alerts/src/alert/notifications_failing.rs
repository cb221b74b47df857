//! `NotificationsFailing`: people are not reached. Whoever has another channel hears it there; the
//! page and the metrics show it in any case.

use bootwatch_rules::situation::ChannelView;
use bootwatch_schema::{Ending, Severity};
use jiff::SignedDuration;

use super::{About, Alert, Basis, CONDITION, View, identity, label, says};
use crate::{
    lifecycle::{Absence, Observed, Timing},
    message::{Notice, Row, grouped, plain, utc},
};

pub(super) const ALERT: Alert = Alert {
    name: NAME,
    about: About::Bootwatch,
    basis: Basis::Bootwatch,
    severity: "critical when messages wait, warning when some were refused",
    when: "a message waits for long, or was refused for good in the last 24 hours",
    keys: &["delivery_failing_after"],
    timing: |_| Timing { hold: SignedDuration::ZERO, clear: SignedDuration::from_mins(5) },
    observe,
    absent: |incident, view| {
        let name = label(incident, CHANNEL);
        let known = view.situation.service.channels.iter().any(|channel| channel.name == name);
        // What the daemon has not measured yet, after its start, is no recovery.
        if known { Absence::Ended(Ending::Met) } else { Absence::Unknown }
    },
    ..CONDITION
};

const NAME: &str = "NotificationsFailing";
const CHANNEL: &str = "channel";

fn observe(view: View<'_>) -> Vec<Observed<'_>> {
    let channels = view.situation.service.channels.iter();
    channels.filter_map(|channel| observed(channel, view)).collect()
}

fn observed<'a>(channel: &'a ChannelView, view: View<'a>) -> Option<Observed<'a>> {
    let name = plain(&channel.name, 40);
    let limit = view.policy.thresholds.delivery_failing_after;
    let stuck = channel.oldest.filter(|oldest| view.now.duration_since(*oldest) >= limit);
    let (severity, step, summary, what) = match stuck {
        Some(oldest) => (
            Severity::Critical,
            2,
            format!("messages by {name} do not get through"),
            format!(
                "{} messages wait, the oldest since {}. They are tried again and again, and none \
                 is lost; but until then nobody is warned this way. `bootwatch notify test` shows \
                 what the other side says.",
                grouped(i64::try_from(channel.waiting).unwrap_or(i64::MAX)),
                utc(oldest, None)
            ),
        ),
        None if channel.rejected > 0 => (
            Severity::Warning,
            1,
            format!("messages by {name} were refused"),
            "The other side refused them for good: an address may be wrong, or the account may not \
             send to it. See the log for its words."
                .to_owned(),
        ),
        None => return None,
    };
    let headline = summary.clone();
    let say = move |_: View<'_>| {
        let count = |count: u64| grouped(i64::try_from(count).unwrap_or(i64::MAX));
        let numbers = vec![
            Row::new("Waiting", &count(channel.waiting)),
            Row::new("Refused in 24 h", &count(channel.rejected)),
        ];
        Notice { numbers, ..says(headline.clone(), what.clone()) }
    };
    let identity = identity(NAME, [(CHANNEL, channel.name.as_str())], "");
    Some(Observed { step, ..Observed::new(identity, severity, summary, say) })
}
