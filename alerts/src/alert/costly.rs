//! What a watched host has to do before a deadline that will cost it: the common part of all alerts
//! that follow the advice.
//!
//! Each climbs the ladder towards the deadline. It ends as *met* when the host has done what was left
//! to do while the deadline is still ahead, as *missed* when the deadline passes, and as *expired* when
//! it comes to matter no longer without the host's doing, or when the data jumps over the deadline, so
//! that nobody can tell.

use bootwatch_rules::{
    EpochIndex,
    situation::{Advice, AdviceReason, DeadlineName, HostModelView, HostView, Phase},
};
use bootwatch_schema::{Ending, Incident, Severity};

use super::{DEADLINE, HOST, MODEL, View, identity, label};
use crate::{
    lifecycle::{Absence, Observed},
    message::{
        By, Lang, Name, Notice, Phrase, Row, Step, Stored, Tag, choice_words, deadline_label,
        deadline_words, gap_rows, grouped, percent, plain, short_model, stake,
    },
};

/// Which advice an alert follows.
pub(super) struct Need {
    pub(super) name: &'static str,
    pub(super) reasons: &'static [AdviceReason],
    /// It is told when it comes to be, and not only when the deadline is near.
    pub(super) at_once: bool,
}

pub(super) fn observe<'a>(need: &Need, view: View<'a>) -> Vec<Observed<'a>> {
    view.choices()
        .filter_map(|(host, model)| {
            let advice = model.advice.as_ref()?;
            let ours = need.reasons.contains(&advice.reason);
            (ours && view.blocks_left(advice.last_height) > 0)
                .then(|| observed(need, host, model, advice, view))
        })
        .collect()
}

fn observed<'a>(
    need: &Need,
    host: &'a HostView,
    model: &'a HostModelView,
    advice: &'a Advice,
    view: View<'a>,
) -> Observed<'a> {
    let ladder = &view.policy.ladder;
    let left = view.time_left(advice.deadline, advice.last_height);
    let mut step = ladder.step(left, view.blocks_left(advice.last_height));
    let mut severity = ladder.severity(step);
    if need.at_once {
        step = step.max(1);
        severity = severity.max(Severity::Warning);
    }
    let epoch = epoch(advice.deadline, view);
    let labels = [
        (HOST, host.address.as_str()),
        (MODEL, model.model_id.as_str()),
        (DEADLINE, advice.deadline.as_str()),
    ];
    Observed {
        identity: identity(need.name, labels, epoch),
        step,
        severity,
        deadline: Some(advice.last_height),
        summary: format!(
            "{}: {} before the {} of epoch {epoch}",
            plain(&host.name, 40),
            trouble(model, advice.reason, Lang::En),
            deadline_words(advice.deadline, Lang::En),
        ),
        say: Box::new(move |view| say(host, model, advice, view)),
    }
}

fn say(host: &HostView, model: &HostModelView, advice: &Advice, view: View<'_>) -> Notice {
    let by = By::new(advice.deadline, advice.last_height, &view);
    let trouble = trouble(model, advice.reason, view.lang());
    Notice {
        tag: Tag::Done,
        headline: format!("{}: {trouble}, {}", plain(&host.name, 40), by.left),
        what: why(model, advice, view.lang()),
        list: Vec::new(),
        by: Some(by),
        cost: Some(cost(model, advice, view)),
        steps: steps(advice),
        numbers: numbers(host, model, view),
    }
}

/// The epoch that a deadline counts for.
fn epoch(name: DeadlineName, view: View<'_>) -> EpochIndex {
    view.deadline(name).map_or(view.situation.epoch.upcoming, |deadline| deadline.epoch)
}

