//! Durable commits (`synchronous=FULL`) of one block each, as at the tip, and of history in lots.
//!
//! `cargo bench -p bootwatch-schema`. Elements per second are blocks.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark ends where it fails")]

use std::{hint::black_box, path::Path};

use bootwatch_rules::{
    BlockFacts, ChainEvent, ChoiceAction, ChoiceTx, Height, MessagePath, Observation, Position,
    StoreCommit, ledger::Ledger,
};
use bootwatch_schema::{Commit, ReadStore, SqliteStore, Store};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use tempfile::TempDir;

fn near_empty(height: Height) -> BlockFacts {
    BlockFacts {
        height,
        hash: format!("{height:064X}"),
        parent: format!("{:064X}", height - 1),
        time: Timestamp::from_second(1_787_000_000 + height * 5).unwrap(),
        tx_count: 1,
        captures: vec![],
        choices: vec![],
        commits: vec![],
        distributions: vec![],
        events: vec![],
        malformed: vec![],
    }
}

/// The worst minute of an epoch: every host commits for every model, some choose, groups change.
fn busy(height: Height) -> BlockFacts {
    let at = |tx_index| Position { height, tx_index, path: MessagePath(vec![0]) };
    let commits = (0..180u32).map(|n| StoreCommit {
        position: at(n),
        host: format!("gonka1{:039}", n % 60).into(),
        stage: 1,
        model_id: format!("model/{}", n / 60).into(),
        count: u32::try_from(height).unwrap() + n,
    });
    let choices = (0..10u32).map(|n| ChoiceTx {
        position: at(200 + n),
        tx_hash: format!("{height:060X}{n:04X}"),
        host: format!("gonka1{n:039}").into(),
        model_id: "model/0".into(),
        action: if height % 2 == 0 { ChoiceAction::Intent } else { ChoiceAction::Refuse },
        code: 0,
    });
    let events = (0..60u32).map(|seq| ChainEvent {
        seq,
        tx_index: None,
        kind: "slash_collateral".into(),
        attributes: vec![
            ("participant".into(), format!("gonka1{seq:039}")),
            ("slash_amount".into(), "123ngonka".into()),
        ],
    });
    BlockFacts {
        commits: commits.collect(),
        choices: choices.collect(),
        events: events.collect(),
        ..near_empty(height)
    }
}

/// On the disk that holds the build, not in memory: durability is what is measured.
fn folder() -> TempDir {
    tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap()
}

fn commit_one(store: &mut SqliteStore, ledger: &mut Ledger, facts: &BlockFacts) {
    let observation = Observation::default();
    let changes = ledger.apply(facts, Some(&observation));
    store
        .commit(&Commit {
            facts,
            forecast: None,
            observation: Some(&observation),
            changes: &changes,
            ledger,
            incidents: &[],
            messages: &[],
        })
        .unwrap();
}

fn commit(c: &mut Criterion) {
    let mut group = c.benchmark_group("commit");
    group.throughput(Throughput::Elements(1));
    for (name, make) in
        [("near_empty", near_empty as fn(Height) -> BlockFacts), ("busy", busy as fn(Height) -> _)]
    {
        let folder = folder();
        let mut store = SqliteStore::open(&folder.path().join("db"), "bench").unwrap();
        let mut ledger = Ledger::default();
        let mut height = 0;
        group.bench_function(name, |b| {
            b.iter_batched(
                || {
                    height += 1;
                    make(height)
                },
                |facts| commit_one(&mut store, &mut ledger, &facts),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn keep(c: &mut Criterion) {
    const LOT: Height = 100;
    let mut group = c.benchmark_group("keep");
    group.throughput(Throughput::Elements(LOT.unsigned_abs()));
    let folder = folder();
    let mut store = SqliteStore::open(&folder.path().join("db"), "bench").unwrap();
    let mut first = 1;
    group.bench_function("near_empty_by_100", |b| {
        b.iter_batched(
            || {
                first += LOT;
                (first - LOT..first).map(near_empty).collect::<Vec<_>>()
            },
            |blocks| store.keep(&blocks).unwrap(),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// A restart after an epoch of busy blocks.
fn load(c: &mut Criterion) {
    let folder = folder();
    let mut store = SqliteStore::open(&folder.path().join("db"), "bench").unwrap();
    let mut ledger = Ledger::default();
    for height in 1..=2_500 {
        let facts = if height % 10 == 0 { busy(height) } else { near_empty(height) };
        commit_one(&mut store, &mut ledger, &facts);
    }
    c.bench_function("load", |b| b.iter(|| black_box(store.load().unwrap())));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(50);
    targets = commit, keep, load
}
criterion_main!(benches);
