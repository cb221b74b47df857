//! `Charged`: what the chain fixed at a validation end. Final.

use bootwatch_schema::Severity;

use super::{About, Alert, EVENT, HOST, View, identity, says};
use crate::{
    lifecycle::Observed,
    message::{Notice, Row, percent, plain},
};

pub(super) const ALERT: Alert = Alert {
    name: NAME,
    about: About::Host,
    severity: "warning",
    when: "a validation end fixed a charge above zero for a host (final)",
    observe,
    ..EVENT
};

const NAME: &str = "Charged";

fn observe(view: View<'_>) -> Vec<Observed<'_>> {
    let situation = view.situation;
    let charged = situation.hosts.iter().filter_map(|host| Some((host, host.fixed.as_ref()?)));
    charged
        .filter(|(_, fixed)| fixed.epoch >= situation.epoch.index && !fixed.fraction.is_zero())
        .map(|(host, fixed)| {
            let of = if situation.rule_set == "v0.2.12" { "weight" } else { "reward" };
            let fraction = fixed.fraction.to_string();
            let taken = percent(&fraction);
            let summary = format!(
                "{}: epoch {} takes {taken} of the {of}",
                plain(&host.name, 40),
                fixed.epoch
            );
            let headline = summary.clone();
            let say = move |_: View<'_>| Notice {
                cost: Some(format!("{taken} of the {of} of epoch {}.", fixed.epoch)),
                numbers: vec![
                    Row::new("Host", &plain(host.address.as_str(), 80)),
                    Row::new("Fraction", &fraction),
                ],
                ..says(
                    headline.clone(),
                    format!(
                        "The chain fixed this charge when epoch {} was formed. It is final. \
                         `bootwatch explain --host {} --epoch {}` shows how it came about, and \
                         `bootwatch export --epoch {}` keeps the evidence.",
                        fixed.epoch,
                        plain(host.address.as_str(), 80),
                        fixed.epoch,
                        fixed.epoch
                    ),
                )
            };
            let labels = [(HOST, host.address.as_str())];
            Observed::new(identity(NAME, labels, fixed.epoch), Severity::Warning, summary, say)
        })
        .collect()
}
