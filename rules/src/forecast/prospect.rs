//! What is known about the formation of the next epoch, and what is still open.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
};

use crate::{
    Address, ChainState, Choice, DelegationParams, Epoch, EpochIndex, Height, ModelId, ModelParams,
    Network, Penalties, RuleSet,
    clock::{Stage, Stages},
    groups::Groups,
    ledger::{Ledger, Work},
};

/// Everything that a forecast reads, at the ledger's tip.
#[derive(Debug)]
pub struct Prospect<'a> {
    pub(super) rule_set: RuleSet,
    pub(super) penalties: Penalties,
    pub(super) schedule: Schedule,
    pub(super) report: Report<'a>,
    ledger: &'a Ledger,
    state: &'a ChainState,
    params: &'a DelegationParams,
    network: &'a Network<'a>,
    active: &'a BTreeSet<&'a ModelId>,
    groups: Groups<'a>,
    /// Models that can still become eligible.
    eligible: BTreeSet<&'a ModelId>,
    /// Every commit of the stage up to the tip was seen.
    commits_seen: bool,
}

/// Which heights of the formation still lie ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Schedule {
    /// The epoch that is formed next.
    pub(super) epoch: EpochIndex,
    /// Its PoC start, behind or ahead.
    pub(super) poc_start: Height,
    /// The capture that will be in force, while it is ahead.
    pub(super) capture: Option<Height>,
    /// The last block for commits, while it is ahead.
    pub(super) commit_deadline: Option<Height>,
    /// Validation start, while it is ahead.
    pub(super) validation_start: Option<Height>,
}

/// The capture in force at the formation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Report<'a> {
    /// It is still ahead.
    Ahead,
    /// Its models and their `pre_eligible` flags.
    Taken(BTreeMap<&'a ModelId, bool>),
    /// It lies before the first block that is known.
    Unknown,
}

/// Whether something happened, did not, or can still happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Certainty {
    Yes,
    No,
    Open,
}

impl<'a> Prospect<'a> {
    /// What is known at the ledger's tip. `active` are the models with a live member that has
    /// voting power; `complete_from` is the first height of the blocks that lead to the tip
    /// without a gap.
    ///
    /// None when nothing can be said: no state yet, no delegation parameters (then the chain
    /// charges nothing) or ones that cannot be, or no formation ahead by the clock.
    #[must_use]
    pub fn new(
        ledger: &'a Ledger,
        network: &'a Network<'a>,
        active: &'a BTreeSet<&'a ModelId>,
        rule_set: RuleSet,
        complete_from: Height,
    ) -> Option<Self> {
        let state = ledger.state.as_ref()?;
        let params = state.params.delegation.as_ref()?;
        let schedule = Schedule::of(ledger)?;
        let mut prospect = Self {
            rule_set,
            penalties: Penalties::new(params).ok()?,
            schedule,
            report: Report::of(ledger, state, active, &schedule),
            ledger,
            state,
            params,
            network,
            active,
            groups: Groups::new(state),
            eligible: BTreeSet::new(),
            commits_seen: complete_from <= schedule.poc_start.saturating_add(1),
        };
        let mut eligible = prospect.models();
        eligible.retain(|model| prospect.committers_suffice(model));
        prospect.eligible = eligible;
        Some(prospect)
    }

    /// The epoch that is forecast.
    #[must_use]
    pub fn epoch(&self) -> EpochIndex {
        self.schedule.epoch
    }

