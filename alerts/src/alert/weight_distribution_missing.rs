//! `WeightDistributionMissing`: a commit without a weight distribution counts nothing.

use bootwatch_rules::{EpochIndex, situation::Phase};
use bootwatch_schema::{Ending, Incident, Severity};

use super::{About, Alert, CONDITION, HOST, MODEL, View, costly, ended, identity, names, says};
use crate::{
    lifecycle::{Absence, Observed, Timing},
    message::{Lang, Name, Notice, Phrase, Row, grouped, plain, short_model},
};

pub(super) const ALERT: Alert = Alert {
    name: NAME,
    about: About::Host,
    severity: "warning, critical from validation start",
    when: "the commit deadline has passed, and a host's commit has no weight distribution",
    timing: |_| Timing::AT_ONCE,
    observe,
    absent,
    over,
    ..CONDITION
};

const NAME: &str = "WeightDistributionMissing";

fn observe(view: View<'_>) -> Vec<Observed<'_>> {
    let (step, severity) = match view.situation.epoch.phase {
        Phase::PocExchange => (1, Severity::Warning),
        Phase::PocValidate => (2, Severity::Critical),
        _ => return Vec::new(),
    };
    let missing = |model: &bootwatch_rules::situation::HostModelView| {
        model.distributed.is_none().then_some(model.committed).flatten()
    };
    view.choices()
        .filter_map(|(host, model)| Some((host, model, missing(model)?)))
        .map(|(host, model, committed)| {
            let labels = [(HOST, host.address.as_str()), (MODEL, model.model_id.as_str())];
            let short = short_model(model.model_id.as_str());
            let trouble = move |lang| {
                let trouble = Phrase::NoDistribution { model: &short }.say(lang);
                format!("{}: {trouble}", plain(&host.name, 40))
            };
            let summary = trouble(Lang::En);
            let say = move |view: View<'_>| {
                let lang = view.lang();
                let mut numbers = costly::numbers(host, model, view);
                numbers.push(Row::named(Name::Nonces, &grouped(committed.into()), lang));
                let model = &plain(model.model_id.as_str(), 200);
                let what = Phrase::NoDistributionWhat { model }.say(lang);
                Notice { numbers, ..says(trouble(lang), what) }
            };
            let identity = identity(NAME, labels, being_formed(view));
            let seen = Observed::new(identity, severity, summary, say);
            Observed { step, ..seen }
        })
        .collect()
}

/// The epoch that the running PoC forms. From validation start on the next choices count for the one
/// after it.
fn being_formed(view: View<'_>) -> EpochIndex {
    view.situation.epoch.index.saturating_add(1)
}

fn over(incident: &Incident, view: View<'_>) -> Notice {
    let (host, model) = names(incident, view);
    let trouble = Phrase::NoDistribution { model: &model }.say(view.lang());
    ended(incident, view, &format!("{host}: {trouble}"))
}

fn absent(incident: &Incident, view: View<'_>) -> Absence {
    let Some((_, model)) = view.choice_of(incident) else { return Absence::Faded };
    if incident.window != being_formed(view).to_string() {
        return Absence::Ended(Ending::Expired);
    }
    match view.situation.epoch.phase {
        _ if model.distributed.is_some() => Absence::Ended(Ending::Met),
        Phase::Formed => Absence::Ended(Ending::Missed),
        _ => Absence::Faded,
    }
}
