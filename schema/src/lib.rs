//! The store: what a fact is once it is kept. Nothing outside this room knows SQL.
//!
//! One writer owns the only read-write connection. A commit holds a block's facts *and* its
//! coverage *and* the decisions that followed from it, so that a crash leaves all or nothing.

mod records;

pub use records::{
    Commit, Coverage, Delivery, Ending, EndpointRecord, Incident, IncidentState, Loaded,
    NewMessage, PendingMessage, Severity, Unfillable,
};

use bootwatch_rules::Height;
use jiff::Timestamp;

/// A store, as the daemon's writer and its readers see it: batches in, whole states out. Narrow on
/// purpose, so that another database can serve it later.
pub trait ReadStore {
    /// Everything that is needed to go on, or to build a Situation.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    fn load(&self) -> Result<Loaded, StoreError>;

    /// Messages of a channel that are due at `now`, in the order in which they were decided. A
    /// message is held back while an older one of the same incident and recipient waits, so that
    /// nobody reads the end before the beginning.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    fn pending(
        &self,
        channel: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<PendingMessage>, StoreError>;

    /// Messages of a channel that wait for delivery, due or not, and the time of the oldest.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    fn backlog(&self, channel: &str) -> Result<(u64, Option<Timestamp>), StoreError>;
}

/// The writing side; there is one in a process, and one process for a database.
pub trait Store: ReadStore + Send {
    /// Keeps one block with everything that came of it, or nothing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the block is already covered or does not follow the one
    /// before it; otherwise the database's own error, after which the same call may be repeated.
    fn commit(&mut self, commit: &Commit<'_>) -> Result<(), StoreError>;

    /// Records what became of messages.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    fn settle(&mut self, deliveries: &[Delivery]) -> Result<(), StoreError>;

    /// Records heights that no endpoint has any more.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    fn give_up(&mut self, range: &Unfillable) -> Result<(), StoreError>;

    /// Records how the endpoints stand, for readers in other processes.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    fn note_endpoints(&mut self, endpoints: &[EndpointRecord]) -> Result<(), StoreError>;
}

/// Why the store refused.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened or created.
    #[error("cannot open the database {path}: {reason}")]
    Open {
        /// The file.
        path: String,
        /// Why, and what to do.
        reason: String,
    },
    /// Another process writes to it.
    #[error(
        "the database {path} is in use by another bootwatch; stop it, or give this one its own [store] path"
    )]
    Locked {
        /// The file.
        path: String,
    },
    /// It was written by a newer version.
    #[error(
        "the database {path} has schema version {found}, this bootwatch knows up to {known}; install the newer bootwatch again"
    )]
    Newer {
        /// The file.
        path: String,
        /// Its version.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// It belongs to another chain.
    #[error(
        "the database {path} holds the chain {found:?}, not {expected:?}; use another [store] path for this chain"
    )]
    OtherChain {
        /// The file.
        path: String,
        /// Its chain.
        found: String,
        /// The configured chain.
        expected: String,
    },
    /// A block that does not belong where it is put. A defect or a fork; nothing was written.
    #[error("block {height} cannot be stored: {reason}")]
    Conflict {
        /// The block.
        height: Height,
        /// Why.
        reason: String,
    },
    /// What is stored cannot be read back.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// The database's own error.
    #[error("database: {0}")]
    Database(#[from] rusqlite::Error),
}
