//! What another choice would change: the Situation of one host and model as it is, and as it would
//! be had the next block brought that choice.

use serde::Serialize;

use crate::{
    Address, ChoiceAction, EpochIndex, Height, ModelId,
    closing::Effects,
    delegates::DelegateFacts,
    forecast::{ChargeRange, ModelForecast},
    ledger::{Ledger, Standing},
    reward::Cost,
    situation::{
        ChoiceView, Deadline, DeadlineName, Gaps, Inputs, ModelState, Situation, Watched, assess,
    },
};

/// Before and after.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Comparison {
    /// The chain.
    pub chain_id: String,
    /// The rule set that the statements use.
    pub rule_set: String,
    /// The block after which `before` holds.
    pub height: Height,
    /// The data is too old to say what holds now.
    pub stale: bool,
    /// The height at which parameters and weights were read.
    pub state_height: Height,
    /// The host.
    pub host: Address,
    /// The model.
    pub model_id: ModelId,
    /// Whether it is active.
    pub model_state: ModelState,
    /// First epoch in which it can cost anything.
    pub penalty_start_epoch: EpochIndex,
    /// What is asked.
    pub choose: ChoiceAction,
    /// The deadlines by which the choice would have to be included to count, earliest first.
    pub deadlines: Vec<Until>,
    /// As it is.
    pub before: Side,
    /// As it would be.
    pub after: Side,
}

/// A deadline for a choice.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Until {
    /// The deadline.
    #[serde(flatten)]
    pub deadline: Deadline,
    /// The wipe that comes before the deadline and removes the choice again; it has to be sent
    /// after that block.
    pub wiped_at: Option<Height>,
}

/// One host and model under one choice.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Side {
    /// The choice.
    pub choice: ChoiceView,
    /// For a candidate: whether the host's weight counts towards reach.
    pub reaches: Option<bool>,
    /// For a candidate: what the chain would answer if the capture were now.
    pub gaps: Option<Gaps>,
    /// For a candidate: what the host's intent or delegation would change from here.
    pub effects: Option<Effects>,
    /// What is known about the delegate.
    pub delegate: Option<DelegateFacts>,
    /// The outcomes that are still open for the epoch being formed next.
    pub forecast: Option<ModelForecast>,
    /// What they come to; null while the host's reward is not known, as it is for watched hosts.
    pub cost: Option<Cost>,
    /// What that epoch can take over all models.
    pub charge: Option<ChargeRange>,
    /// What that comes to.
    pub total_cost: Option<Cost>,
}

/// Why there is no comparison.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhatIfError {
    /// Nothing was read from the chain yet.
    #[error("the chain's state has not been read yet; let the daemon run for a few blocks")]
    NoState,
    /// The chain refuses it (code 1134).
    #[error("the chain knows no model {model:?}; it has {}", list(.known))]
    UnknownModel {
        /// The id that was given.
        model: ModelId,
        /// Those that it would accept.
        known: Vec<ModelId>,
    },
    /// The chain would store it, and it would cost nothing.
    #[error(
        "model {0:?} is registered but not in poc_params: a choice for it is stored and has no \
         effect"
    )]
    NotInPoc(ModelId),
    /// The chain refuses it (code 1175).
    #[error("a host cannot delegate to itself: {0}")]
    SelfDelegation(Address),
    /// What stands cannot be told, so neither what would change.
    #[error(
        "the choices of {0} are not known; only members of the running epoch and watched hosts \
         are read, so add it as a [[host]] of the configuration"
    )]
    UnknownHost(Address),
}

