//! What the epoch being formed will take from a host: every outcome that is still open, with its
//! charge, instead of one guess.
//!
//! A charge is a fraction of the host's reward (under the oldest rule set, of its weight) in that
//! epoch. A host that ends without weight has neither.
//!
//! What is taken as it stands: the standing choices, as long as they can be changed; the members
//! of the network; the parameters; and that a model which is active now is no candidate at the
//! next capture. The rest stays open until a height closes it.

mod branches;
mod kept;
mod prospect;
mod reason;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{
    Address, ChargeSnapshot, EpochIndex, Fraction, Height, Mode, ModelId, situation::DeadlineName,
};

pub use kept::{Forecasts, KeptCharge, KeptForecast, Outcome, Progress, TrackRecord, TrackRecords};
pub use prospect::Prospect;

/// What an epoch will take from one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HostForecast {
    /// The epoch.
    pub epoch: EpochIndex,
    /// Over all models, each total at most 1.
    pub charge: ChargeRange,
    /// One for each model of the parameters and of the capture in force, ordered by id.
    pub models: Vec<ModelForecast>,
}

/// The least and the most that is still possible, as exact fractions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChargeRange {
    /// If everything goes well.
    pub min: Fraction,
    /// If nothing does.
    pub max: Fraction,
}

/// What one model will take from one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ModelForecast {
    /// The model.
    pub model_id: ModelId,
    /// The epoch.
    pub epoch: EpochIndex,
    /// Over the branches.
    pub charge: ChargeRange,
    /// The outcomes that are still open, those in which the model is eligible first. One branch
    /// means that the rest is settled.
    pub branches: Vec<Branch>,
    /// What the host can still do about it, earliest deadline first.
    pub levers: Vec<Lever>,
}

/// One outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Branch {
    /// The model becomes eligible, and the rules for active models apply.
    pub eligible: bool,
    /// What the capture says of the model; null where it makes no difference.
    pub pre_eligible: Option<bool>,
    /// How the chain resolves the host; null when the rules ask nothing of it.
    pub mode: Option<Mode>,
    /// What it takes.
    pub fraction: Fraction,
    /// The share that moves to the delegate.
    pub transfer: Option<ShareTo>,
    /// Why, in one sentence.
    pub reason: Cow<'static, str>,
}

/// A share of what is left after charges, moving to a delegate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ShareTo {
    /// The delegate; null while the host's choice is not known.
    pub to: Option<Address>,
    /// The share.
    pub share: Fraction,
}

/// Something that can still change the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Lever {
    /// What.
    pub action: LeverAction,
    /// The deadline it must be included by.
    pub deadline: DeadlineName,
    /// The last block that still counts.
    pub last_height: Height,
}

/// What a host can do about a model.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LeverAction {
    /// Delegate it.
    Delegate,
    /// Refuse it.
    Refuse,
    /// Declare intent to serve it.
    Intent,
    /// Serve it: commit work.
    Commit,
}

/// How the charge that the chain fixed compares with the forecast before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It lies in the forecast range.
    Within,
    /// The chain lists no charge for the host although the least possible one was above 0. A host
    /// that ended without weight has none, so this alone does not mean that the rules are wrong.
    Unlisted,
    /// It lies outside: our rules, or what they were given, are wrong.
    Outside {
        /// What the chain charged.
        charged: Fraction,
    },
    /// The chain's fraction has no exact form here.
    Unreadable,
    /// The snapshot is of another epoch.
    OtherEpoch,
}

impl HostForecast {
    /// Compares the forecast with what the chain fixed at the validation end.
    #[must_use]
    pub fn check(&self, host: &Address, fixed: &ChargeSnapshot) -> Verdict {
        if fixed.epoch_index == self.epoch {
            self.charge.check(host, fixed)
        } else {
            Verdict::OtherEpoch
        }
    }
}

impl ChargeRange {
    /// Whether a charge lies in the range, ends included.
    #[must_use]
    pub fn contains(&self, charge: Fraction) -> bool {
        (self.min..=self.max).contains(&charge)
    }

    /// Compares the range with what the chain fixed for the same epoch.
    fn check(&self, host: &Address, fixed: &ChargeSnapshot) -> Verdict {
        let listed = fixed.penalties.iter().any(|penalty| penalty.host == *host);
        match fixed.of(host) {
            Ok(_) if !listed && !self.min.is_zero() => Verdict::Unlisted,
            Ok(charged) if self.contains(charged) => Verdict::Within,
            Ok(charged) => Verdict::Outside { charged },
            Err(_) => Verdict::Unreadable,
        }
    }

    fn over(charges: impl IntoIterator<Item = Fraction>) -> Self {
        let mut charges = charges.into_iter();
        let Some(first) = charges.next() else { return Self::default() };
        charges.fold(Self { min: first, max: first }, |range, charge| Self {
            min: range.min.min(charge),
            max: range.max.max(charge),
        })
    }

    /// The sum over models, each end at most 1. The ends are sums of parameters' fractions, which
    /// are short enough to add up exactly.
    fn sum(ranges: &[Self]) -> Self {
        let sum = |ends: &dyn Fn(&Self) -> Fraction| {
            Fraction::capped_sum(ranges.iter().map(ends))
                .expect("charges are shares of at most 37 decimal places")
        };
        Self { min: sum(&|range| range.min), max: sum(&|range| range.max) }
    }
}

#[cfg(test)]
mod tests;
