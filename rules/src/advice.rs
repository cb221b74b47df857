//! What a watched host should do next for a model, and until when.
//!
//! There is advice only where acting changes what an epoch takes. It follows the chain, not the
//! official guide: a refusal does not protect on a candidate, an intent on an active model only
//! deletes the delegation, refusals and intents expire at every validation end, and what comes
//! after a snapshot does not count. While the upcoming epoch is being formed nothing can be
//! changed and nobody knows yet which models it has, so there is none then, except for what was
//! sent in vain.

mod case;
mod command;
mod price;
mod trap;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use self::case::Case;
pub(crate) use self::{
    command::{Lines, Terminal},
    price::Prices,
};
use crate::{
    Address, Choice, EpochIndex, Height, Mode, ModelId, ModelParams, Network, Penalties, RuleSet,
    Weight,
    closing::Support,
    delegates::least,
    forecast::ModelForecast,
    groups::Groups,
    ledger::{Ledger, Standing, Work},
    situation::{Advice, Phase},
};

/// A height that freezes something, and the epoch it counts for.
pub(crate) type Due = Option<(EpochIndex, Height)>;

/// The next occurrence of what choices are made for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calendar {
    pub(crate) phase: Phase,
    pub(crate) capture: Due,
    pub(crate) commit_deadline: Due,
    pub(crate) validation_start: Due,
    pub(crate) validation_end: Due,
}

/// Everything that advice is derived from, for all watched hosts and models.
pub(crate) struct Adviser<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) network: &'a Network<'a>,
    pub(crate) active: &'a BTreeSet<&'a ModelId>,
    pub(crate) groups: Rc<Groups<'a>>,
    pub(crate) penalties: Penalties,
    pub(crate) prices: Prices,
    pub(crate) rule_set: RuleSet,
    pub(crate) calendar: Calendar,
    /// First height from which every block is known: a commit before it may have been missed.
    pub(crate) complete_from: Height,
    /// Commands for each model.
    pub(crate) lines: BTreeMap<&'a ModelId, Lines>,
    /// The standing choices of live members.
    pub(crate) supports: &'a BTreeMap<&'a ModelId, Support<'a>>,
    /// See [`examples`].
    pub(crate) examples: BTreeMap<&'a ModelId, Vec<&'a Address>>,
}

/// What stands for a host and model; none when that is not known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a>(pub(crate) Option<Option<&'a Standing>>);

impl Adviser<'_> {
    /// The next useful action, or none when nothing that the host can do changes its charge.
    /// `forecast` tells whether a candidate can still become eligible.
    pub(crate) fn advise(
        &self,
        host: &Address,
        model: &ModelParams,
        standing: Known<'_>,
        forecast: Option<&ModelForecast>,
    ) -> Option<Advice> {
        let id = &model.model_id;
        let standing = standing.0?;
        if self.penalties.of(Mode::None).is_zero() {
            return None;
        }
        let counts = |epoch: EpochIndex| epoch >= model.penalty_start_epoch;
        let may_be_eligible =
            forecast.is_none_or(|forecast| forecast.branches.iter().any(|branch| branch.eligible));
        let case = Case { adviser: self, host, model: id, standing, may_be_eligible };
        if let Some((epoch, found)) = case.sent_in_vain() {
            return counts(epoch).then(|| case.advice(&found)).flatten();
        }
        let forming =
            matches!(self.calendar.phase, Phase::PocValidate | Phase::Formed | Phase::Unknown);
        let (epoch, _) = self.calendar.validation_start?;
        if forming || !counts(epoch) || !case.takes_part() {
            return None;
        }
        let found = if self.active.contains(id) {
            case.on_active()
        } else if self.calendar.capture.is_some_and(|(capture, _)| capture <= epoch) {
            case.before_capture()
        } else {
            case.after_capture(epoch)
        };
        case.advice(&found?)
    }

    fn work(&self, host: &Address, model: &ModelId) -> Option<&Work> {
        self.ledger.work.get(model)?.get(host)
    }

    /// Whether the host has committed in the stage that runs. What it committed in the one before is
    /// settled: the groups of the epoch in force say whose work was accepted.
    fn committed(&self, host: &Address, model: &ModelId) -> bool {
        self.calendar.phase != Phase::Inference
            && self.work(host, model).is_some_and(|work| work.committed.is_some())
    }

    /// Whether the host can be expected to serve the model: it committed in the running stage, or
    /// it is in the model's group and may still commit.
    fn serves(&self, host: &Address, model: &ModelId) -> bool {
        let too_late = self.calendar.phase == Phase::PocExchange
            && self.ledger.stage.is_some_and(|stage| stage >= self.complete_from);
        let in_group = || self.network.contains(host) && self.groups.contains(model, host);
        self.committed(host, model) || (!too_late && in_group())
    }

    /// None when the host's choice is not known.
    fn declared_intent(&self, host: &Address, model: &ModelId) -> Option<bool> {
        let counted = self.supports.get(model).and_then(|support| support.choice_of(host));
        let standing = || self.ledger.choice(host, model).map(|standing| &standing.choice);
        match counted.or_else(standing) {
            Some(choice) => Some(*choice == Choice::Intent),
            None => self.ledger.known_hosts.contains(host).then_some(false),
        }
    }

    /// The intent host with the most weight that is no guardian: an example, not a
    /// recommendation.
    fn intent_host(&self, model: &ModelId, except: &Address) -> Option<&Address> {
        self.examples.get(model)?.iter().find(|example| **example != except).copied()
    }
}

/// For each model the two heaviest hosts with intent that are no guardians: two, because one of
/// them may be the host that asks. Guardians must stay independent of delegations.
pub(crate) fn examples<'a>(
    supports: &BTreeMap<&'a ModelId, Support<'a>>,
    guardians: &BTreeSet<Address>,
) -> BTreeMap<&'a ModelId, Vec<&'a Address>> {
    let heaviest = |support: &Support<'a>| {
        let intents: Vec<(Reverse<Weight>, &Address)> = support
            .places()
            .filter(|at| support.intends(*at) && support.weight(*at) > 0)
            .map(|at| (Reverse(support.weight(at)), support.host(at)))
            .filter(|(_, host)| !guardians.contains(*host))
            .collect();
        least(intents, 2).into_iter().map(|(_, host)| host).collect()
    };
    supports.iter().map(|(model, support)| (*model, heaviest(support))).collect()
}
