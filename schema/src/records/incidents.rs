//! Incidents, and what operators ordered about them.

use std::collections::{BTreeMap, BTreeSet};

use bootwatch_rules::{EpochIndex, Height};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How urgent an incident is.
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
pub enum Severity {
    /// Good to know.
    Info,
    /// Needs a decision.
    Warning,
    /// Costs money unless somebody acts.
    Critical,
}

/// Where an incident is in its life.
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
pub enum IncidentState {
    /// Its condition holds, but not yet long enough.
    Pending,
    /// Its condition holds.
    Firing,
    /// Its condition no longer holds.
    Resolved,
}

/// How a resolved incident ended.
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
pub enum Ending {
    /// What was asked for was done, in time.
    Met,
    /// The deadline passed with it undone.
    Missed,
    /// It no longer matters, or nobody can tell any more which of the two it was.
    Expired,
}

/// Something that needs somebody. Its identity is the alert, the labels and the window, never the
/// text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Incident {
    /// Hash of alert, labels and window.
    pub fingerprint: String,
    /// The alert's name, such as `DecisionMissing`.
    pub alert: String,
    /// What it is about.
    pub labels: BTreeMap<String, String>,
    /// What bounds it in time, usually the epoch: a new window is a new incident.
    pub window: String,
    /// Where it is in its life.
    pub state: IncidentState,
    /// How urgent.
    pub severity: Severity,
    /// One line for a person.
    pub summary: String,
    /// The block at which it began.
    pub opened_height: Height,
    /// When it began.
    pub opened_at: Timestamp,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// The last block that still counts, for an incident with a deadline.
    #[serde(default)]
    pub deadline: Option<Height>,
    /// The step of its ladder, 1 being the first.
    #[serde(default)]
    pub step: u32,
    /// How often it has fired in its window; 0 while it never got beyond pending.
    #[serde(default)]
    pub occurrence: u32,
    /// When its step last rose; what has to be told is due from then on.
    pub risen_at: Timestamp,
    /// Set while its condition is gone, but not yet for long enough.
    #[serde(default)]
    pub clearing: Option<Clearing>,
    /// Since when nobody can tell whether its condition holds. It stays as it is.
    #[serde(default)]
    pub unknown_since: Option<Timestamp>,
    /// Somebody knows about it: no reminders until it becomes more urgent.
    #[serde(default)]
    pub acknowledged: Option<Acknowledgement>,
    /// The silence that keeps it quiet.
    #[serde(default)]
    pub silenced_by: Option<i64>,
    /// The fingerprint of the incident that explains it, and speaks for it.
    #[serde(default)]
    pub inhibited_by: Option<String>,
    /// What was told to whom, by `channel:recipient`. Only they hear how it ends.
    #[serde(default)]
    pub told: BTreeMap<String, Told>,
    /// How it ended; null while it goes on.
    #[serde(default)]
    pub ending: Option<Ending>,
}

/// A condition that is gone: the incident ends unless it comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Clearing {
    /// Since when.
    pub since: Timestamp,
    /// How it would end.
    pub ending: Ending,
}

/// What one recipient knows of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Told {
    /// The step that was told last.
    pub step: u32,
    /// How urgent it was said to be.
    pub severity: Severity,
    /// When it was told last.
    pub at: Timestamp,
    /// How many times in this occurrence: the first notice, higher steps, reminders.
    pub times: u32,
    /// It was told that it ended, or need not be.
    pub ended: bool,
}

/// Somebody's word that they know about an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Acknowledgement {
    /// Which occurrence; the next one is not covered.
    pub occurrence: u32,
    /// How urgent it was then; a more urgent one is not covered.
    pub severity: Severity,
    /// Who.
    pub author: String,
    /// Why.
    pub comment: String,
    /// When.
    pub at: Timestamp,
}

/// Incidents that are kept quiet for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Silence {
    /// Its number; given by the store.
    pub id: i64,
    /// Which incidents: each label must have that value. `alert` and `severity` count as labels.
    pub matchers: BTreeMap<String, String>,
    /// From when.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Option<Timestamp>,
    /// Until this epoch is in force. One of the two ends is set.
    pub ends_epoch: Option<EpochIndex>,
    /// Who ordered it.
    pub author: String,
    /// Why.
    pub comment: String,
    /// When it was ended by hand.
    #[serde(default)]
    pub expired_at: Option<Timestamp>,
}

/// What the engine has to know beside the chain: what operators have ordered, and who refused to hear.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Orders {
    /// Silences, those that are over included, by number.
    pub silences: Vec<Silence>,
    /// Acknowledgements by the incident's fingerprint.
    pub acknowledgements: BTreeMap<String, Acknowledgement>,
    /// Who, as in [`Incident::told`], refused for good all that was said of an incident since its last
    /// end, by its fingerprint: how it ends is not for them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, BTreeSet<String>>,
}
