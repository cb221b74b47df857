//! What goes in comes out equal.

use std::collections::BTreeMap;

use bootwatch_rules::{
    Height, RuleSet,
    forecast::{Forecasts, KeptForecast},
    ledger::{Choices, Ledger},
};
use bootwatch_schema::{Commit, ReadStore, SqliteReader, Store};
use proptest::prelude::*;

use crate::{
    chain::{FIRST, Step, chain},
    common::{CHAIN, Place, block, commit, hash},
};

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
    let by_reader = SqliteReader::open(&place.path()).unwrap().load().unwrap();
    drop(store);
    for loaded in [by_reader, place.open().load().unwrap()] {
        assert_eq!(loaded.ledger, ledger);
        assert_eq!(loaded.coverage.stored, vec![(100, 102), (105, 105)]);
        assert_eq!(loaded.last_hash, Some(hash(105)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any chain, committed block by block with restarts in between: the loaded ledger equals the
    /// one in memory, every fact comes back as it went in, the choices at every past height can be
    /// told, and nothing is damaged.
    #[test]
    fn a_chain_comes_back(steps in chain(90), restart_every in 1usize..40) {
        let place = Place::new();
        let mut store = place.open();
        let mut ledger = Ledger::default();
        let mut standing: BTreeMap<Height, Choices> = BTreeMap::new();
        let mut reconciled = 0;
        let mut forecasts = Forecasts::default();
        for (n, step) in steps.iter().enumerate() {
            let made = ledger.forms_at(step.facts.height)
                .then(|| KeptForecast::new(&ledger, RuleSet::V0_2_14, FIRST, &[]))
                .flatten();
            let changes = ledger.apply(&step.facts, step.observation.as_ref());
            reconciled += changes.choices.iter()
                .filter(|c| c.cause == bootwatch_rules::ledger::Cause::Reconciled).count();
            let progress = forecasts.advance(made, &ledger);
            store.commit(&Commit {
                facts: &step.facts,
                forecast: progress.as_ref().map(|progress| &*progress.forecast),
                observation: step.observation.as_ref(),
                changes: &changes,
                ledger: &ledger,
                incidents: &[],
                messages: &[],
            }).unwrap();
            standing.insert(step.facts.height, ledger.standing());
            if n % restart_every == 0 {
                let loaded = store.load().unwrap();
                prop_assert_eq!(&loaded.ledger, &ledger);
                prop_assert_eq!(&loaded.forecasts, &forecasts);
                drop(store);
                store = place.open();
            }
        }
        let reader = SqliteReader::open(&place.path()).unwrap();
        let loaded = reader.load().unwrap();
        prop_assert_eq!(&loaded.ledger, &ledger);
        prop_assert_eq!(&loaded.forecasts, &forecasts);
        prop_assert_eq!(loaded.reconciled, reconciled as u64);
        check_facts(&reader, &steps)?;
        for (height, choices) in standing {
            prop_assert_eq!(reader.choices_at(height).unwrap(), choices, "at {}", height);
        }
        prop_assert_eq!(reader.verify().unwrap().damage, vec![]);
    }
}

fn check_facts(reader: &SqliteReader, steps: &[Step]) -> Result<(), TestCaseError> {
    let all = FIRST..=Height::MAX;
    let facts = || steps.iter().map(|step| &step.facts);

    let captures: Vec<_> = facts().flat_map(|f| f.captures.clone()).collect();
    let stored = reader.captures(all.clone()).unwrap();
    prop_assert!(stored.iter().all(|c| c.block.height == c.fact.snapshot_height));
    prop_assert!(stored.iter().all(|c| c.block.hash == hash(c.block.height)));
    prop_assert_eq!(stored.into_iter().map(|c| c.fact).collect::<Vec<_>>(), captures);

    let choices: Vec<_> = facts().flat_map(|f| f.choices.clone()).collect();
    let stored = reader.choice_txs(all.clone(), None, u32::MAX).unwrap();
    prop_assert_eq!(stored.into_iter().map(|c| c.fact).collect::<Vec<_>>(), choices);

    let events: Vec<_> = facts().flat_map(|f| f.events.clone()).collect();
    let slashes: Vec<_> = events.iter().filter(|e| e.kind == "slash_collateral").cloned().collect();
    let stored = reader.events(None, all.clone(), u32::MAX).unwrap();
    prop_assert_eq!(stored.into_iter().map(|e| e.fact).collect::<Vec<_>>(), events);
    let stored = reader.events(Some("slash_collateral"), all, u32::MAX).unwrap();
    prop_assert_eq!(stored.into_iter().map(|e| e.fact).collect::<Vec<_>>(), slashes);

    let malformed = facts().map(|f| f.malformed.len() as u64).sum::<u64>();
    let counts = reader.counts().unwrap();
    prop_assert_eq!((counts.malformed, counts.blocks), (malformed, steps.len() as u64));
    Ok(())
}
