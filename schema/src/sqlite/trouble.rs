//! Tests of what goes wrong under a transaction: a full disk, a lock, a failure in the middle.

use bootwatch_rules::{
    BlockFacts, ChainEvent, Height, Observation, StoreCommit,
    ledger::{Ledger, Tick},
};
use jiff::Timestamp;
use rusqlite::Connection;

use super::writer::SqliteStore;
use crate::{Commit, ReadStore, SqliteReader, Store, StoreError};

/// In memory where the system has such a file system: what is tested does not depend on the disk.
fn folder() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

fn block(height: Height) -> BlockFacts {
    BlockFacts {
        height,
        hash: format!("{height:X}"),
        parent: format!("{:X}", height - 1),
        time: Timestamp::from_second(1_787_000_000 + height).unwrap(),
        tx_count: 0,
        captures: vec![],
        choices: vec![],
        commits: vec![],
        distributions: vec![],
        events: vec![],
        malformed: vec![],
    }
}

fn events(height: Height, count: u32) -> BlockFacts {
    let event = |seq| ChainEvent {
        seq,
        tx_index: None,
        kind: "slash_collateral".into(),
        attributes: vec![("participant".into(), "x".repeat(500))],
    };
    BlockFacts { events: (0..count).map(event).collect(), ..block(height) }
}

fn commit(
    store: &mut SqliteStore,
    ledger: &mut Ledger,
    facts: &BlockFacts,
) -> Result<(), StoreError> {
    let mut next = ledger.clone();
    let changes = next.apply(facts, None);
    store.commit(&Commit {
        facts,
        forecast: None,
        observation: None,
        changes: &changes,
        ledger: &next,
        incidents: &[],
        messages: &[],
    })?;
    *ledger = next;
    Ok(())
}

fn undamaged(path: &std::path::Path) {
    let damage = SqliteReader::open(path).unwrap().verify().unwrap().damage;
    assert_eq!(damage, []);
}

#[test]
fn a_full_disk_keeps_nothing_of_the_block_and_heals() {
    let folder = folder();
    let path = folder.path().join("db");
    let mut store = SqliteStore::open(&path, "c").unwrap();
    let mut ledger = Ledger::default();
    commit(&mut store, &mut ledger, &events(1, 10)).unwrap();
    let pages: i64 = store.db.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    store
        .db
        .pragma_update_and_check(None, "max_page_count", pages + 2, |row| row.get::<_, i64>(0))
        .unwrap();

    // New names in a block that fails must not be remembered as given out.
    let mut full = events(2, 500);
    full.commits.push(StoreCommit {
        position: bootwatch_rules::Position {
            height: 2,
            tx_index: 0,
            path: bootwatch_rules::MessagePath(vec![0]),
        },
        host: "gonka1new".into(),
        stage: 2,
        model_id: "new".into(),
        count: 1,
    });
    let error = commit(&mut store, &mut ledger, &full).unwrap_err();
    assert!(error.is_retryable() && error.is_disk_full(), "{error}");
    let error = store.keep(&[events(-7, 500)]).unwrap_err();
    assert!(error.is_disk_full(), "{error}");
    let loaded = store.load().unwrap();
    assert_eq!(loaded.coverage.stored, [(1, 1)]);
    assert_eq!(loaded.ledger, ledger);
    undamaged(&path);

    store
        .db
        .pragma_update_and_check(None, "max_page_count", 1 << 30, |row| row.get::<_, i64>(0))
        .unwrap();
    commit(&mut store, &mut ledger, &full).unwrap();
    assert_eq!(store.load().unwrap().ledger, ledger);
    undamaged(&path);
}

#[test]
fn a_lock_of_another_program_is_waited_for_and_then_reported() {
    let folder = folder();
    let path = folder.path().join("db");
    let mut store = SqliteStore::open(&path, "c").unwrap();
    let mut ledger = Ledger::default();
    commit(&mut store, &mut ledger, &block(1)).unwrap();
    store.db.busy_timeout(std::time::Duration::from_millis(20)).unwrap();

    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = commit(&mut store, &mut ledger, &block(2)).unwrap_err();
    assert!(error.is_retryable() && !error.is_disk_full(), "{error}");
    // A reader is not held up by it.
    assert_eq!(SqliteReader::open(&path).unwrap().load().unwrap().ledger, ledger);
    other.execute_batch("ROLLBACK").unwrap();
    commit(&mut store, &mut ledger, &block(2)).unwrap();
    assert_eq!(store.load().unwrap().ledger, ledger);
}

/// The second event of the block takes the first one's place: everything before it was written, and
/// none of it may stay.
#[test]
fn a_block_with_two_things_in_one_place_is_refused_whole() {
    let folder = folder();
    let path = folder.path().join("db");
    let mut store = SqliteStore::open(&path, "c").unwrap();
    let mut ledger = Ledger::default();
    let mut twice = events(1, 2);
    twice.events[1].seq = 0;
    let error = commit(&mut store, &mut ledger, &twice).unwrap_err();
    assert!(matches!(error, StoreError::Conflict { height: 1, .. }), "{error}");
    assert_eq!(store.load().unwrap().coverage.stored, []);
    commit(&mut store, &mut ledger, &events(1, 2)).unwrap();
    undamaged(&path);
}

#[test]
fn a_block_of_an_impossible_time_is_refused() {
    let folder = folder();
    let mut store = SqliteStore::open(&folder.path().join("db"), "c").unwrap();
    let facts = BlockFacts { time: Timestamp::MAX, ..block(1) };
    let error = store.keep(&[facts]).unwrap_err();
    assert!(matches!(error, StoreError::Conflict { height: 1, .. }), "{error}");
    assert!(error.to_string().contains("out of bounds"), "{error}");
}

