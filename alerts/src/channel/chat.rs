//! Incoming webhooks of chats: Slack and what is compatible with it, Discord. The address is the
//! secret; the body is written by the engine.

use bootwatch_schema::PendingMessage;
use reqwest::header::HeaderMap;
use secrecy::SecretString;

use super::{Access, Channel, SendError, Target, TargetError};

/// An incoming webhook.
#[derive(Debug)]
pub struct ChatWebhook {
    name: String,
    target: Target,
}

impl ChatWebhook {
    /// A webhook by its address, as the chat gave it.
    ///
    /// # Errors
    /// [`TargetError`] when it is no address.
    pub fn new(
        name: &str,
        url: &SecretString,
        access: impl Into<Access>,
    ) -> Result<Self, TargetError> {
        Ok(Self { name: name.to_owned(), target: Target::new(name, url, access)? })
    }
}

impl Channel for ChatWebhook {
    fn name(&self) -> &str {
        &self.name
    }

    async fn send(&self, message: &PendingMessage) -> Result<(), SendError> {
        let sent = self.target.post(HeaderMap::new(), message.message.text.clone()).await;
        sent.map_err(super::http::Answer::judge)
    }
}
