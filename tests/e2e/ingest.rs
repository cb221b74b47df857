//! What is stored equals what the node says, whatever is killed on the way.
//!
//! Each story runs against both nodes. A lost, doubled or altered event, or a choice that was
//! missed or not wiped, makes the comparison fail.

use std::{collections::BTreeMap, path::Path, time::Duration};

use bootwatch_rules::Choice;
use bootwatch_schema::{ReadStore, SqliteReader};
use tempfile::TempDir;

use crate::harness::{
    config::Config,
    daemon::{Daemon, complete_to},
    node::{EPOCH_LENGTH, Node},
    oracle::{Attributes, Oracle, StoredChoice},
    process::until,
    require,
};

#[tokio::test(flavor = "multi_thread")]
async fn simulated_node_stored_equals_said() {
    let dir = TempDir::new().unwrap();
    let node = Node::simulated("default", dir.path()).await;
    follows_through_kills(node, dir.path()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cometbft_stored_equals_said() {
    let Some(binary) = require::cometbft() else { return };
    let dir = TempDir::new().unwrap();
    let node = Node::cometbft(binary, "default", dir.path()).await;
    follows_through_kills(node, dir.path()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn moved_captures_are_all_stored() {
    let dir = TempDir::new().unwrap();
    let node = Node::simulated("moved-capture", dir.path()).await;
    let config = Config::new(&node.chain_id(), node.url()).write(dir.path());
    let mut daemon = Daemon::start(dir.path(), &config);
    daemon.reaches(4 * EPOCH_LENGTH).await;
    daemon.stop().await;
    let reader = SqliteReader::open(&dir.path().join("bootwatch.db")).unwrap();
    // Epoch 2's capture moved, epoch 3 has two, epoch 4 none.
    compare_events(&node.oracle(), &reader, 3).await;
}

/// The chain has a history when the daemon first meets it: choices of hosts that are in no group,
/// delegations from epochs ago. A base that reads the members alone misses some of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_start_knows_every_hosts_choices() {
    let dir = TempDir::new().unwrap();
    let node = Node::simulated("default", dir.path()).await;
    let oracle = node.oracle();
    until("three epochs", Duration::from_secs(60), || async {
        oracle.height().await.filter(|height| *height >= 3 * EPOCH_LENGTH + EPOCH_LENGTH / 2)
    })
    .await;
    let config = Config::new(&node.chain_id(), node.url()).write(dir.path());
    let mut daemon = Daemon::start(dir.path(), &config);
    daemon.reaches(4 * EPOCH_LENGTH).await;
    daemon.stop().await;
    let reader = SqliteReader::open(&dir.path().join("bootwatch.db")).unwrap();
    compare_events(&oracle, &reader, 1).await;
    compare_choices(&oracle, &node.hosts(), &reader).await;
}

/// Follows for an epoch, is killed, comes back; the node is killed, comes back; follows on.
async fn follows_through_kills(mut node: Node, dir: &Path) {
    let config = Config::new(&node.chain_id(), node.url()).write(dir);
    let oracle = node.oracle();
    let hosts = node.hosts();

    let mut daemon = Daemon::start(dir, &config);
    daemon.reaches(EPOCH_LENGTH).await;
    daemon.kill();

    // The chain goes on without the daemon: those blocks must be fetched before the tip advances.
    let left = complete_to(&dir.join("bootwatch.db")).expect("blocks were stored");
    until("ten blocks without the daemon", Duration::from_secs(30), || async {
        oracle.height().await.filter(|height| *height >= left + 10)
    })
    .await;
    let mut daemon = Daemon::start(dir, &config);
    daemon.reaches(2 * EPOCH_LENGTH).await;

    // The node goes under a running daemon: its sockets break, and it comes back with the same chain.
    node.kill_and_restart().await;
    let back = oracle.height().await.expect("the node answers");
    daemon.reaches(back.max(3 * EPOCH_LENGTH)).await;
    daemon.stop().await;

    compare(&oracle, &hosts, dir, 2).await;
}

/// Holds the database against the node: every event over every stored height, every choice of
/// every host at the last one.
async fn compare(oracle: &Oracle, hosts: &[String], dir: &Path, captures_at_least: usize) {
    let reader = SqliteReader::open(&dir.join("bootwatch.db")).expect("open the database");
    compare_events(oracle, &reader, captures_at_least).await;
    compare_choices(oracle, hosts, &reader).await;
}

async fn compare_events(oracle: &Oracle, reader: &SqliteReader, captures_at_least: usize) {
    let coverage = reader.load().expect("load").coverage;
    assert!(coverage.unfillable.is_empty(), "{coverage:?}");
    let mut blocks_with_events = 0;
    for &(first, last) in &coverage.stored {
        let said = oracle.captures(first, last).await;
        let stored: Vec<Attributes> = reader
            .captures(first..=last)
            .expect("stored captures")
            .into_iter()
            .map(|dated| attributes(&serde_json::to_value(dated.fact).expect("JSON")))
            .collect();
        assert_eq!(stored, said, "events in {first}..={last}");
        let mut heights: Vec<_> = said.iter().map(|event| &event["snapshot_height"]).collect();
        heights.dedup();
        blocks_with_events += heights.len();
    }
    assert!(
        blocks_with_events >= captures_at_least,
        "only {blocks_with_events} captures in {coverage:?}: the comparison proved too little"
    );
}

async fn compare_choices(oracle: &Oracle, hosts: &[String], reader: &SqliteReader) {
    let tip = reader.load().expect("load").coverage.stored.last().expect("a stored range").1;
    let mut stored: BTreeMap<String, Vec<StoredChoice>> = BTreeMap::new();
    for (model, by_host) in reader.choices().expect("stored choices") {
        for (host, choice) in by_host {
            let (kind, delegate) = match choice {
                Choice::Delegate { delegate_to } => ("delegate", Some(delegate_to.to_string())),
                Choice::Refuse => ("refuse", None),
                Choice::Intent => ("intent", None),
            };
            stored.entry(host.to_string()).or_default().push((model.to_string(), kind, delegate));
        }
    }
    let mut total = 0;
    for host in hosts {
        let said = oracle.choices(host, tip).await;
        total += said.len();
        let mut kept = stored.remove(host).unwrap_or_default();
        kept.sort();
        assert_eq!(kept, said, "choices of {host} after block {tip}");
    }
    assert!(total > 0, "no host had a choice at {tip}: the comparison proved nothing");
    assert!(stored.is_empty(), "choices of hosts that the chain does not have: {stored:?}");
}

/// A stored capture in the words of the event.
fn attributes(capture: &serde_json::Value) -> Attributes {
    let text =
        |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let object = capture.as_object().expect("a capture is an object");
    object.iter().map(|(key, value)| (key.clone(), text(value))).collect()
}
