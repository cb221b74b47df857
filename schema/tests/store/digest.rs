//! The digest: equal for equal chains whatever the way, another for any other fact.

use bootwatch_rules::{BlockFacts, ChoiceAction, Height, Malformed, ledger::Ledger};
use bootwatch_schema::{Commit, Digest, LedgerDigest, SqliteReader, SqliteStore, Store};
use proptest::prelude::*;

use crate::{
    chain::{FIRST, Step, chain},
    common::{Place, at, block, hash},
    sample::one_of_everything,
};

const ALL: std::ops::RangeInclusive<Height> = FIRST..=FIRST + 10_000;

fn digest(place: &Place) -> Digest {
    SqliteReader::open(&place.path()).unwrap().digest(ALL).unwrap()
}

fn ledger_digest(place: &Place) -> LedgerDigest {
    SqliteReader::open(&place.path()).unwrap().ledger_digest().unwrap().unwrap()
}

/// The ledger goes through the steps.
fn follow(store: &mut SqliteStore, ledger: &mut Ledger, steps: &[Step]) {
    for step in steps {
        let observation = step.observation.as_ref();
        let changes = ledger.apply(&step.facts, observation);
        store
            .commit(&Commit {
                facts: &step.facts,
                forecast: None,
                observation,
                changes: &changes,
                ledger,
                incidents: &[],
                messages: &[],
            })
            .unwrap();
    }
}

/// Restarts and goes on.
fn restart(place: &Place, store: SqliteStore) -> (SqliteStore, Ledger) {
    use bootwatch_schema::ReadStore as _;
    drop(store);
    let store = place.open();
    let ledger = store.load().unwrap().ledger;
    (store, ledger)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// The same chain four ways: followed from its first block; followed with restarts; kept as
    /// history in random order and lots; followed from somewhere in the middle, without what was
    /// read of the state, and the history filled in backwards in the middle of it.
    #[test]
    fn the_way_does_not_show(
        steps in chain(60),
        order in any::<u64>(),
        lot in 1usize..20,
        start in 0.0..1.0f64,
        blind in any::<bool>(),
    ) {
        let straight = Place::new();
        let mut ledger = Ledger::default();
        follow(&mut straight.open(), &mut ledger, &steps);
        let expected = digest(&straight);
        prop_assert_eq!(expected.blocks, steps.len() as u64);

        let restarted = Place::new();
        let (mut store, mut ledger) = (restarted.open(), Ledger::default());
        for steps in steps.chunks(lot) {
            follow(&mut store, &mut ledger, steps);
            (store, ledger) = restart(&restarted, store);
        }
        drop(store);
        prop_assert_eq!(&digest(&restarted), &expected);
        prop_assert_eq!(ledger_digest(&restarted), ledger_digest(&straight));

        let shuffled = Place::new();
        let mut blocks: Vec<&BlockFacts> = steps.iter().map(|step| &step.facts).collect();
        blocks.sort_by_key(|block| block.height.unsigned_abs().wrapping_mul(order | 1).rotate_left(17));
        let mut store = shuffled.open();
        for lot in blocks.chunks(lot) {
            store.keep(&lot.iter().copied().cloned().collect::<Vec<_>>()).unwrap();
        }
        drop(store);
        prop_assert_eq!(&digest(&shuffled), &expected);

        let late = Place::new();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
            reason = "any place in the middle will do")]
        let (before, after) = steps.split_at((start * steps.len() as f64) as usize);
        let mut after = after.to_vec();
        if blind {
            after.iter_mut().for_each(|step| step.observation = None);
        }
        let (first, second) = after.split_at(after.len() / 2);
        let (mut store, mut ledger) = (late.open(), Ledger::default());
        follow(&mut store, &mut ledger, first);
        if !first.is_empty() {
            for lot in before.rchunks(lot) {
                store.keep(&lot.iter().map(|step| step.facts.clone()).collect::<Vec<_>>()).unwrap();
            }
            follow(&mut store, &mut ledger, second);
            drop(store);
            prop_assert_eq!(digest(&late), expected);
        }
    }
}

fn kept(blocks: &[BlockFacts]) -> Digest {
    let place = Place::new();
    place.open().keep(blocks).unwrap();
    digest(&place)
}

