//! What explanations and exports ask of history, against a record that is kept by hand.

use std::collections::{BTreeMap, BTreeSet};

use bootwatch_rules::{Address, Height, ModelId, Params, ledger::Ledger};
use bootwatch_schema::{ChoiceOrigin, Commit, SqliteReader, Store, WorkRecord};
use proptest::prelude::*;

use crate::{
    chain::{FIRST, Step, chain},
    common::{Place, hash},
};

/// What the ledger was at each block, as far as the queries tell it again.
#[derive(Default)]
pub(crate) struct History {
    ledgers: BTreeMap<Height, Ledger>,
    params: Vec<(Height, Params)>,
    versions: Vec<(Height, String)>,
    epochs: BTreeSet<u64>,
    known: BTreeMap<Address, Height>,
}

pub(crate) fn play(place: &Place, steps: &[Step]) -> History {
    let mut store = place.open();
    let mut ledger = Ledger::default();
    let mut history = History::default();
    for step in steps {
        let height = step.facts.height;
        let changes = ledger.apply(&step.facts, step.observation.as_ref());
        store
            .commit(&Commit {
                facts: &step.facts,
                forecast: None,
                observation: step.observation.as_ref(),
                changes: &changes,
                ledger: &ledger,
                incidents: &[],
                messages: &[],
            })
            .unwrap();
        if let Some(state) = &ledger.state {
            if history.params.last().is_none_or(|(_, params)| *params != state.params) {
                history.params.push((height, state.params.clone()));
            }
            history.epochs.insert(state.effective.index);
        }
        if let Some(version) = &ledger.app_version
            && history.versions.last().is_none_or(|(_, known)| known != version)
        {
            history.versions.push((height, version.clone()));
        }
        history.known.extend(changes.new_hosts.into_iter().map(|host| (host, height)));
        history.ledgers.insert(height, ledger.clone());
    }
    history
}

fn hosts() -> [Address; 4] {
    ["gonka1a", "gonka1b", "gonka1c", "gonka1d"].map(Address::from)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn history_is_told_as_it_was(steps in chain(60)) {
        let place = Place::new();
        let history = play(&place, &steps);
        let reader = SqliteReader::open(&place.path()).unwrap();

        for (height, ledger) in &history.ledgers {
            for host in hosts() {
                let stored = reader.host_choices_at(&host, *height).unwrap();
                let standing = |(model, hosts): (&ModelId, &BTreeMap<_, _>)| {
                    Some((model.clone(), hosts.get(&host).cloned()?))
                };
                let expected: BTreeMap<_, _> =
                    ledger.choices.iter().filter_map(standing).collect();
                prop_assert_eq!(stored.len(), expected.len(), "{} at {}", host, height);
                for (model, standing) in expected {
                    let found = &stored[&model];
                    prop_assert_eq!(&found.choice, &standing.choice);
                    match (&found.origin, &standing.origin) {
                        (ChoiceOrigin::Tx(dated), Some(origin)) => {
                            prop_assert_eq!(&dated.fact.position, &origin.position);
                            prop_assert_eq!(&dated.fact.tx_hash, &origin.tx_hash);
                            prop_assert_eq!(&dated.block.hash, &hash(dated.block.height));
                        }
                        (ChoiceOrigin::State { read_at }, None) => {
                            prop_assert_eq!(*read_at, standing.since);
                        }
                        other => prop_assert!(false, "{:?}", other),
                    }
                }
            }
            let version = history.versions.iter().rfind(|(since, _)| since <= height);
            let version = version.map(|(_, version)| version.clone());
            prop_assert_eq!(reader.app_version_at(*height).unwrap(), version);
            let params = history.params.iter().rfind(|(since, _)| since <= height).cloned();
            prop_assert_eq!(reader.params_at(*height).unwrap(), params);
        }
        for host in hosts() {
            prop_assert_eq!(reader.known_since(&host).unwrap(), history.known.get(&host).copied());
        }
        let all = reader.params_between(FIRST..=Height::MAX).unwrap();
        prop_assert_eq!(&all, &history.params);
        if let Some((second, _)) = history.params.get(1) {
            let later = reader.params_between(*second..=Height::MAX).unwrap();
            prop_assert_eq!(later.as_slice(), &history.params[1..]);
        }
        let span = history.epochs.first().copied().zip(history.epochs.last().copied());
        prop_assert_eq!(reader.epoch_span().unwrap(), span);
        check_work(&reader, &steps)?;
    }
}

/// The last word of each host and model of every stage, in order, and no more than was asked for.
fn check_work(reader: &SqliteReader, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut stages: BTreeMap<Height, BTreeMap<(ModelId, Address), WorkRecord>> = BTreeMap::new();
    for step in steps {
        let facts = &step.facts;
        for commit in &facts.commits {
            let of_stage = stages.entry(commit.stage).or_default();
            let found = of_stage
                .entry((commit.model_id.clone(), commit.host.clone()))
                .or_insert_with(|| blank(&commit.model_id, &commit.host));
            found.first_commit.get_or_insert(facts.height);
            found.last_commit = Some(facts.height);
        }
        for entry in &facts.distributions {
            let of_stage = stages.entry(entry.stage).or_default();
            let found = of_stage
                .entry((entry.model_id.clone(), entry.host.clone()))
                .or_insert_with(|| blank(&entry.model_id, &entry.host));
            found.distributed = Some(entry.weight);
            found.last_distribution = Some(facts.height);
        }
    }
    for (stage, records) in stages {
        let stored = reader.work(stage, u32::MAX).unwrap();
        let places: Vec<_> = stored.iter().map(|w| (w.model_id.clone(), w.host.clone())).collect();
        prop_assert_eq!(&places, &records.keys().cloned().collect::<Vec<_>>());
        for found in &stored {
            let expected = &records[&(found.model_id.clone(), found.host.clone())];
            prop_assert_eq!(found.last_commit, expected.last_commit);
            prop_assert_eq!(found.last_distribution, expected.last_distribution);
            // What came before the ledger began the stage does not count.
            let (work, sent) = (found.distributed, expected.distributed);
            prop_assert!(work.is_none() || work == sent, "{:?} of {:?}", work, sent);
            prop_assert!(found.committed.is_none() || expected.last_commit.is_some());
        }
        prop_assert_eq!(reader.work(stage, 1).unwrap(), stored[..1].to_vec());
    }
    prop_assert_eq!(reader.work(1, u32::MAX).unwrap(), vec![]);
    Ok(())
}

fn blank(model: &ModelId, host: &Address) -> WorkRecord {
    WorkRecord {
        model_id: model.clone(),
        host: host.clone(),
        committed: None,
        first_commit: None,
        last_commit: None,
        distributed: None,
        last_distribution: None,
    }
}

#[test]
fn an_empty_store_knows_nothing() {
    let place = Place::new();
    drop(place.open());
    let reader = SqliteReader::open(&place.path()).unwrap();
    let host = Address::from("gonka1a");
    assert_eq!(reader.host_choices_at(&host, 10).unwrap(), BTreeMap::new());
    assert_eq!(reader.known_since(&host).unwrap(), None);
    assert_eq!(reader.params_between(0..=Height::MAX).unwrap(), vec![]);
    assert_eq!(reader.app_version_at(10).unwrap(), None);
    assert_eq!(reader.epoch_span().unwrap(), None);
    assert_eq!(reader.work(10, 10).unwrap(), vec![]);
    assert_eq!(reader.forecast(1).unwrap(), None);
    assert_eq!(reader.rewards(1).unwrap(), None);
}
