//! Where messages go. A channel makes one attempt; when to make another is the courier's business.

pub mod email;

use std::future::Future;

use bootwatch_schema::PendingMessage;

/// A way to reach somebody.
pub trait Channel: Send + Sync {
    /// Its name, as in [`NewMessage::channel`](bootwatch_schema::NewMessage::channel).
    fn name(&self) -> &'static str;

    /// One attempt to deliver a message to its one recipient. `Ok` only once the other side has
    /// taken responsibility for it. Must end by itself, in bounded time, and may be dropped at any
    /// await point.
    fn send(&self, message: &PendingMessage) -> impl Future<Output = Result<(), SendError>> + Send;

    /// Called when nothing is left to send for now: whatever was kept open may be closed.
    fn rest(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
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
    /// This message was put off. It may even have arrived, if the answer was lost.
    #[error("{0}")]
    Later(String),
    /// This message will never be taken.
    #[error("{0}")]
    Refused(String),
}
