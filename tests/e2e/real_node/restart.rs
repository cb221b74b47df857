//! A single node that goes and comes back under a running daemon.

use tempfile::TempDir;

use crate::harness::{
    compare,
    config::Config,
    daemon::{Daemon, complete_to},
    network,
    node::{EPOCH_LENGTH, Node},
    require,
};

/// In order, by kill -9, and by kill -9 as soon as it is back. CometBFT fires no event for blocks
/// that it replays, and may have saved one without having told of it: a daemon that trusts frames
/// alone misses that block, and one that does not come back misses everything.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_missed_while_the_node_restarts() {
    let Some(binary) = require::cometbft() else { return };
    let _turn = network::turn().await;
    let dir = TempDir::new().unwrap();
    let mut node = Node::cometbft(binary, "default", dir.path()).await;
    let config = Config::new(&node.chain_id(), node.url()).write(dir.path());
    let oracle = node.oracle();
    let mut daemon = Daemon::start(dir.path(), &config);
    daemon.reaches(EPOCH_LENGTH / 2).await;
    let began = complete_to(&dir.path().join("bootwatch.db")).unwrap();

    node.stop_and_restart().await;
    let back = oracle.height().await.unwrap();
    daemon.reaches(back + 10).await;
    node.kill_and_restart().await;
    node.kill_and_restart().await;
    let back = oracle.height().await.unwrap();
    daemon.reaches(back.max(2 * EPOCH_LENGTH) + 10).await;
    daemon.stop().await;

    let reader = compare::reader(dir.path());
    compare::blocks(&oracle, &reader, began).await;
    compare::whole(&oracle, &node.hosts(), &reader, 2).await;
}
