//! One host and one model: which trap it is in, and what helps.

use super::{Adviser, Due, trap::Trap};
use crate::{
    Address, Choice, EpochIndex, Height, ModelId, RuleSet,
    ledger::{FrozenChoices, Standing},
    situation::{Advice, Command, DeadlineName},
};

/// One host and one model.
pub(super) struct Case<'a> {
    pub(super) adviser: &'a Adviser<'a>,
    pub(super) host: &'a Address,
    pub(super) model: &'a ModelId,
    pub(super) standing: Option<&'a Standing>,
    /// Validation start can matter for a candidate.
    pub(super) may_be_eligible: bool,
}

/// What was found, and by when something can be done about it.
pub(super) struct Found {
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
    pub(super) fn takes_part(&self) -> bool {
        let adviser = self.adviser;
        adviser.network.contains(self.host)
            || adviser.ledger.work.values().any(|hosts| hosts.contains_key(self.host))
    }

    fn by(&self, deadline: DeadlineName, due: Due, trap: Trap) -> Option<Found> {
        due.map(|(_, last_height)| Found { trap, deadline, last_height })
    }

    /// A refusal or intent whose snapshot was already taken: its transaction succeeded, and the
    /// wipe removes it before the next snapshot. With the epoch it has to be sent again for.
    pub(super) fn sent_in_vain(&self) -> Option<(EpochIndex, Found)> {
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
    pub(super) fn on_active(&self) -> Option<Found> {
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
    pub(super) fn before_capture(&self) -> Option<Found> {
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
    pub(super) fn after_capture(&self, epoch: EpochIndex) -> Option<Found> {
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

    pub(super) fn advice(&self, found: &Found) -> Option<Advice> {
        let prices = &self.adviser.prices;
        Some(Advice {
            why: found.trap.why(&prices.at_stake),
            reason: found.trap.reason(),
            deadline: found.deadline,
            last_height: found.last_height,
            charge: prices.charge.clone(),
            commands: self.commands(&found.trap),
        })
    }

    /// Commands that help, best first. A model id that cannot be pasted safely has none.
    fn commands(&self, trap: &Trap) -> Vec<Command> {
        let adviser = self.adviser;
        let Some(lines) = adviser.lines.get(self.model) else { return Vec::new() };
        let command = |line: &Option<String>, does| Some(Command { does, line: line.clone()? });
        let candidate = !adviser.active.contains(self.model);
        let prices = &adviser.prices;
        let delegate = || {
            let whom = match adviser.intent_host(self.model, self.host) {
                Some(example) if candidate => {
                    format!("a host that declared intent, such as {example}")
                }
                _ if candidate => "a host that will serve it".to_owned(),
                _ => "a host that serves it".to_owned(),
            };
            command(&lines.delegate, format!("delegate to {whom}; {} goes to it", prices.share))
        };
        let refuse = || {
            let costs = prices.refusal.as_ref()?;
            let when = if candidate { " if the model becomes eligible" } else { "" };
            command(&lines.refuse, format!("refuse; it costs {costs}{when}"))
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
