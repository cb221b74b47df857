//! `PenaltyStartNear`: a model that costs nothing yet begins to cost soon.

use bootwatch_schema::Severity;

use super::{Alert, CONDITION, MODEL, View, identity, says};
use crate::{
    lifecycle::{Absence, Observed},
    message::{Lang, Notice, Phrase, Row, choice_words, plain, short_model},
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
            let headline = move |lang| {
                let model = &short_model(model.model_id.as_str());
                Phrase::CostsFrom { model, epoch: start }.say(lang)
            };
            let running = epoch.index;
            let say = move |view: View<'_>| {
                let lang = view.lang();
                let own = view.choices().filter(|(_, own)| own.model_id == model.model_id);
                let numbers = own.map(|(host, own)| {
                    Row::new(&plain(&host.name, 40), &choice_words(&own.choice.kind, lang))
                });
                let id = &plain(model.model_id.as_str(), 200);
                let what = Phrase::CostsFromWhat { model: id, epoch: start, running }.say(lang);
                Notice { numbers: numbers.collect(), ..says(headline(lang), what) }
            };
            let identity = identity(NAME, [(MODEL, model.model_id.as_str())], start);
            let seen = Observed::new(identity, severity, headline(Lang::En), say);
            Observed { step, ..seen }
        })
        .collect()
}
