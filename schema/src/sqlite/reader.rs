//! Readers in any process, while the daemon runs and when it does not.

use std::{fmt, path::Path};

use jiff::Timestamp;
use rusqlite::Connection;

use super::{load, open, orders, outbox};
use crate::{Incident, Loaded, NewMessage, Orders, PendingMessage, ReadStore, StoreError};

/// The store in one SQLite file, for reading only.
pub struct SqliteReader {
    db: Connection,
}

impl fmt::Debug for SqliteReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteReader").field("path", &self.db.path()).finish_non_exhaustive()
    }
}

impl SqliteReader {
    /// Opens the database for reading.
    ///
    /// # Errors
    /// [`StoreError::Open`] when it is missing, not ours, or of an older version;
    /// [`StoreError::Newer`] when it is of a newer one.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { db: open::reader(path)? })
    }

    pub(super) fn db(&self) -> &Connection {
        &self.db
    }

    /// What operators have ordered.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn orders(&self) -> Result<Orders, StoreError> {
        self.view(orders::read)
    }

    /// Incidents that are not resolved, and the few hundred resolved last.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn incidents(&self) -> Result<Vec<Incident>, StoreError> {
        self.view(outbox::incidents)
    }

    /// Messages that were settled without delivery since `since`, other than replaced ones.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn rejected(&self, channel: &str, since: Timestamp) -> Result<u64, StoreError> {
        self.view(|db| outbox::rejected(db, channel, since))
    }

    /// Whether the last message to every recipient was refused for good, as far as the newest
    /// messages tell: nobody hears anything any more.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn nobody_reached(&self) -> Result<bool, StoreError> {
        self.view(outbox::nobody_reached)
    }

    /// Runs `read` on one view of the database, so that a commit in between does not mix two
    /// states. Short: while it lasts, the writer's log cannot shrink.
    pub(super) fn view<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let tx = self.db.unchecked_transaction()?;
        read(&tx)
    }
}

impl ReadStore for SqliteReader {
    fn load(&self) -> Result<Loaded, StoreError> {
        self.view(load::load)
    }

    fn pending(
        &self,
        channel: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<PendingMessage>, StoreError> {
        outbox::pending(&self.db, channel, now, limit)
    }

    fn backlog(&self, channel: &str) -> Result<(u64, Option<Timestamp>), StoreError> {
        outbox::backlog(&self.db, channel)
    }

    fn standing(&self, channel: &str) -> Result<Vec<NewMessage>, StoreError> {
        outbox::standing(&self.db, channel)
    }
}
