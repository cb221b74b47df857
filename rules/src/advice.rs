//! What a watched host should do next for a model, and until when.
//!
//! There is advice only where acting changes what an epoch takes. It follows the chain, not the
//! official guide: a refusal does not protect on a candidate, an intent on an active model only
//! deletes the delegation, refusals and intents expire at every validation end, and what comes
//! after a snapshot does not count. While the upcoming epoch is being formed nothing can be
//! changed and nobody knows yet which models it has, so there is none then, except for what was
//! sent in vain.

mod command;
mod trap;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

pub(crate) use self::command::{Lines, Terminal};
use self::trap::Trap;
use crate::{
    Address, Choice, EpochIndex, Fraction, Height, Mode, ModelId, ModelParams, Network, Penalties,
    RuleSet, Weight,
    closing::Support,
    delegates::least,
    forecast::ModelForecast,
    groups::Groups,
    ledger::{FrozenChoices, Ledger, Standing, Work},
    situation::{Advice, Command, DeadlineName, Phase},
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
    pub(crate) rule_set: RuleSet,
    pub(crate) calendar: Calendar,
    /// First height from which every block is known: a commit before it may have been missed.
    pub(crate) complete_from: Height,
    /// Commands for each model.
    pub(crate) lines: BTreeMap<&'a ModelId, Lines>,
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

    fn committed(&self, host: &Address, model: &ModelId) -> bool {
        self.work(host, model).is_some_and(|work| work.committed.is_some())
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
        match self.ledger.choice(host, model) {
            Some(standing) => Some(standing.choice == Choice::Intent),
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

/// One host and one model.
struct Case<'a> {
    adviser: &'a Adviser<'a>,
    host: &'a Address,
    model: &'a ModelId,
    standing: Option<&'a Standing>,
    /// Validation start can matter for a candidate.
    may_be_eligible: bool,
}

/// What was found, and by when something can be done about it.
struct Found {
    trap: Trap,
    deadline: DeadlineName,
    last_height: Height,
}

impl Case<'_> {
    fn choice(&self) -> Option<&Choice> {
        self.standing.map(|standing| &standing.choice)
    }

    /// Only hosts with weight in the upcoming epoch are charged: members of the running one, and
    /// those that have committed in this stage.
    fn takes_part(&self) -> bool {
        let adviser = self.adviser;
        adviser.network.contains(self.host)
            || adviser.ledger.work.values().any(|hosts| hosts.contains_key(self.host))
    }

    fn by(&self, deadline: DeadlineName, due: Due, trap: Trap) -> Option<Found> {
        due.map(|(_, last_height)| Found { trap, deadline, last_height })
    }

    /// A refusal or intent whose snapshot was already taken: its transaction succeeded, and the
    /// wipe removes it before the next snapshot. With the epoch it has to be sent again for.
    fn sent_in_vain(&self) -> Option<(EpochIndex, Found)> {
        let standing = self.standing?;
        let frozen = &self.adviser.ledger.frozen;
        let calendar = self.adviser.calendar;
        let (epoch, wipe) = calendar.validation_end?;
        let missed = |taken: &Option<FrozenChoices>| {
            let taken = taken.as_ref().filter(|taken| taken.epoch == Some(epoch));
            taken.map(|taken| taken.height).filter(|height| standing.since > *height)
        };
        let since = standing.since;
        match standing.choice {
            Choice::Refuse => {
                let snapshot = missed(&frozen.validation_start)?;
                let trap = Trap::LateRefusal { since, snapshot, wipe };
                let (next, _) = calendar.validation_start?;
                let found =
                    self.by(DeadlineName::ValidationStart, calendar.validation_start, trap)?;
                Some((next, found))
            }
            Choice::Intent if !self.adviser.active.contains(self.model) => {
                let snapshot = missed(&frozen.capture)?;
                let trap = Trap::LateIntent { since, snapshot, wipe };
                let (next, _) = calendar.capture?;
                Some((next, self.by(DeadlineName::Capture, calendar.capture, trap)?))
            }
            Choice::Intent | Choice::Delegate { .. } => None,
        }
    }

    fn wiped(&self) -> Option<Trap> {
        let wiped = self.adviser.ledger.frozen.wiped.as_ref()?;
        match wiped.choices.get(self.model)?.get(self.host)? {
            Choice::Refuse => Some(Trap::ExpiredRefusal { wiped: wiped.height }),
            Choice::Intent => Some(Trap::ExpiredIntent { wiped: wiped.height }),
            Choice::Delegate { .. } => None,
        }
    }

    /// The snapshot at validation start decides; work that is accepted overrides every choice.
    fn on_active(&self) -> Option<Found> {
        if self.adviser.serves(self.host, self.model) {
            return None;
        }
        let trap = match self.choice() {
            Some(Choice::Refuse) => return None,
            Some(Choice::Delegate { delegate_to }) => {
                if self.adviser.serves(delegate_to, self.model) {
                    return None;
                }
                Trap::DelegateDoesNotServe { delegate: delegate_to.clone() }
            }
            Some(Choice::Intent) => Trap::IntentOnActive,
            None => self.wiped().unwrap_or(Trap::Nothing),
        };
        self.by(DeadlineName::ValidationStart, self.adviser.calendar.validation_start, trap)
    }

    /// The capture decides if the candidate stays ineligible, validation start if it does not.
    fn before_capture(&self) -> Option<Found> {
        if !self.adviser.network.contains(self.host) {
            // The capture does not read the choices of hosts outside the effective group.
            return None;
        }
        let trap = match self.choice() {
            Some(Choice::Intent) => return None,
            Some(Choice::Delegate { delegate_to }) => {
                if self.adviser.declared_intent(delegate_to, self.model)? {
                    return None;
                }
                Trap::DelegateWithoutIntent { delegate: delegate_to.clone() }
            }
            Some(Choice::Refuse) => Trap::RefusalOnCandidate,
            None => self.wiped().unwrap_or(Trap::Nothing),
        };
        self.by(DeadlineName::Capture, self.adviser.calendar.capture, trap)
    }

    /// What the capture took cannot be changed; serving still can, and so can validation start.
    fn after_capture(&self, epoch: EpochIndex) -> Option<Found> {
        let adviser = self.adviser;
        if adviser.committed(self.host, self.model) {
            return None;
        }
        let calendar = adviser.calendar;
        // A capture that fails emits no event, and then an older one stays in force.
        let event = adviser.ledger.captures.get(self.model);
        let taken = adviser.ledger.frozen.capture.as_ref().filter(|taken| {
            taken.epoch == Some(epoch)
                && event.is_some_and(|event| event.snapshot_height == taken.height)
        });
        let height = taken.map(|taken| taken.height);
        let captured = taken.map(|taken| taken.choices.get(self.model)?.get(self.host));
        let pre_eligible = event.map(|event| event.pre_eligible);
        // From v0.2.16 a candidate that was not pre-eligible costs nothing while it stays one.
        let bootstrap_costs = match adviser.rule_set {
            RuleSet::V0_2_12 | RuleSet::V0_2_14 => true,
            RuleSet::V0_2_16 => pre_eligible != Some(false),
        };
        let serving = calendar.commit_deadline.filter(|(stage, _)| *stage == epoch);
        let unless_served = |trap| self.by(DeadlineName::CommitDeadline, serving, trap);
        let start = calendar.validation_start.filter(|_| self.may_be_eligible);
        let at_start = |trap| self.by(DeadlineName::ValidationStart, start, trap);
        // What the capture left the host with while the model stays a candidate.
        let uncaptured = match captured {
            Some(Some(Choice::Delegate { .. } | Choice::Intent)) | None => false,
            Some(Some(Choice::Refuse) | None) => bootstrap_costs,
        };
        let unserved = captured == Some(Some(&Choice::Intent)) && pre_eligible == Some(true);
        match self.choice() {
            None => at_start(match (height, captured) {
                (Some(capture), Some(None | Some(Choice::Refuse))) => {
                    Trap::MissedCapture { capture, costs: uncaptured }
                }
                _ => Trap::NothingLeft,
            }),
            Some(_) if unserved => unless_served(Trap::IntentMustBeServed),
            Some(Choice::Delegate { .. }) if uncaptured => {
                unless_served(Trap::LateDelegation { capture: height? })
            }
            Some(Choice::Refuse) if uncaptured => unless_served(Trap::RefusalCaptured),
            Some(Choice::Delegate { delegate_to }) => {
                let may_serve =
                    serving.is_some() && adviser.declared_intent(delegate_to, self.model)?;
                if may_serve || adviser.serves(delegate_to, self.model) {
                    return None;
                }
                at_start(Trap::DelegateDoesNotServe { delegate: delegate_to.clone() })
            }
            Some(Choice::Refuse | Choice::Intent) => None,
        }
    }

    fn advice(&self, found: &Found) -> Option<Advice> {
        let charge = self.adviser.penalties.of(Mode::None);
        let of = if self.adviser.rule_set.charges_weight() { "weight" } else { "reward" };
        Some(Advice {
            why: found.trap.why(&format!("{} of the {of}", percent(charge))),
            reason: found.trap.reason(),
            deadline: found.deadline,
            last_height: found.last_height,
            charge: charge.to_string(),
            commands: self.commands(&found.trap),
        })
    }

    /// Commands that help, best first. A model id that cannot be pasted safely has none.
    fn commands(&self, trap: &Trap) -> Vec<Command> {
        let adviser = self.adviser;
        let Some(lines) = adviser.lines.get(self.model) else { return Vec::new() };
        let command = |line: &Option<String>, does| Some(Command { does, line: line.clone()? });
        let candidate = !adviser.active.contains(self.model);
        let share = percent(adviser.penalties.share());
        let delegate = || {
            let whom = match adviser.intent_host(self.model, self.host) {
                Some(example) if candidate => {
                    format!("a host that declared intent, such as {example}")
                }
                _ if candidate => "a host that will serve it".to_owned(),
                _ => "a host that serves it".to_owned(),
            };
            command(&lines.delegate, format!("delegate to {whom}; {share} goes to it"))
        };
        let refuse = || {
            let refusal = adviser.penalties.of(Mode::Refuse);
            (refusal < adviser.penalties.of(Mode::None))
                .then(|| {
                    let costs = percent(refusal);
                    let when = if candidate { " if the model becomes eligible" } else { "" };
                    command(&lines.refuse, format!("refuse; it costs {costs}{when}"))
                })
                .flatten()
        };
        let intent = || command(&lines.intent, "declare intent, and serve it".to_owned());
        let commands = match trap {
            Trap::LateRefusal { .. } => vec![delegate(), refuse()],
            Trap::LateIntent { .. } => vec![intent(), delegate()],
            Trap::IntentMustBeServed | Trap::LateDelegation { .. } | Trap::RefusalCaptured => {
                vec![]
            }
            Trap::MissedCapture { .. } | Trap::NothingLeft => vec![delegate(), refuse()],
            Trap::DelegateDoesNotServe { .. } if candidate => vec![delegate(), refuse()],
            _ if candidate => vec![delegate(), intent()],
            _ => vec![delegate(), refuse()],
        };
        commands.into_iter().flatten().collect()
    }
}

/// `15 %`, or the fraction itself when it is no whole hundredth of a percent.
fn percent(fraction: Fraction) -> String {
    let scaled = fraction
        .numerator()
        .checked_mul(10_000)
        .filter(|scaled| scaled % fraction.denominator() == 0)
        .map(|scaled| scaled / fraction.denominator());
    match scaled {
        Some(hundredths) if hundredths % 100 == 0 => format!("{} %", hundredths / 100),
        Some(hundredths) => {
            let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
            format!("{} %", text.trim_end_matches('0'))
        }
        None => fraction.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_read_as_percent_where_that_is_exact() {
        for (numerator, denominator, text) in [
            (3, 20, "15 %"),
            (1, 1, "100 %"),
            (1, 8, "12.5 %"),
            (1, 10_000, "0.01 %"),
            (21, 2000, "1.05 %"),
            (1, 3, "1/3"),
            (1, 100_000, "1/100000"),
        ] {
            assert_eq!(percent(Fraction::new(numerator, denominator).unwrap()), text);
        }
    }
}
