//! `CaptureMoved`: a capture took place where the clock did not expect one, or a second time in one
//! epoch. Both happen when governance changes the lengths in the middle of an epoch.

use bootwatch_rules::situation::{ModelView, Snapshot};
use bootwatch_schema::Severity;

use super::{Alert, EVENT, MODEL, View, capture_result, identity, label, says};
use crate::{
    lifecycle::Observed,
    message::{Notice, gap_rows, grouped, plain, short_model},
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
            let short = short_model(model.model_id.as_str());
            let id = plain(model.model_id.as_str(), 200);
            let (summary, what) = match earlier(model, snapshot, view) {
                Some(first) => (
                    format!("a second capture of {short} in one epoch"),
                    format!(
                        "{id} was captured at block {}, and again at block {}. The later one \
                         counts.",
                        grouped(first),
                        grouped(height)
                    ),
                ),
                None if is_unexpected(snapshot, view) => (
                    format!("the capture of {short} came at another height"),
                    format!(
                        "{id} was captured at block {}, where the parameters that were known did \
                         not put a capture. Choices that were sent for the expected height may \
                         have come too late.",
                        grouped(height)
                    ),
                ),
                None => return None,
            };
            let headline = summary.clone();
            let say = move |_: View<'_>| Notice {
                numbers: gap_rows(&snapshot.gaps),
                ..says(headline.clone(), what.clone())
            };
            let identity = identity(NAME, [(MODEL, model.model_id.as_str())], height);
            Some(Observed::new(identity, Severity::Warning, summary, say))
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
