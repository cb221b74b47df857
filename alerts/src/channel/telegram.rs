//! Messages by a Telegram bot: `sendMessage`, the body of which the engine has written.

use bootwatch_schema::PendingMessage;
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};

use super::{Access, Channel, SendError, Target, TargetError};

/// Where bots live.
pub const API: &str = "https://api.telegram.org";

/// A bot.
#[derive(Debug)]
pub struct Telegram {
    name: String,
    target: Target,
}

impl Telegram {
    /// A bot by its token, as BotFather gave it.
    ///
    /// # Errors
    /// [`TargetError`] when `api` is no address.
    pub fn new(
        name: &str,
        api: &str,
        token: &SecretString,
        access: impl Into<Access>,
    ) -> Result<Self, TargetError> {
        let api = api.trim_end_matches('/');
        let url = format!("{api}/bot{}/sendMessage", token.expose_secret());
        let target = Target::new(name, &SecretString::from(url), access)?;
        Ok(Self { name: name.to_owned(), target })
    }
}

impl Channel for Telegram {
    fn name(&self) -> &str {
        &self.name
    }

    async fn send(&self, message: &PendingMessage) -> Result<(), SendError> {
        let sent = self.target.post(HeaderMap::new(), message.message.text.clone()).await;
        sent.map_err(|answer| match answer.status.map(|status| status.as_u16()) {
            // A wrong token is 401, or 404 when it is malformed. 403 is about this chat: the bot
            // was blocked or thrown out.
            Some(403) => SendError::Refused(answer.text),
            _ => answer.judge(),
        })
    }
}
