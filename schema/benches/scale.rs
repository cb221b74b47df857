//! Whether the store keeps its speed as it grows: `cargo bench -p bootwatch-schema --bench scale`.
//!
//! Fills a database with history, and commits and keeps blocks under the daemon's own settings when
//! it holds a million rows and again when it holds fifty million, in one run on one disk. Prints the
//! speeds and their ratio, beside the goal of 80 %; and the time of `verify` at ten million rows,
//! beside the goal of 60 s. Of many windows the median and the best are shown: machines are busy.
//!
//! Needs about 9 GB under the system's folder for temporary files (`TMPDIR`), which are removed.
//! `SCALE_ROWS` sets another number of rows.

use std::{
    env,
    time::{Duration, Instant},
};

use bootwatch_rules::{BlockFacts, ChainEvent, Height, Observation, ledger::Ledger};
use bootwatch_schema::{Commit, SqliteReader, SqliteStore, Store};
use jiff::Timestamp;

const SMALL: u64 = 1_000_000;
const VERIFIED: u64 = 10_000_000;
const LARGE: u64 = 50_000_000;
/// The ledger begins here; history is filled in below, downwards, as the daemon does it.
const TOP: Height = 100_000_000;
/// Events of one block: as many as the busiest.
const EVENTS: u32 = 570;
/// Blocks of one lot of history.
const LOT: Height = 100;
const WINDOWS: usize = 24;

fn block(height: Height, events: u32) -> BlockFacts {
    let event = |seq: u32| ChainEvent {
        seq,
        tx_index: Some(seq),
        kind: ["slash_collateral", "deposit_collateral", "proposal_vote"][seq as usize % 3].into(),
        attributes: vec![
            ("participant".into(), format!("gonka1{:038}", seq % 60)),
            ("amount".into(), format!("{height}ngonka")),
        ],
    };
    BlockFacts {
        height,
        hash: format!("{height:064X}"),
        parent: format!("{:064X}", height - 1),
        time: Timestamp::from_second(1_000_000_000 + height).expect("a time"),
        tx_count: events,
        captures: vec![],
        choices: vec![],
        commits: vec![],
        distributions: vec![],
        events: (0..events).map(event).collect(),
        malformed: vec![],
    }
}

struct Database {
    store: SqliteStore,
    ledger: Ledger,
    /// The next block on top.
    next: Height,
    /// The lowest block of history.
    lowest: Height,
    rows: u64,
}

impl Database {
    fn commit(&mut self, events: u32) -> Duration {
        let facts = block(self.next, events);
        let observation = Observation::default();
        let began = Instant::now();
        let changes = self.ledger.apply(&facts, Some(&observation));
        self.store
            .commit(&Commit {
                facts: &facts,
                forecast: None,
                observation: Some(&observation),
                changes: &changes,
                ledger: &self.ledger,
                incidents: &[],
                messages: &[],
            })
            .expect("committed");
        self.next += 1;
        self.rows += u64::from(events) + 1;
        began.elapsed()
    }

    fn keep(&mut self, events: u32) -> Duration {
        let lot: Vec<BlockFacts> =
            (self.lowest - LOT..self.lowest).map(|height| block(height, events)).collect();
        let began = Instant::now();
        self.store.keep(&lot).expect("kept");
        self.lowest -= LOT;
        self.rows += LOT.unsigned_abs() * (u64::from(events) + 1);
        began.elapsed()
    }

    fn fill(&mut self, rows: u64) {
        let began = Instant::now();
        while self.rows < rows {
            self.keep(EVENTS);
        }
        println!("filled to {} rows in {:.0} s", self.rows, began.elapsed().as_secs_f64());
    }
}

/// Blocks per second of one kind of work, the median and the best of the windows.
type Speed = (f64, f64);

fn speed(blocks: u32, mut window: impl FnMut() -> Duration) -> Speed {
    let mut windows: Vec<f64> =
        (0..WINDOWS).map(|_| f64::from(blocks) / window().as_secs_f64()).collect();
    windows.sort_by(f64::total_cmp);
    (windows[WINDOWS / 2], windows[WINDOWS - 1])
}

const KINDS: [&str; 4] =
    ["commit, 570 events", "commit, 1 event", "commit, empty", "keep by 100, 57 events"];

fn measure(db: &mut Database) -> [Speed; 4] {
    let lot = u32::try_from(LOT).expect("small");
    [
        speed(25, || (0..25).map(|_| db.commit(EVENTS)).sum()),
        speed(100, || (0..100).map(|_| db.commit(1)).sum()),
        speed(100, || (0..100).map(|_| db.commit(0)).sum()),
        speed(lot, || db.keep(57)),
    ]
}

fn main() {
    let large = env::var("SCALE_ROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(LARGE);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("bootwatch.db");
    let store = SqliteStore::open(&path, "gonka-mainnet").expect("a new database");
    let mut db = Database { store, ledger: Ledger::default(), next: TOP, lowest: TOP, rows: 0 };
    db.commit(EVENTS);
    db.fill(SMALL);
    let small = measure(&mut db);
    if large > VERIFIED {
        db.fill(VERIFIED);
        let began = Instant::now();
        let reader = SqliteReader::open(&path).expect("it opens");
        let found = reader.verify().expect("it can be verified");
        println!(
            "verify at {} rows: {} damages in {:.1} s   goal: 60 s",
            db.rows,
            found.damages,
            began.elapsed().as_secs_f64()
        );
    }
    db.fill(large);
    let size = path.metadata().map_or(0, |meta| meta.len()) / 1_000_000;
    println!("the file has {size} MB");
    let grown = measure(&mut db);
    println!(
        "{:<24} {:>20} {:>20} {:>16}   goal: 80 %",
        "blocks/s, median (best)",
        format!("at {SMALL}"),
        format!("at {large}"),
        "ratio"
    );
    for ((kind, small), grown) in KINDS.iter().zip(small).zip(grown) {
        println!(
            "{kind:<24} {:>20} {:>20} {:>16}",
            format!("{:.0} ({:.0})", small.0, small.1),
            format!("{:.0} ({:.0})", grown.0, grown.1),
            format!("{:.0} % ({:.0} %)", grown.0 / small.0 * 100.0, grown.1 / small.1 * 100.0),
        );
    }
}