    /// Models of the parameters and of the capture in force.
    pub(super) fn models(&self) -> BTreeSet<&'a ModelId> {
        let listed = self.state.params.models.iter().map(|model| &model.model_id);
        match &self.report {
            Report::Taken(report) => listed.chain(report.keys().copied()).collect(),
            Report::Ahead | Report::Unknown => listed.collect(),
        }
    }

    pub(super) fn is_active(&self, model: &ModelId) -> bool {
        self.active.contains(model)
    }

    pub(super) fn is_member(&self, host: &Address) -> bool {
        self.network.contains(host)
    }

    fn entry(&self, model: &ModelId) -> Option<&'a ModelParams> {
        self.state.params.models.iter().find(|entry| entry.model_id == *model)
    }

    /// Whether the model can cost anything in that epoch; one without an entry always can.
    pub(super) fn in_force(&self, model: &ModelId) -> bool {
        self.entry(model).is_none_or(|entry| self.schedule.epoch >= entry.penalty_start_epoch)
    }

    /// The host's choice in the capture in force. The outer None means that it is not known.
    pub(super) fn captured(&self, host: &Address, model: &ModelId) -> Option<Option<&'a Choice>> {
        match &self.report {
            // The chain reads the choices of live members only.
            Report::Ahead if !self.is_member(host) => Some(None),
            Report::Ahead => self.standing(host, model),
            Report::Unknown => None,
            Report::Taken(_) => {
                let frozen = self.ledger.frozen.capture.as_ref()?;
                let newest = self.ledger.captures.values().map(|c| c.snapshot_height).max();
                if newest.is_some_and(|height| height != frozen.height) {
                    return None;
                }
                if !self.was_live(host, frozen.height) {
                    return Some(None);
                }
                let choice = frozen.choices.get(model).and_then(|hosts| hosts.get(host));
                self.or_none_if_known(host, choice)
            }
        }
    }

    /// The host's choice at validation start. The outer None means that it is not known.
    pub(super) fn regular(&self, host: &Address, model: &ModelId) -> Option<Option<&'a Choice>> {
        if self.is_read(host) == Certainty::No {
            return Some(None);
        }
        if self.schedule.validation_start.is_some() {
            return self.standing(host, model);
        }
        let frozen = self.ledger.frozen.validation_start.as_ref()?;
        if frozen.epoch != Some(self.schedule.epoch) {
            return None;
        }
        let choice = frozen.choices.get(model).and_then(|hosts| hosts.get(host));
        self.or_none_if_known(host, choice)
    }

    /// Whether the chain reads the host's choices at validation start: those of live members and
    /// of hosts that committed for any model.
    pub(super) fn is_read(&self, host: &Address) -> Certainty {
        let committed = || self.work().any(|(_, hosts)| hosts.get(host).is_some_and(has_committed));
        if self.is_member(host) || committed() {
            Certainty::Yes
        } else if self.schedule.commit_deadline.is_some() || !self.commits_seen {
            Certainty::Open
        } else {
            Certainty::No
        }
    }

    fn standing(&self, host: &Address, model: &ModelId) -> Option<Option<&'a Choice>> {
        let choice = self.ledger.choice(host, model).map(|standing| &standing.choice);
        self.or_none_if_known(host, choice)
    }

    fn or_none_if_known(
        &self,
        host: &Address,
        choice: Option<&'a Choice>,
    ) -> Option<Option<&'a Choice>> {
        (choice.is_some() || self.ledger.known_hosts.contains(host)).then_some(choice)
    }

    fn was_live(&self, host: &Address, height: Height) -> bool {
        self.is_member(host)
            || self.state.members.iter().any(|member| {
                member.host == *host
                    && member.excluded.as_ref().is_none_or(|exclusion| exclusion.height > height)
            })
    }

    /// Whether the host committed for the model in the stage of that epoch.
    pub(super) fn committed(&self, host: &Address, model: &ModelId) -> Certainty {
        if self.work_for(model).is_some_and(|hosts| hosts.get(host).is_some_and(has_committed)) {
            Certainty::Yes
        } else if self.schedule.commit_deadline.is_some() || !self.commits_seen {
            Certainty::Open
        } else {
            Certainty::No
        }
    }

    /// Whether the host's work for the model can still be accepted. Nodes that are preserved for
    /// inference count without a commit, and only a member of the model's group can have one.
    pub(super) fn can_be_accepted(&self, host: &Address, model: &ModelId) -> bool {
        self.committed(host, model) != Certainty::No
            || (self.is_active(model) && self.groups.contains(model, host))
    }

    /// Whether the model can still become eligible.
    pub(super) fn can_be_eligible(&self, model: &ModelId) -> bool {
        self.eligible.contains(model)
    }

    /// For a candidate whose commits are over, whether the hosts that committed suffice if all of
    /// them are accepted.
    fn committers_suffice(&self, model: &ModelId) -> bool {
        let Some(entry) = self.entry(model) else { return false };
        if !entry.coefficient_is_positive() {
            return false;
        }
        if self.is_active(model) || self.schedule.commit_deadline.is_some() || !self.commits_seen {
            return true;
        }
        let work = self.work_for(model).into_iter().flatten();
        let weights = work
            .filter(|(_, work)| has_committed(work))
            .filter_map(|(host, _)| self.network.weight(host));
        let (mut hosts, mut weight) = (0_i64, 0_i128);
        for own in weights {
            hosts += i64::from(own > 0);
            weight += i128::from(own);
        }
        let threshold = self.params.w_threshold.floor_of(self.network.total());
        // While the whole network is small, the base model needs no hosts.
        let exempt = *model == self.params.initial_model_id;
        threshold.is_ok_and(|need| weight >= need) && (exempt || hosts >= self.params.v_min)
    }

    /// What was seen of the stage of that epoch, by model.
    fn work(&self) -> impl Iterator<Item = (&'a ModelId, &'a BTreeMap<Address, Work>)> {
        let started = self.ledger.stage == Some(self.schedule.poc_start);
        self.ledger.work.iter().filter(move |_| started)
    }

    fn work_for(&self, model: &ModelId) -> Option<&'a BTreeMap<Address, Work>> {
        let started = self.ledger.stage == Some(self.schedule.poc_start);
        self.ledger.work.get(model).filter(|_| started)
    }
}