pub(super) fn absent(incident: &Incident, view: View<'_>) -> Absence {
    let Some(host) = view.host_of(incident) else { return Absence::Faded };
    if !host.known {
        return Absence::Unknown;
    }
    let Some((_, model)) = view.choice_of(incident) else {
        return Absence::Ended(Ending::Expired);
    };
    if model.choice.kind == "unknown" {
        return Absence::Unknown;
    }
    let Some(deadline) = incident.deadline else { return Absence::Faded };
    match view.blocks_left(deadline) {
        // The same need for another reason, or under another deadline, is an incident of its own.
        1.. if model.advice.is_some() => Absence::Faded,
        // While an epoch is formed the rules give no advice, and the wipe is about to take refusals
        // and intents away: too early to call it settled.
        1.. if is_forming(view) => Absence::Unknown,
        // Nothing that the host could do matters any more: nobody has committed for a candidate, say,
        // or the host has left the epoch. That is no success.
        1.. if !has_acted(model) => Absence::Ended(Ending::Expired),
        1.. => Absence::Ended(Ending::Met),
        0 if in_last_block(model, incident) => Absence::Ended(Ending::Met),
        0 if was_fading(incident) => Absence::Faded,
        0 => Absence::Ended(Ending::Missed),
        // The deadline's own block was not seen: what was stored then may have been replaced or
        // wiped since.
        _ => Absence::Ended(Ending::Expired),
    }
}

/// What is done in the deadline's own block still counts, since transactions run before the
/// EndBlock that takes the snapshot; by then there is no advice for this deadline any more. Neither
/// is there for what was settled shortly before and still stands. A capture reads intents and
/// delegations, validation start delegations and refusals.
fn in_last_block(model: &HostModelView, incident: &Incident) -> bool {
    let is_for = |name: DeadlineName| label(incident, DEADLINE) == name.as_str();
    if is_for(DeadlineName::CommitDeadline) {
        return model.committed.is_some();
    }
    let counts = match model.choice.kind.as_str() {
        "delegate" => true,
        "intent" => is_for(DeadlineName::Capture),
        "refuse" => is_for(DeadlineName::ValidationStart),
        _ => false,
    };
    let settled = incident.clearing.is_some_and(|clearing| clearing.ending == Ending::Met);
    counts && (settled || model.choice.since == incident.deadline)
}

/// It has a choice, or works for the model.
fn has_acted(model: &HostModelView) -> bool {
    model.choice.kind != "none" || model.committed.is_some() || model.serves
}

/// Shortly before the deadline it did not matter any more, or another alert had taken it over.
fn was_fading(incident: &Incident) -> bool {
    incident.clearing.is_some_and(|clearing| clearing.ending == Ending::Expired)
}

fn is_forming(view: View<'_>) -> bool {
    matches!(view.situation.epoch.phase, Phase::PocValidate | Phase::Formed)
}

/// How it ended, in words.
pub(super) fn over(incident: &Incident, view: View<'_>) -> Notice {
    let found = view.choice_of(incident);
    let ending = incident.ending.unwrap_or(Ending::Expired);
    let model = found.map(|(_, model)| model);
    let ahead = incident.deadline.is_some_and(|deadline| view.blocks_left(deadline) > 0);
    let outcome = Outcome::of(ending, ahead, incident, model, view.lang());
    // A missed deadline may leave a later one; one that was met leaves nothing.
    let next = found
        .and_then(|(_, model)| Some((model, model.advice.as_ref()?)))
        .filter(|_| ending == Ending::Missed);
    let why = next.map_or_else(String::new, |(model, advice)| {
        format!(" {}", why(model, advice, view.lang()))
    });
    let who = view.host_of(incident).map_or(label(incident, HOST), |host| host.name.as_str());
    Notice {
        tag: outcome.tag,
        headline: format!("{}: {}", plain(who, 40), outcome.headline),
        what: format!("{}{why}", outcome.what),
        list: Vec::new(),
        by: next.map(|(_, advice)| By::new(advice.deadline, advice.last_height, &view)),
        cost: next.map(|(model, advice)| cost(model, advice, view)),
        steps: next.map(|(_, advice)| steps(advice)).unwrap_or_default(),
        numbers: found.map(|(host, model)| numbers(host, model, view)).unwrap_or_default(),
    }
}

struct Outcome {
    tag: Tag,
    headline: String,
    what: String,
}

