//! Slow blocks, and none at all.

use std::{path::Path, time::Duration};

use bootwatch_devnet::cometbft::Member;
use bootwatch_schema::{IncidentState, ReadStore};
use tempfile::TempDir;

use crate::harness::{
    compare,
    config::Config,
    daemon::{Daemon, complete_to, endpoint},
    network,
    node::{EPOCH_LENGTH, hosts, spec},
    oracle::Oracle,
    process::free_port,
    require,
};

/// One of four validators stops: every fourth round times out. Two more stop: the chain halts. They
/// come back: it goes on. In the halt nothing is resolved, because nothing is known to have changed;
/// the data is shown as old, the chain as halted, and the endpoint that answers is not blamed.
#[tokio::test(flavor = "multi_thread")]
async fn a_halt_is_no_fault_of_the_endpoint_and_resolves_nothing() {
    let Some(binary) = require::cometbft() else { return };
    let _turn = network::turn().await;
    let dir = TempDir::new().unwrap();
    let spec = spec("default");
    let mut chain = network::start(binary, &spec, dir.path(), vec![Member::default(); 4]).await;
    let urls = chain.urls();
    let oracle = Oracle::new(&urls[0]);
    // Messages wait: no mail server is there.
    let mut config = Config::new(&spec.chain_id, &urls[0])
        .email(&format!("127.0.0.1:{}", free_port()), "operator@example.org");
    for (index, host) in hosts(&spec).iter().enumerate() {
        config = config.host(&format!("host-{index}"), host);
    }
    let config = config.write(dir.path());
    let store = dir.path().join("bootwatch.db");
    let mut daemon = Daemon::start(dir.path(), &config);
    daemon.reaches(EPOCH_LENGTH + EPOCH_LENGTH / 4).await;
    let began = complete_to(&store).unwrap();

    // Slow, not halted.
    chain.kill(&[3]).await.unwrap();
    daemon.reaches(complete_to(&store).unwrap() + 12).await;
    let said = daemon.says().await;
    assert_eq!(said["stale"], false, "slow blocks are blocks: {said:#}");

    chain.kill(&[1, 2]).await.unwrap();
    let said = daemon.comes_to_say("the data is old", |said| said["stale"] == true).await;
    let halted_at = oracle.height().await.unwrap();
    assert_eq!(complete_to(&store), Some(halted_at), "{said:#}");
    assert_eq!(endpoint(&said, "node")["state"], "up", "{said:#}");
    let open = open_incidents(dir.path());
    assert!(!open.is_empty(), "nothing is open, so nothing could be resolved");
    daemon.comes_to_log("halted").await;
    // Some more rounds of judging.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let said = daemon.says().await;
    assert_eq!(said["stale"], true, "{said:#}");
    assert_eq!(endpoint(&said, "node")["state"], "up", "{said:#}");
    assert_eq!(oracle.height().await, Some(halted_at), "the chain did not halt");
    assert_eq!(open_incidents(dir.path()), open, "resolved or opened in a halt");

    chain.restart(&[1, 2, 3]).await.unwrap();
    daemon.reaches((halted_at + 10).max(2 * EPOCH_LENGTH + 10)).await;
    daemon.comes_to_say("the data is fresh", |said| said["stale"] == false).await;
    daemon.stop().await;

    let reader = compare::reader(dir.path());
    compare::blocks(&oracle, &reader, began).await;
    compare::whole(&oracle, &hosts(&spec), &reader, 2).await;
}

/// The fingerprints of incidents that are not resolved.
fn open_incidents(dir: &Path) -> Vec<String> {
    let incidents = compare::reader(dir).load().expect("load").incidents;
    let mut open: Vec<String> = incidents
        .into_iter()
        .filter(|incident| incident.state != IncidentState::Resolved)
        .map(|incident| incident.fingerprint)
        .collect();
    open.sort();
    open
}
