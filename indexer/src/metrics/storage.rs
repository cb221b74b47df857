//! The database's files.

use prometheus::{IntCounter, IntGauge, Registry};

use super::{
    Metrics,
    registry::{counter, int_gauge},
};

#[derive(Debug)]
pub(super) struct Storage {
    database: IntGauge,
    wal: IntGauge,
    busy: IntCounter,
}

impl Storage {
    pub(super) fn new(r: &Registry) -> Self {
        Self {
            database: int_gauge(r, "bootwatch_db_size_bytes", "Size of the database file."),
            wal: int_gauge(
                r,
                "bootwatch_db_wal_size_bytes",
                "Size of the database's write-ahead log.",
            ),
            busy: counter(
                r,
                "bootwatch_db_busy_total",
                "Transactions that had to wait for another process.",
            ),
        }
    }
}

impl Metrics {
    /// Sizes of the database's files, in bytes.
    pub fn database_size(&self, database: u64, wal: u64) {
        self.storage.database.set(i64::try_from(database).unwrap_or(i64::MAX));
        self.storage.wal.set(i64::try_from(wal).unwrap_or(i64::MAX));
    }

    /// A transaction had to wait for another process.
    pub fn database_busy(&self) {
        self.storage.busy.inc();
    }
}
