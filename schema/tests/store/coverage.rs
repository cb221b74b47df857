//! Which heights are stored, and what is refused.

use std::collections::BTreeSet;

use bootwatch_rules::{
    BlockFacts, Height,
    ledger::{Changes, Ledger},
};
use bootwatch_schema::{
    Commit, Coverage, ReadStore, SqliteReader, SqliteStore, Store, StoreError, Unfillable,
};
use proptest::prelude::*;

use crate::common::{Place, at, block, commit, hash};

fn conflict(outcome: Result<(), StoreError>) -> String {
    match outcome {
        Err(error @ StoreError::Conflict { .. }) => {
            assert!(!error.is_retryable());
            error.to_string()
        }
        other => panic!("not a conflict: {other:?}"),
    }
}

fn unfillable(first: Height, last: Height) -> Unfillable {
    Unfillable { first, last, reason: "lowest height is 90".into(), at: at(0) }
}

fn given_up(coverage: &Coverage) -> Vec<(Height, Height)> {
    coverage.unfillable.iter().map(|range| (range.first, range.last)).collect()
}

#[test]
fn a_block_is_stored_once() {
    let place = Place::new();
    let (mut store, mut ledger) = (place.open(), Ledger::default());
    commit(&mut store, &mut ledger, &block(100)).unwrap();
    let before = store.load().unwrap();

    let text = conflict(commit(&mut store, &mut ledger.clone(), &block(100)));
    assert_eq!(text, "block 100 cannot be stored: blocks up to 100 are already stored");
    conflict(commit(&mut store, &mut ledger.clone(), &block(99)));
    assert!(conflict(store.keep(&[block(100)])).contains("already stored"));
    // Two blocks of one batch, and nothing of the batch stays.
    conflict(store.keep(&[block(98), block(50), block(98)]));

    let after = store.load().unwrap();
    assert_eq!(after.coverage, before.coverage);
    assert_eq!(after.ledger, before.ledger);
}

#[test]
fn blocks_link_to_their_stored_neighbours() {
    let place = Place::new();
    let (mut store, mut ledger) = (place.open(), Ledger::default());
    commit(&mut store, &mut ledger, &block(100)).unwrap();

    let fork = BlockFacts { parent: "F0".into(), ..block(101) };
    let text = conflict(commit(&mut store, &mut ledger.clone(), &fork));
    assert!(text.contains(&format!("but the stored block 100 is {:?}", hash(100))), "{text}");
    let fork = BlockFacts { hash: "F0".into(), ..block(99) };
    let text = conflict(store.keep(&[fork]));
    assert!(text.contains("the stored block 100 follows"), "{text}");
    // With a gap between them there is nothing to link.
    let island = BlockFacts { parent: "F0".into(), ..block(97) };
    store.keep(&[island]).unwrap();
    let bridge = BlockFacts { hash: "F0".into(), ..block(96) };
    store.keep(&[bridge]).unwrap();
    assert_eq!(store.load().unwrap().coverage.stored, vec![(96, 97), (100, 100)]);
}

#[test]
fn a_block_comes_with_the_ledger_after_it() {
    let place = Place::new();
    let mut store = place.open();
    let text = conflict(store.commit(&Commit {
        facts: &block(100),
        forecast: None,
        observation: None,
        changes: &Changes::default(),
        ledger: &Ledger::default(),
        incidents: &[],
        messages: &[],
    }));
    assert!(text.contains("the ledger that comes with it"), "{text}");
    assert_eq!(store.load().unwrap().coverage.stored, vec![]);
}

#[test]
fn history_does_not_touch_the_ledger() {
    let place = Place::new();
    let (mut store, mut ledger) = (place.open(), Ledger::default());
    store.keep(&[block(500)]).unwrap();
    conflict(commit(&mut store, &mut Ledger::default(), &block(499)));
    commit(&mut store, &mut ledger, &block(1000)).unwrap();
    commit(&mut store, &mut ledger, &block(1001)).unwrap();
    store.keep(&[block(999), block(998), block(200)]).unwrap();
    let text = conflict(store.keep(&[block(1002)]));
    assert!(text.contains("the ledger, now at 1001, has yet to go through it"), "{text}");

    let loaded = store.load().unwrap();
    assert_eq!(loaded.ledger, ledger);
    assert_eq!(loaded.last_hash, Some(hash(1001)));
    assert_eq!(loaded.coverage.stored, vec![(200, 200), (500, 500), (998, 1001)]);
}

