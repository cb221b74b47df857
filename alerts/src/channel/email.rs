//! Mail by SMTP: one transaction for each recipient, so that a bad one blocks nobody.

mod compose;
mod session;
mod settings;

use bootwatch_schema::PendingMessage;
use lettre::message::Mailbox;
use tokio::{sync::Mutex, time::timeout};

use self::session::{Server, Session};
pub use self::settings::{EmailError, EmailSettings, Tls};
use super::{Channel, SendError};
use crate::recipient::Recipient;

/// The name of the channel.
pub const NAME: &str = "email";

/// The address of `me@example.org` or `Me <me@example.org>`.
#[must_use]
pub fn address(mailbox: &str) -> Option<String> {
    Some(mailbox.parse::<Mailbox>().ok()?.email.to_string())
}

/// A mail account to send from.
#[derive(Debug)]
pub struct Email {
    server: Server,
    from: Mailbox,
    to: Vec<Mailbox>,
    /// A connection that has delivered and may deliver again. Taken out for each attempt, so that
    /// an attempt that is dropped half-way takes its connection with it.
    idle: Mutex<Option<Session>>,
}

impl Email {
    /// An account, checked as far as that goes without connecting.
    ///
    /// # Errors
    /// [`EmailError`] names the setting that is wrong.
    pub fn new(settings: EmailSettings) -> Result<Self, EmailError> {
        let from = settings.sender()?;
        let to = settings.recipients()?;
        let server = Server::new(settings)?;
        Ok(Self { server, from, to, idle: Mutex::new(None) })
    }

    /// The recipients of the settings, for the engine's [`Policy`](crate::Policy), in the order of
    /// the settings and each once.
    #[must_use]
    pub fn recipients(&self) -> Vec<Recipient> {
        self.to.iter().map(|to| Recipient::new(NAME, to.email.as_ref())).collect()
    }

    /// Something about the settings that works and is still unwise, for the log at start.
    #[must_use]
    pub fn warning(&self) -> Option<&'static str> {
        self.server.warning()
    }
}

impl Channel for Email {
    fn name(&self) -> &str {
        NAME
    }

    async fn send(&self, message: &PendingMessage) -> Result<(), SendError> {
        let mail = compose::mail(&message.message, &self.from, &self.to)
            .map_err(|error| SendError::Refused(error.to_string()))?;
        // lettre's own timeout covers the TCP connect only; a server that falls silent later would
        // hold the attempt for ever. Boxed, since an SMTP conversation is a large future.
        let attempt = async {
            let mut idle = self.idle.lock().await.take();
            if let Some(session) = &mut idle
                && !session.is_alive().await
            {
                idle = None;
            }
            let mut session = match idle {
                Some(session) => session,
                None => self.server.connect().await?,
            };
            session.transmit(&mail).await?;
            *self.idle.lock().await = Some(session);
            Ok(())
        };
        let limit = self.server.timeout();
        timeout(limit, Box::pin(attempt)).await.unwrap_or_else(|_| {
            Err(SendError::Unavailable(format!(
                "{} did not finish within {limit:?}",
                self.server.name()
            )))
        })
    }

    async fn rest(&self) {
        if let Some(session) = self.idle.lock().await.take() {
            // The mails are delivered; a server that does not answer QUIT is simply left.
            let _ = timeout(std::time::Duration::from_secs(2), session.quit()).await;
        }
    }
}
