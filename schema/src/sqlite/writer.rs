//! The one writer.

use std::{fmt, path::Path};

use bootwatch_rules::{BlockFacts, Height, ledger::Ledger};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::{
    coverage, facts, forecasts, ledger, load,
    names::Names,
    open::{self, WriteLock},
    outbox, prune, service,
    state::LastState,
};
use crate::{
    Commit, Delivery, Incident, Loaded, NewMessage, PendingMessage, QuietBlock, ReadStore,
    ServiceRecord, Store, StoreError, Unfillable,
};

/// The store in one SQLite file, for the process that writes to it.
///
/// Opening it takes a lock (the file `<path>.lock`) that the system gives back when the process
/// ends, however it ends.
pub struct SqliteStore {
    pub(super) db: Connection,
    names: Names,
    last: LastState,
    /// Reports of deliveries so far.
    settles: u32,
    /// Messages that gave way and have not been asked for yet, by channel.
    gave_way: Vec<(String, u64)>,
    // The last field: it is dropped after the connection is closed.
    _lock: WriteLock,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.db.path()).finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the database for writing. A missing file is created, in a folder that exists; an
    /// older one is brought up to date.
    ///
    /// # Errors
    /// [`StoreError::Open`], [`StoreError::Locked`], [`StoreError::Newer`] or
    /// [`StoreError::OtherChain`]; each says what to do.
    pub fn open(path: &Path, chain_id: &str) -> Result<Self, StoreError> {
        let (db, lock) = open::writer(path, chain_id)?;
        let mut last = LastState::default();
        last.follow(&load::load(&db)?.ledger);
        Ok(Self {
            db,
            names: Names::default(),
            last,
            settles: 0,
            gave_way: Vec::new(),
            _lock: lock,
        })
    }

    /// Runs `write` in one transaction that takes the write lock first, so that it either waits for
    /// the lock or has it to the end.
    fn write<T>(
        &mut self,
        write: impl FnOnce(&Connection, &mut Names, &LastState) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let outcome = (|| {
            let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = write(&tx, &mut self.names, &self.last)?;
            tx.commit()?;
            Ok(done)
        })();
        if outcome.is_err() {
            self.names.forget();
        }
        outcome
    }
}

/// Refuses a block for the ledger that is not above everything stored.
fn is_above_all(db: &Connection, height: Height) -> Result<(), StoreError> {
    match coverage::newest(db)? {
        Some((newest, _)) if newest >= height => {
            let reason = format!("blocks up to {newest} are already stored");
            Err(StoreError::conflict(height, reason))
        }
        _ => Ok(()),
    }
}