#[test]
fn a_height_that_was_given_up_can_turn_up() {
    let place = Place::new();
    let (mut store, mut ledger) = (place.open(), Ledger::default());
    commit(&mut store, &mut ledger, &block(100)).unwrap();
    store.give_up(&unfillable(80, 110)).unwrap();
    assert_eq!(given_up(&store.load().unwrap().coverage), [(80, 99), (101, 110)]);
    store.give_up(&Unfillable { reason: "again".into(), ..unfillable(70, 85) }).unwrap();
    let coverage = store.load().unwrap().coverage;
    assert_eq!(given_up(&coverage), [(70, 79), (80, 99), (101, 110)]);
    assert_eq!((&*coverage.unfillable[0].reason, coverage.unfillable[1].at), ("again", at(0)));

    commit(&mut store, &mut ledger, &block(105)).unwrap();
    store.keep(&[block(70), block(99)]).unwrap();
    let coverage = store.load().unwrap().coverage;
    assert_eq!(given_up(&coverage), [(71, 79), (80, 98), (101, 104), (106, 110)]);
    assert_eq!(coverage.stored, [(70, 70), (99, 100), (105, 105)]);
}

#[derive(Debug, Clone)]
enum Act {
    Commit(Height),
    Keep(Vec<Height>),
    GiveUp(Height, Height),
    Reopen,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..60i64).prop_map(Act::Commit),
        4 => prop::collection::vec(0..60i64, 1..4).prop_map(Act::Keep),
        1 => (0..60i64, 0..15i64).prop_map(|(first, n)| Act::GiveUp(first, first + n)),
        1 => Just(Act::Reopen),
    ]
}

fn ranges(heights: &BTreeSet<Height>) -> Vec<(Height, Height)> {
    let mut ranges: Vec<(Height, Height)> = Vec::new();
    for &height in heights {
        match ranges.last_mut() {
            Some(range) if range.1 + 1 == height => range.1 = height,
            _ => ranges.push((height, height)),
        }
    }
    ranges
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Coverage is the set of heights that were stored, whatever the order, and an act is either
    /// done or refused as a whole.
    #[test]
    fn coverage_is_a_set(acts in prop::collection::vec(act(), 1..60)) {
        let place = Place::new();
        let (mut store, mut ledger) = (place.open(), Ledger::default());
        let (mut stored, mut lost) = (BTreeSet::new(), BTreeSet::new());
        for act in acts {
            match act {
                Act::Commit(height) => {
                    let fits = stored.last().is_none_or(|&newest| newest < height);
                    let mut next = ledger.clone();
                    let outcome = commit(&mut store, &mut next, &block(height));
                    prop_assert_eq!(outcome.is_ok(), fits);
                    if fits {
                        ledger = next;
                        stored.insert(height);
                    }
                }
                Act::Keep(heights) => {
                    let tip = ledger.tip.map_or(Height::MAX, |tip| tip.height);
                    let mut next = stored.clone();
                    let fits = heights.iter().all(|&height| height <= tip && next.insert(height));
                    let blocks: Vec<_> = heights.into_iter().map(block).collect();
                    prop_assert_eq!(store.keep(&blocks).is_ok(), fits);
                    if fits {
                        stored = next;
                    }
                }
                Act::GiveUp(first, last) => {
                    store.give_up(&unfillable(first, last)).unwrap();
                    lost.extend(first..=last);
                }
                Act::Reopen => {
                    drop(store);
                    store = place.open();
                }
            }
            lost.retain(|height| !stored.contains(height));
            let coverage = store.load().unwrap().coverage;
            prop_assert_eq!(&coverage.stored, &ranges(&stored));
            let given_up = given_up(&coverage);
            prop_assert!(given_up.is_sorted());
            let given_up: Vec<Height> = given_up.iter().flat_map(|&(a, b)| a..=b).collect();
            prop_assert_eq!(given_up, lost.iter().copied().collect::<Vec<_>>());
        }
        prop_assert_eq!(&store.load().unwrap().ledger, &ledger);
        let verified = SqliteReader::open(&place.path()).unwrap().verify().unwrap();
        prop_assert_eq!(verified.damage, vec![]);
        prop_assert_eq!(verified.blocks, stored.len() as u64);
    }
}

#[test]
fn heights_at_the_edge_are_refused() {
    let place = Place::new();
    let mut store: SqliteStore = place.open();
    let edge = BlockFacts { height: Height::MAX, ..block(1) };
    conflict(store.keep(&[edge]));
    let edge = BlockFacts { height: Height::MIN, ..block(1) };
    conflict(store.keep(&[edge]));
}
