//! What governance is about to do, in words.

use bootwatch_rules::situation::{PlansView, ProposalView, UpgradeView};
use jiff::{Timestamp, tz::TimeZone};

use super::{
    clock::{name, until},
    words::{clean, count, counted, instant},
};

/// An upgrade that is scheduled, or a vote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// What it is.
    pub what: String,
    /// When the chain stands still, or the vote ends; `-` when that is not known.
    pub when: String,
    /// What it would change or disturb.
    pub details: Vec<String>,
    /// It moves or disturbs a deadline, or moves a threshold, a charge or a model.
    pub moves: bool,
    /// What it does, and the command.
    pub commands: Vec<(String, String)>,
}

/// Values of one proposal that are shown; more are counted.
const SHOWN: usize = 12;

pub(super) fn planned(plans: &PlansView, now: Timestamp, zone: &TimeZone) -> Vec<Planned> {
    let scheduled = plans.upgrade.iter().map(|plan| upgrade(plan, now, zone));
    let votes = plans.proposals.iter().map(|open| proposal(open, now, zone));
    scheduled.chain(votes).collect()
}

fn upgrade(plan: &UpgradeView, now: Timestamp, zone: &TimeZone) -> Planned {
    let at = plan.eta.map(|eta| format!(", {} ({})", until(eta, now), instant(eta, now, zone)));
    Planned {
        what: format!("Upgrade {}: the chain stands still until it runs", clean(&plan.name)),
        when: format!(
            "block {}, {} left{}",
            count(plan.height),
            counted(plan.blocks_left, "block"),
            at.unwrap_or_default()
        ),
        details: disturbs(plan).into_iter().collect(),
        moves: plan.disturbs.is_some(),
        commands: Vec::new(),
    }
}

fn disturbs(plan: &UpgradeView) -> Option<String> {
    let next = plan.disturbs?;
    let (name, block) = (name(next.name), count(next.height));
    let blocks = counted(next.height.saturating_sub(plan.height), "block");
    Some(format!("{blocks} before {name} of epoch {} at block {block}", next.epoch))
}

fn proposal(open: &ProposalView, now: Timestamp, zone: &TimeZone) -> Planned {
    let changes = open.changes.iter().take(SHOWN).map(|change| {
        let (before, after) = (clean(&change.before), clean(&change.after));
        format!("{}: {before} → {after}", clean(&change.name))
    });
    let mut details: Vec<String> = changes.collect();
    if let Some(more) = open.changes.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        details.push(format!("and {} more", counted(more, "value")));
    }
    details.extend(open.added.iter().map(|id| format!("adds {}", clean(id.as_str()))));
    details.extend(open.removed.iter().map(|id| format!("removes {}", clean(id.as_str()))));
    details.extend(open.upgrade.iter().map(|plan| {
        let before = disturbs(plan).map_or_else(String::new, |text| format!(", {text}"));
        format!("upgrade {} at block {}{before}", clean(&plan.name), count(plan.height))
    }));
    if open.cancels_upgrade {
        details.push("takes the scheduled upgrade back".to_owned());
    }
    if details.is_empty() {
        details.extend(open.messages.iter().take(SHOWN).map(|kind| clean(kind)));
    }
    let ends = |end| format!("vote ends {} ({})", until(end, now), instant(end, now, zone));
    let commands = open.commands.iter();
    Planned {
        what: format!("Proposal {}: {}", open.id, clean(&open.title)),
        when: open.voting_end.map_or_else(|| "-".to_owned(), ends),
        details,
        moves: open.moves(),
        commands: commands.map(|c| (clean(&c.does), clean(&c.line))).collect(),
    }
}
