//! Nodes that do not have the chain's whole past.

use std::{num::NonZeroU64, path::Path};

use bootwatch_devnet::cometbft::Member;
use bootwatch_schema::ReadStore;
use tempfile::TempDir;

use crate::harness::{
    compare,
    config::Config,
    daemon::{Daemon, bootwatch, complete_to, endpoint, status},
    network,
    node::{EPOCH_LENGTH, hosts, spec},
    oracle::Oracle,
    require,
};

/// The only endpoint joined by state sync: it has no block before a snapshot in the middle of an
/// epoch. A daemon that asks for what was before never begins, one that claims to have it fails
/// here, and what it has is held against a node that has seen everything.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_joined_by_state_sync_is_enough() {
    let Some(binary) = require::cometbft() else { return };
    let _turn = network::turn().await;
    let dir = TempDir::new().unwrap();
    let spec = spec("default");
    let serving = Member { snapshot_every: NonZeroU64::new(20), ..Member::default() };
    let mut chain = network::start(binary, &spec, dir.path(), vec![serving; 2]).await;
    let whole = Oracle::new(&chain.urls()[0]);
    network::chain_reaches(&whole, EPOCH_LENGTH + EPOCH_LENGTH / 2 + 3).await;
    let joined = chain.join_by_state_sync(Member::default()).await.unwrap();
    let url = chain.urls()[joined].clone();
    let young = Oracle::new(&url);
    let earliest = young.earliest().await.unwrap();
    assert!(earliest > EPOCH_LENGTH, "it has every block since {earliest}: nothing is tested");

    let config = Config::new(&spec.chain_id, &url).write(dir.path());
    let mut daemon = Daemon::start(dir.path(), &config);
    let head = young.height().await.unwrap();
    daemon.reaches(head + EPOCH_LENGTH + 5).await;
    let said = daemon
        .comes_to_say("the endpoint has no older blocks", |said| {
            endpoint(said, "node")["earliest"] == earliest
        })
        .await;
    assert!(said["complete_from"].as_i64() >= Some(earliest), "{said:#}");
    daemon.stop().await;

    let reader = compare::reader(dir.path());
    let coverage = reader.load().unwrap().coverage;
    assert!(coverage.stored[0].0 >= earliest, "none has blocks before {earliest}: {coverage:?}");
    for lost in &coverage.unfillable {
        assert!(lost.last < earliest, "the node has blocks since {earliest}: {coverage:?}");
    }
    // Another node's word, which has seen everything.
    compare::blocks(&whole, &reader, coverage.stored.last().unwrap().0).await;
    compare::events(&whole, &reader, 1).await;
    compare::choices(&whole, &hosts(&spec), &reader).await;
}

/// Two daemons are away while one of two nodes prunes on. The one that has only that node records
/// what nobody has any more and goes on behind it; the one that has both misses nothing. A daemon
/// that skips without a record, waits for blocks that will never come, or gives up what the second
/// node still has, fails.
#[tokio::test(flavor = "multi_thread")]
async fn pruning_goes_on_while_the_daemon_is_away() {
    const KEPT: i64 = 30;
    let Some(binary) = require::cometbft() else { return };
    let _turn = network::turn().await;
    let dir = TempDir::new().unwrap();
    let spec = spec("default");
    let forgetful =
        Member { retain_blocks: NonZeroU64::new(KEPT.unsigned_abs()), ..Member::default() };
    let chain = network::start(binary, &spec, dir.path(), vec![forgetful, Member::default()]).await;
    let (pruned, whole) = (Oracle::new(&chain.urls()[0]), Oracle::new(&chain.urls()[1]));
    let folder = |name: &str| {
        let folder = dir.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        folder
    };
    let (alone, both) = (folder("alone"), folder("both"));
    let config = || Config::new(&spec.chain_id, &chain.urls()[0]);
    let alone_config = config().write(&alone);
    let both_config = config().endpoint("archive", &chain.urls()[1]).write(&both);

    let stops_after = async |dir: &Path, config: &Path, height: i64| {
        let mut daemon = Daemon::start(dir, config);
        daemon.reaches(height).await;
        daemon.stop().await;
        complete_to(&dir.join("bootwatch.db")).unwrap()
    };
    let height = whole.height().await.unwrap() + 5;
    let (left, both_left) = tokio::join!(
        stops_after(&alone, &alone_config, height),
        stops_after(&both, &both_config, height)
    );
    let both_began = compare::reader(&both).load().unwrap().coverage.stored.last().unwrap().0;
    network::chain_reaches(&pruned, left.max(both_left) + KEPT + 20).await;
    let earliest = pruned.earliest().await.unwrap();
    assert!(earliest > left.max(both_left) + 10, "pruned up to {earliest} only");
    let height = whole.height().await.unwrap() + EPOCH_LENGTH + 10;
    tokio::join!(
        stops_after(&alone, &alone_config, height),
        stops_after(&both, &both_config, height)
    );

    let reader = compare::reader(&both);
    compare::blocks(&whole, &reader, both_began).await;
    compare::whole(&whole, &hosts(&spec), &reader, 1).await;

    let reader = compare::reader(&alone);
    let coverage = reader.load().unwrap().coverage;
    assert!(coverage.unfillable.iter().all(|range| !range.reason.is_empty()), "{coverage:?}");
    // The node may prune on while the daemon looks: then the hole is told in pieces.
    let (first, last) = joined(coverage.unfillable.iter().map(|range| (range.first, range.last)))
        .pop()
        .unwrap_or_else(|| panic!("no record: {coverage:?}"));
    assert_eq!(first, left + 1, "{coverage:?}");
    assert!(last >= earliest - 1, "the node had blocks since {earliest}: {coverage:?}");
    assert_eq!(coverage.stored.last().unwrap().0, last + 1, "{coverage:?}");
    let said = status(&alone, &alone_config);
    let ranges: Vec<(i64, i64)> =
        serde_json::from_value(said["data"]["unfillable"].clone()).unwrap();
    assert!(joined(ranges).contains(&(first, last)), "{first}..{last} is not in {}", said["data"]);
    let words = bootwatch(&["status", "--config", &alone_config.display().to_string()], &alone);
    let words = String::from_utf8(words.stdout).unwrap();
    assert!(words.contains(&first.to_string()) && words.contains("missing"), "{words}");
    compare::blocks(&whole, &reader, last + 1).await;
    compare::events(&whole, &reader, 1).await;
    compare::choices(&whole, &hosts(&spec), &reader).await;
}

/// Ranges that touch, as one.
fn joined(ranges: impl IntoIterator<Item = (i64, i64)>) -> Vec<(i64, i64)> {
    let mut joined: Vec<(i64, i64)> = Vec::new();
    for (first, last) in ranges {
        match joined.last_mut() {
            Some((_, end)) if *end + 1 == first => *end = last,
            _ => joined.push((first, last)),
        }
    }
    joined
}
