//! Delivery of what the outbox holds.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bootwatch_alerts::{
    channel::email::{self, Email, EmailError, EmailSettings, Tls},
    courier::{self, CourierPolicy, OutboxError},
};
use bootwatch_schema::{Delivery, PendingMessage, ReadStore, SqliteReader, StoreError};
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    config::{EmailConfig, TlsMode},
    ingest::Writer,
    metrics::Metrics,
};

/// For one attempt, from the connection to the last answer.
const ATTEMPT: Duration = Duration::from_secs(60);

/// An account from the configuration.
pub(super) fn account(config: &EmailConfig) -> Result<Email, EmailError> {
    let email = Email::new(EmailSettings {
        host: config.host.clone(),
        port: config.port,
        tls: match config.tls {
            TlsMode::StartTls => Tls::Starttls,
            TlsMode::Implicit => Tls::Implicit,
            TlsMode::None => Tls::None,
        },
        from: config.from.clone(),
        to: config.to.clone(),
        username: config.username.clone(),
        password: config.password.clone(),
        timeout: ATTEMPT,
    })?;
    if let Some(warning) = email.warning() {
        tracing::warn!(warning, "email");
    }
    Ok(email)
}

/// Delivers mails until it is stopped.
pub(super) async fn deliver(
    outbox: Outbox,
    email: Email,
    wake: Arc<Notify>,
    stop: CancellationToken,
) {
    courier::run(outbox, email, CourierPolicy::default(), wake, stop).await;
}

/// The mails of the store: read by a connection of its own, settled through the one writer.
#[derive(Debug)]
pub(super) struct Outbox {
    reader: Arc<Mutex<SqliteReader>>,
    writer: Writer,
    metrics: Arc<Metrics>,
    /// When the messages under way were decided, for the metrics.
    decided: Mutex<HashMap<String, Timestamp>>,
}

impl Outbox {
    pub(super) fn open(
        path: &Path,
        writer: Writer,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, StoreError> {
        let reader = SqliteReader::open(path)?;
        let (length, oldest) = reader.backlog(email::NAME)?;
        metrics.backlog(email::NAME, length, oldest);
        Ok(Self {
            reader: Arc::new(Mutex::new(reader)),
            writer,
            metrics: Arc::clone(metrics),
            decided: Mutex::default(),
        })
    }

    fn count(&self, deliveries: &[Delivery]) {
        let mut decided = self.decided.lock().unwrap_or_else(PoisonError::into_inner);
        for delivery in deliveries {
            match delivery {
                Delivery::Delivered { message_id, at } => {
                    let since = decided.remove(message_id).unwrap_or(*at);
                    self.metrics.delivered(email::NAME, since, *at);
                }
                Delivery::Retry { .. } => self.metrics.delivery_failed(email::NAME, "retry"),
                Delivery::Rejected { message_id, .. } => {
                    decided.remove(message_id);
                    self.metrics.delivery_failed(email::NAME, "rejected");
                }
            }
        }
    }
}

impl courier::Outbox for Outbox {
    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<PendingMessage>, OutboxError> {
        let reader = Arc::clone(&self.reader);
        let (due, backlog) = tokio::task::spawn_blocking(move || {
            let reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
            let due = reader.pending(email::NAME, now, limit)?;
            Ok::<_, StoreError>((due, reader.backlog(email::NAME)?))
        })
        .await??;
        self.metrics.backlog(email::NAME, backlog.0, backlog.1);
        let mut decided = self.decided.lock().unwrap_or_else(PoisonError::into_inner);
        decided.clear();
        decided.extend(due.iter().map(|m| (m.message.message_id.clone(), m.message.created_at)));
        drop(decided);
        Ok(due)
    }

    async fn settle(&self, deliveries: Vec<Delivery>) -> Result<(), OutboxError> {
        self.writer.settle(deliveries.clone()).await?;
        self.count(&deliveries);
        let reader = Arc::clone(&self.reader);
        let backlog = tokio::task::spawn_blocking(move || {
            reader.lock().unwrap_or_else(PoisonError::into_inner).backlog(email::NAME)
        });
        let (length, oldest) = backlog.await??;
        self.metrics.backlog(email::NAME, length, oldest);
        Ok(())
    }
}
