//! `HostExcluded`: the chain removed a watched host from the running epoch.

use bootwatch_schema::{Ending, Incident, Severity};

use super::{About, Alert, CONDITION, HOST, View, ended, identity, names, says};
use crate::{
    lifecycle::{Absence, Observed, Timing},
    message::{Lang, Name, Notice, Phrase, Row, grouped, plain},
};

pub(super) const ALERT: Alert = Alert {
    name: NAME,
    about: About::Host,
    severity: "critical",
    when: "a host was removed from the running epoch: it counts for nothing until the next",
    timing: |_| Timing::AT_ONCE,
    observe,
    absent,
    over,
    ..CONDITION
};

const NAME: &str = "HostExcluded";

fn observe(view: View<'_>) -> Vec<Observed<'_>> {
    let epoch = view.situation.epoch.index;
    let excluded = view.situation.hosts.iter().filter_map(|h| Some((h, h.excluded.as_ref()?)));
    excluded
        .map(|(host, exclusion)| {
            let headline = move |lang| {
                let reason = plain(&exclusion.reason, 80);
                format!("{}: {} ({reason})", plain(&host.name, 40), Phrase::Excluded.say(lang))
            };
            let say = move |view: View<'_>| {
                let (lang, block) = (view.lang(), &grouped(exclusion.height));
                let reason = &plain(&exclusion.reason, 80);
                let numbers = vec![
                    Row::named(Name::Host, &plain(host.address.as_str(), 80), lang),
                    Row::named(Name::Block, block, lang),
                ];
                let what = Phrase::ExcludedWhat { epoch, block, reason }.say(lang);
                Notice { numbers, ..says(headline(lang), what) }
            };
            let labels = [(HOST, host.address.as_str())];
            Observed::new(
                identity(NAME, labels, epoch),
                Severity::Critical,
                headline(Lang::En),
                say,
            )
        })
        .collect()
}

fn over(incident: &Incident, view: View<'_>) -> Notice {
    let (host, _) = names(incident, view);
    ended(incident, view, &format!("{host}: {}", Phrase::Excluded.say(view.lang())))
}

fn absent(incident: &Incident, view: View<'_>) -> Absence {
    if view.host_of(incident).is_none() || incident.window != view.situation.epoch.index.to_string()
    {
        return Absence::Faded;
    }
    Absence::Ended(Ending::Met)
}
