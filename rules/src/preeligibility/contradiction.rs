//! Where a capture disagrees with itself or with the parameters that it was judged by.

use serde::{Deserialize, Serialize};

use super::gaps_of_capture;
use crate::{Capture, DelegationParams, ModelParams, Weight, situation::Degree};

/// A disagreement. It means that the parameters we hold are not those of the capture's height, or
/// that the event was misread; it is reported and stops nothing.
#[derive(
    Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, utoipa::ToSchema,
)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Contradiction {
    /// A number that the chain cannot count below zero.
    #[error("{attribute} is negative: {value}")]
    Negative {
        /// The event's attribute.
        attribute: String,
        /// Its value.
        value: i64,
    },
    /// A flag does not follow from the numbers and the parameters.
    #[error("{attribute} is {flag}, but by the parameters {missing:?} is missing (need {need:?})")]
    Flag {
        /// The event's attribute.
        attribute: String,
        /// What it says.
        flag: bool,
        /// What the parameters ask for; null when no amount suffices.
        need: Option<i64>,
        /// What is missing by them; null as above.
        missing: Option<i64>,
    },
    /// Reach contains the intent weight.
    #[error("intent_weight {intent} exceeds reachable_voting_power {reach}")]
    IntentAboveReach {
        /// `intent_weight`.
        intent: Weight,
        /// `reachable_voting_power`.
        reach: Weight,
    },
    /// The network contains what is reached.
    #[error("reachable_voting_power {reach} exceeds total_network_weight {total}")]
    ReachAboveTotal {
        /// `reachable_voting_power`.
        reach: Weight,
        /// `total_network_weight`.
        total: Weight,
    },
    /// `pre_eligible` does not follow from the three checks and the coefficient.
    #[error("pre_eligible is {flag}, but the three checks and the coefficient say otherwise")]
    PreEligible {
        /// What the event says.
        flag: bool,
    },
}

/// Everything in which a capture disagrees with the parameters of its height; empty when it is
/// sound. `model` is that candidate's entry in `poc_params`; without it the coefficient counts as
/// unknown.
#[must_use]
pub fn contradictions(
    capture: &Capture,
    params: &DelegationParams,
    model: Option<&ModelParams>,
) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for (attribute, value) in [
        ("intent_host_count", capture.intent_host_count),
        ("intent_weight", capture.intent_weight),
        ("reachable_voting_power", capture.reachable_voting_power),
        ("total_network_weight", capture.total_network_weight),
    ] {
        if value < 0 {
            found.push(Contradiction::Negative { attribute: attribute.to_owned(), value });
        }
    }
    let gaps = gaps_of_capture(capture, params, Degree::Snapshot);
    for (attribute, flag, gap) in [
        ("meets_v_min", capture.meets_v_min, gaps.hosts),
        ("meets_weight_threshold", capture.meets_weight_threshold, gaps.weight),
        ("meets_reachability", capture.meets_reachability, gaps.reach),
    ] {
        if flag != (gap.missing == Some(0)) {
            let attribute = attribute.to_owned();
            let (need, missing) = (gap.need, gap.missing);
            found.push(Contradiction::Flag { attribute, flag, need, missing });
        }
    }
    let (intent, reach) = (capture.intent_weight, capture.reachable_voting_power);
    if intent > reach {
        found.push(Contradiction::IntentAboveReach { intent, reach });
    }
    let total = capture.total_network_weight;
    if reach > total {
        found.push(Contradiction::ReachAboveTotal { reach, total });
    }
    let checks =
        capture.meets_v_min && capture.meets_weight_threshold && capture.meets_reachability;
    // With an unknown coefficient, three passed checks allow both answers.
    let follows = match model {
        Some(model) if model.known_coefficient().is_some() => {
            capture.pre_eligible == (checks && model.coefficient_is_positive())
        }
        _ => checks || !capture.pre_eligible,
    };
    if !follows {
        found.push(Contradiction::PreEligible { flag: capture.pre_eligible });
    }
    found
}
