//! `CaptureMoved`: a capture took place where the clock did not expect one, or a second time in one
//! epoch. Both happen when governance changes the lengths in the middle of an epoch.

use bootwatch_rules::situation::{ModelView, Snapshot};
use bootwatch_schema::Severity;

use super::{Alert, EVENT, MODEL, View, capture_result, identity, label, says};
use crate::{
    lifecycle::Observed,
    message::{Lang, Notice, Phrase, gap_rows, grouped, plain, short_model},
};

pub(super) const ALERT: Alert = Alert {
    name: NAME,
    severity: "warning",
    when: "a capture came at an unexpected height, or a second one in the same epoch",
    observe,
    ..EVENT
};

const NAME: &str = "CaptureMoved";

fn observe(view: View<'_>) -> Vec<Observed<'_>> {
    view.situation
        .models
        .iter()
        .filter_map(|model| Some((model, model.snapshot.as_ref()?)))
        .filter(|(_, snapshot)| capture_result::is_news(snapshot, view))
        .filter_map(|(model, snapshot)| {
            let height = snapshot.capture.snapshot_height;
            let first = earlier(model, snapshot, view);
            if first.is_none() && !is_unexpected(snapshot, view) {
                return None;
            }
            let headline = move |lang| {
                let model = &short_model(model.model_id.as_str());
                match first {
                    Some(_) => Phrase::SecondCapture { model }.say(lang),
                    None => Phrase::MovedCapture { model }.say(lang),
                }
            };
            let say = move |view: View<'_>| {
                let lang = view.lang();
                let (model, block) = (&plain(model.model_id.as_str(), 200), &grouped(height));
                let what = match first.map(grouped) {
                    Some(first) => {
                        Phrase::SecondCaptureWhat { model, first: &first, block }.say(lang)
                    }
                    None => Phrase::MovedCaptureWhat { model, block }.say(lang),
                };
                Notice { numbers: gap_rows(&snapshot.gaps, lang), ..says(headline(lang), what) }
            };
            let identity = identity(NAME, [(MODEL, model.model_id.as_str())], height);
            Some(Observed::new(identity, Severity::Warning, headline(Lang::En), say))
        })
        .collect()
}

fn is_unexpected(snapshot: &Snapshot, view: View<'_>) -> bool {
    view.situation.epoch.captured.is_some_and(|captured| {
        captured.height == snapshot.capture.snapshot_height && captured.epoch.is_none()
    })
}

/// A capture of the same model, told of earlier in the running epoch.
fn earlier(model: &ModelView, snapshot: &Snapshot, view: View<'_>) -> Option<i64> {
    let height = snapshot.capture.snapshot_height;
    view.incidents
        .values()
        .filter(|incident| incident.alert == capture_result::NAME)
        .filter(|incident| label(incident, MODEL) == model.model_id.as_str())
        .filter_map(|incident| incident.window.parse::<i64>().ok())
        .filter(|first| *first < height && *first >= view.situation.epoch.poc_start)
        .max()
}
