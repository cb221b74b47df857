//! `ParamsChanged`: governance changed the parameters that hosts are judged and charged by.

use bootwatch_rules::situation::Effect;
use bootwatch_schema::Severity;

use super::{Alert, EVENT, View, identity, says};
use crate::{
    lifecycle::Observed,
    message::{Notice, Row, grouped, plain, utc},
};

pub(super) const ALERT: Alert = Alert {
    name: NAME,
    severity: "warning when a deadline, threshold or charge changes, else info",
    when: "parameters differ from those read before; both values are told",
    observe,
    ..EVENT
};

const NAME: &str = "ParamsChanged";
/// Values in one message.
const SHOWN: usize = 30;

fn observe(view: View<'_>) -> Vec<Observed<'_>> {
    let Some(change) = view.situation.params_change.as_ref() else { return Vec::new() };
    if change.changes.is_empty() || !view.is_news(change.height) {
        return Vec::new();
    }
    let heavy = change.changes.iter().any(|change| change.effect != Effect::Other);
    let severity = if heavy { Severity::Warning } else { Severity::Info };
    let first = &change.changes[0];
    let more = match change.changes.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let summary = format!("{} changed{more}", plain(&first.name, 60));
    let headline = format!(
        "{}: {} is now {}{more}",
        plain(&first.name, 60),
        plain(&first.before, 30),
        plain(&first.after, 30)
    );
    let say = move |view: View<'_>| {
        let mut numbers: Vec<Row> = change
            .changes
            .iter()
            .take(SHOWN)
            .map(|change| {
                let values =
                    format!("{} → {}", plain(&change.before, 80), plain(&change.after, 80));
                Row::new(&plain(&change.name, 120), &values)
            })
            .collect();
        for deadline in &view.situation.deadlines {
            if let (Some(height), eta) = (deadline.height, deadline.eta) {
                let when = eta
                    .map_or_else(String::new, |eta| format!(", {}", utc(eta, None, view.lang())));
                let name = format!("Now: {}", deadline.name.as_str().replace('_', " "));
                numbers.push(Row::new(&name, &format!("block {}{when}", grouped(height))));
            }
        }
        let what = format!(
            "The chain's parameters as read after block {} differ from those before. Deadlines and \
             forecasts follow the new ones from now on.",
            grouped(change.height)
        );
        Notice { numbers, ..says(headline.clone(), what) }
    };
    vec![Observed::new(identity(NAME, [], change.height), severity, summary, say)]
}
