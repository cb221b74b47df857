//! All alerts in words, for the documentation and the command line.

use super::{ALERTS, About, find};

/// An alert in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// When it fires.
    pub when: &'static str,
    /// How urgent it is.
    pub severity: &'static str,
    /// The keys of `[alerts]` that it compares with.
    pub keys: &'static [&'static str],
    /// It is repeated while it goes on.
    pub repeats: bool,
}

/// The alert of a name in words.
#[must_use]
pub fn describe(name: &str) -> Option<Description> {
    let alert = find(name)?;
    Some(Description {
        when: alert.when,
        severity: alert.severity,
        keys: alert.keys,
        repeats: alert.repeats,
    })
}

/// All alerts as a Markdown table. `docs/alerts.md` contains it as it is.
#[must_use]
pub fn table() -> String {
    let mut text = String::from(
        "| alert | about | severity | fires when | waits | clears after | settings |\n\
         |---|---|---|---|---|---|---|\n",
    );
    let mut alerts: Vec<_> = ALERTS.iter().collect();
    alerts.sort_by_key(|alert| alert.about);
    let policy = crate::Policy::default();
    for alert in alerts {
        let about = match alert.about {
            About::Host => "host",
            About::Network => "network",
            About::Bootwatch => "Bootwatch",
        };
        let timing = (alert.timing)(&policy);
        let span = |span: jiff::SignedDuration| match span.is_zero() {
            true => "–".to_owned(),
            false => format!("{span:#}"),
        };
        let clear = if alert.repeats { span(timing.clear) } else { "once".to_owned() };
        let keys: Vec<String> = alert.keys.iter().map(|key| format!("`{key}`")).collect();
        text += &format!(
            "| [{0}](#{1}) | {about} | {2} | {3} | {4} | {clear} | {5} |\n",
            alert.name,
            alert.name.to_lowercase(),
            alert.severity,
            alert.when,
            span(timing.hold),
            if keys.is_empty() { "–".to_owned() } else { keys.join(", ") },
        );
    }
    text
}
