//! Four validators, four endpoints, and the endpoint that blocks come from dies.

use bootwatch_devnet::cometbft::Member;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{
    compare,
    config::Config,
    daemon::{Daemon, complete_to, endpoint},
    network,
    node::{EPOCH_LENGTH, hosts, spec},
    oracle::Oracle,
    require,
};

/// Two of the four die and come back, one after the other. A change of endpoint that loses a block
/// leaves a hole below the tip, one that doubles it fails in the store, one that stays with the
/// dead node never reaches the height, and a block of the wrong height or node shows in the hashes
/// and events.
#[tokio::test(flavor = "multi_thread")]
async fn stored_equals_said_while_endpoints_die() {
    let Some(binary) = require::cometbft() else { return };
    let _turn = network::turn().await;
    let dir = TempDir::new().unwrap();
    let spec = spec("default");
    let mut chain = network::start(binary, &spec, dir.path(), vec![Member::default(); 4]).await;
    let urls = chain.urls();
    let config = Config::new(&spec.chain_id, &urls[0])
        .endpoint(NAMES[1], &urls[1])
        .endpoint(NAMES[2], &urls[2])
        .endpoint(NAMES[3], &urls[3])
        .write(dir.path());
    let mut daemon = Daemon::start(dir.path(), &config);
    let store = dir.path().join("bootwatch.db");
    daemon.reaches(10).await;
    let began = complete_to(&store).unwrap();

    // The one that blocks come from dies while the machine hangs: when it goes on, some blocks have
    // no frame any more.
    let first = selected(&daemon, &[]).await;
    let oracle = Oracle::new(&urls[if first == 3 { 2 } else { 3 }]);
    daemon.process().freeze();
    chain.kill(&[first]).await.unwrap();
    let height = oracle.height().await.unwrap();
    network::chain_reaches(&oracle, height + 5).await;
    daemon.process().thaw();
    let second = selected(&daemon, &[first]).await;
    is_down(&daemon, first).await;
    daemon.reaches(complete_to(&store).unwrap() + 8).await;
    // It comes back, and the one that took its place dies.
    chain.restart(&[first]).await.unwrap();
    chain.kill(&[second]).await.unwrap();
    selected(&daemon, &[second]).await;
    is_down(&daemon, second).await;
    daemon.reaches(complete_to(&store).unwrap() + 8).await;
    chain.restart(&[second]).await.unwrap();
    let third = (0..4).find(|index| *index != first && *index != second).unwrap();
    // It never died.
    let oracle = Oracle::new(&urls[third]);
    let here = oracle.height().await.unwrap();
    daemon.reaches(here.max(EPOCH_LENGTH) + 15).await;
    daemon.stop().await;

    let reader = compare::reader(dir.path());
    compare::blocks(&oracle, &reader, began).await;
    compare::whole(&oracle, &hosts(&spec), &reader, 1).await;
}

const NAMES: [&str; 4] = ["node", "second", "third", "fourth"];

/// Waits until blocks come, by websocket, from another than these; gives which.
async fn selected(daemon: &Daemon, not: &[usize]) -> usize {
    let is = |said: &Value, index: usize| {
        let endpoint = endpoint(said, NAMES[index]);
        endpoint["selected"] == true && endpoint["websocket"] == true && !not.contains(&index)
    };
    let said = daemon
        .comes_to_say("blocks come from one that lives", |said| (0..4).any(|i| is(said, i)))
        .await;
    (0..4).find(|index| is(&said, *index)).expect("one of them")
}

/// Waits until it is shown as down, with a reason.
async fn is_down(daemon: &Daemon, index: usize) {
    let said = daemon
        .comes_to_say("the dead one is down", |said| {
            endpoint(said, NAMES[index])["state"] == "down"
        })
        .await;
    assert!(endpoint(&said, NAMES[index])["reason"].is_string(), "no reason in {said:#}");
}
