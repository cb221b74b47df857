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
    message::{Notice, Row, Step, grouped, left, plain, short_model, utc},
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
    let would = would(proposal)?;
    let severity = if proposal.moves() { Severity::Warning } else { Severity::Info };
    let id = proposal.id.to_string();
    let summary = format!("proposal {id} would {would}");
    let headline = summary.clone();
    let say = move |view: View<'_>| say(proposal, &headline, view);
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
fn would(proposal: &ProposalView) -> Option<String> {
    let changes = ranked(proposal).into_iter().map(|change| {
        let (before, after) = (plain(&change.before, 20), plain(&change.after, 20));
        let name = plain(&change.name, 50);
        (rank(change.effect), format!("change {name} from {before} to {after}"))
    });
    let model = |verb: &str, id: &ModelId| (MODELS, format!("{verb} {}", short_model(id.as_str())));
    let added = proposal.added.iter().map(|id| model("add", id));
    let removed = proposal.removed.iter().map(|id| model("remove", id));
    let upgrade = proposal.upgrade.iter().map(|upgrade| {
        let (name, height) = (plain(&upgrade.name, 40), grouped(upgrade.height));
        (UPGRADES, format!("schedule upgrade {name} at block {height}"))
    });
    let cancels =
        proposal.cancels_upgrade.then(|| (UPGRADES, "cancel the scheduled upgrade".to_owned()));
    let deeds: Vec<(u8, String)> =
        changes.chain(added).chain(removed).chain(upgrade).chain(cancels).collect();
    let more = deeds.len().checked_sub(1)?;
    let (_, first) = deeds.into_iter().min_by_key(|(rank, _)| *rank)?;
    Some(if more == 0 { first } else { format!("{first} and {more} more") })
}

fn say(proposal: &ProposalView, headline: &str, view: View<'_>) -> Notice {
    let lang = view.lang();
    let changes = ranked(proposal);
    let mut numbers: Vec<Row> = vec![Row::new("Title", &plain(&proposal.title, 200))];
    let ends = proposal.voting_end.map(|end| utc(end, None, lang));
    numbers.extend(ends.map(|text| Row::new("Vote ends", &text)));
    numbers.extend(changes.iter().take(SHOWN).map(|change| {
        let values = format!("{} → {}", plain(&change.before, 80), plain(&change.after, 80));
        Row::new(&plain(&change.name, 120), &values)
    }));
    if let Some(more) = changes.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        numbers.push(Row::new("More values", &more.to_string()));
    }
    for (name, ids) in [("Adds", &proposal.added), ("Removes", &proposal.removed)] {
        let shown = ids.iter().take(SHOWN).map(|id| Row::new(name, &plain(id.as_str(), 200)));
        numbers.extend(shown);
    }
    if let Some(upgrade) = &proposal.upgrade {
        let (name, block) = (plain(&upgrade.name, 100), grouped(upgrade.height));
        numbers.push(Row::new("Upgrade", &format!("{name}, block {block}")));
        let before = |next| Row::new("Comes before", &due(upgrade, next, lang));
        numbers.extend(upgrade.disturbs.iter().map(before));
    }
    let kinds = proposal.messages.iter().take(SHOWN);
    numbers.extend(kinds.map(|kind| Row::new("Message", &plain(kind, 120))));
    let time_left = proposal.voting_end.map(|end| end.duration_since(view.now));
    let ends = match time_left {
        Some(time) => format!(", {}", left(Some(time), 0, lang)),
        None => String::new(),
    };
    let expedited = if proposal.expedited {
        " It is expedited; if it fails as such, the vote goes on as an ordinary one."
    } else {
        ""
    };
    let what = format!(
        "Governance votes on proposal {}. What it would change is compared with the parameters in \
         force now; if it passes, it holds from the block on in which the vote ends.{expedited}",
        proposal.id
    );
    Notice {
        numbers,
        steps: proposal.commands.iter().map(Step::from).collect(),
        ..says(format!("{headline}{ends}"), what)
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
    let id = plain(label(incident, PROPOSAL), 20);
    if incident.ending != Some(Ending::Met) {
        let what = "What it would change is so already, or cannot be done any more.";
        return says(format!("proposal {id} would change nothing any more"), what);
    }
    let since = |height: i64| height > incident.opened_height;
    let changed = view.situation.params_change.as_ref().filter(|change| since(change.height));
    let what = match changed {
        Some(change) => format!(
            "The vote is over. Parameters changed with block {}: ParamsChanged lists them.",
            grouped(change.height)
        ),
        None => "The vote is over. No parameter that is read here has changed since it began."
            .to_owned(),
    };
    says(format!("the vote on proposal {id} is over"), what)
}