#[test]
fn any_other_fact_shows() {
    type Change = fn(&mut BlockFacts);
    let changes: &[(&str, Change)] = &[
        ("hash", |b| b.hash = hash(1)),
        ("parent", |b| b.parent = hash(1)),
        ("time", |b| b.time = at(1)),
        ("tx count", |b| b.tx_count += 1),
        ("height", |b| b.height += 1),
        ("snapshot height", |b| b.captures[0].snapshot_height += 1),
        ("capture's model", |b| b.captures[0].model_id = "n".into()),
        ("pre_eligible", |b| b.captures[0].pre_eligible = false),
        ("weight threshold", |b| b.captures[0].meets_weight_threshold = false),
        ("v_min", |b| b.captures[0].meets_v_min = false),
        ("reachability", |b| b.captures[0].meets_reachability = false),
        ("intent hosts", |b| b.captures[0].intent_host_count += 1),
        ("intent weight", |b| b.captures[0].intent_weight += 1),
        ("voting power", |b| b.captures[0].reachable_voting_power += 1),
        ("total", |b| b.captures[0].total_network_weight += 1),
        ("no capture", |b| b.captures.clear()),
        ("tx index", |b| b.choices[0].position.tx_index += 1),
        ("path", |b| b.choices[0].position.path.0.push(0)),
        ("tx hash", |b| b.choices[0].tx_hash = hash(1)),
        ("chooser", |b| b.choices[0].host = "gonka1c".into()),
        ("chosen model", |b| b.choices[0].model_id = "n".into()),
        ("delegate", |b| b.choices[0].action = ChoiceAction::Delegate { delegate_to: "c".into() }),
        ("clear", |b| b.choices[0].action = ChoiceAction::Clear),
        ("code", |b| b.choices[0].code = 1),
        ("order of choices", |b| b.choices.reverse()),
        ("one choice less", |b| drop(b.choices.pop())),
        ("claimed", |b| b.commits[0].count += 1),
        ("worker", |b| b.commits[0].host = "gonka1b".into()),
        ("stage", |b| b.commits[0].stage += 1),
        ("worked model", |b| b.commits[0].model_id = "n".into()),
        ("no commit", |b| b.commits.clear()),
        ("distributed", |b| b.distributions[0].weight += 1),
        ("no distribution", |b| b.distributions.clear()),
        ("place of event", |b| b.events[0].seq += 1),
        ("event's tx", |b| b.events[0].tx_index = None),
        ("kind", |b| b.events[0].kind = "epoch_error".into()),
        ("key", |b| b.events[0].attributes[0].0 = "l".into()),
        ("value", |b| b.events[0].attributes[1].1 = "x".into()),
        ("order of attributes", |b| b.events[0].attributes.reverse()),
        ("attribute cut differently", |b| b.events[0].attributes[0] = ("kv".into(), String::new())),
        ("no event", |b| b.events.clear()),
    ];
    let original = kept(&[one_of_everything(FIRST)]);
    assert_eq!(kept(&[one_of_everything(FIRST)]), original);
    let mut seen = std::collections::BTreeMap::from([(original.facts.clone(), "the original")]);
    for (name, change) in changes {
        let mut block = one_of_everything(FIRST);
        change(&mut block);
        let other = seen.insert(kept(&[block]).facts, name);
        assert_eq!(other, None, "{name} does not show");
    }
}

/// What is not a fact of the chain, or not of the range, does not show in the facts.
#[test]
fn what_is_no_fact_does_not_show() {
    let original = kept(&[one_of_everything(FIRST)]);
    let mut noted = one_of_everything(FIRST);
    noted.malformed.push(Malformed {
        what: "tx".into(),
        place: "tx 0".into(),
        reason: "no protobuf".into(),
        raw: "AAAA".into(),
    });
    assert_eq!(kept(&[noted]), original);
    // Blocks outside the range, in which the same names get other numbers.
    let outside = BlockFacts { commits: one_of_everything(FIRST).commits, ..block(FIRST - 7) };
    let mut outside = BlockFacts { choices: vec![], ..outside };
    outside.commits[0].stage = FIRST - 7;
    outside.commits[0].host = "gonka1z".into();
    assert_eq!(kept(&[outside, one_of_everything(FIRST)]).facts, original.facts);
}

/// An empty block shows by its height in the facts, and by its hash in the headers.
#[test]
fn a_block_without_facts_shows_as_covered() {
    let (one, two) = (kept(&[block(FIRST)]), kept(&[block(FIRST), block(FIRST + 1)]));
    assert_ne!(one.facts, two.facts);
    let other = BlockFacts { tx_count: 9, ..block(FIRST) };
    let other = kept(&[other]);
    assert_eq!(other.facts, one.facts);
    assert_ne!(other.headers, one.headers);
}
