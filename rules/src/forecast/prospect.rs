//! What is known about the formation of the next epoch, and what is still open.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    rc::Rc,
};

use crate::{
    Address, ChainState, Choice, DelegationParams, Epoch, EpochIndex, Height, ModelId, ModelParams,
    Network, Penalties, RuleSet,
    clock::{Stage, Stages},
    groups::Groups,
    ledger::{FrozenChoices, Ledger, Standing, Work},
};

/// Everything that a forecast reads, at the ledger's tip.
#[derive(Debug)]
pub struct Prospect<'a> {
    pub(super) rule_set: RuleSet,
    pub(super) penalties: Penalties,
    pub(super) schedule: Schedule,
    pub(super) report: Report<'a>,
    /// Models of the parameters and of the capture in force, ordered by id.
    pub(super) outlooks: Vec<Outlook<'a>>,
    ledger: &'a Ledger,
    state: &'a ChainState,
    network: &'a Network<'a>,
    groups: Rc<Groups<'a>>,
    /// Every commit of the stage up to the tip was seen.
    commits_seen: bool,
}

/// What is known about one model, found once for all hosts.
#[derive(Debug)]
pub(super) struct Outlook<'a> {
    pub(super) id: &'a ModelId,
    /// It has a group in the running epoch.
    pub(super) active: bool,
    /// It can cost anything in the epoch that is forecast.
    pub(super) in_force: bool,
    /// It can still become eligible.
    pub(super) can_be_eligible: bool,
    /// Choices that stand.
    standing: Option<&'a BTreeMap<Address, Standing>>,
    /// Choices of the capture in force, once it is taken; none when they are not known.
    captured: Option<&'a FrozenChoices>,
    /// Choices at validation start, once that is past; none when they are not known.
    regular: Option<&'a FrozenChoices>,
    /// Work of the stage of that epoch, as far as it has begun.
    work: Option<&'a BTreeMap<Address, Work>>,
}

/// What is known about one host, found once for all models.
#[derive(Debug, Clone, Copy)]
pub(super) struct Person<'h> {
    pub(super) host: &'h Address,
    pub(super) is_member: bool,
    /// Its choices are known completely.
    is_known: bool,
    /// The chain reads its choices at validation start: it does for live members and for hosts
    /// that committed for any model.
    pub(super) is_read: Certainty,
    /// It was a live member at the capture in force.
    was_live: bool,
}

/// A host's choice; the outer None means that it is not known.
pub(super) type KnownChoice<'a> = Option<Option<&'a Choice>>;

