//! Delivery of what the outbox holds: a courier for each channel, so that none waits for another.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use bootwatch_alerts::{
    Recipient,
    channel::{Channel as _, SendError},
    courier::{self, CourierPolicy, OutboxError},
    trouble::{self, Trouble},
};
use bootwatch_rules::situation::Situation;
use bootwatch_schema::{Delivery, NewMessage, PendingMessage, ReadStore, SqliteReader, StoreError};
use jiff::Timestamp;
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::channels::Line;
use crate::{ingest::Writer, metrics::Metrics};

/// What all couriers share.
#[derive(Debug)]
pub(super) struct Office {
    pub(super) writer: Writer,
    pub(super) metrics: Arc<Metrics>,
    pub(super) situation: watch::Receiver<Option<Arc<Situation>>>,
    /// Everybody who is told of anything.
    pub(super) recipients: Vec<Recipient>,
    /// The page as people reach it.
    pub(super) page: Option<String>,
}

/// Starts a courier for each channel. `wake` is rung when messages were stored.
///
/// # Errors
/// [`StoreError`] when the outbox cannot be read.
pub(super) fn start(
    parts: &mut JoinSet<&'static str>,
    lines: Vec<Line>,
    store: &Path,
    office: Office,
    wake: Arc<Notify>,
    stop: &CancellationToken,
) -> Result<(), StoreError> {
    if lines.is_empty() {
        return Ok(());
    }
    let reader = Arc::new(Mutex::new(SqliteReader::open(store)?));
    let office = Arc::new(office);
    let mut bells = Vec::with_capacity(lines.len());
    for Line { channel, .. } in lines {
        let outbox = Outbox::open(channel.name(), &reader, &office, &wake)?;
        let (bell, stop) = (Arc::new(Notify::new()), stop.clone());
        bells.push(Arc::clone(&bell));
        parts.spawn(async move {
            courier::run(outbox, channel, CourierPolicy::default(), bell, stop).await;
            "a courier"
        });
    }
    let stop = stop.clone();
    parts.spawn(async move {
        // One bell wakes one sleeper, so each has its own.
        while stop.run_until_cancelled(wake.notified()).await.is_some() {
            bells.iter().for_each(|bell| bell.notify_one());
        }
        "the couriers' bell"
    });
    Ok(())
}

/// The messages of one channel: read by a connection that the couriers share, settled through the
/// one writer.
#[derive(Debug)]
struct Outbox {
    channel: Arc<str>,
    reader: Arc<Mutex<SqliteReader>>,
    office: Arc<Office>,
    wake: Arc<Notify>,
    /// When the messages under way were decided, for the metrics.
    decided: Mutex<HashMap<String, Timestamp>>,
}

impl Outbox {
    fn open(
        channel: &str,
        reader: &Arc<Mutex<SqliteReader>>,
        office: &Arc<Office>,
        wake: &Arc<Notify>,
    ) -> Result<Self, StoreError> {
        let backlog = reader.lock().unwrap_or_else(PoisonError::into_inner).backlog(channel)?;
        office.metrics.channel(channel);
        office.metrics.backlog(channel, backlog.0, backlog.1);
        Ok(Self {
            channel: channel.into(),
            reader: Arc::clone(reader),
            office: Arc::clone(office),
            wake: Arc::clone(wake),
            decided: Mutex::default(),
        })
    }

    /// Reads on a thread that may block.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&SqliteReader, &str) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, OutboxError> {
        let (reader, channel) = (Arc::clone(&self.reader), Arc::clone(&self.channel));
        let task = tokio::task::spawn_blocking(move || {
            read(&reader.lock().unwrap_or_else(PoisonError::into_inner), &channel)
        });
        Ok(task.await??)
    }

    fn count(&self, deliveries: &[Delivery]) {
        let mut decided = self.decided.lock().unwrap_or_else(PoisonError::into_inner);
        for delivery in deliveries {
            match delivery {
                Delivery::Delivered { message_id, at } => {
                    let since = decided.remove(message_id).unwrap_or(*at);
                    self.office.metrics.delivered(&self.channel, since, *at);
                }
                Delivery::Rejected { message_id, .. } => {
                    decided.remove(message_id);
                    self.office.metrics.undeliverable(&self.channel);
                }
                Delivery::Retry { .. } => {}
            }
        }
    }
}

impl courier::Outbox for Outbox {
    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<PendingMessage>, OutboxError> {
        let (due, backlog) = self
            .read(move |reader, channel| {
                Ok((reader.pending(channel, now, limit)?, reader.backlog(channel)?))
            })
            .await?;
        self.office.metrics.backlog(&self.channel, backlog.0, backlog.1);
        let mut decided = self.decided.lock().unwrap_or_else(PoisonError::into_inner);
        decided.clear();
        decided.extend(due.iter().map(|m| (m.message.message_id.clone(), m.message.created_at)));
        drop(decided);
        Ok(due)
    }

    async fn settle(&self, deliveries: Vec<Delivery>) -> Result<(), OutboxError> {
        self.office.writer.settle(deliveries.clone()).await?;
        self.count(&deliveries);
        let (length, oldest) = self.read(|reader, channel| reader.backlog(channel)).await?;
        self.office.metrics.backlog(&self.channel, length, oldest);
        Ok(())
    }

    async fn standing(&self) -> Result<Vec<NewMessage>, OutboxError> {
        self.read(|reader, channel| reader.standing(channel)).await
    }

    async fn tell(&self, trouble: Trouble) -> Result<(), OutboxError> {
        let situation = self.office.situation.borrow().clone();
        let messages = trouble::messages(
            &trouble,
            &self.office.recipients,
            situation.as_deref(),
            self.office.page.as_deref(),
            Timestamp::now(),
        );
        if !messages.is_empty() {
            self.office.writer.post(messages).await?;
            self.wake.notify_one();
        }
        Ok(())
    }

    fn failed(&self, error: &SendError) {
        self.office.metrics.delivery_failed(&self.channel, error.reason());
    }
}
