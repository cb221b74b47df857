//! Somebody who is told: where, in which form, in which words, and of what.

use std::collections::BTreeSet;

use bootwatch_schema::{Incident, Severity};

use crate::{
    alert::{HOST, MODEL},
    message::Reader,
};

/// The form of a message, by what the other side reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Form {
    /// Plain text and HTML.
    #[default]
    Mail,
    /// The body of Telegram's `sendMessage`.
    Telegram,
    /// The body of a Slack-compatible incoming webhook.
    Slack,
    /// The body of a Discord webhook.
    Discord,
    /// Our own JSON, see [`crate::channel::webhook`].
    Json,
    /// An alert of Alertmanager's API, version 2.
    Alertmanager,
}

impl Form {
    /// Read by a program: each message is about one incident, and none of them waits for the night
    /// to end.
    #[must_use]
    pub fn is_for_programs(self) -> bool {
        matches!(self, Self::Json | Self::Alertmanager)
    }
}

/// Somebody who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The name of the channel, such as `email`.
    pub channel: String,
    /// The address in that channel, such as `ops@example.org`; never a secret.
    pub address: String,
    /// What the channel reads.
    pub form: Form,
    /// What the person reads.
    pub reader: Reader,
    /// What this recipient wants to hear of.
    pub wants: Wants,
}

/// What a recipient wants to hear of; all of it by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wants {
    /// Nothing less urgent.
    pub min_severity: Severity,
    /// Of incidents about a host, those about one of these addresses; none means any.
    pub hosts: Option<BTreeSet<String>>,
    /// Of incidents about a model, those about one of these; none means any.
    pub models: Option<BTreeSet<String>>,
    /// Only these alerts; none means any.
    pub alerts: Option<BTreeSet<String>>,
}

impl Default for Wants {
    fn default() -> Self {
        Self { min_severity: Severity::Info, hosts: None, models: None, alerts: None }
    }
}

impl Recipient {
    /// Somebody who reads mail in English and wants everything.
    #[must_use]
    pub fn new(channel: &str, address: &str) -> Self {
        Self {
            channel: channel.to_owned(),
            address: address.to_owned(),
            form: Form::default(),
            reader: Reader::default(),
            wants: Wants::default(),
        }
    }

    /// How an incident remembers it: `channel:address`.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}:{}", self.channel, self.address)
    }

    /// Whether it wants to hear of an incident. An incident that is about no host, or no model, is
    /// about all of them: the network's trouble is everybody's.
    #[must_use]
    pub fn wants(&self, incident: &Incident) -> bool {
        let among = |wanted: &Option<BTreeSet<String>>, label: &str| {
            wanted
                .as_ref()
                .zip(incident.labels.get(label))
                .is_none_or(|(wanted, value)| wanted.contains(value))
        };
        incident.severity >= self.wants.min_severity
            && among(&self.wants.hosts, HOST)
            && among(&self.wants.models, MODEL)
            && self.wants.alerts.as_ref().is_none_or(|alerts| alerts.contains(&incident.alert))
    }
}
