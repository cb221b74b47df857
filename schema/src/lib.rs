//! The store: what a fact is once it is kept. Nothing outside this room knows SQL.
//!
//! One writer owns the only read-write connection. A commit holds a block's facts *and* its
//! coverage *and* the decisions that followed from it, so that a crash leaves all or nothing.
//!
//! What is kept, and for how long (`migrations/` has every column):
//!
//! | | tables | kept |
//! |---|---|---|
//! | which heights | `coverage`, `unfillable` | for ever |
//! | headers | `block` | 20,000 blocks; with evidence for ever |
//! | what blocks say | `capture`, `choice_tx`, `event`, `work` | for ever |
//! | what cannot be read | `malformed` | the newest 1,000; all are counted |
//! | what the state says | `params`, `epoch`, `member`, `model_group`, `charge`, … | for ever, on change |
//! | what was said of charges | `forecast`, `forecast_charge` | for ever |
//! | what hosts earn | `reward`, `host_reward` | the last estimate of each epoch |
//! | the ledger | `ledger`, `ledger_work`, `choice`, `known_host`, `newest_capture`, `frozen` | as it stands |
//! | what no transaction explains | `choice_change`, `wipe` | for ever |
//! | orders | `silence`, `acknowledgement` | for ever, they are few |
//! | decisions | `incident`, `outbox`, `body` | 2,000 resolved; 20,000 settled, 200 with bodies; 10,000 waiting for each channel |
//! | endpoints | `endpoint` | as they stood last |

mod error;
mod ranges;
mod records;
mod sqlite;

pub use error::StoreError;
pub use records::{
    Acknowledgement, Backup, BlockRef, ChoiceOrigin, Clearing, Commit, Counts, Coverage, Damage,
    Dated, Delivery, Digest, Ending, EpochRecord, History, Incident, IncidentState, LedgerDigest,
    Loaded, NewMessage, Orders, Part, PendingMessage, QuietBlock, Reading, ServiceRecord, Severity,
    Silence, StoredChoice, Told, Unfillable, Verification, WorkRecord,
};
pub use sqlite::{NoPlace, OrderBook, Place, Placed, Slice, SqliteReader, SqliteStore};

#[cfg(doc)]
use bootwatch_rules::ledger::Changes;
use bootwatch_rules::{BlockFacts, ledger::Ledger};
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

    /// The last delivered message of each incident that goes on and each of its recipients by a
    /// channel.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    fn standing(&self, channel: &str) -> Result<Vec<NewMessage>, StoreError>;
}

/// The writing side; there is one in a process, and one process for a database.
pub trait Store: ReadStore + Send {
    /// Keeps the block that the ledger went through, with everything that came of it, or nothing.
    /// Its height is above every block that was committed before: the next one, or one after a
    /// gap.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the block is already covered, lies below the ledger, or does
    /// not link to a stored neighbour; otherwise the database's own error, after which the same
    /// call may be repeated when it [is retryable](StoreError::is_retryable).
    fn commit(&mut self, commit: &Commit<'_>) -> Result<(), StoreError>;

    /// Keeps a run of consecutive blocks that the ledger went through, in one transaction, or
    /// nothing. None of them may have changed more than [quiet changes](Changes::is_quiet) can
    /// tell, nothing was asked of the chain at their heights, and nothing was decided on them. What
    /// is stored is what [`Store::commit`] would have stored block by block.
    ///
    /// # Errors
    /// As [`Store::commit`]; a block that is not quiet, or not the next one, is a conflict.
    fn commit_run(&mut self, run: &[QuietBlock<'_>], ledger: &Ledger) -> Result<(), StoreError>;

    /// Keeps blocks that the ledger does not go through, all or none: history, or a past capture
    /// that was looked up. They may be in any order and need not be neighbours. The ledger stays
    /// as it is.
    ///
    /// # Errors
    /// As [`Store::commit`]; a block above the ledger's last one is a conflict, because it would
    /// stand in the ledger's way.
    fn keep(&mut self, blocks: &[BlockFacts]) -> Result<(), StoreError>;

    /// Keeps what was decided without a block, because time alone brought it: all or nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    fn decide(&mut self, incidents: &[Incident], messages: &[NewMessage])
    -> Result<(), StoreError>;

    /// Records what became of messages. Unknown and already settled ones are passed over: a
    /// delivery may be reported again after a crash.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    fn settle(&mut self, deliveries: &[Delivery]) -> Result<(), StoreError>;

    /// Puts messages into the outbox that no block called for. One whose id is there already is
    /// passed over.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    fn post(&mut self, messages: &[NewMessage]) -> Result<(), StoreError>;

    /// How many messages of which channel gave way to newer ones since this was last asked. At most
    /// 10,000 messages of a channel wait: then the oldest info goes first, then the oldest warning;
    /// a critical one never.
    fn gave_way(&mut self) -> Vec<(String, u64)>;

    /// Records heights that no endpoint has any more. Heights of the range that are stored, or
    /// were given up before, stay as they are. A height that turns up later is simply stored.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    fn give_up(&mut self, range: &Unfillable) -> Result<(), StoreError>;

    /// Records how the daemon stands, in place of what it noted before, for readers in other
    /// processes.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written.
    fn note_service(&mut self, service: &ServiceRecord) -> Result<(), StoreError>;
}
