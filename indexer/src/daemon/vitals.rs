//! What the engine has to know beside the chain: what operators ordered, and how Bootwatch stands.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use bootwatch_alerts::Recipient;
use bootwatch_rules::situation::{ChannelView, ServiceView};
use bootwatch_schema::{Orders, ReadStore as _, SqliteReader, StoreError};
use jiff::{SignedDuration, Timestamp};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

/// How soon an order is heard.
const EVERY: Duration = Duration::from_secs(1);
/// Refusals of that time count.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Looks at the database with a connection of its own.
#[derive(Debug)]
pub(super) struct Vitals {
    path: PathBuf,
    reader: SqliteReader,
    channels: BTreeSet<String>,
    orders: watch::Sender<Orders>,
    service: watch::Sender<ServiceView>,
}

impl Vitals {
    /// Looks once, so that orders are in force from the first evaluation on.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub(super) fn open(path: &Path, recipients: &[Recipient]) -> Result<Self, StoreError> {
        let vitals = Self {
            path: path.to_owned(),
            reader: SqliteReader::open(path)?,
            channels: recipients.iter().map(|recipient| recipient.channel.clone()).collect(),
            orders: watch::Sender::default(),
            service: watch::Sender::default(),
        };
        vitals.look(Timestamp::now())?;
        Ok(vitals)
    }

    pub(super) fn orders(&self) -> watch::Receiver<Orders> {
        let mut orders = self.orders.subscribe();
        orders.mark_changed();
        orders
    }

    pub(super) fn service(&self) -> watch::Receiver<ServiceView> {
        self.service.subscribe()
    }

    fn look(&self, now: Timestamp) -> Result<(), StoreError> {
        let orders = self.reader.orders()?;
        self.orders.send_if_modified(|known| {
            let changed = *known != orders;
            *known = orders;
            changed
        });
        let channels = self.channels.iter().map(|name| {
            let (waiting, oldest) = self.reader.backlog(name)?;
            let since = now.checked_sub(DAY).unwrap_or(Timestamp::MIN);
            let rejected = self.reader.rejected(name, since)?;
            Ok(ChannelView { name: name.clone(), waiting, oldest, rejected })
        });
        let service = ServiceView {
            disk_free: disk_free(&self.path),
            nobody_reached: self.reader.nobody_reached()?,
            channels: channels.collect::<Result<_, StoreError>>()?,
            ..ServiceView::default()
        };
        self.service.send_replace(service);
        Ok(())
    }
}

/// Bytes that this user may still write on the disk of a file; none when the system does not say.
fn disk_free(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

/// Looks every second until it is stopped.
pub(super) async fn run(mut vitals: Vitals, stop: CancellationToken) {
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failed = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        let looked = tokio::task::spawn_blocking(move || {
            let outcome = vitals.look(Timestamp::now());
            (vitals, outcome)
        });
        let outcome = match looked.await {
            Ok((back, outcome)) => {
                vitals = back;
                outcome
            }
            Err(error) => {
                tracing::error!(%error, "orders are not read any more");
                return;
            }
        };
        match outcome {
            Err(error) if !failed => {
                tracing::warn!(%error, "orders and vitals cannot be read; trying again");
                failed = true;
            }
            Err(_) => {}
            Ok(()) => failed = false,
        }
    }
}
