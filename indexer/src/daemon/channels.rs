//! The channels of a configuration, ready to send.

use std::time::Duration;

use bootwatch_alerts::{
    Form, Recipient,
    channel::{
        Access, AnyChannel, Channel as _, TargetError,
        alertmanager::Alertmanager,
        chat::ChatWebhook,
        email::{self, Email, EmailError, EmailSettings, Tls},
        telegram::Telegram,
        webhook::Webhook,
    },
};

use crate::config::{Audience, ChannelConfig, ChannelKind, Config, EmailConfig, MailTo, TlsMode};

/// For one attempt at mail, from the connection to the last answer. Greylisting servers are slow.
const MAIL_ATTEMPT: Duration = Duration::from_secs(60);
/// For one attempt by HTTP.
const HTTP_ATTEMPT: Duration = Duration::from_secs(20);

/// Why a channel cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// Mail cannot be sent with these settings.
    #[error(transparent)]
    Mail(#[from] EmailError),
    /// Nothing can be posted with these settings.
    #[error(transparent)]
    Http(#[from] TargetError),
}

/// A channel, and who is reached by it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) channel: AnyChannel,
    pub(crate) recipients: Vec<Recipient>,
}

/// Every channel of the configuration, mail first. Nothing is connected to.
///
/// # Errors
/// [`ChannelError`] names the setting that cannot work.
pub(crate) fn open(config: &Config) -> Result<Vec<Line>, ChannelError> {
    let mut lines = Vec::new();
    if let Some(email) = &config.email {
        lines.push(mail(email)?);
    }
    for channel in &config.channels {
        lines.push(other(channel)?);
    }
    Ok(lines)
}

fn mail(config: &EmailConfig) -> Result<Line, EmailError> {
    let email = Email::new(EmailSettings {
        host: config.host.clone(),
        port: config.port,
        tls: match config.tls {
            TlsMode::StartTls => Tls::Starttls,
            TlsMode::Implicit => Tls::Implicit,
            TlsMode::None => Tls::None,
        },
        extra_roots: config.extra_roots.clone(),
        from: config.from.clone(),
        to: config.to.iter().map(|to| to.mailbox.clone()).collect(),
        username: config.username.clone(),
        password: config.password.clone(),
        timeout: MAIL_ATTEMPT,
    })?;
    if let Some(warning) = email.warning() {
        tracing::warn!(warning, "email");
    }
    let mut recipients = email.recipients();
    for recipient in &mut recipients {
        let is_theirs = |to: &&MailTo| {
            email::address(&to.mailbox).as_deref() == Some(recipient.address.as_str())
        };
        if let Some(to) = config.to.iter().find(is_theirs) {
            let Audience { reader, wants } = to.audience.clone();
            (recipient.reader, recipient.wants) = (reader, wants);
        }
    }
    Ok(Line { channel: AnyChannel::Email(Box::new(email)), recipients })
}

fn other(config: &ChannelConfig) -> Result<Line, TargetError> {
    let name = config.name.as_str();
    let access = Access {
        timeout: HTTP_ATTEMPT,
        authorities: config.authorities.iter().map(|authority| authority.to_vec()).collect(),
    };
    // A recipient's address is kept and shown, so it is never a URL, which may be a secret.
    let (channel, form, address) = match &config.kind {
        ChannelKind::Telegram { api, token, chat } => (
            AnyChannel::Telegram(Telegram::new(name, api, token, access)?),
            Form::Telegram,
            chat.as_str(),
        ),
        ChannelKind::Slack { url } => {
            (AnyChannel::Chat(ChatWebhook::new(name, url, access)?), Form::Slack, name)
        }
        ChannelKind::Discord { url } => {
            (AnyChannel::Chat(ChatWebhook::new(name, url, access)?), Form::Discord, name)
        }
        ChannelKind::Webhook { url, secret } => (
            AnyChannel::Webhook(Webhook::new(name, url, secret.as_ref(), access)?),
            Form::Json,
            name,
        ),
        ChannelKind::Alertmanager { url, token } => (
            AnyChannel::Alertmanager(Alertmanager::new(
                name,
                &url.as_str().into(),
                token.clone(),
                access,
            )?),
            Form::Alertmanager,
            name,
        ),
    };
    let Audience { reader, wants } = config.audience.clone();
    let name = channel.name().to_owned();
    let recipient = Recipient { channel: name, address: address.to_owned(), form, reader, wants };
    Ok(Line { channel, recipients: vec![recipient] })
}
