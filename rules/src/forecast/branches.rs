//! The outcomes that are still open for one host and model.

use super::{
    Branch, ChargeRange, HostForecast, Lever, LeverAction, ModelForecast, ShareTo,
    prospect::{Certainty, Prospect, Report},
    reason,
};
use crate::{
    Address, Choice, Fraction, Mode, ModelId, resolution::BootstrapStand, situation::DeadlineName,
};

impl Prospect<'_> {
    /// What the epoch will take from the host, over all models.
    #[must_use]
    pub fn host(&self, host: &Address) -> HostForecast {
        let models: Vec<_> =
            self.models().into_iter().map(|model| self.model(host, model)).collect();
        let ranges: Vec<_> = models.iter().map(|model| model.charge).collect();
        HostForecast { epoch: self.schedule.epoch, charge: ChargeRange::sum(&ranges), models }
    }

    /// What one model will take from the host.
    #[must_use]
    pub fn model(&self, host: &Address, model: &ModelId) -> ModelForecast {
        let mut branches = Vec::new();
        if self.can_be_eligible(model) {
            self.if_eligible(host, model, &mut branches);
        }
        self.if_ineligible(host, model, &mut branches);
        ModelForecast {
            model_id: model.clone(),
            epoch: self.schedule.epoch,
            charge: ChargeRange::over(branches.iter().map(|branch| branch.fraction)),
            branches,
            levers: self.levers(host, model),
        }
    }

    fn if_eligible(&self, host: &Address, model: &ModelId, branches: &mut Vec<Branch>) {
        let mut push = |mode, transfer: Option<ShareTo>, reason: String| {
            let fraction = self.fraction(mode, model);
            branches.push(Branch {
                eligible: true,
                pre_eligible: None,
                mode: Some(mode),
                fraction,
                transfer: transfer.filter(|t| self.in_force(model) && !t.share.is_zero()),
                reason: self.dated(model, reason),
            });
        };
        if self.can_be_accepted(host, model) {
            push(Mode::Direct, None, reason::direct());
        }
        let share = self.penalties.share();
        let choice = self.regular(host, model);
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
                if self.is_read(host) == Certainty::Open {
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

    fn if_ineligible(&self, host: &Address, model: &ModelId, branches: &mut Vec<Branch>) {
        // Flags that the capture may have for the model; none is a model that it does not cover.
        let flags: &[Option<bool>] = match &self.report {
            // Also of an active model, when a missed capture left an older one in force.
            Report::Taken(report) => match report.get(model) {
                Some(true) => &[Some(true)],
                Some(false) => &[Some(false)],
                None => &[None],
            },
            _ if self.is_active(model) => &[None],
            Report::Ahead => &[Some(true), Some(false)],
            Report::Unknown => &[Some(true), Some(false), None],
        };
        let mut found: Vec<Branch> = Vec::new();
        for flag in flags {
            for branch in self.under_flag(host, model, *flag) {
                match found.iter_mut().find(|b| b.mode == branch.mode && b.reason == branch.reason)
                {
                    // The same either way: the flag makes no difference.
                    Some(same) if same.pre_eligible != branch.pre_eligible => {
                        same.pre_eligible = None;
                    }
                    Some(_) => {}
                    None => found.push(branch),
                }
            }
        }
        branches.append(&mut found);
    }

    /// The outcomes of a model that stays ineligible, with one flag of the capture.
    fn under_flag(&self, host: &Address, model: &ModelId, flag: Option<bool>) -> Vec<Branch> {
        let branch = |mode: Option<Mode>, reason: String| Branch {
            eligible: false,
            pre_eligible: flag,
            mode,
            fraction: mode.map_or(Fraction::ZERO, |mode| self.fraction(mode, model)),
            transfer: None,
            reason: self.dated(model, reason),
        };
        let Some(pre_eligible) = flag else {
            return vec![branch(None, reason::not_captured(self.is_active(model)))];
        };
        // Whether it served: with a commit, a validation vote for it stays open to the end.
        let served: &[(bool, bool)] = match self.committed(host, model) {
            Certainty::No => &[(false, false)],
            Certainty::Yes => &[(true, true), (true, false)],
            Certainty::Open => &[(true, true), (true, false), (false, false)],
        };
        let unknown = [None, Some(Choice::Intent), Some(anyone())];
        let choices = match self.captured(host, model) {
            Some(choice) => vec![choice],
            None => unknown.iter().map(Option::as_ref).collect(),
        };
        let mut found: Vec<Branch> = Vec::new();
        for (committed, validated) in served.iter().copied() {
            for choice in &choices {
                let stand = BootstrapStand {
                    pre_eligible,
                    was_member: self.is_member(host),
                    committed,
                    validated,
                    choice: *choice,
                };
                let mode = Mode::bootstrap(self.rule_set, &stand);
                if !found.iter().any(|known| known.mode == mode) {
                    let reason = reason::bootstrap(mode, self.rule_set, &stand);
                    found.push(branch(mode, reason));
                }
            }
        }
        found
    }

    fn fraction(&self, mode: Mode, model: &ModelId) -> Fraction {
        if self.in_force(model) { self.penalties.of(mode) } else { Fraction::ZERO }
    }

    fn dated(&self, model: &ModelId, reason: String) -> String {
        if self.in_force(model) { reason } else { reason::not_in_force(&reason) }
    }

    /// What can still change the outcome. A choice for a candidate has two deadlines, because
    /// nobody knows before validation end which rules will apply to it.
    fn levers(&self, host: &Address, model: &ModelId) -> Vec<Lever> {
        let mut levers = Vec::new();
        let mut add = |action, deadline, height: Option<_>| {
            levers.extend(height.map(|last_height| Lever { action, deadline, last_height }));
        };
        let schedule = &self.schedule;
        if !self.is_active(model) && self.is_member(host) {
            add(LeverAction::Delegate, DeadlineName::Capture, schedule.capture);
            add(LeverAction::Intent, DeadlineName::Capture, schedule.capture);
        }
        if self.committed(host, model) == Certainty::Open {
            add(LeverAction::Commit, DeadlineName::CommitDeadline, schedule.commit_deadline);
        }
        if self.can_be_eligible(model) {
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
