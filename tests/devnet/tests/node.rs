//! The simulated node over real sockets.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "client/client.rs"]
#[expect(unreachable_pub, reason = "shared by test binaries")]
mod client;

use std::num::NonZeroU64;
use std::time::Duration;

use bootwatch_devnet::chain::{Spec, Story};
use bootwatch_devnet::{Devnet, Options, Running, StartError};
use client::Client;
use serde_json::{Value, json};

fn options() -> Options {
    let mut options = Options::new(Spec::new(7, Story::load("default").unwrap()));
    options.block_time = Duration::from_millis(20);
    options
}

async fn start(options: Options) -> (Running, Client) {
    let node = Devnet::start(options).await.unwrap();
    let client = Client::new(&node.url());
    (node, client)
}

/// Starts a node that was dropped just now: it may still be letting go of its port and journal.
async fn start_again(options: &Options) -> (Running, Client) {
    loop {
        match Devnet::start(options.clone()).await {
            Ok(node) => {
                let client = Client::new(&node.url());
                return (node, client);
            }
            Err(StartError::Listen { .. } | StartError::InUse { .. }) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn blocks_link_and_carry_the_hashes_of_what_they_follow() {
    let (node, client) = start(options()).await;
    client.wait_for(4).await;
    let mut last: Option<Value> = None;
    for height in 1..=4 {
        let block = client.call("block", json!({"height": height.to_string()})).await;
        let results = client.call("block_results", json!([height.to_string()])).await;
        assert_eq!(results["height"], height.to_string());
        if let Some((last_id, app_hash)) =
            last.as_ref().map(|last| (&last["id"], &last["app_hash"]))
        {
            assert_eq!(block["block"]["header"]["last_block_id"], *last_id);
            assert_eq!(block["block"]["last_commit"]["block_id"], *last_id);
            assert_eq!(block["block"]["header"]["app_hash"], *app_hash);
        }
        use base64::Engine as _;
        let app_hash =
            base64::prelude::BASE64_STANDARD.decode(results["app_hash"].as_str().unwrap()).unwrap();
        last = Some(json!({"id": block["block_id"], "app_hash": hex::encode_upper(app_hash)}));
    }
    node.stop().await.unwrap();
}

#[tokio::test]
async fn a_new_block_frame_carries_the_block_and_its_results() {
    let (node, client) = start(options()).await;
    let mut socket = client.socket().await;
    socket.subscribe(0, "tm.event='NewBlock'").await;
    let frame = socket.next().await;
    assert_eq!(frame["id"], 0);
    assert_eq!(frame["result"]["query"], "tm.event='NewBlock'");
    assert_eq!(frame["result"]["data"]["type"], "tendermint/event/NewBlock");
    let value = &frame["result"]["data"]["value"];
    let height = &value["block"]["header"]["height"];
    let block = client.call("block", json!({"height": height})).await;
    assert_eq!(value["block"], block["block"]);
    assert_eq!(value["block_id"], block["block_id"]);
    let results = client.call("block_results", json!({"height": height})).await;
    assert_eq!(value["result_finalize_block"]["app_hash"], results["app_hash"]);
    let next = socket.next().await;
    let next = &next["result"]["data"]["value"]["block"]["header"];
    assert_eq!(next["last_block_id"], block["block_id"]);
    node.stop().await.unwrap();
}

#[tokio::test]
async fn pruned_and_future_heights_are_refused_in_cometbfts_words() {
    let mut options = options();
    options.retain_blocks = NonZeroU64::new(3);
    let (node, client) = start(options).await;
    client.wait_for(6).await;
    let low = client.get("block?height=1").await;
    let text = low.json()["error"]["data"].as_str().unwrap().to_owned();
    assert!(text.starts_with("height 1 is not available, lowest height is "), "{text}");
    assert_eq!(low.status, 500);
    let status = client.call("status", json!({})).await;
    let number = |key: &str| -> i64 { status["sync_info"][key].as_str().unwrap().parse().unwrap() };
    assert_eq!(number("latest_block_height") - number("earliest_block_height"), 2);
    let high = client.get("block_results?height=1000000").await.json();
    let text = high["error"]["data"].as_str().unwrap();
    assert!(
        text.starts_with(
            "height 1000000 must be less than or equal to the current blockchain height "
        ),
        "{text}"
    );
    node.stop().await.unwrap();
}

/// A killed node goes on with the same chain: `home` keeps what the specification does not tell.
#[tokio::test]
async fn a_node_with_a_home_goes_on_with_the_same_chain() {
    let home = tempfile::tempdir().unwrap();
    let mut options = options();
    options.home = Some(home.path().to_owned());
    let (node, client) = start(options.clone()).await;
    client.wait_for(3).await;
    let before = client.call("block", json!({"height": "3"})).await;
    // Dropped, not stopped: nothing is closed in order.
    drop(node);

    let (node, client) = start_again(&options).await;
    assert!(client.height().await > 3);
    assert_eq!(client.call("block", json!({"height": "3"})).await, before);
    let fourth = client.call("block", json!({"height": "4"})).await;
    assert_eq!(fourth["block"]["header"]["last_block_id"], before["block_id"]);
    node.stop().await.unwrap();
}

/// On a fixed port a killed node resumes and a stopped one does not, without being told a home.
#[tokio::test]
async fn a_killed_node_on_a_fixed_port_resumes_and_a_stopped_one_starts_anew() {
    let mut options = options();
    // A port that nobody else uses now; reuse is allowed at once.
    options.listen = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (node, client) = start(options.clone()).await;
    client.wait_for(3).await;
    let first = client.call("block", json!({"height": "1"})).await;
    drop(node);

    let (node, client) = start_again(&options).await;
    assert!(node.height() > 3);
    assert_eq!(client.call("block", json!({"height": "1"})).await, first);
    node.stop().await.unwrap();

    let (node, client) = start_again(&options).await;
    let anew = client.call("block", json!({"height": "1"})).await;
    assert_ne!(anew["block_id"], first["block_id"]);
    node.stop().await.unwrap();
}

/// A kept-alive connection must not go on answering for a node that is gone.
#[tokio::test]
async fn a_stopped_node_answers_nobody() {
    let (node, client) = start(options()).await;
    client.wait_for(2).await;
    let mut socket = client.socket().await;
    socket.subscribe(1, "tm.event='NewBlock'").await;
    let url = format!("{}/status", node.url());
    let http = reqwest::Client::new();
    assert!(http.get(&url).send().await.unwrap().status().is_success());
    node.stop().await.unwrap();
    assert!(http.get(&url).send().await.is_err());
    while socket.text().await.is_some() {}
}

/// Transactions from outside go into the next block, and survive a kill.
#[tokio::test]
async fn a_broadcast_transaction_is_included_once_and_replayed() {
    let home = tempfile::tempdir().unwrap();
    let mut options = options();
    options.home = Some(home.path().to_owned());
    let (node, client) = start(options.clone()).await;
    // What the script sent before is a transaction that the chain takes.
    client.wait_for(30).await;
    let found = client.call("tx_search", json!({"query": "tx.height<30", "per_page": "1"})).await;
    let tx = found["txs"][0]["tx"].as_str().unwrap().to_owned();
    let sent = client.call("broadcast_tx_commit", json!({"tx": tx})).await;
    let included = if sent["height"] == "0" {
        assert_ne!(sent["check_tx"]["code"], 0, "{sent}");
        None
    } else {
        Some(sent["height"].clone())
    };
    let height = client.height().await;
    let tip = client.call("block", json!({"height": height.to_string()})).await;
    drop(node);

    let (node, client) = start_again(&options).await;
    assert_eq!(client.call("block", json!({"height": height.to_string()})).await, tip);
    if let Some(height) = included {
        let block = client.call("block", json!({"height": height})).await;
        let txs = block["block"]["data"]["txs"].as_array().unwrap();
        assert!(txs.contains(&json!(tx)));
    }
    node.stop().await.unwrap();
}

#[tokio::test]
async fn faults_drop_connections_and_fail_requests() {
    let (node, client) = start(options()).await;
    let faults = node.faults();
    faults.fail_requests(1);
    assert_eq!(client.get("status").await.status, 503);
    assert_eq!(client.get("status").await.status, 200);

    faults.halt_at(Some(0));
    let halted = client.height().await + 1;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(client.height().await <= halted);
    faults.halt_at(None);
    client.wait_for(halted + 1).await;

    let mut socket = client.socket().await;
    socket.subscribe(1, "tm.event='NewBlock'").await;
    faults.garble_frames(1);
    // Frames that were sent before the fault was set come first.
    while serde_json::from_str::<Value>(&socket.text().await.unwrap()).is_ok() {}
    faults.duplicate_frames(1);
    let mut last = socket.next().await;
    loop {
        let next = socket.next().await;
        if next == last {
            break;
        }
        last = next;
    }
    faults.drop_websockets();
    while socket.text().await.is_some() {}
    node.stop().await.unwrap();
}
