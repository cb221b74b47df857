//! Nodes whose operators switched something off.

use bootwatch_devnet::cometbft::{Member, Settings};
use tempfile::TempDir;

use crate::harness::{
    compare,
    config::Config,
    daemon::{Daemon, complete_to},
    network,
    node::{EPOCH_LENGTH, hosts, spec},
    oracle::Oracle,
    require,
};

/// The preferred endpoint keeps no results, the other has no index; the daemon is away in between.
/// The first can serve frames, the gap only the second. A daemon that searches, that takes the
/// first's refusal for a block that is lost everywhere, or that waits for it, fails.
#[tokio::test(flavor = "multi_thread")]
async fn discarded_results_come_from_another_node_and_no_index_is_needed() {
    let Some(binary) = require::cometbft() else { return };
    let _turn = network::turn().await;
    let dir = TempDir::new().unwrap();
    let spec = spec("default");
    let member = |settings| Member { settings, ..Member::default() };
    let members = vec![
        member(Settings { discard_results: true, ..Settings::default() }),
        member(Settings { without_index: true, ..Settings::default() }),
    ];
    let chain = network::start(binary, &spec, dir.path(), members).await;
    let (discards, whole) = (Oracle::new(&chain.urls()[0]), Oracle::new(&chain.urls()[1]));
    let results = serde_json::json!({"height": "1"});
    assert!(discards.call("block_results", results.clone()).await.is_none(), "it has results");
    assert!(whole.call("block_results", results).await.is_some());
    let search = serde_json::json!({"query": "tx.height>0"});
    assert!(whole.call("tx_search", search).await.is_none(), "it has an index");

    let config = Config::new(&spec.chain_id, &chain.urls()[0])
        .endpoint("other", &chain.urls()[1])
        .write(dir.path());
    let store = dir.path().join("bootwatch.db");
    let mut daemon = Daemon::start(dir.path(), &config);
    daemon.reaches(EPOCH_LENGTH / 2).await;
    let began = complete_to(&store).unwrap();
    daemon.kill();
    let left = complete_to(&store).unwrap();
    network::chain_reaches(&whole, left + EPOCH_LENGTH).await;
    let mut daemon = Daemon::start(dir.path(), &config);
    let here = whole.height().await.unwrap();
    daemon.reaches(here.max(2 * EPOCH_LENGTH) + 20).await;
    daemon.stop().await;

    let reader = compare::reader(dir.path());
    compare::blocks(&whole, &reader, began).await;
    compare::whole(&whole, &hosts(&spec), &reader, 2).await;
}