/// Old headers go, those with evidence stay, and the clock gets its ticks back. The bounds are the
/// real ones; one transaction makes it quick.
#[test]
fn old_headers_go_and_evidence_stays() {
    use super::prune::{HEADERS_KEPT, HEADERS_LOT};

    let folder = folder();
    let path = folder.path().join("db");
    let mut store = SqliteStore::open(&path, "c").unwrap();
    let first = 3;
    let last = first + HEADERS_KEPT + 3 * HEADERS_LOT;
    let history: Vec<BlockFacts> = (first..last)
        .map(|height| if height % 97 == 0 { events(height, 1) } else { block(height) })
        .collect();
    store.keep(&history).unwrap();
    let mut ledger = Ledger::default();
    let observation = Observation::default();
    for height in last..last + HEADERS_LOT {
        let facts = block(height);
        ledger.apply(&facts, Some(&observation));
        let tick = Tick { height, time: facts.time };
        assert_eq!(ledger.tip, Some(tick));
        store
            .commit(&Commit {
                facts: &facts,
                forecast: None,
                observation: Some(&observation),
                changes: &bootwatch_rules::ledger::Changes::default(),
                ledger: &ledger,
                incidents: &[],
                messages: &[],
            })
            .unwrap();
    }
    let (complete, old): (Height, Height) = store
        .db
        .query_row("SELECT complete, min(height) FROM headers, block", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert!(complete > first && complete <= last + HEADERS_LOT - HEADERS_KEPT, "{complete}");
    assert_eq!(old, 97, "the oldest header is of the oldest block with evidence");
    let reader = SqliteReader::open(&path).unwrap();
    assert!(reader.block(complete).unwrap().is_some());
    assert!(reader.block(complete - 2).unwrap().is_none());
    // Plain history below leaves no header, and still links.
    store.keep(&[block(2)]).unwrap();
    assert!(reader.block(2).unwrap().is_none());
    let loaded = store.load().unwrap();
    assert_eq!(loaded.coverage.stored, [(2, last + HEADERS_LOT - 1)]);
    assert_eq!(loaded.ledger, ledger);
    undamaged(&path);
}

/// `verify` names each kind of damage: one is done to a copy of a good database at a time.
#[test]
fn verify_finds_what_was_damaged() {
    let damages = [
        ("DELETE FROM block WHERE height = 3", "covered height has no header"),
        ("DELETE FROM block WHERE height = 2", "facts: without the header"),
        ("UPDATE block SET hash = 'X' WHERE height = 3", "does not follow the block before it"),
        ("UPDATE block SET hash = 'X' WHERE height = 5", "at a range's ends"),
        ("UPDATE coverage SET last = 4", "not covered"),
        ("UPDATE coverage SET last = 6", "covered height has no header"),
        ("UPDATE ledger SET tip = 4", "not the end of a range"),
        ("INSERT INTO coverage VALUES (5, 5, '', '')", "overlap"),
        ("INSERT INTO unfillable VALUES (4, 9, '', 0)", "stored after all"),
        ("INSERT INTO member VALUES (1, 0, 77, 1, NULL, NULL)", "names a missing host"),
        ("INSERT INTO choice VALUES ('m', 'h', 'refuse', NULL, 1, 1, 1, 'x', 'h')", "message path"),
        ("INSERT INTO choice VALUES ('m', 'h', 'refuse', NULL, 1, 1, 1, '0', 'h')", "not stored"),
        (
            "INSERT INTO choice VALUES ('m', 'h', 'refuse', NULL, 1, NULL, NULL, NULL, NULL)",
            "h for m: a refusal stands, its history leads to no choice",
        ),
        ("INSERT INTO member VALUES (9, 0, 1, 1, NULL, NULL)", "epoch 9"),
        ("PRAGMA ignore_check_constraints = 1; UPDATE block SET evidence = 2", "CHECK constraint"),
    ];
    for (damage, name) in damages {
        let folder = folder();
        let path = folder.path().join("db");
        let mut store = SqliteStore::open(&path, "c").unwrap();
        let mut ledger = Ledger::default();
        for height in 1..=5 {
            let facts = if height == 2 { events(height, 1) } else { block(height) };
            commit(&mut store, &mut ledger, &facts).unwrap();
        }
        undamaged(&path);
        store.db.execute_batch(damage).unwrap();
        let found = SqliteReader::open(&path).unwrap().verify().unwrap();
        assert!(
            found.damage.iter().any(|d| d.to_string().contains(name) && !d.remedy.is_empty()),
            "{damage}: {found:?}"
        );
        assert_eq!(found.damages, found.damage.len() as u64);
    }
}

#[test]
fn settings_are_in_force() {
    let folder = folder();
    let store = SqliteStore::open(&folder.path().join("db"), "c").unwrap();
    let pragma = |name: &str| -> String {
        store
            .db
            .pragma_query_value(None, name, |row| {
                Ok(match row.get_ref(0)? {
                    rusqlite::types::ValueRef::Integer(n) => n.to_string(),
                    other => other.as_str()?.to_owned(),
                })
            })
            .unwrap()
    };
    assert_eq!(pragma("journal_mode"), "wal");
    assert_eq!(pragma("synchronous"), "2");
    assert_eq!(pragma("user_version"), super::open::newest_version().to_string());
    assert_eq!(pragma("busy_timeout"), "5000");
}
