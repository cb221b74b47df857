//! What can be wrong around the daemon, and how it says so.

use std::{fs, net::TcpListener, path::Path, time::Duration};

use bootwatch_schema::SqliteReader;
use tempfile::TempDir;

use crate::harness::{
    config::Config,
    daemon::{Daemon, bootwatch, complete_to},
    node::{EPOCH_LENGTH, Node},
    process::{free_port, until},
};

/// Waits until the daemon gives up; its exit code and all it said.
async fn ends(dir: &Path, config: &Path) -> (Option<i32>, String) {
    let mut daemon = Daemon::named("ends", dir, config);
    let status = daemon.process().wait(Duration::from_secs(30)).await;
    (status.code(), daemon.process().log())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_chain_id_ends_the_daemon_with_both_names() {
    let dir = TempDir::new().unwrap();
    let node = Node::simulated("quiet", dir.path()).await;
    let config = Config::new("gonka-elsewhere", node.url()).write(dir.path());
    let (code, log) = ends(dir.path(), &config).await;
    assert_eq!(code, Some(2), "{log}");
    assert!(log.contains("gonka-elsewhere") && log.contains(&node.chain_id()), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_node_is_waited_for() {
    let dir = TempDir::new().unwrap();
    let rpc = format!("http://127.0.0.1:{}", free_port());
    let config = Config::new("gonka-devnet", &rpc).write(dir.path());
    let mut daemon = Daemon::start(dir.path(), &config);
    let page = daemon.page().await;
    // Alive, not ready, and it says why.
    until("not ready", Duration::from_secs(20), || async {
        let ready = reqwest::get(format!("{page}/-/ready")).await.ok()?;
        (ready.status().as_u16() == 503).then_some(())
    })
    .await;
    let healthy = reqwest::get(format!("{page}/-/healthy")).await.unwrap();
    assert_eq!(healthy.status().as_u16(), 200);
    assert!(daemon.process().ended().is_none(), "{}", daemon.process().log());
    assert!(daemon.process().log().contains("node"), "{}", daemon.process().log());
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named() {
    let dir = TempDir::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let config = Config::new("gonka-devnet", "http://127.0.0.1:1")
        .replace("127.0.0.1:0", &address)
        .write(dir.path());
    let (code, log) = ends(dir.path(), &config).await;
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains(&address), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_daemon_on_the_same_database_is_refused() {
    let dir = TempDir::new().unwrap();
    let node = Node::simulated("quiet", dir.path()).await;
    let config = Config::new(&node.chain_id(), node.url()).write(dir.path());
    let mut first = Daemon::start(dir.path(), &config);
    first.reaches(3).await;
    let (code, log) = ends(dir.path(), &config).await;
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("bootwatch.db") && log.contains("in use"), "{log}");
    let here = complete_to(&dir.path().join("bootwatch.db")).unwrap();
    first.reaches(here + 3).await;
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_made_is_named() {
    let dir = TempDir::new().unwrap();
    let config = Config::new("gonka-devnet", "http://127.0.0.1:1")
        .replace("bootwatch.db", "no/such/folder/bootwatch.db")
        .write(dir.path());
    let (code, log) = ends(dir.path(), &config).await;
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("no/such/folder"), "{log}");

    fs::write(dir.path().join("text.db"), "this is no database, only a long enough text").unwrap();
    let config = Config::new("gonka-devnet", "http://127.0.0.1:1")
        .replace("bootwatch.db", "text.db")
        .write(dir.path());
    let (code, log) = ends(dir.path(), &config).await;
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("text.db"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_with_errors_opens_nothing() {
    let dir = TempDir::new().unwrap();
    let config = Config::new("gonka-devnet", "http://127.0.0.1:1")
        .replace("listen", "lisen")
        .host("cosmos", "cosmos1qypqxpq9qcrsszg2pvxq6rs0zqg3yyc5lzv7xu")
        .write(dir.path());
    let (code, log) = ends(dir.path(), &config).await;
    assert_eq!(code, Some(2), "{log}");
    assert!(log.contains("lisen") && log.contains("listen"), "{log}");
    assert!(log.contains("cosmos") && log.contains("gonka"), "{log}");
    assert!(!dir.path().join("bootwatch.db").exists(), "the database was made all the same");
}

/// The lively story holds undecodable transactions; they are counted and kept, and nothing stops.
#[tokio::test(flavor = "multi_thread")]
async fn an_undecodable_transaction_is_kept_and_shown() {
    let dir = TempDir::new().unwrap();
    let node = Node::simulated("default", dir.path()).await;
    let config = Config::new(&node.chain_id(), node.url()).write(dir.path());
    let mut daemon = Daemon::start(dir.path(), &config);
    daemon.reaches(2 * EPOCH_LENGTH + EPOCH_LENGTH / 2).await;
    let page = daemon.page().await;
    let status: serde_json::Value =
        reqwest::get(format!("{page}/api/v1/status")).await.unwrap().json().await.unwrap();
    daemon.stop().await;
    assert!(status["data"]["malformed"].as_u64().unwrap() > 0, "{}", status["data"]);
    let reader = SqliteReader::open(&dir.path().join("bootwatch.db")).unwrap();
    let (_, malformed) = reader.malformed(10).unwrap().into_iter().next().expect("one is kept");
    assert!(!malformed.raw.is_empty() && !malformed.reason.is_empty(), "{malformed:?}");
}

#[test]
fn usage_errors_exit_with_2() {
    let dir = TempDir::new().unwrap();
    for args in [vec!["no-such-command"], vec!["run", "--config", "missing.toml"]] {
        let output = bootwatch(&args, dir.path());
        assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
    }
}
