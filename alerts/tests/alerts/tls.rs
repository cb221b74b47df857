//! Certificates of mail servers: what is not trusted gets nothing.

use std::{sync::Arc, time::Duration};

use bootwatch_alerts::channel::{
    Channel, SendError,
    email::{Email, EmailError, EmailSettings, Tls},
};
use bootwatch_mailbox::Mailbox;
use bootwatch_schema::PendingMessage;
use jiff::Timestamp;

use crate::{outbox::message, smtp::settings};

// Fails when garbage is taken for a certificate, and then trusted for nothing.
#[tokio::test]
async fn extra_roots_must_be_certificates() {
    let mailbox = Mailbox::start("127.0.0.1:0").await.unwrap();
    let pem = b"-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n".to_vec();
    let settings =
        EmailSettings { tls: Tls::Implicit, extra_roots: Some(pem), ..settings(&mailbox) };
    let error = Email::new(settings).unwrap_err();
    assert!(matches!(error, EmailError::Tls { .. }), "{error}");
}

// Fails when a server that is no TLS server, though it must be, costs a message or hangs.
#[tokio::test]
async fn implicit_tls_with_a_plain_server_is_the_accounts_fault() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mailbox = Arc::new(Mailbox::start("127.0.0.1:0").await.unwrap());
    let timeout = Duration::from_secs(2);
    let settings = EmailSettings { tls: Tls::Implicit, timeout, ..settings(&mailbox) };
    let email = Email::new(settings).unwrap();
    let message = message("a", "i", "ops@example.org", Timestamp::UNIX_EPOCH);
    let pending = PendingMessage { message, attempts: 0, last_error: None };
    let error = email.send(&pending).await.unwrap_err();
    assert!(matches!(error, SendError::Unavailable(_)), "{error:?}");
    assert_eq!(mailbox.received(), 0);
}
