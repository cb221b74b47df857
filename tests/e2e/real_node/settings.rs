//! Nodes whose operators switched something off.

use std::time::Duration;

use bootwatch_devnet::cometbft::{Member, Settings};
use bootwatch_schema::ReadStore;
use tempfile::TempDir;

use crate::harness::{
    compare,
    config::Config,
    daemon::{Daemon, bootwatch, complete_to},
    network,
    node::{EPOCH_LENGTH, Node, hosts, spec},
    oracle::Oracle,
    process::until,
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

/// The only endpoint keeps no results: there is no first block. The daemon goes on trying and says why,
/// and what to do, in its log, on its page, to the API and to `bootwatch status`; when the operator has
/// done that, it begins. A daemon that waits in silence, or ends, or has to be started again, fails.
#[tokio::test(flavor = "multi_thread")]
async fn a_lone_node_without_results_is_told_of_until_it_is_mended() {
    const REMEDY: &str = "discard_abci_responses = false";
    let Some(binary) = require::cometbft() else { return };
    let _turn = network::turn().await;
    let dir = TempDir::new().unwrap();
    let mut node = Node::cometbft_with(binary, spec("default"), dir.path(), |options| {
        options.settings = Settings { discard_results: true, ..Settings::default() };
    })
    .await;
    let config = Config::new(&node.chain_id(), node.url()).write(dir.path());
    let mut daemon = Daemon::start(dir.path(), &config);
    daemon.comes_to_log(REMEDY).await;
    let page = daemon.page().await;
    let told = |path: &'static str| {
        let url = format!("{page}{path}");
        until("the reason", Duration::from_secs(30), move || {
            let url = url.clone();
            async move {
                let answer = reqwest::get(&url).await.ok()?;
                let status = answer.status().as_u16();
                answer.text().await.ok().filter(|text| text.contains(REMEDY)).map(|_| status)
            }
        })
    };
    assert_eq!(told("/").await, 200);
    assert_eq!(told("/-/ready").await, 503);
    assert_eq!(told("/api/v1/status").await, 503);
    until("the reason in `bootwatch status`", Duration::from_secs(30), || async {
        let words = bootwatch(&["status", "--config", &config.display().to_string()], dir.path());
        String::from_utf8(words.stdout).ok().filter(|words| words.contains(REMEDY))
    })
    .await;
    assert!(daemon.process().ended().is_none(), "it gave up");

    node.restart_with(Settings::default()).await;
    let here = node.oracle().height().await.unwrap();
    daemon.reaches(here + 5).await;
    daemon.stop().await;
    let reader = compare::reader(dir.path());
    let first = reader.load().unwrap().coverage.stored.last().unwrap().0;
    compare::blocks(&node.oracle(), &reader, first).await;
}
