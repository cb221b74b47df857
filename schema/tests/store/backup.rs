//! A copy is one state of the database, whatever the writer does meanwhile.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use bootwatch_rules::{BlockFacts, ChainEvent, Height, ledger::Ledger};
use bootwatch_schema::{ReadStore, SqliteReader, SqliteStore, Store};

use crate::common::{CHAIN, Place, block, commit};

fn with_events(height: Height) -> BlockFacts {
    let event = |seq| ChainEvent {
        seq,
        tx_index: None,
        kind: "slash_collateral".into(),
        attributes: vec![("participant".into(), "x".repeat(300))],
    };
    BlockFacts { events: (0..4).map(event).collect(), ..block(height) }
}

fn partial(path: &Path) -> std::path::PathBuf {
    path.with_file_name("copy.db.partial")
}

/// A writer commits and backfills as fast as it can while copies are made. Each copy is sound, ends
/// where a commit ended, goes on as a database of its own, and has the digest that the original has
/// of the same heights.
#[test]
fn copies_under_continuous_writes_are_sound() {
    let place = Place::new();
    let mut store = place.open();
    let mut ledger = Ledger::default();
    commit(&mut store, &mut ledger, &with_events(100_000)).unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut low = 100_000;
            for height in 100_001.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                commit(&mut store, &mut ledger, &with_events(height)).unwrap();
                let history: Vec<_> = (low - 10..low).map(with_events).collect();
                store.keep(&history).unwrap();
                low -= 10;
            }
        });
        let reader = SqliteReader::open(&place.path()).unwrap();
        let path = place.path().with_file_name("copy.db");
        for round in 0..6 {
            let before = reader.load().unwrap().ledger.tip.unwrap().height;
            let backup = reader.backup(&path, round > 0).unwrap();
            let after = reader.load().unwrap().ledger.tip.unwrap().height;
            let height = backup.height.unwrap();
            assert!((before..=after).contains(&height), "{before} {height} {after}");
            assert_eq!(backup.bytes, fs::metadata(&path).unwrap().len());
            assert!(!partial(&path).exists());

            let copy = SqliteReader::open(&path).unwrap();
            let verified = copy.verify().unwrap();
            assert_eq!((verified.damage, verified.blocks), (vec![], backup.blocks));
            let [range] = &*verified.ranges else { panic!("{:?}", verified.ranges) };
            let original = reader.digest(range.first..=range.last).unwrap();
            assert_eq!(original.facts, range.facts);
            drop(copy);
            if round == 5 {
                let mut store = SqliteStore::open(&path, CHAIN).unwrap();
                let mut ledger = store.load().unwrap().ledger;
                commit(&mut store, &mut ledger, &with_events(height + 1)).unwrap();
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_copy_belongs_to_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    drop(place.open());
    let path = place.path().with_file_name("copy.db");
    SqliteReader::open(&place.path()).unwrap().backup(&path, false).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn every_refusal_says_what_to_do_and_leaves_what_is_there() {
    let place = Place::new();
    drop(place.open());
    let reader = SqliteReader::open(&place.path()).unwrap();
    let path = place.path().with_file_name("copy.db");
    let refused = |path: &Path, replace: bool, reason: &str| {
        let error = reader.backup(path, replace).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
        assert!(error.contains(&path.display().to_string()), "{error}");
    };
    refused(&path.with_file_name("no").join("copy.db"), false, "mkdir -p ");
    refused(path.parent().unwrap(), true, "it is a folder");
    refused(&place.path(), true, "the database itself");
    refused(&place.path(), false, "the database itself");

    fs::write(&path, "dear diary").unwrap();
    refused(&path, false, "replace it with --force");
    assert_eq!(fs::read_to_string(&path).unwrap(), "dear diary");
    let wal = path.with_file_name("copy.db-wal");
    fs::write(&wal, "left").unwrap();
    refused(&path, true, "remove it");
    assert_eq!(fs::read_to_string(&path).unwrap(), "dear diary");
    fs::remove_file(wal).unwrap();

    // Another backup holds its lock; one that was killed does not.
    fs::write(partial(&path), "half a copy").unwrap();
    let other = fs::File::open(partial(&path)).unwrap();
    other.lock().unwrap();
    refused(&path, true, "another backup to it is under way");
    other.unlock().unwrap();
    reader.backup(&path, true).unwrap();
    assert_eq!(SqliteReader::open(&path).unwrap().load().unwrap().chain_id, CHAIN);
}