fn has_committed(work: &Work) -> bool {
    work.committed.is_some()
}

impl Schedule {
    /// Follows the clock from the tip to the next formation.
    fn of(ledger: &Ledger) -> Option<Self> {
        let (mut clock, params) = ledger.clock()?;
        let tip = ledger.tip?.height;
        let mut poc_start = clock.upcoming.map(|epoch| epoch.poc_start);
        let (mut capture, mut validation_start, mut formed) = (None, None, None);
        let mut starts = 0;
        clock.advance(&params, tip.saturating_add(1)..=Height::MAX, |event| {
            match event.stage {
                Stage::PocStart => (poc_start, starts) = (Some(event.height), starts + 1),
                // The last capture before the formation is the one in force at it.
                Stage::Capture => capture = Some(event.height),
                Stage::ValidationStart => validation_start = Some(event.height),
                Stage::ValidationEnd => formed = Some(event.epoch),
                Stage::Effective => {}
            }
            // A formation that does not come within two epochs does not come at all.
            if formed.is_some() || starts > 2 {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        let (epoch, poc_start) = (formed?, poc_start?);
        let stages = Stages::of(Epoch { index: epoch, poc_start }, &params);
        Some(Self {
            epoch,
            poc_start,
            capture,
            commit_deadline: Some(stages.commit_deadline).filter(|height| *height > tip),
            validation_start,
        })
    }
}

impl<'a> Report<'a> {
    fn of(
        ledger: &'a Ledger,
        state: &ChainState,
        active: &BTreeSet<&ModelId>,
        schedule: &Schedule,
    ) -> Self {
        if schedule.capture.is_some() {
            return Self::Ahead;
        }
        let newest = ledger.captures.values().map(|c| c.snapshot_height).max();
        let passed = ledger.frozen.capture.as_ref().map(|frozen| frozen.height);
        let has_candidates =
            || state.params.models.iter().any(|model| !active.contains(&model.model_id));
        match (newest, passed) {
            (None, None) => Self::Unknown,
            // A capture without candidates emits nothing and still replaces the one before. With
            // candidates, no event means that it failed, and the one before stays in force.
            (newest, Some(passed)) if newest.is_none_or(|n| n < passed) && !has_candidates() => {
                Self::Taken(BTreeMap::new())
            }
            (None, Some(_)) => Self::Unknown,
            (Some(newest), _) => {
                let taken = ledger.captures.values().filter(|c| c.snapshot_height == newest);
                Self::Taken(taken.map(|c| (&c.model_id, c.pre_eligible)).collect())
            }
        }
    }
}
