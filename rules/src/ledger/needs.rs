//! What has to be read from the chain so that the ledger stays exact.

use std::collections::BTreeSet;

use super::Ledger;
use crate::{
    Address, BlockFacts, ChainState, ChargeSnapshot, EpochIndex, Height,
    clock::{Stage, StageEvent, Stages},
};

/// What to read at the height of one block. Nothing of it blocks ingestion: what cannot be read is
/// simply not observed, and the ledger carries on from the blocks alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs {
    /// Parameters, epochs, members and groups.
    pub state: bool,
    /// These have changed, or may have: until they are read, what is known of them is outdated. False
    /// where they are read only to be sure.
    pub changed: bool,
    /// Choices of these hosts, each completely.
    pub choices: Vec<Address>,
    /// The charges under key 0x6c.
    pub charges: bool,
    /// What watched hosts earn, where [`Ledger::can_estimate`] then says that it can be asked.
    pub rewards: bool,
    /// What governance is about to do.
    pub plans: bool,
}

impl Needs {
    /// Whether nothing has to be read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.must_be_read() && !self.rewards && !self.plans
    }

    /// Whether anything has to be read that a later block cannot make good for.
    #[must_use]
    pub fn must_be_read(&self) -> bool {
        self.state || !self.choices.is_empty() || self.charges
    }
}

/// Blocks before a capture at which all choices are compared with the chain: early enough that a
/// host can still act on what a repair brings to light. Shorter with a short deploy window.
const RECONCILE_LEAD: Height = 60;

impl Ledger {
    /// What has to be read at the height of `facts`, the block that is about to be applied.
    /// `every` is the safety net: state is read at least once in that many blocks; 0 turns it off.
    ///
    /// New members show only in a state that is read now: pass it to [`Ledger::hosts_to_read`] to
    /// ask for their choices at the same height, or leave it to the next block.
    #[must_use]
    pub fn needs(&self, facts: &BlockFacts, watched: &[Address], every: Height) -> Needs {
        let height = facts.height;
        let Some(state) = &self.state else {
            let choices = self.hosts_to_read(facts, watched, None);
            return Needs {
                state: true,
                changed: true,
                choices,
                charges: true,
                rewards: true,
                plans: true,
            };
        };
        let stages = self.reached(height);
        let due = every > 0 && height.saturating_sub(state.height) >= every;
        let next_is_capture = self.reached(height.saturating_add(1)).contains(&Stage::Capture);
        let changed = !stages.is_empty() || changes_state(facts);
        let state = due || next_is_capture || changed;
        Needs {
            state,
            changed,
            rewards: state && self.rewards_due(height, every),
            plans: self.plans_due(facts, state, every),
            choices: self.hosts_to_read(facts, watched, None),
            charges: stages.contains(&Stage::ValidationEnd),
        }
    }

    /// Once for each epoch in force, and then with the safety net.
    fn rewards_due(&self, height: Height, every: Height) -> bool {
        let Some(rewards) = &self.rewards else { return true };
        let charged = self.charges.as_ref().map(|charges| charges.epoch_index);
        charged != Some(rewards.epoch)
            || (every > 0 && height.saturating_sub(rewards.read_at) >= every)
    }

    /// When governance acted, when the scheduled upgrade comes, and then with the safety net.
    fn plans_due(&self, facts: &BlockFacts, state: bool, every: Height) -> bool {
        let height = facts.height;
        let known = self.plans.as_ref();
        let old =
            known.is_none_or(|plans| every > 0 && height.saturating_sub(plans.read_at) >= every);
        let upgrade = known.and_then(|plans| plans.upgrade.as_ref());
        (state && old)
            || upgrade.is_some_and(|plan| plan.height == height)
            || facts.events.iter().any(|event| PROPOSALS.contains(&event.kind.as_str()))
    }

    /// The epoch whose rewards can be asked for: the one in force, once its own charges are
    /// stored. Between validation end and the taking effect of an epoch the chain already estimates
    /// the one to come, whose weights are not read yet. `state` and `charges` are those just read.
    #[must_use]
    pub fn can_estimate(
        &self,
        state: Option<&ChainState>,
        charges: Option<&ChargeSnapshot>,
    ) -> Option<EpochIndex> {
        let epoch = state.or(self.state.as_ref())?.effective.index;
        let charges = charges.or(self.charges.as_ref())?;
        (charges.epoch_index == epoch).then_some(epoch)
    }

