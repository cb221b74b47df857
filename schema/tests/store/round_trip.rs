//! What goes in comes out equal.

use bootwatch_rules::ledger::Ledger;
use bootwatch_schema::{ReadStore, SqliteReader};

use crate::common::{CHAIN, Place, block, commit, hash};

#[test]
fn an_empty_store_loads_empty() {
    let place = Place::new();
    let store = place.open();
    let loaded = store.load().unwrap();
    assert_eq!(loaded.chain_id, CHAIN);
    assert_eq!(loaded.ledger, Ledger::default());
    assert_eq!((loaded.last_hash, loaded.malformed, loaded.reconciled), (None, 0, 0));
    assert_eq!(loaded.coverage.stored, vec![]);
}

#[test]
fn ticks_and_coverage_survive_a_restart() {
    let place = Place::new();
    let mut ledger = Ledger::default();
    let mut store = place.open();
    for height in [100, 101, 102, 105] {
        commit(&mut store, &mut ledger, &block(height)).unwrap();
    }
    // Read by another connection while the writer is open, and by the next writer.
    for loaded in [SqliteReader::open(&place.path()).unwrap().load().unwrap(), {
        drop(store);
        place.open().load().unwrap()
    }] {
        assert_eq!(loaded.ledger, ledger);
        assert_eq!(loaded.coverage.stored, vec![(100, 102), (105, 105)]);
        assert_eq!(loaded.last_hash, Some(hash(105)));
    }
}
