//! `Charged`: what the chain fixed at a validation end. Final.

use bootwatch_schema::Severity;

use super::{About, Alert, EVENT, HOST, View, identity, says};
use crate::{
    lifecycle::Observed,
    message::{Lang, Name, Notice, Phrase, Row, Step, Verb, gnk, percent, plain},
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
            let (epoch, of_weight) = (fixed.epoch, situation.rule_set == "v0.2.12");
            let fraction = fixed.fraction.to_string();
            let taken = percent(&fraction);
            let (share, name) = (taken.clone(), plain(&host.name, 40));
            let headline = move |lang| {
                let words = Phrase::Charged { epoch, share: &share, of_weight }.say(lang);
                format!("{name}: {words}")
            };
            let summary = headline(Lang::En);
            let say = move |view: View<'_>| {
                let lang = view.lang();
                let cost = Phrase::ChargedCost { epoch, share: &taken, of_weight }.say(lang);
                let amount = fixed.amount.map(gnk).map_or_else(String::new, |amount| {
                    format!(" {}", Phrase::About { amount: &amount }.say(lang))
                });
                let address = &plain(host.address.as_str(), 80);
                let step = |verb, line: String| Step::run(verb, line, lang);
                let steps = [
                    (Verb::Explain, format!("bootwatch explain --host {address} --epoch {epoch}")),
                    (Verb::Export, format!("bootwatch export --epoch {epoch}")),
                ];
                Notice {
                    steps: steps.map(|(verb, line)| step(verb, line)).into(),
                    cost: Some(format!("{cost}{amount}")),
                    numbers: vec![
                        Row::named(Name::Host, address, lang),
                        Row::named(Name::Fraction, &fraction, lang),
                    ],
                    ..says(headline(lang), Phrase::ChargedWhat { epoch }.say(lang))
                }
            };
            let labels = [(HOST, host.address.as_str())];
            Observed::new(identity(NAME, labels, fixed.epoch), Severity::Warning, summary, say)
        })
        .collect()
}