    /// The hosts whose choices have to be read at the height of `facts`: those not known yet, and
    /// all of them after a wipe and shortly before a capture. `fresh` is the state just read at
    /// that height, if it was.
    #[must_use]
    pub fn hosts_to_read(
        &self,
        facts: &BlockFacts,
        watched: &[Address],
        fresh: Option<&ChainState>,
    ) -> Vec<Address> {
        let members = fresh.or(self.state.as_ref()).map_or(&[][..], |state| &state.members);
        // A host that chooses for one model may have chosen for others before it was known.
        let choosing = facts.choices.iter().filter(|tx| tx.code == 0).map(|tx| &tx.host);
        let all: BTreeSet<&Address> =
            members.iter().map(|member| &member.host).chain(watched).collect();
        let reconcile = self.reconciles(facts.height);
        let due = all.into_iter().filter(|host| reconcile || !self.known_hosts.contains(*host));
        let new = choosing.filter(|host| !self.known_hosts.contains(*host));
        due.chain(new).cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Whether applying this block, with nothing asked of the chain, will change no more than its
    /// transactions do ([`Changes::is_quiet`](super::Changes::is_quiet)). May say no where it turns
    /// out quiet all the same; never the other way round.
    #[must_use]
    pub fn is_quiet_at(&self, facts: &BlockFacts) -> bool {
        let latest = self.state.as_ref().map(|state| state.latest.poc_start);
        let commits = facts.commits.iter().map(|commit| commit.stage);
        let distributions = facts.distributions.iter().map(|entry| entry.stage);
        let adopts = |stage| Some(stage) == latest && self.stage != Some(stage);
        facts.captures.is_empty()
            && self.reached(facts.height).is_empty()
            && !commits.chain(distributions).any(adopts)
    }

    fn reconciles(&self, height: Height) -> bool {
        let Some((clock, params)) = self.clock() else { return false };
        if self.reached(height).contains(&Stage::ValidationEnd) {
            return true;
        }
        let lead = (params.deploy_window / 8).clamp(1, RECONCILE_LEAD);
        clock
            .context(&params, height)
            .and_then(|epoch| Stages::of(epoch, &params).capture)
            .is_some_and(|capture| capture.saturating_sub(lead) == height)
    }

    /// Whether the end of that block forms an epoch and fixes its charges, as far as the clock can
    /// tell before it.
    #[must_use]
    pub fn forms_at(&self, height: Height) -> bool {
        self.reached(height).contains(&Stage::ValidationEnd)
    }

    /// What the end of block `height` does, as far as it can be told from here.
    fn reached(&self, height: Height) -> Vec<Stage> {
        self.expected(height).into_iter().map(|event| event.stage).collect()
    }

    fn expected(&self, height: Height) -> Vec<StageEvent> {
        let Some((mut clock, params)) = self.clock() else { return Vec::new() };
        let first = self.tip.map_or(height, |tip| tip.height.saturating_add(1));
        let mut events = Vec::new();
        clock.advance(&params, first..=height, |event| {
            if event.height == height {
                events.push(event);
            }
            std::ops::ControlFlow::Continue(())
        });
        events
    }
}

/// Events after which other proposals are voted on than before, or another upgrade is scheduled
/// (x/gov/types/events.go).
const PROPOSALS: [&str; 5] = [
    "submit_proposal",
    "proposal_deposit",
    "cancel_proposal",
    "active_proposal",
    "inactive_proposal",
];

/// Whether something in the block may have changed parameters, members or groups without saying
/// what: governance, an exclusion, a failed or repaired formation, a host in maintenance.
fn changes_state(facts: &BlockFacts) -> bool {
    facts.events.iter().any(|event| {
        matches!(
            event.kind.as_str(),
            "active_proposal"
                | "cosmos.group.v1.EventUpdateGroup"
                | "epoch_error"
                | "empty_epoch_fallback_applied"
                | "slash_collateral"
        ) || event.kind.starts_with("maintenance_")
    })
}
