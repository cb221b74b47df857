//! `ModelAdded` and `ModelRemoved`: governance changed the list of models that hosts are judged by.

use bootwatch_rules::{ModelId, situation::ParamsChange};
use bootwatch_schema::Severity;

use super::{Alert, EVENT, MODEL, View, identity, says};
use crate::{
    lifecycle::Observed,
    message::{Notice, Row, grouped, plain, short_model},
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
