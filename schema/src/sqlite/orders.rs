//! What operators order: silences and acknowledgements. Two tables that the command line writes,
//! whether the daemon runs or not, and that the daemon reads; who may write the file may order.

use std::{collections::BTreeMap, fmt, path::Path};

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};

use super::{
    open, outbox,
    values::{Nanos, Word, json, read_json},
};
use crate::{Acknowledgement, Orders, Severity, Silence, StoreError};

/// The right to order. Writes a row or two and holds nothing in between.
pub struct OrderBook {
    db: Connection,
}

impl fmt::Debug for OrderBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrderBook").field("path", &self.db.path()).finish_non_exhaustive()
    }
}

impl OrderBook {
    /// Opens the orders of an existing database.
    ///
    /// # Errors
    /// As [`SqliteReader::open`](crate::SqliteReader::open).
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { db: open::orders(path)? })
    }

    /// Keeps a silence and gives its number; the one it comes with is not looked at.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn silence(&mut self, silence: &Silence) -> Result<i64, StoreError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute(
            "INSERT INTO silence (matchers, starts_at, ends_at, ends_epoch, author, comment)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                json(&silence.matchers)?,
                Nanos(silence.starts_at),
                silence.ends_at.map(Nanos),
                silence.ends_epoch.map(u64::cast_signed),
                silence.author,
                silence.comment,
            ],
        )?;
        let id = tx.last_insert_rowid();
        tx.commit()?;
        Ok(id)
    }

    /// Ends a silence; false when there is none of that number that was not ended before.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn expire(&mut self, id: i64, at: Timestamp) -> Result<bool, StoreError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let changed = tx.execute(
            "UPDATE silence SET expired_at = ?2 WHERE id = ?1 AND expired_at IS NULL",
            params![id, Nanos(at)],
        )?;
        tx.commit()?;
        Ok(changed == 1)
    }

    /// Keeps an acknowledgement; a newer one of the same incident replaces it.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    pub fn acknowledge(
        &mut self,
        fingerprint: &str,
        ack: &Acknowledgement,
    ) -> Result<(), StoreError> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute(
            "INSERT OR REPLACE INTO acknowledgement
                 (fingerprint, occurrence, severity, author, comment, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                fingerprint,
                ack.occurrence,
                ack.severity.word(),
                ack.author,
                ack.comment,
                Nanos(ack.at)
            ],
        )?;
        tx.commit()?;
        Ok(())
    }
}

pub(crate) fn read(db: &Connection) -> Result<Orders, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT id, matchers, starts_at, ends_at, ends_epoch, author, comment, expired_at
         FROM silence ORDER BY id",
    )?;
    let mut rows = select.query([])?;
    let mut silences = Vec::new();
    while let Some(row) = rows.next()? {
        silences.push(Silence {
            id: row.get(0)?,
            matchers: read_json("what a silence matches", &row.get::<_, String>(1)?)?,
            starts_at: row.get::<_, Nanos>(2)?.0,
            ends_at: row.get::<_, Option<Nanos>>(3)?.map(|at| at.0),
            ends_epoch: row.get::<_, Option<i64>>(4)?.map(i64::cast_unsigned),
            author: row.get(5)?,
            comment: row.get(6)?,
            expired_at: row.get::<_, Option<Nanos>>(7)?.map(|at| at.0),
        });
    }
    let mut select = db.prepare_cached(
        "SELECT fingerprint, occurrence, severity, author, comment, at FROM acknowledgement",
    )?;
    let mut rows = select.query([])?;
    let mut acknowledgements = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let ack = Acknowledgement {
            occurrence: row.get(1)?,
            severity: Severity::read(&row.get::<_, String>(2)?)?,
            author: row.get(3)?,
            comment: row.get(4)?,
            at: row.get::<_, Nanos>(5)?.0,
        };
        acknowledgements.insert(row.get(0)?, ack);
    }
    Ok(Orders { silences, acknowledgements, refused: outbox::refused(db)? })
}