fn list(models: &[ModelId]) -> String {
    const SHOWN: usize = 8;
    let mut names: Vec<_> = models.iter().take(SHOWN).map(|id| format!("{id:?}")).collect();
    if models.len() > SHOWN {
        names.push(format!("{} more", models.len() - SHOWN));
    }
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// The ledger as it would be after that choice, in the block after its tip. What past heights froze
/// stays as it is.
#[must_use]
pub fn choose(ledger: &Ledger, host: &Address, model: &ModelId, action: &ChoiceAction) -> Ledger {
    let mut other = ledger.clone();
    match action.outcome() {
        Some(choice) => {
            let since = ledger.tip.map_or(0, |tip| tip.height.saturating_add(1));
            let standing = Standing { choice, origin: None, since };
            other.choices.entry(model.clone()).or_default().insert(host.clone(), standing);
        }
        None => {
            if let Some(hosts) = other.choices.get_mut(model) {
                hosts.remove(host);
            }
            if other.choices.get(model).is_some_and(|hosts| hosts.is_empty()) {
                other.choices.remove(model);
            }
        }
    }
    other
}

/// Compares what is with what would be. The watched hosts of the inputs do not matter.
///
/// # Errors
/// [`WhatIfError`] when the chain would refuse the choice, or its effect cannot be told.
pub fn compare(
    inputs: &Inputs<'_>,
    host: &Address,
    model: &ModelId,
    action: &ChoiceAction,
) -> Result<Comparison, WhatIfError> {
    check(inputs.ledger, host, model, action)?;
    let watched =
        [Watched { name: String::new(), address: host.clone(), models: Some(vec![model.clone()]) }];
    let before = assess(&Inputs { watched: &watched, ..inputs.clone() });
    let other = choose(inputs.ledger, host, model, action);
    let after = assess(&Inputs { watched: &watched, ledger: &other, ..inputs.clone() });
    let missing = || WhatIfError::NotInPoc(model.clone());
    let view = before.models.iter().find(|view| view.model_id == *model).ok_or_else(missing)?;
    Ok(Comparison {
        chain_id: before.chain_id.clone(),
        rule_set: before.rule_set.clone(),
        height: before.complete_to,
        stale: before.stale,
        state_height: before.state_height,
        host: host.clone(),
        model_id: model.clone(),
        model_state: view.state,
        penalty_start_epoch: view.penalty_start_epoch,
        choose: action.clone(),
        deadlines: deadlines(&before, view.state, action),
        before: Side::of(&before, model).ok_or_else(missing)?,
        after: Side::of(&after, model).ok_or_else(missing)?,
    })
}

/// What the chain would refuse, and what cannot be told.
fn check(
    ledger: &Ledger,
    host: &Address,
    model: &ModelId,
    action: &ChoiceAction,
) -> Result<(), WhatIfError> {
    let state = ledger.state.as_ref().ok_or(WhatIfError::NoState)?;
    let listed = state.params.models.iter().any(|entry| entry.model_id == *model);
    let registered = state.governance_models.contains(model);
    if !listed && registered {
        return Err(WhatIfError::NotInPoc(model.clone()));
    }
    if !registered {
        let (model, known) = (model.clone(), state.governance_models.clone());
        return Err(WhatIfError::UnknownModel { model, known });
    }
    if matches!(action, ChoiceAction::Delegate { delegate_to } if delegate_to == host) {
        return Err(WhatIfError::SelfDelegation(host.clone()));
    }
    if !ledger.known_hosts.contains(host) {
        return Err(WhatIfError::UnknownHost(host.clone()));
    }
    Ok(())
}

/// Where a choice counts: an intent at the capture only, a refusal at validation start only, the
/// rest at both; for an active model only validation start matters.
fn deadlines(situation: &Situation, state: ModelState, action: &ChoiceAction) -> Vec<Until> {
    let at = |name| situation.deadlines.iter().find(|deadline| deadline.name == name);
    let wipe = at(DeadlineName::ValidationEnd).and_then(|deadline| deadline.height);
    let candidate = state == ModelState::Candidate;
    let names = [
        (DeadlineName::Capture, candidate && *action != ChoiceAction::Refuse),
        (DeadlineName::ValidationStart, !candidate || *action != ChoiceAction::Intent),
    ];
    let wipeable = matches!(action, ChoiceAction::Refuse | ChoiceAction::Intent);
    let mut found: Vec<Until> = names
        .into_iter()
        .filter(|(_, counts)| *counts)
        .filter_map(|(name, _)| at(name))
        .map(|deadline| Until {
            wiped_at: wipe
                .filter(|wipe| wipeable && deadline.height.is_some_and(|height| *wipe < height)),
            deadline: deadline.clone(),
        })
        .collect();
    found.sort_by_key(|until| (until.deadline.height.is_none(), until.deadline.height));
    found
}

impl Side {
    fn of(situation: &Situation, model: &ModelId) -> Option<Self> {
        let host = situation.hosts.first()?;
        let view = host.models.iter().find(|view| view.model_id == *model)?;
        let gaps = situation.models.iter().find(|view| view.model_id == *model)?.gaps.clone();
        Some(Self {
            choice: view.choice.clone(),
            reaches: view.reaches,
            gaps,
            effects: view.effects.clone(),
            delegate: view.delegate.clone(),
            forecast: view.forecast.clone(),
            cost: view.cost,
            charge: host.charge,
            total_cost: host.cost,
        })
    }
}

#[cfg(test)]
mod tests;
