//! What governance is about to do, held against the clock and the parameters in force.

use std::ops::ControlFlow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Command, DeadlineName, ParamChange,
    news::{Difference, Effect},
};
use crate::{
    Epoch, EpochIndex, Height, ModelId,
    advice::Terminal,
    clock::{Stage, Stages},
    ledger::Ledger,
    pace::Eta,
    plans::{Proposal, UpgradePlan},
};

/// Stages to look ahead for the deadline that an upgrade disturbs: 30 epochs of five, about a month
/// of mainnet.
const STAGES_AHEAD: usize = 30 * 5;

/// What governance has scheduled, and what it votes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PlansView {
    /// The height at which the chain was asked.
    pub read_at: Height,
    /// The upgrade that lies ahead.
    pub upgrade: Option<UpgradeView>,
    /// Proposals in their voting period, by number.
    pub proposals: Vec<ProposalView>,
    /// There are more of them than were read.
    pub more: bool,
}

/// A software upgrade: the chain stands still at its height until the new program runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UpgradeView {
    /// Its name; chosen by whoever proposed it.
    pub name: String,
    /// The first block of the new program.
    pub height: Height,
    /// Blocks from `complete_to` to it.
    pub blocks_left: Height,
    /// When it is expected.
    pub eta: Option<Timestamp>,
    /// Half the width of the interval in which it is expected, in seconds.
    pub eta_error_seconds: Option<f64>,
    /// The deadline that comes next at its height or after it, when it falls between a capture and
    /// the validation end after it, or less than a deploy window before a capture. Null otherwise,
    /// and while that cannot be told.
    pub disturbs: Option<Disturbed>,
}

/// A deadline at which the network may still be busy with an upgrade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Disturbed {
    /// Which.
    pub name: DeadlineName,
    /// The epoch that it belongs to.
    pub epoch: EpochIndex,
    /// The last block that counts.
    pub height: Height,
}

/// A proposal in its voting period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProposalView {
    /// Its number.
    pub id: u64,
    /// Its title; chosen by whoever proposed it.
    pub title: String,
    /// When the vote ends.
    pub voting_end: Option<Timestamp>,
    /// It needs more votes in a shorter time; when it fails, the vote goes on as an ordinary one.
    pub expedited: bool,
    /// The types of its messages, each once.
    pub messages: Vec<String>,
    /// What it would change of the parameters in force.
    pub changes: Vec<ParamChange>,
    /// Models that it would add.
    pub added: Vec<ModelId>,
    /// Models that it would remove.
    pub removed: Vec<ModelId>,
    /// The upgrade that it would schedule.
    pub upgrade: Option<UpgradeView>,
    /// It would take the scheduled upgrade back.
    pub cancels_upgrade: bool,
    /// How to read it and how to vote.
    pub commands: Vec<Command>,
}

impl ProposalView {
    /// Whether it would move a deadline, a threshold, a charge or a model; an upgrade that disturbs
    /// a deadline moves it.
    #[must_use]
    pub fn moves(&self) -> bool {
        self.changes.iter().any(|change| change.effect != Effect::Other)
            || !self.added.is_empty()
            || !self.removed.is_empty()
            || self.upgrade.as_ref().is_some_and(|upgrade| upgrade.disturbs.is_some())
    }
}

/// What plans are held against.
pub(super) struct Outlook<'a> {
    pub(super) ledger: &'a Ledger,
    /// When a number of blocks has passed.
    pub(super) eta: &'a dyn Fn(Height) -> Option<Eta>,
    pub(super) terminal: &'a Terminal,
}

impl Outlook<'_> {
    /// None until they were read.
    pub(super) fn plans(&self) -> Option<PlansView> {
        let (plans, tip) = (self.ledger.plans.as_ref()?, self.ledger.tip?);
        Some(PlansView {
            read_at: plans.read_at,
            upgrade: plans.upgrade_after(tip.height).map(|plan| self.upgrade(plan, tip.height)),
            proposals: plans
                .open_at(tip.time)
                .map(|open| self.proposal(open, tip.height))
                .collect(),
            more: plans.more,
        })
    }

    fn proposal(&self, proposal: &Proposal, tip: Height) -> ProposalView {
        let now = self.ledger.state.as_ref().map(|state| &state.params);
        let difference = now.zip(proposal.params.as_ref());
        let Difference { changes, added, removed } = difference
            .map(|(now, proposed)| Difference::between(now, proposed))
            .unwrap_or_default();
        let ahead = proposal.upgrade.as_ref().filter(|plan| plan.height > tip);
        ProposalView {
            id: proposal.id,
            title: proposal.title.clone(),
            voting_end: proposal.voting_end,
            expedited: proposal.expedited,
            messages: proposal.messages.clone(),
            changes,
            added,
            removed,
            upgrade: ahead.map(|plan| self.upgrade(plan, tip)),
            cancels_upgrade: proposal.cancels_upgrade,
            commands: self.commands(proposal.id),
        }
    }

    fn commands(&self, id: u64) -> Vec<Command> {
        let look = self.terminal.proposal(id).map(|line| ("read the whole proposal", line));
        let vote = self.terminal.vote(id).map(|line| ("vote on it", line));
        let command = |(does, line): (&str, String)| Command { does: does.to_owned(), line };
        look.into_iter().chain(vote).map(command).collect()
    }

    fn upgrade(&self, plan: &UpgradePlan, tip: Height) -> UpgradeView {
        let blocks_left = plan.height.saturating_sub(tip);
        let eta = (self.eta)(blocks_left);
        UpgradeView {
            name: plan.name.clone(),
            height: plan.height,
            blocks_left,
            eta: eta.map(|eta| eta.at),
            eta_error_seconds: eta.map(|eta| eta.error.as_secs_f64()),
            disturbs: self.disturbed(plan.height, tip),
        }
    }

    /// The chain makes no block at that height until the new program runs, so what is due there or
    /// soon after it is at stake.
    fn disturbed(&self, height: Height, tip: Height) -> Option<Disturbed> {
        let (mut clock, params) = self.ledger.clock()?;
        let mut poc = clock.upcoming;
        let (mut stages, mut next) = (0, None);
        clock.advance(&params, tip.saturating_add(1)..=Height::MAX, |event| {
            stages += 1;
            if stages > STAGES_AHEAD {
                return ControlFlow::Break(());
            }
            let name = match event.stage {
                Stage::Capture => DeadlineName::Capture,
                Stage::PocStart => DeadlineName::PocStart,
                Stage::ValidationStart => DeadlineName::ValidationStart,
                Stage::ValidationEnd => DeadlineName::ValidationEnd,
                Stage::Effective => return ControlFlow::Continue(()),
            };
            if event.height >= height {
                next = Some(Disturbed { name, epoch: event.epoch, height: event.height });
                return ControlFlow::Break(());
            }
            if event.stage == Stage::PocStart {
                poc = Some(Epoch { index: event.epoch, poc_start: event.height });
            }
            ControlFlow::Continue(())
        });
        let next = next?;
        let commit = poc.map(|poc| (poc.index, Stages::of(poc, &params).commit_deadline));
        if let Some((epoch, commit)) = commit
            && (height..next.height).contains(&commit)
        {
            return Some(Disturbed { name: DeadlineName::CommitDeadline, epoch, height: commit });
        }
        let waits = matches!(next.name, DeadlineName::Capture | DeadlineName::PocStart);
        let near = next.height.saturating_sub(height) <= params.deploy_window;
        (near || !waits).then_some(next)
    }
}
