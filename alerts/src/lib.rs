//! From a [`Situation`](bootwatch_rules::situation::Situation) to incidents, from incidents to
//! messages in an outbox, from the outbox to a channel.
//!
//! The two halves never meet: the [`Engine`] is a pure function of what it knows and one Situation,
//! and its [`Decision`] is stored in the same transaction as the block that caused it. The
//! [`courier`] takes messages from the store and hands them to a [`channel`], at least once each.

mod alert;
pub mod backoff;
pub mod channel;
pub mod courier;
pub mod daily;
mod engine;
mod incident;
mod lifecycle;
mod message;
mod policy;
mod recipient;
pub mod trouble;

pub use alert::{Description, describe, table as alert_table};
pub use engine::{Decision, Engine, alert_names};
pub use message::{Lang, Reader, UnknownLang};
pub use policy::{Ladder, LadderError, Pacing, Policy, QuietHours, Rung, Thresholds};
pub use recipient::{Form, Recipient, Wants};
