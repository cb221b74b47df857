//! The message of every day, when it is wanted: on the clock of each recipient, once.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use bootwatch_alerts::{
    Recipient,
    daily::{self, Unwell},
};
use bootwatch_schema::{Incident, NewMessage, SqliteReader, StoreError};
use jiff::{SignedDuration, Timestamp, civil};
use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{ingest::Writer, situation::Newest};

const EVERY: Duration = Duration::from_secs(5);
/// What is not well at the hour may be well a little later, as after a start.
const HOPE: SignedDuration = SignedDuration::from_mins(10);

/// Whom it goes to, when, and what it is made of.
pub(super) struct Daily {
    pub(super) at: civil::Time,
    pub(super) recipients: Vec<Recipient>,
    pub(super) page: Option<String>,
    /// How long a message may wait before that is trouble.
    pub(super) patience: SignedDuration,
    pub(super) newest: Newest,
    pub(super) store: PathBuf,
    pub(super) writer: Writer,
    /// Wakes the couriers.
    pub(super) mail: Arc<Notify>,
    pub(super) dry_run: bool,
}

impl Daily {
    /// Looks every few seconds until it is stopped. The outbox knows what was decided before: the
    /// same day's message has the same id.
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut done: BTreeMap<String, civil::Date> = BTreeMap::new();
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            if let Err(error) = self.look(&mut done, Timestamp::now()).await {
                tracing::warn!(error, "the message of the day cannot be made; trying again");
            }
        }
    }

    async fn look(
        &self,
        done: &mut BTreeMap<String, civil::Date>,
        now: Timestamp,
    ) -> Result<(), String> {
        let newest = self.newest.borrow().clone();
        let unwell = Unwell::of(newest.as_deref(), self.patience, now);
        let due: Vec<(&Recipient, civil::Date)> = self
            .recipients
            .iter()
            .filter_map(|recipient| {
                let (day, since) = daily::due(recipient, self.at, now)?;
                let told = done.get(&recipient.key()) == Some(&day);
                (!told && (unwell.is_none() || since >= HOPE)).then_some((recipient, day))
            })
            .collect();
        if due.is_empty() {
            return Ok(());
        }
        let store = self.store.clone();
        let incidents = tokio::task::spawn_blocking(move || incidents(&store))
            .await
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())?;
        let (situation, page) = (newest.as_deref(), self.page.as_deref());
        let messages: Vec<NewMessage> = due
            .iter()
            .map(|(recipient, day)| {
                daily::message(recipient, *day, unwell, &incidents, situation, page, now)
            })
            .collect();
        let told = due.iter().map(|(recipient, day)| (recipient.key(), *day)).collect::<Vec<_>>();
        if self.dry_run {
            for message in &messages {
                tracing::info!(
                    channel = message.channel,
                    recipient = message.recipient,
                    subject = message.subject,
                    "dry run: this would have been sent"
                );
            }
        } else {
            self.writer.post(messages).await.map_err(|error| error.to_string())?;
            self.mail.notify_one();
        }
        done.extend(told);
        Ok(())
    }
}

fn incidents(store: &std::path::Path) -> Result<Vec<Incident>, StoreError> {
    SqliteReader::open(store)?.incidents()
}
