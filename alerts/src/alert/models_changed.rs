//! `ModelAdded` and `ModelRemoved`: governance changed the list of models that hosts are judged by.
//! `ModelFellOut`: an epoch was formed in which a model that had been active has no group any more.

use bootwatch_rules::{ModelId, situation::ParamsChange};
use bootwatch_schema::Severity;

use super::{Alert, EVENT, MODEL, View, identity, says};
use crate::{
    lifecycle::Observed,
    message::{Lang, Notice, Phrase, Row, gap_rows, grouped, plain, short_model},
};

pub(super) const ADDED: Alert = Alert {
    name: "ModelAdded",
    severity: "warning",
    when: "a model was added to the parameters",
    observe: added,
    ..EVENT
};

pub(super) const REMOVED: Alert = Alert {
    name: "ModelRemoved",
    severity: "info",
    when: "a model was removed from the parameters",
    observe: removed,
    ..EVENT
};

pub(super) const FELL_OUT: Alert = Alert {
    name: "ModelFellOut",
    severity: "warning",
    when: "the running epoch was formed without a model that was active before it",
    observe: fell_out,
    ..EVENT
};

fn change(view: View<'_>) -> Option<&ParamsChange> {
    view.situation.params_change.as_ref().filter(|change| view.is_news(change.height))
}

fn added<'a>(view: View<'a>) -> Vec<Observed<'a>> {
    let Some(change) = change(view) else { return Vec::new() };
    let each = |id: &'a ModelId| {
        let start = view.model(id).map(|model| model.penalty_start_epoch);
        let name = plain(id.as_str(), 200);
        let costs = start.map_or_else(String::new, |start| {
            format!(" It can cost from epoch {start} on: until then decide whether to run, delegate or refuse it.")
        });
        let what = format!("{name} was added by block {}.{costs}", grouped(change.height));
        let rows = start.map(|start| Row::new("Penalty start", &format!("epoch {start}")));
        observed(ADDED.name, id, change, Severity::Warning, "is a new model", what, rows)
    };
    change.added.iter().map(each).collect()
}

fn removed<'a>(view: View<'a>) -> Vec<Observed<'a>> {
    let Some(change) = change(view) else { return Vec::new() };
    let each = |id: &'a ModelId| {
        let name = plain(id.as_str(), 200);
        let what = format!(
            "{name} was removed by block {}. It costs nothing any more from the next formation on.",
            grouped(change.height)
        );
        observed(REMOVED.name, id, change, Severity::Info, "was removed", what, None)
    };
    change.removed.iter().map(each).collect()
}

fn fell_out(view: View<'_>) -> Vec<Observed<'_>> {
    let running = view.situation.epoch.index;
    let models = view.situation.models.iter();
    models
        .filter_map(|model| Some((model, model.fell_out?)))
        .filter(|(_, fell)| fell.without_since >= running)
        .map(|(model, fell)| {
            let headline =
                |lang| Phrase::FellOut { model: &short_model(model.model_id.as_str()) }.say(lang);
            let say = move |view: View<'_>| {
                let lang = view.lang();
                let (before, since) = (fell.active_in, fell.without_since);
                let id = &plain(model.model_id.as_str(), 200);
                let what = Phrase::FellOutWhat { model: id, before, since }.say(lang);
                let numbers = model.gaps.as_ref().map(|gaps| gap_rows(gaps, lang));
                Notice { numbers: numbers.unwrap_or_default(), ..says(headline(lang), what) }
            };
            let labels = [(MODEL, model.model_id.as_str())];
            let identity = identity(FELL_OUT.name, labels, fell.without_since);
            Observed::new(identity, Severity::Warning, headline(Lang::En), say)
        })
        .collect()
}

fn observed<'a>(
    name: &'static str,
    id: &'a ModelId,
    change: &ParamsChange,
    severity: Severity,
    verb: &str,
    what: String,
    row: Option<Row>,
) -> Observed<'a> {
    let summary = format!("{} {verb}", short_model(id.as_str()));
    let headline = summary.clone();
    let identity = identity(name, [(MODEL, id.as_str())], change.height);
    Observed::new(identity, severity, summary, move |_| Notice {
        numbers: row.clone().into_iter().collect(),
        ..says(headline.clone(), what.clone())
    })
}
