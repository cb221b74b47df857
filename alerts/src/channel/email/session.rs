//! One SMTP connection, driven command by command: only so is it known whether a refusal concerns
//! the account (log-in, sender) or this one message (recipient, content). A wrong password must not
//! cost a message.

use std::{fmt, io, time::Duration};

use lettre::{
    Address,
    transport::smtp::{
        Error,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        commands::{Data, Mail, Rcpt},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
    },
};
use secrecy::ExposeSecret;
use tokio::net::TcpStream;

use super::{
    compose::Composed,
    settings::{EmailError, EmailSettings, Tls},
};
use crate::channel::SendError;

/// A server that connections are made to.
pub(super) struct Server {
    settings: EmailSettings,
    tls: Option<TlsParameters>,
    hello: ClientId,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Server {
    pub(super) fn new(settings: EmailSettings) -> Result<Self, EmailError> {
        match (&settings.username, &settings.password) {
            (Some(_), None) => return Err(EmailError::HalfLogin { missing: "password" }),
            (None, Some(_)) => return Err(EmailError::HalfLogin { missing: "username" }),
            _ => {}
        }
        let tls = match settings.tls {
            Tls::None => None,
            Tls::Starttls | Tls::Implicit => {
                let made = parameters(&settings.host, settings.extra_roots.as_deref());
                Some(made.map_err(|error| EmailError::Tls {
                    host: settings.host.clone(),
                    reason: error.to_string(),
                })?)
            }
        };
        Ok(Self { settings, tls, hello: ClientId::default() })
    }

    pub(super) fn timeout(&self) -> Duration {
        self.settings.timeout
    }

    pub(super) fn name(&self) -> String {
        format!("{}:{}", self.settings.host, self.settings.port)
    }

    pub(super) fn warning(&self) -> Option<&'static str> {
        (self.settings.tls == Tls::None
            && self.settings.password.is_some()
            && !self.settings.is_local())
        .then_some("the mail password is sent unprotected over the network; use tls = \"starttls\"")
    }

    /// Connects, protects the connection and logs in. Whatever fails here would fail for every
    /// message.
    pub(super) async fn connect(&self) -> Result<Session, SendError> {
        let failed = |what: &str, error: &Error| {
            SendError::Unavailable(format!("{} ({what}): {error}", self.name()))
        };
        let server = (self.settings.host.as_str(), self.settings.port);
        let mut connection = match (&self.tls, self.settings.tls) {
            (Some(tls), Tls::Implicit) => {
                let (timeout, tls) = (Some(self.settings.timeout), Some(tls.clone()));
                AsyncSmtpConnection::connect_tokio1(server, timeout, &self.hello, tls, None).await
            }
            _ => {
                let unreachable = |error: io::Error| {
                    SendError::Unavailable(format!("{} (connect): {error}", self.name()))
                };
                let stream = TcpStream::connect(server).await.map_err(unreachable)?;
                // The end of a message is a write of its own; it must not wait until the server
                // has acknowledged the message, which may take it 40 ms.
                stream.set_nodelay(true).map_err(unreachable)?;
                AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello).await
            }
        }
        .map_err(|error| failed("connect", &error))?;
        if let Some(tls) = self.tls.clone().filter(|_| self.settings.tls == Tls::Starttls) {
            connection
                .starttls(tls, &self.hello)
                .await
                .map_err(|error| failed("starttls", &error))?;
        }
        if let (Some(user), Some(password)) = (&self.settings.username, &self.settings.password) {
            let login = Credentials::new(user.clone(), password.expose_secret().to_owned());
            connection
                .auth(DEFAULT_MECHANISMS, &login)
                .await
                .map_err(|error| failed("log-in", &error))?;
        }
        Ok(Session { connection, server: self.name() })
    }
}

fn parameters(host: &str, extra_roots: Option<&[u8]>) -> Result<TlsParameters, Error> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(roots) = extra_roots {
        builder = builder.add_root_certificate(Certificate::from_pem(roots)?);
    }
    builder.build()
}

/// A connection that is ready for a mail.
pub(super) struct Session {
    connection: AsyncSmtpConnection,
    server: String,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Session {
    /// The server may have closed it meanwhile.
    pub(super) async fn is_alive(&mut self) -> bool {
        self.connection.test_connected().await
    }

    /// One mail to one recipient; done when the server has answered 250 to the whole of it. After
    /// an error the connection is not used again.
    pub(super) async fn transmit(&mut self, mail: &Composed) -> Result<(), SendError> {
        let options = self.options(mail)?;
        self.connection
            .command(Mail::new(Some(mail.from.clone()), options))
            .await
            // The sender is the same for every message.
            .map_err(|e| SendError::Unavailable(format!("{} (sender): {e}", self.server)))?;
        self.connection
            .command(Rcpt::new(mail.to.clone(), vec![]))
            .await
            .map_err(|e| self.judge("recipient", &e))?;
        self.connection.command(Data).await.map_err(|e| self.judge("data", &e))?;
        self.connection.message(&mail.bytes).await.map_err(|e| self.judge("message", &e))?;
        Ok(())
    }

    fn options(&self, mail: &Composed) -> Result<Vec<MailParameter>, SendError> {
        let mut options = Vec::new();
        if !is_ascii(&mail.from) || !is_ascii(&mail.to) {
            if !self.connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(SendError::Refused(format!(
                    "{} takes no addresses outside ASCII",
                    self.server
                )));
            }
            options.push(MailParameter::SmtpUtfEight);
        }
        // Composed mails are 7-bit; this is for an address in a header.
        if !mail.bytes.is_ascii()
            && self.connection.server_info().supports_feature(Extension::EightBitMime)
        {
            options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        Ok(options)
    }

    /// 5xx is for ever, 4xx for now; 421 and everything that is no answer at all says that the
    /// server is going away.
    fn judge(&self, stage: &str, error: &Error) -> SendError {
        let text = format!("{} ({stage}): {error}", self.server);
        match error.status() {
            Some(code) if u16::from(code) == 421 => SendError::Unavailable(text),
            _ if error.is_permanent() => SendError::Refused(text),
            Some(_) => SendError::Later(text),
            // Lost after the message was sent: it may have arrived, and goes again under the same
            // Message-ID. A mail that a server chokes on must not hold up the others.
            None if stage == "message" => SendError::Later(text),
            None => SendError::Unavailable(text),
        }
    }

    pub(super) async fn quit(mut self) {
        let _ = self.connection.quit().await;
    }
}

fn is_ascii(address: &Address) -> bool {
    AsRef::<str>::as_ref(address).is_ascii()
}
