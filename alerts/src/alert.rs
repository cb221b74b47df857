//! What is watched: a file for each alert, from the condition to the words.

mod capture_result;
mod decision_missing;

use bootwatch_rules::{
    Height,
    situation::{Deadline, DeadlineName, Situation},
};
use bootwatch_schema::Incident;
use jiff::{SignedDuration, Timestamp};

use crate::{
    lifecycle::{Absence, Observed},
    message::Notice,
    policy::Policy,
};

/// Everything an alert may look at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) situation: &'a Situation,
    pub(crate) policy: &'a Policy,
    pub(crate) now: Timestamp,
}

/// An alert.
pub(crate) struct Alert {
    /// Its name, in incidents, routes and silences.
    pub(crate) name: &'static str,
    /// What holds now.
    pub(crate) observe: fn(&View<'_>) -> Vec<Observed>,
    /// What became of an open incident that `observe` did not return.
    pub(crate) absent: fn(&Incident, &View<'_>) -> Absence,
    /// What to say about an incident.
    pub(crate) notice: fn(&Incident, &View<'_>) -> Notice,
}

/// All alerts, in the order in which they are decided.
pub(crate) const ALERTS: &[Alert] = &[decision_missing::ALERT, capture_result::ALERT];

impl View<'_> {
    /// The next deadline of a name.
    pub(crate) fn deadline(&self, name: DeadlineName) -> Option<&Deadline> {
        self.situation.deadlines.iter().find(|deadline| deadline.name == name)
    }

    /// Blocks after `complete_to` up to a height; negative once it has passed.
    pub(crate) fn blocks_left(&self, height: Height) -> Height {
        height.saturating_sub(self.situation.complete_to)
    }

    /// The time until a deadline by its estimate, when that estimate is for this height.
    pub(crate) fn time_left(&self, name: DeadlineName, height: Height) -> Option<SignedDuration> {
        let deadline = self.deadline(name).filter(|d| d.height == Some(height))?;
        Some(deadline.eta?.duration_since(self.now))
    }
}

/// The label of the host, its address.
pub(crate) const HOST: &str = "host";
/// The label of the model.
pub(crate) const MODEL: &str = "model";
/// The label of the deadline.
pub(crate) const DEADLINE: &str = "deadline";

/// The value of a label; empty when an incident of an older version lacks it.
pub(crate) fn label<'a>(incident: &'a Incident, name: &str) -> &'a str {
    incident.labels.get(name).map_or("", String::as_str)
}
