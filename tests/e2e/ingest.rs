//! What is stored equals what the node says, whatever is killed on the way.
//!
//! Each story runs against both nodes. A lost, doubled or altered event, or a choice that was
//! missed or not wiped, makes the comparison fail.

use std::{path::Path, time::Duration};

use tempfile::TempDir;

use crate::harness::{
    compare,
    config::Config,
    daemon::{Daemon, complete_to},
    node::{EPOCH_LENGTH, Node},
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
    // Epoch 2's capture moved, epoch 3 has two, epoch 4 none.
    compare::events(&node.oracle(), &compare::reader(dir.path()), 3).await;
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
    let reader = compare::reader(dir.path());
    compare::events(&oracle, &reader, 1).await;
    compare::choices(&oracle, &node.hosts(), &reader).await;
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

    compare::whole(&oracle, &hosts, &compare::reader(dir), 2).await;
}
