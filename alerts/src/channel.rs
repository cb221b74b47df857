//! Where messages go. A channel makes one attempt; when to make another is the courier's business.

pub mod alertmanager;
pub mod chat;
pub mod email;
mod http;
pub mod telegram;
pub mod webhook;

use std::{future::Future, time::Duration};

use bootwatch_schema::{NewMessage, PendingMessage};

use self::{
    alertmanager::Alertmanager, chat::ChatWebhook, email::Email, telegram::Telegram,
    webhook::Webhook,
};
pub use http::{Access, Target, TargetError};

/// A way to reach somebody.
pub trait Channel: Send + Sync {
    /// Its name, as in [`NewMessage::channel`].
    fn name(&self) -> &str;

    /// One attempt to deliver a message to its one recipient. `Ok` only once the other side has
    /// taken responsibility for it. Must end by itself, in bounded time, and may be dropped at any
    /// await point.
    fn send(&self, message: &PendingMessage) -> impl Future<Output = Result<(), SendError>> + Send;

    /// Called when nothing is left to send for now: whatever was kept open may be closed.
    fn rest(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// How often the other side must hear of what still stands, when it forgets by itself.
    fn refresh(&self) -> Option<Duration> {
        None
    }

    /// Says again what still stands: the last message of each incident that goes on.
    fn remind(
        &self,
        _standing: &[NewMessage],
    ) -> impl Future<Output = Result<(), SendError>> + Send {
        std::future::ready(Ok(()))
    }
}

/// Why an attempt failed, by what can be done about it. The texts hold what the other side said and
/// never a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The channel as a whole does not work: not reachable, not trusted, not logged in. Every
    /// message would meet the same, so none is blamed for it.
    #[error("{0}")]
    Unavailable(String),
    /// The other side asked for a pause: no message goes before it is over.
    #[error("{text}")]
    Throttled {
        /// What it said.
        text: String,
        /// How long.
        pause: Duration,
    },
    /// This message was put off. It may even have arrived, if the answer was lost.
    #[error("{0}")]
    Later(String),
    /// This message will never be taken.
    #[error("{0}")]
    Refused(String),
}

impl SendError {
    /// The label for it in metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::Throttled { .. } => "throttled",
            Self::Later(_) => "later",
            Self::Refused(_) => "refused",
        }
    }

    /// Every label there is.
    pub const REASONS: [&'static str; 4] = ["unavailable", "throttled", "later", "refused"];
}

/// One of the channels there are.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is named after its type")]
pub enum AnyChannel {
    Email(Box<Email>),
    Telegram(Telegram),
    Webhook(Webhook),
    Chat(ChatWebhook),
    Alertmanager(Alertmanager),
}

impl Channel for AnyChannel {
    fn name(&self) -> &str {
        match self {
            Self::Email(channel) => channel.name(),
            Self::Telegram(channel) => channel.name(),
            Self::Webhook(channel) => channel.name(),
            Self::Chat(channel) => channel.name(),
            Self::Alertmanager(channel) => channel.name(),
        }
    }

    async fn send(&self, message: &PendingMessage) -> Result<(), SendError> {
        match self {
            Self::Email(channel) => channel.send(message).await,
            Self::Telegram(channel) => channel.send(message).await,
            Self::Webhook(channel) => channel.send(message).await,
            Self::Chat(channel) => channel.send(message).await,
            Self::Alertmanager(channel) => channel.send(message).await,
        }
    }

    async fn rest(&self) {
        if let Self::Email(channel) = self {
            channel.rest().await;
        }
    }

    fn refresh(&self) -> Option<Duration> {
        match self {
            Self::Alertmanager(channel) => channel.refresh(),
            _ => None,
        }
    }

    async fn remind(&self, standing: &[NewMessage]) -> Result<(), SendError> {
        match self {
            Self::Alertmanager(channel) => channel.remind(standing).await,
            _ => Ok(()),
        }
    }
}
