//! A run of blocks in one transaction is what the same blocks are one by one.

use std::{collections::BTreeSet, path::Path};

use bootwatch_rules::{
    BlockFacts, Height,
    ledger::{Changes, Ledger},
};
use bootwatch_schema::{Commit, QuietBlock, ReadStore, SqliteReader, SqliteStore, Store};
use proptest::prelude::*;
use rusqlite::{Connection, types::Value};

use crate::{
    chain::{Step, chain},
    common::{Place, block, commit, hash},
};

/// Every row of every table, as text.
fn rows(path: &Path) -> BTreeSet<String> {
    let db = Connection::open(path).unwrap();
    let mut tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let tables: Vec<String> =
        tables.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    let mut found = BTreeSet::new();
    for table in tables {
        let mut select = db.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = select.column_count();
        let mut all = select.query([]).unwrap();
        while let Some(row) = all.next().unwrap() {
            let values: Vec<Value> = (0..columns).map(|n| row.get(n).unwrap()).collect();
            found.insert(format!("{table} {values:?}"));
        }
    }
    found
}

/// Takes the steps in, in runs of at most the given lengths, over and over.
fn take_in(store: &mut SqliteStore, steps: &[Step], lengths: &[usize]) -> Ledger {
    let mut ledger = Ledger::default();
    let mut run: Vec<(&BlockFacts, Changes)> = Vec::new();
    let mut lengths = lengths.iter().cycle();
    let mut length = *lengths.next().unwrap();
    for step in steps {
        let mut next = ledger.clone();
        let changes = next.apply(&step.facts, step.observation.as_ref());
        let quiet = step.observation.is_none() && changes.is_quiet();
        let adjoins = run.last().is_none_or(|(last, _)| last.height + 1 == step.facts.height);
        if !quiet || !adjoins || run.len() >= length {
            end(store, &mut run, &ledger);
            length = *lengths.next().unwrap();
        }
        ledger = next;
        if quiet {
            run.push((&step.facts, changes));
            continue;
        }
        store
            .commit(&Commit {
                facts: &step.facts,
                observation: step.observation.as_ref(),
                changes: &changes,
                forecast: None,
                ledger: &ledger,
                incidents: &[],
                messages: &[],
            })
            .unwrap();
    }
    end(store, &mut run, &ledger);
    ledger
}

fn end(store: &mut SqliteStore, run: &mut Vec<(&BlockFacts, Changes)>, ledger: &Ledger) {
    let blocks: Vec<QuietBlock<'_>> =
        run.iter().map(|(facts, changes)| QuietBlock { facts, changes }).collect();
    store.commit_run(&blocks, ledger).unwrap();
    run.clear();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Fails when a row of a run is written from anything but what the blocks one by one give: a
    /// choice that was changed twice, work that a stage's start forgot, a header without its facts.
    #[test]
    fn a_run_is_its_blocks_one_by_one(
        steps in chain(90),
        lengths in proptest::collection::vec(1usize..12, 1..6),
    ) {
        let (single, runs) = (Place::new(), Place::new());
        let ledger = take_in(&mut single.open(), &steps, &[1]);
        take_in(&mut runs.open(), &steps, &lengths);
        let (one, many) = (rows(&single.path()), rows(&runs.path()));
        let lost: Vec<_> = one.difference(&many).collect();
        let extra: Vec<_> = many.difference(&one).collect();
        prop_assert!(lost.is_empty() && extra.is_empty(), "lost {:?}\nextra {:?}", lost, extra);
        let reader = SqliteReader::open(&runs.path()).unwrap();
        prop_assert_eq!(reader.load().unwrap().ledger, ledger);
        prop_assert_eq!(reader.verify().unwrap().damage, vec![]);
    }
}

/// The ledger after plain blocks up to `tip`, and the changes they make.
fn plain(first: Height, tip: Height) -> (Vec<BlockFacts>, Ledger) {
    let blocks: Vec<_> = (first..=tip).map(block).collect();
    let mut ledger = Ledger::default();
    for facts in &blocks {
        ledger.apply(facts, None);
    }
    (blocks, ledger)
}

#[test]
fn a_run_is_refused_whole() {
    let place = Place::new();
    let mut store = place.open();
    let changes = Changes::default();
    let quiet = |facts| QuietBlock { facts, changes: &changes };
    let mut first = Ledger::default();
    commit(&mut store, &mut first, &block(10)).unwrap();

    let (mut blocks, ledger) = plain(10, 15);
    blocks.remove(0);
    let refused = |store: &mut SqliteStore, run: &[QuietBlock<'_>], words: &str| {
        let text = store.commit_run(run, &ledger).unwrap_err().to_string();
        assert!(text.contains(words), "{text}");
        assert_eq!(store.load().unwrap().coverage.stored, [(10, 10)]);
        assert_eq!(store.load().unwrap().ledger.tip, first.tip);
    };
    let all: Vec<_> = blocks.iter().map(quiet).collect();
    refused(&mut store, &all[..3], "stands at another block");
    let wiped = Changes { wiped: true, ..Changes::default() };
    let loud: Vec<_> = blocks.iter().map(|facts| QuietBlock { facts, changes: &wiped }).collect();
    refused(&mut store, &loud, "more than a run of blocks can tell");
    let hole = [all[0], all[1], all[3], all[4]];
    refused(&mut store, &hole, "it does not follow block 12");
    let odd = BlockFacts { parent: "F0".into(), ..block(13) };
    let fork = [all[0], all[1], quiet(&odd), all[3], all[4]];
    refused(&mut store, &fork, &format!("but the stored block 12 is {:?}", hash(12)));
    let again = block(10);
    let twice: Vec<_> = std::iter::once(quiet(&again)).chain(all.iter().copied()).collect();
    refused(&mut store, &twice, "already stored");

    store.commit_run(&all, &ledger).unwrap();
    assert_eq!(store.load().unwrap().coverage.stored, [(10, 15)]);
    // Nothing is nothing.
    store.commit_run(&[], &Ledger::default()).unwrap();
    assert_eq!(store.load().unwrap().ledger, ledger);
}
