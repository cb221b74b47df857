//! `ProposalOpen`: governance votes on something that would move a deadline, a threshold, a charge
//! or a model. `ParamsChanged` tells when it is in force.

use bootwatch_rules::{
    ModelId,
    situation::{Effect, ParamChange, ProposalView},
};
use bootwatch_schema::{Ending, Incident, Severity};

use super::{Alert, CONDITION, View, identity, label, says, upgrade_near::due};
use crate::{
    lifecycle::{Absence, Observed, Timing},
    message::{
        Deed, Lang, Name, Notice, Phrase, Row, Step, grouped, left, plain, short_model, utc,
    },
};

pub(super) const ALERT: Alert = Alert {
    name: NAME,
    severity: "warning when a deadline, threshold, charge or model would move, else info",
    when: "a proposal is voted on that would change parameters, or schedule or cancel an upgrade",
    // A vote does not flap: it is open until it is decided.
    timing: |_| Timing::AT_ONCE,
    observe,
    absent,
    over,
    ..CONDITION
};

const NAME: &str = "ProposalOpen";
/// The label of the proposal's number.
const PROPOSAL: &str = "proposal";
/// Values in one message.
const SHOWN: usize = 30;

fn observe(view: View<'_>) -> Vec<Observed<'_>> {
    let proposals = view.situation.plans.iter().flat_map(|plans| &plans.proposals);
    proposals.filter_map(observed).collect()
}

fn observed(proposal: &ProposalView) -> Option<Observed<'_>> {
    let summary = would(proposal, Lang::En)?;
    let severity = if proposal.moves() { Severity::Warning } else { Severity::Info };
    let id = proposal.id.to_string();
    let say = move |view: View<'_>| say(proposal, view);
    Some(Observed::new(identity(NAME, [(PROPOSAL, &id)], ""), severity, summary, say))
}

/// What matters most comes first. A model that comes or goes stands before its own values.
fn rank(effect: Effect) -> u8 {
    match effect {
        Effect::Deadline => 0,
        Effect::Charge => 1,
        Effect::Threshold => 2,
        Effect::Model => MODELS + 1,
        Effect::Other => u8::MAX,
    }
}

/// The rank of models that come or go, and of upgrades.
const MODELS: u8 = 3;
const UPGRADES: u8 = 5;

/// The changes, those that matter most first.
fn ranked(proposal: &ProposalView) -> Vec<&ParamChange> {
    let mut changes: Vec<&ParamChange> = proposal.changes.iter().collect();
    changes.sort_by_key(|change| rank(change.effect));
    changes
}

/// What it would do in one line; none when that is nothing that is watched.
fn would(proposal: &ProposalView, lang: Lang) -> Option<String> {
    let ProposalView { changes, added, removed, upgrade, cancels_upgrade, .. } = proposal;
    let (upgrades, cancels) = (usize::from(upgrade.is_some()), usize::from(*cancels_upgrade));
    let deeds = changes.len() + added.len() + removed.len() + upgrades + cancels;
    let (id, more) = (proposal.id.to_string(), deeds.checked_sub(1)?);
    let say = |deed: Deed<'_>| Phrase::Would { proposal: &id, deed, more }.say(lang);
    let changes = ranked(proposal).into_iter().map(|change| {
        let (before, after) = (&plain(&change.before, 20), &plain(&change.after, 20));
        let name = &plain(&change.name, 50);
        (rank(change.effect), say(Deed::Change { name, before, after }))
    });
    let short = |id: &ModelId| short_model(id.as_str());
    let added = added.iter().map(|id| (MODELS, say(Deed::Add { model: &short(id) })));
    let removed = removed.iter().map(|id| (MODELS, say(Deed::Remove { model: &short(id) })));
    let scheduled = upgrade.iter().map(|upgrade| {
        let (name, block) = (&plain(&upgrade.name, 40), &grouped(upgrade.height));
        (UPGRADES, say(Deed::Schedule { upgrade: name, block }))
    });
    let cancelled = cancels_upgrade.then(|| (UPGRADES, say(Deed::CancelUpgrade)));
    let deeds = changes.chain(added).chain(removed).chain(scheduled).chain(cancelled);
    deeds.min_by_key(|(rank, _)| *rank).map(|(_, words)| words)
}