impl ReadStore for SqliteStore {
    fn load(&self) -> Result<Loaded, StoreError> {
        load::load(&self.db)
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

impl Store for SqliteStore {
    fn commit(&mut self, commit: &Commit<'_>) -> Result<(), StoreError> {
        let Commit { facts: block, observation, changes, forecast, ledger, incidents, messages } =
            *commit;
        if ledger.tip.map(|tip| tip.height) != Some(block.height) {
            let reason = "the ledger that comes with it stands at another block";
            return Err(StoreError::conflict(block.height, reason));
        }
        let evidence = facts::is_evidence(block) || ledger::is_evidence(observation, changes);
        let gave_way = self.write(|db, names, last| {
            is_above_all(db, block.height)?;
            coverage::cover(db, [block])?;
            facts::write_header(db, block, true, evidence)?;
            facts::write(db, names, block)?;
            ledger::write(db, names, last, block, changes, ledger)?;
            if let Some(forecast) = forecast {
                forecasts::write(db, names, forecast)?;
            }
            let gave_way = decide(db, incidents, messages)?;
            prune::headers(db, block.height, block.height, ledger.ticks.len())?;
            Ok(gave_way)
        })?;
        self.gave_way.extend(gave_way);
        self.last.follow(ledger);
        Ok(())
    }

    fn commit_run(&mut self, run: &[QuietBlock<'_>], ledger: &Ledger) -> Result<(), StoreError> {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { return Ok(()) };
        let (first, last) = (first.facts.height, last.facts.height);
        if ledger.tip.map(|tip| tip.height) != Some(last) {
            let reason = "the ledger that comes with it stands at another block";
            return Err(StoreError::conflict(last, reason));
        }
        if let Some(loud) = run.iter().find(|quiet| !quiet.changes.is_quiet()) {
            let reason = "it changed more than a run of blocks can tell";
            return Err(StoreError::conflict(loud.facts.height, reason));
        }
        // Nothing but the blocks has changed the ledger, so what was last written still holds.
        self.write(|db, names, _| {
            is_above_all(db, first)?;
            coverage::cover(db, run.iter().map(|quiet| quiet.facts))?;
            for QuietBlock { facts, .. } in run {
                facts::write_header(db, facts, true, facts::is_evidence(facts))?;
                facts::write(db, names, facts)?;
            }
            ledger::write_run(db, names, run, ledger)?;
            prune::headers(db, first, last, ledger.ticks.len())
        })
    }

    fn keep(&mut self, blocks: &[BlockFacts]) -> Result<(), StoreError> {
        self.write(|db, names, _| {
            let tip: Option<Height> = db
                .prepare_cached("SELECT tip FROM ledger")?
                .query_row([], |row| row.get(0))
                .optional()?;
            let complete = prune::complete_headers(db)?;
            if let Some(tip) = tip
                && let Some(block) = blocks.iter().find(|block| block.height > tip)
            {
                let reason = format!("the ledger, now at {tip}, has yet to go through it");
                return Err(StoreError::conflict(block.height, reason));
            }
            for run in blocks.chunk_by(|a, b| a.height.checked_add(1) == Some(b.height)) {
                coverage::cover(db, run)?;
            }
            for block in blocks {
                let evidence = facts::is_evidence(block);
                if evidence || block.height >= complete {
                    facts::write_header(db, block, false, evidence)?;
                }
                facts::write(db, names, block)?;
            }
            Ok(())
        })
    }

    fn decide(
        &mut self,
        incidents: &[Incident],
        messages: &[NewMessage],
    ) -> Result<(), StoreError> {
        let gave_way = self.write(|db, _, _| decide(db, incidents, messages))?;
        self.gave_way.extend(gave_way);
        Ok(())
    }

    fn settle(&mut self, deliveries: &[Delivery]) -> Result<(), StoreError> {
        let prune = self.settles.is_multiple_of(prune::SETTLES_LOT);
        self.write(|db, _, _| {
            outbox::settle(db, deliveries)?;
            if prune { prune::outbox(db) } else { Ok(()) }
        })?;
        self.settles = self.settles.wrapping_add(1);
        Ok(())
    }

    fn post(&mut self, messages: &[NewMessage]) -> Result<(), StoreError> {
        let gave_way = self.write(|db, _, _| outbox::write_messages(db, messages))?;
        self.gave_way.extend(gave_way);
        Ok(())
    }

    fn gave_way(&mut self) -> Vec<(String, u64)> {
        std::mem::take(&mut self.gave_way)
    }

    fn give_up(&mut self, range: &Unfillable) -> Result<(), StoreError> {
        self.write(|db, _, _| coverage::give_up(db, range))
    }

    fn note_service(&mut self, service: &ServiceRecord) -> Result<(), StoreError> {
        self.write(|db, _, _| service::write(db, service))
    }
}

/// Gives the number of messages of each channel that gave way.
fn decide(
    db: &Connection,
    incidents: &[Incident],
    messages: &[NewMessage],
) -> Result<Vec<(String, u64)>, StoreError> {
    outbox::write_incidents(db, incidents)?;
    let gave_way = outbox::write_messages(db, messages)?;
    if !incidents.is_empty() {
        prune::incidents(db)?;
    }
    Ok(gave_way)
}
