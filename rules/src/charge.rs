//! What an epoch takes: the fractions behind each mode, and the shares that move to delegates.

use serde::{Deserialize, Serialize};

use crate::{Address, Decimal, DecimalError, DelegationParams, Fraction, Mode, ModelId};

/// The three fractions of the parameters, checked: shares of at most 37 decimal places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Penalties {
    /// For refusing an eligible model.
    refusal: Fraction,
    /// For having no standing choice, or an intent that was not served.
    no_participation: Fraction,
    /// What a delegator hands to its delegate.
    share: Fraction,
}

/// A parameter that no charge can be computed from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{parameter}: {problem}")]
pub struct PenaltyError {
    /// The parameter's name in `delegation_params`.
    pub parameter: &'static str,
    /// What is wrong with it.
    pub problem: PenaltyProblem,
}

/// What is wrong with a fraction among the parameters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PenaltyProblem {
    /// The chain refuses such parameters (`DelegationParams.Validate`).
    #[error("{0} is not between 0 and 1")]
    NotAShare(Decimal),
    /// It has no exact form here.
    #[error(transparent)]
    Inexact(#[from] DecimalError),
}

impl Penalties {
    /// The fractions of these parameters.
    ///
    /// # Errors
    /// [`PenaltyError`] names the parameter.
    pub fn new(params: &DelegationParams) -> Result<Self, PenaltyError> {
        let share = |parameter, decimal: Decimal| {
            let checked = match decimal.to_fraction() {
                Ok(fraction) if fraction.is_share() => Ok(fraction),
                Ok(_) => Err(PenaltyProblem::NotAShare(decimal)),
                Err(error) => Err(error.into()),
            };
            checked.map_err(|problem| PenaltyError { parameter, problem })
        };
        Ok(Self {
            refusal: share("refusal_penalty", params.refusal_penalty)?,
            no_participation: share("no_participation_penalty", params.no_participation_penalty)?,
            share: share("delegation_share", params.delegation_share)?,
        })
    }

    /// What a delegator hands to its delegate.
    #[must_use]
    pub fn share(&self) -> Fraction {
        self.share
    }

    /// What a mode takes, once the model can cost anything.
    #[must_use]
    pub fn of(&self, mode: Mode) -> Fraction {
        match mode {
            Mode::Refuse => self.refusal,
            Mode::None | Mode::BootstrapIntentMissed | Mode::BootstrapNone => self.no_participation,
            Mode::Direct
            | Mode::Delegate
            | Mode::BootstrapDirect
            | Mode::BootstrapDelegate
            | Mode::BootstrapIntentOk => Fraction::ZERO,
        }
    }
}

/// What an epoch takes from one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HostCharge {
    /// The host.
    pub host: Address,
    /// The sum over its models, at most 1.
    pub fraction: Fraction,
    /// One for each model that has a say, ordered by model id.
    pub models: Vec<ModelCharge>,
    /// Shares that it hands to delegates, ordered by model id.
    pub transfers: Vec<Share>,
}

/// What one model takes from one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ModelCharge {
    /// The model.
    pub model_id: ModelId,
    /// How the chain resolved the host.
    pub mode: Mode,
    /// What it takes; 0 before the model's penalty start and for a host without weight.
    pub fraction: Fraction,
}

/// A share of what is left after charges, moving to a delegate.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
pub struct Share {
    /// The model.
    pub model_id: ModelId,
    /// The delegate.
    pub to: Address,
    /// The share.
    pub share: Fraction,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_parameter_is_named() {
        let bad = |params: DelegationParams| Penalties::new(&params).unwrap_err().to_string();
        assert_eq!(
            bad(DelegationParams {
                refusal_penalty: Decimal::new(-1, -1),
                ..DelegationParams::default()
            }),
            "refusal_penalty: -0.1 is not between 0 and 1"
        );
        assert_eq!(
            bad(DelegationParams {
                delegation_share: Decimal::new(1, 400),
                ..DelegationParams::default()
            }),
            "delegation_share: 1e400 is too large to calculate with"
        );
    }
}
