//! `PenaltyStartNear`: a model that costs nothing yet begins to cost soon.

use bootwatch_schema::Severity;

use super::{Alert, CONDITION, MODEL, View, identity, says};
use crate::{
    lifecycle::{Absence, Observed},
    message::{Notice, Row, choice_words, plain, short_model},
};

pub(super) const ALERT: Alert = Alert {
    name: NAME,
    severity: "info, warning from the epoch before",
    when: "a model begins to cost within a few epochs",
    keys: &["penalty_start_epochs"],
    repeats: false,
    observe,
    absent: |_, _| Absence::Faded,
    ..CONDITION
};

const NAME: &str = "PenaltyStartNear";

fn observe(view: View<'_>) -> Vec<Observed<'_>> {
    let epoch = &view.situation.epoch;
    let last = epoch.index.saturating_add(view.policy.thresholds.penalty_start_epochs);
    view.situation
        .models
        .iter()
        .filter(|model| (epoch.index.saturating_add(1)..=last).contains(&model.penalty_start_epoch))
        .map(|model| {
            let start = model.penalty_start_epoch;
            let (step, severity) =
                if start <= epoch.upcoming { (2, Severity::Warning) } else { (1, Severity::Info) };
            let short = short_model(model.model_id.as_str());
            let summary = format!("{short} costs from epoch {start} on");
            let headline = summary.clone();
            let index = epoch.index;
            let say = move |view: View<'_>| {
                let own = view.choices().filter(|(_, own)| own.model_id == model.model_id);
                let numbers = own.map(|(host, own)| {
                    Row::new(&plain(&host.name, 40), choice_words(&own.choice.kind))
                });
                let what = format!(
                    "From epoch {start} on, a host without accepted work, delegation or refusal is \
                     charged for {}. The running epoch is {index}. What counts for epoch {start} \
                     is decided before it: for a candidate at the capture, for an active model at \
                     validation start.",
                    plain(model.model_id.as_str(), 200)
                );
                Notice { numbers: numbers.collect(), ..says(headline.clone(), what) }
            };
            let identity = identity(NAME, [(MODEL, model.model_id.as_str())], start);
            let seen = Observed::new(identity, severity, summary, say);
            Observed { step, ..seen }
        })
        .collect()
}
