//! Messages in the outbox, and what became of them.

use bootwatch_rules::Height;
use jiff::Timestamp;

use super::Severity;

/// A message that has been decided and waits in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Deterministic: the same decision for the same recipient has the same id, in any process.
    pub message_id: String,
    /// The incident's fingerprint.
    pub incident: String,
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
