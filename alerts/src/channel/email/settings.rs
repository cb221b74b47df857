//! What a person writes to have mail sent.

use std::{fmt, net::IpAddr, time::Duration};

use lettre::{address::AddressError, message::Mailbox};
use secrecy::SecretString;

/// An account at a mail server. `Debug` shows no password.
#[derive(Debug, Clone)]
pub struct EmailSettings {
    /// The server's name or address.
    pub host: String,
    /// Its port; by custom 587 for STARTTLS, 465 for implicit TLS.
    pub port: u16,
    /// How the connection is protected.
    pub tls: Tls,
    /// Certificates in PEM that are trusted beside the system's: of a mail server's own authority.
    pub extra_roots: Option<Vec<u8>>,
    /// The sender: `bootwatch@example.org` or `Bootwatch <bootwatch@example.org>`.
    pub from: String,
    /// The recipients, in the same forms.
    pub to: Vec<String>,
    /// The user, where the server wants one.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<SecretString>,
    /// For one attempt as a whole, from the connection to the last answer.
    pub timeout: Duration,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Starts in the clear and must be encrypted before anything is said.
    Starttls,
    /// Encrypted from the first byte.
    Implicit,
    /// Not at all.
    None,
}

impl fmt::Display for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Starttls => "starttls",
            Self::Implicit => "implicit",
            Self::None => "none",
        })
    }
}

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum EmailError {
    /// The sender is no address.
    #[error("email: from = {text:?} is not a mail address: {error}")]
    From {
        /// What was given.
        text: String,
        /// Why not.
        error: AddressError,
    },
    /// A recipient is no address.
    #[error("email: to = {text:?} is not a mail address: {error}")]
    To {
        /// What was given.
        text: String,
        /// Why not.
        error: AddressError,
    },
    /// Nobody would get anything.
    #[error("email: to is empty; name at least one recipient")]
    Nobody,
    /// One of user and password without the other.
    #[error("email: username and password belong together; {missing} is missing")]
    HalfLogin {
        /// The one that is missing.
        missing: &'static str,
    },
    /// The server's name cannot be used for TLS.
    #[error("email: cannot set up TLS for {host:?}: {reason}")]
    Tls {
        /// The server.
        host: String,
        /// Why not.
        reason: String,
    },
}

impl EmailSettings {
    pub(super) fn sender(&self) -> Result<Mailbox, EmailError> {
        self.from.parse().map_err(|error| EmailError::From { text: self.from.clone(), error })
    }

    /// Each address once, in the order of the settings.
    pub(super) fn recipients(&self) -> Result<Vec<Mailbox>, EmailError> {
        let mut recipients: Vec<Mailbox> = Vec::with_capacity(self.to.len());
        for text in &self.to {
            let mailbox: Mailbox =
                text.parse().map_err(|error| EmailError::To { text: text.clone(), error })?;
            if recipients.iter().all(|known| known.email != mailbox.email) {
                recipients.push(mailbox);
            }
        }
        if recipients.is_empty() {
            return Err(EmailError::Nobody);
        }
        Ok(recipients)
    }

    /// The server is this machine, so that what is said stays on it.
    pub(super) fn is_local(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}
