//! Messages in the outbox, and what became of them.

use bootwatch_rules::Height;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Severity;

/// A message that has been decided and waits in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Deterministic: the same decision for the same recipient has the same id, in any process.
    pub message_id: String,
    /// The incident's fingerprint; of a bundle, its own.
    pub incident: String,
    /// The incidents that it tells of. Empty when it tells of `incident` alone, and not of its end.
    pub parts: Vec<Part>,
    /// The channel, such as `email`.
    pub channel: String,
    /// Who gets it.
    pub recipient: String,
    /// How urgent it is: when the outbox is full, the least urgent gives way.
    pub severity: Severity,
    /// The subject line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML.
    pub html: Option<String>,
    /// When it was decided.
    pub created_at: Timestamp,
    /// The block it was decided at.
    pub created_height: Height,
}

/// One of the incidents that a message tells of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The incident's fingerprint.
    pub incident: String,
    /// It tells how the incident ended. That is not sent to whom refused all that was said before.
    pub ended: bool,
}

/// A message that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingMessage {
    /// The message.
    pub message: NewMessage,
    /// Deliveries tried so far.
    pub attempts: u32,
    /// What the last one said.
    pub last_error: Option<String>,
}

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Accepted by the other side.
    Delivered {
        /// The message.
        message_id: String,
        /// When.
        at: Timestamp,
    },
    /// Not now.
    Retry {
        /// The message.
        message_id: String,
        /// Not before.
        next: Timestamp,
        /// What the other side said.
        error: String,
    },
    /// Never.
    Rejected {
        /// The message.
        message_id: String,
        /// When.
        at: Timestamp,
        /// What the other side said.
        error: String,
    },
}