impl Outcome {
    /// `ahead` when its deadline still is.
    fn of(
        ending: Ending,
        ahead: bool,
        incident: &Incident,
        model: Option<&HostModelView>,
        lang: Lang,
    ) -> Self {
        let id = &plain(label(incident, MODEL), 200);
        let short = &short_model(label(incident, MODEL));
        let deadline = &deadline_label(label(incident, DEADLINE), lang);
        let block = &grouped(incident.deadline.unwrap_or_default());
        let epoch = incident.window.as_str();
        let Some(model) = model else {
            return Self {
                tag: Tag::Done,
                headline: Phrase::NothingToDecide { model: short }.say(lang),
                what: Phrase::NothingToDecideWhat { model: id }.say(lang),
            };
        };
        let stored = Stored::of(&model.choice.kind);
        let (tag, headline, what) = match ending {
            Ending::Met => (
                Tag::Done,
                Phrase::Settled { model: short, stored },
                Phrase::SettledWhat { model: id, deadline, epoch, stored },
            ),
            Ending::Missed => (
                Tag::Severity(incident.severity),
                Phrase::Missed { model: short, deadline },
                Phrase::MissedWhat { model: id, deadline, epoch, block, stored },
            ),
            Ending::Expired if ahead => (
                Tag::Done,
                Phrase::NothingToDecide { model: short },
                Phrase::NothingHelpsWhat { model: id, deadline, epoch, stored },
            ),
            Ending::Expired => (
                Tag::Severity(incident.severity),
                Phrase::NotSeen { model: short, deadline },
                Phrase::NotSeenWhat { model: id, deadline, epoch, block, stored },
            ),
        };
        Self { tag, headline: headline.say(lang), what: what.say(lang) }
    }
}

fn cost(model: &HostModelView, advice: &Advice, view: View<'_>) -> String {
    let charge = &percent(&advice.charge);
    let epoch = &epoch(advice.deadline, view).to_string();
    let words = Phrase::CostUpTo { charge, epoch }.say(view.lang());
    // The amounts are those of the forecast, so they are said only for the same charge.
    let forecast = model.forecast.as_ref().map(|forecast| forecast.charge.max.to_string());
    let amount = model.cost.as_ref().filter(|_| forecast.as_ref() == Some(&advice.charge));
    match amount.map(|cost| stake(cost, view.lang())) {
        Some(amount) => format!("{words} {amount}"),
        None => words,
    }
}

fn why(model: &HostModelView, advice: &Advice, lang: Lang) -> String {
    let (stored, charge) = (Stored::of(&model.choice.kind), &percent(&advice.charge));
    Phrase::Why { stored, charge, english: &plain(&advice.why, 800) }.say(lang)
}

pub(super) fn steps(advice: &Advice) -> Vec<Step> {
    advice.commands.iter().map(Step::from).collect()
}

/// What is wrong with the stored choice, in a few words.
fn trouble(model: &HostModelView, reason: AdviceReason, lang: Lang) -> String {
    Phrase::Need { reason, model: &short_model(model.model_id.as_str()) }.say(lang)
}

pub(super) fn numbers(host: &HostView, model: &HostModelView, view: View<'_>) -> Vec<Row> {
    let lang = view.lang();
    let mut stored = match &model.choice.delegate_to {
        Some(to) => Phrase::DelegatedTo { address: &plain(to.as_str(), 80) }.say(lang),
        None => choice_words(&model.choice.kind, lang),
    };
    if let Some(since) = model.choice.since {
        stored = Phrase::StoredSince { stored: &stored, block: &grouped(since) }.say(lang);
    }
    let who = format!("{} ({})", plain(&host.name, 40), plain(host.address.as_str(), 80));
    let mut rows = vec![
        Row::named(Name::Host, &who, lang),
        Row::named(Name::Model, &plain(model.model_id.as_str(), 200), lang),
        Row::named(Name::StoredChoice, &stored, lang),
    ];
    if let Some(weight) = host.weight {
        rows.push(Row::named(Name::Weight, &grouped(weight), lang));
    }
    let known = view.model(&model.model_id);
    if let Some(gaps) = known.and_then(|model| model.gaps.as_ref()) {
        rows.extend(gap_rows(gaps, lang));
    }
    rows
}
