//! Holds what is stored against what a node says.

use std::{collections::BTreeMap, path::Path};

use bootwatch_rules::Choice;
use bootwatch_schema::{ReadStore, SqliteReader};

use super::oracle::{Attributes, Oracle, StoredChoice};

/// The database of a test's folder.
pub(crate) fn reader(dir: &Path) -> SqliteReader {
    SqliteReader::open(&dir.join("bootwatch.db")).expect("open the database")
}

/// Nothing is missing, and it is what the node says: every event over every stored height, every
/// choice of every host at the last one.
pub(crate) async fn whole(
    oracle: &Oracle,
    hosts: &[String],
    reader: &SqliteReader,
    captures_at_least: usize,
) {
    let coverage = reader.load().expect("load").coverage;
    assert!(coverage.unfillable.is_empty(), "{coverage:?}");
    events(oracle, reader, captures_at_least).await;
    choices(oracle, hosts, reader).await;
}

/// Every block from `first` to the newest stored one is there, and each is the node's.
pub(crate) async fn blocks(oracle: &Oracle, reader: &SqliteReader, first: i64) {
    let coverage = reader.load().expect("load").coverage;
    let &(from, last) = coverage.stored.last().expect("a stored range");
    assert!(from <= first, "blocks since {first} are not all stored: {coverage:?}");
    let said = oracle.hashes(first, last).await;
    let stored: BTreeMap<i64, String> = (first..=last)
        .map(|height| {
            let block = reader.block(height).expect("a stored block");
            (height, block.unwrap_or_else(|| panic!("block {height} has no row")).hash)
        })
        .collect();
    assert_eq!(stored, said, "hashes of blocks {first}..={last}");
}

/// Every event over every stored height.
pub(crate) async fn events(oracle: &Oracle, reader: &SqliteReader, captures_at_least: usize) {
    let coverage = reader.load().expect("load").coverage;
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

/// Every choice of every host at the last stored height.
pub(crate) async fn choices(oracle: &Oracle, hosts: &[String], reader: &SqliteReader) {
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
