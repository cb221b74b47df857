//! `IngestStalled`: the chain goes on, and Bootwatch takes no block in.

use bootwatch_schema::{Ending, Severity};
use jiff::SignedDuration;

use super::{About, Alert, Basis, CONDITION, View, ended, identity, says};
use crate::{
    lifecycle::{Absence, Observed, Timing},
    message::{Lang, Name, Notice, Phrase, Row, grouped, plain, utc},
};

pub(super) const ALERT: Alert = Alert {
    name: NAME,
    about: About::Bootwatch,
    basis: Basis::Bootwatch,
    severity: "critical",
    when: "the chain has newer blocks, and none was taken in for a while",
    keys: &["ingest_stalled_after"],
    timing: |_| Timing::clears_after(60),
    observe,
    absent: |_, view| {
        // Blocks come again, but until the head is reached what is shown is the past.
        if view.situation.stale { Absence::Unknown } else { Absence::Ended(Ending::Met) }
    },
    over: |incident, view| ended(incident, view, &Phrase::StalledOver.say(view.lang())),
    ..CONDITION
};

pub(crate) const NAME: &str = "IngestStalled";

fn observe(view: View<'_>) -> Vec<Observed<'_>> {
    let situation = view.situation;
    let Some(advanced) = situation.service.advanced_at else { return Vec::new() };
    let since: SignedDuration = view.now.duration_since(advanced);
    let behind = situation.head.saturating_sub(situation.complete_to);
    if !situation.stale || behind <= 0 || since < view.policy.thresholds.ingest_stalled_after {
        return Vec::new();
    }
    let say = move |view: View<'_>| {
        let lang = view.lang();
        let mut numbers = vec![
            Row::named(Name::LastTakenIn, &grouped(situation.complete_to), lang),
            Row::named(Name::TakenInAt, &utc(advanced, None, lang), lang),
            Row::named(Name::NewestToldOf, &grouped(situation.head), lang),
        ];
        if let Some(trouble) = &situation.service.store_trouble {
            numbers.push(Row::named(Name::Database, &plain(trouble, 300), lang));
        }
        Notice {
            numbers,
            ..says(Phrase::Stalled { behind }.say(lang), Phrase::StalledWhat.say(lang))
        }
    };
    let summary = Phrase::StalledOver.say(Lang::En);
    vec![Observed::new(identity(NAME, [], ""), Severity::Critical, summary, say)]
}