/// A host's choices for one model where they count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chosen<'a> {
    /// In the capture in force.
    pub(super) captured: KnownChoice<'a>,
    /// At validation start.
    pub(super) regular: KnownChoice<'a>,
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
        Self::sharing(ledger, network, active, rule_set, complete_from, Groups::of(ledger)?)
    }

    /// The same with groups that others use as well.
    pub(crate) fn sharing(
        ledger: &'a Ledger,
        network: &'a Network<'a>,
        active: &'a BTreeSet<&'a ModelId>,
        rule_set: RuleSet,
        complete_from: Height,
        groups: Rc<Groups<'a>>,
    ) -> Option<Self> {
        let state = ledger.state.as_ref()?;
        let params = state.params.delegation.as_ref()?;
        let schedule = Schedule::of(ledger)?;
        let mut prospect = Self {
            rule_set,
            penalties: Penalties::new(params).ok()?,
            schedule,
            report: Report::of(ledger, state, active, &schedule),
            outlooks: Vec::new(),
            ledger,
            state,
            network,
            groups,
            commits_seen: complete_from <= schedule.poc_start.saturating_add(1),
        };
        let models = prospect.models();
        prospect.outlooks =
            models.into_iter().map(|model| prospect.outlook(params, active, model)).collect();
        Some(prospect)
    }

    /// The epoch that is forecast.
    #[must_use]
    pub fn epoch(&self) -> EpochIndex {
        self.schedule.epoch
    }

    /// Models of the parameters and of the capture in force.
    fn models(&self) -> BTreeSet<&'a ModelId> {
        let listed = self.state.params.models.iter().map(|model| &model.model_id);
        match &self.report {
            Report::Taken(report) => listed.chain(report.keys().copied()).collect(),
            Report::Ahead | Report::Unknown => listed.collect(),
        }
    }

    fn outlook(
        &self,
        params: &DelegationParams,
        active: &BTreeSet<&ModelId>,
        id: &'a ModelId,
    ) -> Outlook<'a> {
        let ledger = self.ledger;
        let entry = self.state.params.models.iter().find(|entry| entry.model_id == *id);
        let started = ledger.stage == Some(self.schedule.poc_start);
        let newest = ledger.captures.values().map(|capture| capture.snapshot_height).max();
        // An older capture is in force than the choices that were frozen last.
        let captured = ledger.frozen.capture.as_ref();
        let captured = captured.filter(|frozen| newest.is_none_or(|n| n == frozen.height));
        let regular = ledger.frozen.validation_start.as_ref();
        let mut outlook = Outlook {
            id,
            active: active.contains(id),
            // One without an entry always costs.
            in_force: entry.is_none_or(|e| self.schedule.epoch >= e.penalty_start_epoch),
            can_be_eligible: false,
            standing: ledger.choices.get(id),
            captured,
            regular: regular.filter(|frozen| frozen.epoch == Some(self.schedule.epoch)),
            work: ledger.work.get(id).filter(|_| started),
        };
        outlook.can_be_eligible =
            entry.is_some_and(|entry| self.committers_suffice(params, entry, &outlook));
        outlook
    }

    pub(super) fn person<'h>(&self, host: &'h Address) -> Person<'h> {
        let is_member = self.network.contains(host);
        let committed = || {
            let work = self.outlooks.iter().filter_map(|outlook| outlook.work);
            let mut of_host = work.filter_map(|hosts| hosts.get(host));
            of_host.any(has_committed)
        };
        let is_read = if is_member || committed() {
            Certainty::Yes
        } else if self.schedule.commit_deadline.is_some() || !self.commits_seen {
            Certainty::Open
        } else {
            Certainty::No
        };
        let capture = self.ledger.frozen.capture.as_ref().map(|frozen| frozen.height);
        let was_live = |height: Height| {
            self.state.members.iter().any(|member| {
                member.host == *host
                    && member.excluded.as_ref().is_none_or(|exclusion| exclusion.height > height)
            })
        };
        Person {
            host,
            is_member,
            is_known: self.ledger.known_hosts.contains(host),
            is_read,
            was_live: is_member || capture.is_some_and(was_live),
        }
    }

    /// The host's choices where they count, found once for all outcomes.
    pub(super) fn chosen(&self, person: &Person<'_>, model: &Outlook<'a>) -> Chosen<'a> {
        let is_ahead = self.report == Report::Ahead || self.schedule.validation_start.is_some();
        let standing = if is_ahead { person.standing(model) } else { None };
        Chosen {
            captured: self.captured(person, model, standing),
            regular: self.regular(person, model, standing),
        }
    }

    fn captured(
        &self,
        person: &Person<'_>,
        model: &Outlook<'a>,
        standing: KnownChoice<'a>,
    ) -> KnownChoice<'a> {
        match &self.report {
            // The chain reads the choices of live members only.
            Report::Ahead if !person.is_member => Some(None),
            Report::Ahead => standing,
            Report::Unknown => None,
            Report::Taken(_) => {
                let frozen = model.captured?;
                if !person.was_live {
                    return Some(None);
                }
                person.frozen(frozen, model)
            }
        }
    }

    fn regular(
        &self,
        person: &Person<'_>,
        model: &Outlook<'a>,
        standing: KnownChoice<'a>,
    ) -> KnownChoice<'a> {
        if person.is_read == Certainty::No {
            return Some(None);
        }
        if self.schedule.validation_start.is_some() {
            return standing;
        }
        person.frozen(model.regular?, model)
    }

    /// Whether the host committed for the model in the stage of that epoch.
    pub(super) fn committed(&self, host: &Address, model: &Outlook<'_>) -> Certainty {
        if model.work.is_some_and(|hosts| hosts.get(host).is_some_and(has_committed)) {
            Certainty::Yes
        } else if self.schedule.commit_deadline.is_some() || !self.commits_seen {
            Certainty::Open
        } else {
            Certainty::No
        }
    }

    /// Whether the host's work for the model can still be accepted. Nodes that are preserved for
    /// inference count without a commit, and only a member of the model's group can have one.
    pub(super) fn can_be_accepted(&self, host: &Address, model: &Outlook<'_>) -> bool {
        self.committed(host, model) != Certainty::No
            || (model.active && self.groups.contains(model.id, host))
    }

    /// Whether the model can become eligible: for a candidate whose commits are over, whether the
    /// hosts that committed suffice if all of them are accepted.
    fn committers_suffice(
        &self,
        params: &DelegationParams,
        entry: &ModelParams,
        model: &Outlook<'_>,
    ) -> bool {
        if !entry.coefficient_is_positive() {
            return false;
        }
        if model.active || self.schedule.commit_deadline.is_some() || !self.commits_seen {
            return true;
        }
        let work = model.work.into_iter().flatten();
        let weights = work
            .filter(|(_, work)| has_committed(work))
            .filter_map(|(host, _)| self.network.weight(host));
        let (mut hosts, mut weight) = (0_i64, 0_i128);
        for own in weights {
            hosts += i64::from(own > 0);
            weight += i128::from(own);
        }
        let threshold = params.w_threshold.floor_of(self.network.total());
        // While the whole network is small, the base model needs no hosts.
        let exempt = *model.id == params.initial_model_id;
        threshold.is_ok_and(|need| weight >= need) && (exempt || hosts >= params.v_min)
    }
}

impl Person<'_> {
    fn standing<'a>(&self, model: &Outlook<'a>) -> KnownChoice<'a> {
        let standing = model.standing.and_then(|hosts| hosts.get(self.host));
        self.or_none_if_known(standing.map(|standing| &standing.choice))
    }

    fn frozen<'a>(&self, frozen: &'a FrozenChoices, model: &Outlook<'a>) -> KnownChoice<'a> {
        self.or_none_if_known(frozen.choices.get(model.id).and_then(|hosts| hosts.get(self.host)))
    }

    fn or_none_if_known<'a>(&self, choice: Option<&'a Choice>) -> KnownChoice<'a> {
        (choice.is_some() || self.is_known).then_some(choice)
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
