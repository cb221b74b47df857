//! `CaptureMissing`: the capture's block came, and said nothing of a candidate model. The chain only
//! logs a capture that fails; that there is no event is not "not eligible".

use bootwatch_rules::situation::ModelState;
use bootwatch_schema::Severity;

use super::{Alert, EVENT, MODEL, View, identity, says};
use crate::{
    lifecycle::Observed,
    message::{Lang, Name, Notice, Phrase, Row, grouped, plain, short_model},
};

pub(super) const ALERT: Alert = Alert {
    name: NAME,
    severity: "warning",
    when: "a capture was due at a height, and no event came for a candidate model",
    observe,
    ..EVENT
};

const NAME: &str = "CaptureMissing";

fn observe(view: View<'_>) -> Vec<Observed<'_>> {
    let situation = view.situation;
    let Some(due) = situation.epoch.captured else { return Vec::new() };
    let Some(epoch) = due.epoch.filter(|epoch| *epoch >= situation.epoch.upcoming) else {
        return Vec::new();
    };
    if !view.is_news(due.height) {
        return Vec::new();
    }
    let since = |added: &bootwatch_rules::situation::ParamsChange| added.height >= due.height;
    let new = situation.params_change.as_ref().filter(|change| since(change));
    situation
        .models
        .iter()
        .filter(|model| model.state == ModelState::Candidate)
        // One that was added after the capture had no part in it.
        .filter(|model| new.is_none_or(|change| !change.added.contains(&model.model_id)))
        .filter(|model| {
            model.snapshot.as_ref().is_none_or(|s| s.capture.snapshot_height < due.height)
        })
        .map(|model| {
            let headline = move |lang| {
                let (model, block) = (&short_model(model.model_id.as_str()), &grouped(due.height));
                Phrase::NoCapture { model, block }.say(lang)
            };
            let say = move |view: View<'_>| {
                let (lang, block) = (view.lang(), &grouped(due.height));
                let older = model.snapshot.as_ref().map_or_else(
                    || Phrase::NoneKnown.say(lang),
                    |snapshot| grouped(snapshot.capture.snapshot_height),
                );
                let model = &plain(model.model_id.as_str(), 200);
                let what = Phrase::NoCaptureWhat { model, epoch, block }.say(lang);
                let numbers = vec![Row::named(Name::NewestCapture, &older, lang)];
                Notice { numbers, ..says(headline(lang), what) }
            };
            let identity = identity(NAME, [(MODEL, model.model_id.as_str())], due.height);
            Observed::new(identity, Severity::Warning, headline(Lang::En), say)
        })
        .collect()
}