fn say(proposal: &ProposalView, view: View<'_>) -> Notice {
    let lang = view.lang();
    let id = &proposal.id.to_string();
    let changes = ranked(proposal);
    let mut numbers = vec![Row::named(Name::Title, &plain(&proposal.title, 200), lang)];
    let ends = proposal.voting_end.map(|end| utc(end, None, lang));
    numbers.extend(ends.map(|text| Row::named(Name::VoteEnds, &text, lang)));
    numbers.extend(changes.iter().take(SHOWN).map(|change| {
        let values = format!("{} → {}", plain(&change.before, 80), plain(&change.after, 80));
        Row::new(&plain(&change.name, 120), &values)
    }));
    if let Some(more) = changes.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        numbers.push(Row::named(Name::MoreValues, &more.to_string(), lang));
    }
    for (name, ids) in [(Name::Adds, &proposal.added), (Name::Removes, &proposal.removed)] {
        let shown = ids.iter().take(SHOWN);
        numbers.extend(shown.map(|id| Row::named(name, &plain(id.as_str(), 200), lang)));
    }
    if let Some(upgrade) = &proposal.upgrade {
        let (name, block) = (&plain(&upgrade.name, 100), &grouped(upgrade.height));
        let at = Phrase::UpgradeAt { upgrade: name, block }.say(lang);
        numbers.push(Row::named(Name::Upgrade, &at, lang));
        let before = |next| Row::named(Name::ComesBefore, &due(upgrade, next, lang), lang);
        numbers.extend(upgrade.disturbs.iter().map(before));
    }
    let kinds = proposal.messages.iter().take(SHOWN);
    numbers.extend(kinds.map(|kind| Row::named(Name::Message, &plain(kind, 120), lang)));
    let time_left = proposal.voting_end.map(|end| end.duration_since(view.now));
    let headline = would(proposal, lang).unwrap_or_default();
    let headline = match time_left {
        Some(time) => format!("{headline}, {}", left(Some(time), 0, lang)),
        None => headline,
    };
    let what = Phrase::VoteWhat { proposal: id, expedited: proposal.expedited }.say(lang);
    Notice {
        numbers,
        steps: proposal.commands.iter().map(Step::from).collect(),
        ..says(headline, what)
    }
}

fn absent(incident: &Incident, view: View<'_>) -> Absence {
    let Some(plans) = &view.situation.plans else { return Absence::Unknown };
    let id = label(incident, PROPOSAL);
    let open = plans.proposals.iter().any(|proposal| proposal.id.to_string() == id);
    match open {
        // What it would do has come true by other means.
        true => Absence::Ended(Ending::Expired),
        // It may be one of those that were not read.
        false if plans.more => Absence::Unknown,
        false => Absence::Ended(Ending::Met),
    }
}

fn over(incident: &Incident, view: View<'_>) -> Notice {
    let lang = view.lang();
    let proposal = &plain(label(incident, PROPOSAL), 20);
    if incident.ending != Some(Ending::Met) {
        let headline = Phrase::VoteMoot { proposal }.say(lang);
        return says(headline, Phrase::VoteMootWhat.say(lang));
    }
    let since = |height: i64| height > incident.opened_height;
    let changed = view.situation.params_change.as_ref().filter(|change| since(change.height));
    let changed = changed.map(|change| grouped(change.height));
    let what = Phrase::VoteOverWhat { changed: changed.as_deref() }.say(lang);
    says(Phrase::VoteOver { proposal }.say(lang), what)
}
