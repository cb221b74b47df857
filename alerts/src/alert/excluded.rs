//! `HostExcluded`: the chain removed a watched host from the running epoch.

use bootwatch_schema::{Ending, Incident, Severity};

use super::{About, Alert, CONDITION, HOST, View, identity, says};
use crate::{
    lifecycle::{Absence, Observed, Timing},
    message::{Notice, Row, grouped, plain},
};

pub(super) const ALERT: Alert = Alert {
    name: NAME,
    about: About::Host,
    severity: "critical",
    when: "a host was removed from the running epoch: it counts for nothing until the next",
    timing: |_| Timing::AT_ONCE,
    observe,
    absent,
    ..CONDITION
};

const NAME: &str = "HostExcluded";

fn observe(view: View<'_>) -> Vec<Observed<'_>> {
    let epoch = view.situation.epoch.index;
    let excluded = view.situation.hosts.iter().filter_map(|h| Some((h, h.excluded.as_ref()?)));
    excluded
        .map(|(host, exclusion)| {
            let reason = plain(&exclusion.reason, 80);
            let summary = format!("{} was excluded: {reason}", plain(&host.name, 40));
            let headline = summary.clone();
            let say = move |_: View<'_>| Notice {
                numbers: vec![
                    Row::new("Host", &plain(host.address.as_str(), 80)),
                    Row::new("Block", &grouped(exclusion.height)),
                ],
                ..says(
                    headline.clone(),
                    format!(
                        "The chain removed this host from epoch {epoch} at block {}, with the \
                         reason \"{reason}\". Until the next epoch it has no weight, its choices \
                         are not read at a capture, and who delegates to it is charged as if they \
                         had chosen nothing.",
                        grouped(exclusion.height)
                    ),
                )
            };
            let labels = [(HOST, host.address.as_str())];
            Observed::new(identity(NAME, labels, epoch), Severity::Critical, summary, say)
        })
        .collect()
}

fn absent(incident: &Incident, view: View<'_>) -> Absence {
    if view.host_of(incident).is_none() || incident.window != view.situation.epoch.index.to_string()
    {
        return Absence::Faded;
    }
    Absence::Ended(Ending::Met)
}
