//! Blocks and temporary databases.

use std::path::{Path, PathBuf};

use bootwatch_rules::{
    BlockFacts, Height,
    ledger::{Changes, Ledger, Tick},
};
use bootwatch_schema::{Commit, SqliteStore, Store, StoreError};
use jiff::Timestamp;
use tempfile::TempDir;

pub(crate) const CHAIN: &str = "gonka-test";

/// A folder with a database path in it.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        // Thousands of durable commits: in memory where the system has such a file system. What a
        // commit leaves behind when the process is killed does not depend on it.
        let memory = Path::new("/dev/shm");
        let folder =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Self { folder: folder.unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("bootwatch.db")
    }

    pub(crate) fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.path(), CHAIN).unwrap()
    }
}

/// The hash of a test block: unlike any other height's.
pub(crate) fn hash(height: Height) -> String {
    format!("{height:064X}")
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::new(1_787_000_000 + seconds, 123_456_789).unwrap()
}

/// A block without anything in it.
pub(crate) fn block(height: Height) -> BlockFacts {
    BlockFacts {
        height,
        hash: hash(height),
        parent: hash(height - 1),
        time: at(height * 5),
        tx_count: 0,
        captures: vec![],
        choices: vec![],
        commits: vec![],
        distributions: vec![],
        events: vec![],
        malformed: vec![],
    }
}

/// Commits a block with a ledger that only ticks.
pub(crate) fn commit(
    store: &mut SqliteStore,
    ledger: &mut Ledger,
    facts: &BlockFacts,
) -> Result<(), StoreError> {
    let tick = Tick { height: facts.height, time: facts.time };
    ledger.tip = Some(tick);
    ledger.ticks.push_back(tick);
    store.commit(&Commit {
        facts,
        forecast: None,
        observation: None,
        changes: &Changes::default(),
        ledger,
        incidents: &[],
        messages: &[],
    })
}
