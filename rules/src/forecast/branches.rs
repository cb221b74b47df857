//! The outcomes that are still open for one host and model.

use std::collections::BTreeSet;

use super::{
    Branch, ChargeRange, HostForecast, Lever, LeverAction, ModelForecast, ShareTo,
    prospect::{Certainty, KnownChoice, Outlook, Person, Prospect, Report},
    reason::{self, Reason},
};
use crate::{Address, Choice, Fraction, Mode, resolution::BootstrapStand, situation::DeadlineName};

/// How many outcomes of one host and model are open before the snapshots, mostly.
const USUAL_BRANCHES: usize = 6;

impl Prospect<'_> {
    /// What the epoch will take from the host, over all models.
    #[must_use]
    pub fn host(&self, host: &Address) -> HostForecast {
        let person = self.person(host);
        let models: Vec<_> =
            self.outlooks.iter().map(|outlook| self.of(&person, outlook)).collect();
        let ranges: Vec<_> = models.iter().map(|model| model.charge).collect();
        HostForecast { epoch: self.schedule.epoch, charge: ChargeRange::sum(&ranges), models }
    }

    fn of(&self, person: &Person<'_>, model: &Outlook<'_>) -> ModelForecast {
        let chosen = self.chosen(person, model);
        let mut branches = Vec::with_capacity(USUAL_BRANCHES);
        if model.can_be_eligible {
            self.if_eligible(person, model, chosen.regular, &mut branches);
        }
        self.if_ineligible(person, model, chosen.captured, &mut branches);
        ModelForecast {
            model_id: model.id.clone(),
            epoch: self.schedule.epoch,
            charge: ChargeRange::over(branches.iter().map(|branch| branch.fraction)),
            branches,
            levers: self.levers(person, model),
        }
    }

    fn if_eligible(
        &self,
        person: &Person<'_>,
        model: &Outlook<'_>,
        choice: KnownChoice<'_>,
        branches: &mut Vec<Branch>,
    ) {
        let mut push = |mode, transfer: Option<ShareTo>, reason: Reason| {
            let fraction = self.fraction(mode, model);
            branches.push(Branch {
                eligible: true,
                pre_eligible: None,
                mode: Some(mode),
                fraction,
                transfer: transfer.filter(|t| model.in_force && !t.share.is_zero()),
                reason: self.dated(model, reason),
            });
        };
        if self.can_be_accepted(person.host, model) {
            push(Mode::Direct, None, reason::direct());
        }
        let share = self.penalties.share();
        match choice {
            Some(Some(Choice::Delegate { delegate_to })) => {
                if self.can_be_accepted(delegate_to, model) {
                    let transfer = ShareTo { to: Some(delegate_to.clone()), share };
                    push(Mode::Delegate, Some(transfer), reason::delegate(delegate_to, share));
                }
                push(Mode::None, None, reason::delegate_fails(delegate_to));
            }
            Some(Some(Choice::Refuse)) => {
                push(Mode::Refuse, None, reason::refuse());
                if person.is_read == Certainty::Open {
                    push(Mode::None, None, reason::not_read());
                }
            }
            Some(choice) => push(Mode::None, None, reason::none(choice)),
            None => {
                let transfer = ShareTo { to: None, share };
                push(Mode::Delegate, Some(transfer), reason::unknown_choice("a delegation"));
                push(Mode::Refuse, None, reason::unknown_choice("a refusal"));
                push(Mode::None, None, reason::unknown_choice("nothing"));
            }
        }
    }

    fn if_ineligible(
        &self,
        person: &Person<'_>,
        model: &Outlook<'_>,
        choice: KnownChoice<'_>,
        branches: &mut Vec<Branch>,
    ) {
        // Flags that the capture may have for the model; none is a model that it does not cover.
        let flags: &[Option<bool>] = match &self.report {
            // Also of an active model, when a missed capture left an older one in force.
            Report::Taken(report) => match report.get(model.id) {
                Some(true) => &[Some(true)],
                Some(false) => &[Some(false)],
                None => &[None],
            },
            _ if model.active => &[None],
            Report::Ahead => &[Some(true), Some(false)],
            Report::Unknown => &[Some(true), Some(false), None],
        };
        let first = branches.len();
        for flag in flags {
            self.under_flag(person, model, *flag, choice, |branch| {
                let mut found = branches[first..].iter_mut();
                match found.find(|b| b.mode == branch.mode && b.reason == branch.reason) {
                    // The same either way: the flag makes no difference.
                    Some(same) if same.pre_eligible != branch.pre_eligible => {
                        same.pre_eligible = None;
                    }
                    Some(_) => {}
                    None => branches.push(branch),
                }
            });
        }
    }

    /// The outcomes of a model that stays ineligible, with one flag of the capture: one for each
    /// mode.
    fn under_flag(
        &self,
        person: &Person<'_>,
        model: &Outlook<'_>,
        flag: Option<bool>,
        choice: KnownChoice<'_>,
        mut found: impl FnMut(Branch),
    ) {
        let branch = |mode: Option<Mode>, reason: Reason| Branch {
            eligible: false,
            pre_eligible: flag,
            mode,
            fraction: mode.map_or(Fraction::ZERO, |mode| self.fraction(mode, model)),
            transfer: None,
            reason: self.dated(model, reason),
        };
        let Some(pre_eligible) = flag else {
            return found(branch(None, reason::not_captured(model.active)));
        };
        // Whether it served: with a commit, a validation vote for it stays open to the end.
        let served: &[(bool, bool)] = match self.committed(person.host, model) {
            Certainty::No => &[(false, false)],
            Certainty::Yes => &[(true, true), (true, false)],
            Certainty::Open => &[(true, true), (true, false), (false, false)],
        };
        let (known, anyone) = ([choice.flatten()], anyone());
        let unknown = [None, Some(&Choice::Intent), Some(&anyone)];
        let choices = if choice.is_some() { &known[..] } else { &unknown[..] };
        let mut modes = BTreeSet::new();
        for (committed, validated) in served.iter().copied() {
            for choice in choices {
                let stand = BootstrapStand {
                    pre_eligible,
                    was_member: person.is_member,
                    committed,
                    validated,
                    choice: *choice,
                };
                let mode = Mode::bootstrap(self.rule_set, &stand);
                if modes.insert(mode) {
                    let reason = reason::bootstrap(mode, self.rule_set, &stand);
                    found(branch(mode, reason));
                }
            }
        }
    }

    fn fraction(&self, mode: Mode, model: &Outlook<'_>) -> Fraction {
        if model.in_force { self.penalties.of(mode) } else { Fraction::ZERO }
    }

    fn dated(&self, model: &Outlook<'_>, reason: Reason) -> Reason {
        if model.in_force { reason } else { reason::not_in_force(&reason) }
    }

    /// What can still change the outcome. A choice for a candidate has two deadlines, because
    /// nobody knows before validation end which rules will apply to it.
    fn levers(&self, person: &Person<'_>, model: &Outlook<'_>) -> Vec<Lever> {
        let mut levers = Vec::new();
        let mut add = |action, deadline, height: Option<_>| {
            levers.extend(height.map(|last_height| Lever { action, deadline, last_height }));
        };
        let schedule = &self.schedule;
        if !model.active && person.is_member {
            add(LeverAction::Delegate, DeadlineName::Capture, schedule.capture);
            add(LeverAction::Intent, DeadlineName::Capture, schedule.capture);
        }
        if self.committed(person.host, model) == Certainty::Open {
            add(LeverAction::Commit, DeadlineName::CommitDeadline, schedule.commit_deadline);
        }
        if model.can_be_eligible {
            add(LeverAction::Delegate, DeadlineName::ValidationStart, schedule.validation_start);
            add(LeverAction::Refuse, DeadlineName::ValidationStart, schedule.validation_start);
        }
        levers.sort_by_key(|lever| lever.last_height);
        levers
    }
}

/// A delegation whose delegate is not known; at the capture any will do.
fn anyone() -> Choice {
    Choice::Delegate { delegate_to: Address::from("") }
}
