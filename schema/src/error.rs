//! Why the store refused: an interface for people and for control flow.

use bootwatch_rules::Height;
use rusqlite::ErrorCode;

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
    /// No copy could be made.
    #[error("no backup at {path}: {reason}")]
    Backup {
        /// Where the copy should be.
        path: String,
        /// Why, and what to do.
        reason: String,
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

impl StoreError {
    /// Whether the same call may succeed later without anybody's mistake being repaired: the disk
    /// is full, the file is busy, the device failed. Nothing was written.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        let Self::Database(error) = self else { return false };
        matches!(
            error.sqlite_error_code(),
            Some(
                ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::DiskFull
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::CannotOpen
                    | ErrorCode::OutOfMemory
                    | ErrorCode::OperationInterrupted
            )
        )
    }

    /// Whether the disk has no room left: the one retryable error that somebody must act on.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Database(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull))
    }

    pub(crate) fn conflict(height: Height, reason: impl Into<String>) -> Self {
        Self::Conflict { height, reason: reason.into() }
    }
}
