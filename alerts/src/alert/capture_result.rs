//! `CaptureResult`: the chain took its bootstrap snapshot and said how a candidate stands.
//!
//! One for each model and capture. It says what the event says, so it has no ladder; it fades at
//! validation start, when the next choices count for another epoch. Captures from before the first
//! block of the data are the past and stay quiet.

use bootwatch_rules::situation::{Advice, ModelView, Snapshot};
use bootwatch_schema::Severity;

use super::{Alert, EVENT, MODEL, View, identity, says};
use crate::{
    lifecycle::Observed,
    message::{
        By, Lang, Name, Notice, Phrase, Row, Step, choice_words, gap_rows, grouped, percent, plain,
        short_model, shortfall,
    },
};

pub(super) const ALERT: Alert = Alert {
    name: NAME,
    severity: "info when pre-eligible, else warning",
    when: "a capture said whether a candidate model is pre-eligible",
    observe,
    ..EVENT
};

pub(super) const NAME: &str = "CaptureResult";

fn observe(view: View<'_>) -> Vec<Observed<'_>> {
    view.situation
        .models
        .iter()
        .filter_map(|model| Some((model, model.snapshot.as_ref()?)))
        .filter(|(_, snapshot)| is_news(snapshot, view))
        .map(|(model, snapshot)| observed(model, snapshot))
        .collect()
}

/// Taken while we watched, and for an epoch that is not formed yet.
pub(super) fn is_news(snapshot: &Snapshot, view: View<'_>) -> bool {
    let height = snapshot.capture.snapshot_height;
    let epoch = &view.situation.epoch;
    let watched = (view.situation.complete_from..=view.situation.complete_to).contains(&height);
    let ahead = match snapshot.epoch {
        Some(counts_for) => counts_for >= epoch.upcoming,
        None => height > epoch.poc_start,
    };
    watched && ahead
}

fn observed<'a>(model: &'a ModelView, snapshot: &'a Snapshot) -> Observed<'a> {
    let severity = if snapshot.capture.pre_eligible { Severity::Info } else { Severity::Warning };
    let window = snapshot.capture.snapshot_height;
    Observed::new(
        identity(NAME, [(MODEL, model.model_id.as_str())], window),
        severity,
        headline(model, snapshot, Lang::En),
        move |view| say(model, snapshot, view),
    )
}

fn headline(model: &ModelView, snapshot: &Snapshot, lang: Lang) -> String {
    let model = &short_model(model.model_id.as_str());
    if snapshot.capture.pre_eligible {
        Phrase::PreEligible { model }.say(lang)
    } else {
        Phrase::MissedCapture { model, short: &shortfall(&snapshot.gaps, lang) }.say(lang)
    }
}

fn say(model: &ModelView, snapshot: &Snapshot, view: View<'_>) -> Notice {
    let affected = affected(model, view);
    let lang = view.lang();
    let mut numbers = gap_rows(&snapshot.gaps, lang);
    let weight = grouped(snapshot.capture.total_network_weight);
    numbers.push(Row::named(Name::NetworkWeight, &weight, lang));
    numbers.extend(hosts(model, view));
    Notice {
        by: affected.first().map(|(_, advice)| By::new(advice.deadline, advice.last_height, &view)),
        cost: cost(&affected, lang),
        steps: affected
            .iter()
            .flat_map(|(name, advice)| advice.commands.iter().map(|c| Step::of(name, c)))
            .collect(),
        numbers,
        ..says(headline(model, snapshot, lang), what(model, snapshot, lang))
    }
}

fn what(model: &ModelView, snapshot: &Snapshot, lang: Lang) -> String {
    let (model, epoch) = (&plain(model.model_id.as_str(), 200), snapshot.epoch);
    let block = &grouped(snapshot.capture.snapshot_height);
    if snapshot.capture.pre_eligible {
        Phrase::PreEligibleWhat { model, epoch, block }.say(lang)
    } else {
        let short = &shortfall(&snapshot.gaps, lang);
        Phrase::MissedCaptureWhat { model, epoch, block, short }.say(lang)
    }
}

/// The watched hosts that have something to do for the model now.
fn affected<'a>(model: &ModelView, view: View<'a>) -> Vec<(&'a str, &'a Advice)> {
    view.situation
        .hosts
        .iter()
        .flat_map(|host| host.models.iter().map(move |m| (host, m)))
        .filter(|(_, m)| m.model_id == model.model_id)
        .filter_map(|(host, m)| Some((host.name.as_str(), m.advice.as_ref()?)))
        .collect()
}

fn cost(affected: &[(&str, &Advice)], lang: Lang) -> Option<String> {
    if affected.is_empty() {
        return None;
    }
    let each: Vec<String> = affected
        .iter()
        .map(|(name, advice)| format!("{}: {}", plain(name, 40), percent(&advice.charge)))
        .collect();
    Some(Phrase::CostEach { list: &each.join("; ") }.say(lang))
}

/// What each watched host has stored for the model.
fn hosts<'a>(model: &'a ModelView, view: View<'a>) -> impl Iterator<Item = Row> + use<'a> {
    let lang = view.lang();
    view.situation.hosts.iter().flat_map(move |host| {
        host.models
            .iter()
            .filter(|m| m.model_id == model.model_id)
            .map(move |m| Row::new(&plain(&host.name, 40), &choice_words(&m.choice.kind, lang)))
    })
}
