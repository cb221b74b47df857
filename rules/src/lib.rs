//! Gonka's multi-model rules as pure functions, and the vocabulary every other room speaks.
//!
//! Nothing here does I/O, reads a clock or waits: time and state are arguments. Weights are
//! integers, shares are exact fractions; no float takes part in a rule.

mod advice;
mod capture;
mod charge;
mod choice;
pub mod clock;
pub mod closing;
mod decimal;
pub mod delegates;
mod facts;
#[cfg(test)]
mod fixtures;
pub mod forecast;
mod fraction;
mod groups;
pub mod ledger;
pub mod margin;
mod names;
mod network;
pub mod pace;
mod params;
pub mod plans;
pub mod preeligibility;
pub mod resolution;
pub mod reward;
mod rule_set;
pub mod scenario;
pub mod settlement;
pub mod situation;
mod state;
pub mod whatif;

pub use capture::Capture;
pub use charge::{HostCharge, ModelCharge, Penalties, PenaltyError, PenaltyProblem, Share};
pub use choice::{Choice, ChoiceAction, ChoiceTx, MessagePath, Position};
pub use decimal::{Decimal, DecimalError};
pub use facts::{BlockFacts, ChainEvent, Malformed, StoreCommit, WeightDistribution};
pub use fraction::{Fraction, FractionError};
pub use names::{Address, AddressError, ModelId};
pub use network::{Network, NetworkError};
pub use params::{DelegationParams, EpochParams, ModelParams, Params};
pub use resolution::Mode;
pub use rule_set::{RuleSet, UnknownRuleSet};
pub use state::{
    ChainState, ChargeSnapshot, Epoch, Exclusion, GroupMember, HostChoices, Member, ModelGroup,
    Observation, Penalty, Transfer,
};

/// A block height. Ranges of heights are inclusive everywhere.
pub type Height = i64;
/// Consensus weight or voting power, as the chain counts it.
pub type Weight = i64;
/// The number of an epoch.
pub type EpochIndex = u64;
