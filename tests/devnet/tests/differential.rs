//! The simulated node against an unmodified CometBFT with the same chain behind it.
//!
//! Every method and frame that a monitor uses, and every error it must understand, is asked of
//! both; the answers must have the same status, the same headers, the same keys in the same places,
//! the same JSON types, and equal values wherever the two can be equal. What cannot be (identities,
//! clocks and what is hashed from them) is listed in `compare/compare.rs`.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "client/client.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared by test binaries")]
mod client;
#[path = "compare/compare.rs"]
#[expect(unreachable_pub, reason = "a module of a test binary")]
mod compare;
#[path = "pair/pair.rs"]
#[expect(unreachable_pub, reason = "a module of a test binary")]
mod pair;

use std::collections::BTreeMap;

use client::{Client, Socket};
use compare::Differences;
use pair::Pair;
use serde_json::{Value, json};

/// The last height that is compared; the story has its events and transactions by then.
const LAST: i64 = 120;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_simulated_node_answers_like_a_real_one() {
    let Some(pair) = Pair::start(None).await else { return };
    // Nothing above is compared: the processors are for the real node.
    pair.simulated.faults().halt_at(Some(LAST + 5));
    pair.wait_for(LAST).await;
    let mut differences = Differences::default();
    for path in gets() {
        pair.get(&mut differences, &path).await;
    }
    for height in [1, 2, 3, 40, 80, LAST] {
        for method in
            ["block", "block_results", "header", "commit", "validators", "consensus_params"]
        {
            pair.get(&mut differences, &format!("{method}?height={height}")).await;
            pair.call(&mut differences, method, json!({"height": height.to_string()})).await;
        }
    }
    for body in posts() {
        pair.post(&mut differences, &body).await;
    }
    let transactions = every_block(&pair, &mut differences).await;
    differences.report();
    assert!(transactions > 0, "the story has no transactions: nothing was compared");
    pair.stop().await;
}

/// Requests by URI.
fn gets() -> Vec<String> {
    let mut paths: Vec<String> = [
        "status",
        "health",
        "net_info",
        "abci_info",
        "genesis",
        "genesis_chunked",
        "genesis_chunked?chunk=0",
        "genesis_chunked?chunk=7",
        "blockchain?minHeight=5&maxHeight=9",
        "blockchain?minHeight=1&maxHeight=100",
        "blockchain?minHeight=9&maxHeight=5",
        "blockchain?minHeight=-1",
        "num_unconfirmed_txs",
        "unconfirmed_txs",
        "unconfirmed_txs?limit=3",
        // Arguments of the wrong kind, and heights that are not there.
        "block?height=0",
        "block?height=-3",
        "block?height=abc",
        "block?height=1.5",
        "block?height=%221%22",
        "block?height=%22x%22",
        "block?height=0x10",
        "block?height=1000000",
        "block_results?height=1000000",
        "header?height=1000000",
        "commit?height=1000000",
        "validators?height=1000000",
        "validators?height=5&per_page=0&page=1",
        "validators?page=2",
        "block_by_hash?hash=0x00",
        "block_by_hash?hash=%22x%22",
        "header_by_hash?hash=0x00",
        "tx?hash=0x00",
        "tx?hash=0x0g",
        "tx",
        "nosuch",
        "subscribe?query=%22tm.event='NewBlock'%22",
        "unsubscribe_all",
        "tx_search?query=%22tx.height=3%22&prove=1",
        // Searches.
        "tx_search",
        "tx_search?query=%22tx.height%3C100%22&per_page=2&page=1",
        "tx_search?query=%22tx.height%3C100%22&per_page=2&page=3&order_by=%22desc%22",
        "tx_search?query=%22tx.height%3C100%22&order_by=%22sideways%22",
        "tx_search?query=%22tx.height%3C100%22&page=1000",
        "tx_search?query=%22tx.height=5%22",
        "tx_search?query=%22tx.hash='00'%22",
        "tx_search?query=%22message.action='nothing'%22",
        "tx_search?query=bad",
        "tx_search?query=%22bad%22",
        "tx_search?query=%22a='x%22",
        "block_search?query=%22block.height=7%22",
        "block_search?query=%22block.height%3E3%20AND%20block.height%3C=6%22",
        "block_search?query=%22block.height%3E3%20AND%20block.height%3C=6%22&order_by=%22asc%22",
        "block_search?query=%22nothing.here%20EXISTS%22",
        "block_search?query=%22%22",
        // Application queries.
        "abci_query?path=%22/nosuch%22",
        "abci_query?path=%22/inference.inference.Query/Params%22&height=100",
        "abci_query?path=%22/inference.inference.Query/Params%22&height=1000000",
        "abci_query?path=%22/inference.inference.Query/EpochInfo%22&height=20",
        "abci_query?path=%22/inference.inference.Query/PoCDelegation%22&data=0xff",
        "abci_query?path=%22/cosmos.base.tendermint.v1beta1.Service/GetNodeInfo%22",
    ]
    .map(str::to_owned)
    .into();
    for tag in ["bootstrap_model_preeligibility.model_id", "message.module", "transfer.amount"] {
        for search in ["tx_search", "block_search"] {
            let range = if search == "tx_search" { "tx.height" } else { "block.height" };
            let query = format!("{tag}%20EXISTS%20AND%20{range}%3C={LAST}");
            paths.push(format!("{search}?query=%22{query}%22&per_page=5"));
        }
    }
    let capture = "bootstrap_model_preeligibility";
    for condition in [
        "pre_eligible='true'",
        "pre_eligible='false'",
        "model_id%20CONTAINS%20'/'",
        "snapshot_height%3E50",
        "snapshot_height%3C=50",
        "pre_eligible='true'%20AND%20bootstrap_model_preeligibility.meets_v_min='false'",
    ] {
        let query = format!("{capture}.{condition}%20AND%20block.height%3C={LAST}");
        paths.push(format!("block_search?query=%22{query}%22&per_page=3"));
    }
    paths
}

/// Bodies of POST requests.
fn posts() -> Vec<String> {
    let request = |id: Value, method: &str, params: Value| json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
    let ten: Vec<Value> = (0..10).map(|id| request(json!(id), "health", json!({}))).collect();
    let eleven: Vec<Value> = (0..11).map(|id| request(json!(id), "health", json!({}))).collect();
    let mixed = json!([
        request(json!("a"), "block", json!({"height": "2"})),
        request(json!(2), "block_results", json!(["2"])),
        request(json!(3), "block_results", json!({"height": "1000000"})),
        {"jsonrpc": "2.0", "method": "health"},
        request(json!(4), "nosuch", json!({})),
        request(json!(5), "subscribe", json!({"query": "tm.event='Tx'"})),
    ]);
    vec![
        json!(ten).to_string(),
        json!(eleven).to_string(),
        mixed.to_string(),
        json!([request(json!(1), "health", json!({}))]).to_string(),
        request(json!("text<id>"), "health", json!({})).to_string(),
        request(json!(1.7), "health", Value::Null).to_string(),
        json!({"jsonrpc": "2.0", "id": 1, "method": "health"}).to_string(),
        json!({"jsonrpc": "2.0", "id": 1, "method": "block"}).to_string(),
        json!({"jsonrpc": "2.0", "method": "health"}).to_string(),
        json!({"id": 9, "method": "health", "params": []}).to_string(),
        json!({"id": 9}).to_string(),
        request(json!(1), "nosuch", json!({})).to_string(),
        request(json!(1), "subscribe", json!({"query": "tm.event='Tx'"})).to_string(),
        request(json!(1), "block", json!({"height": 5})).to_string(),
        request(json!(1), "block", json!({"height": "x"})).to_string(),
        request(json!(1), "block", json!({"height": ""})).to_string(),
        request(json!(1), "genesis_chunked", json!({"chunk": null, "unknown": 1})).to_string(),
        json!({"id": true, "method": "health"}).to_string(),
        json!({"id": 1, "method": 5}).to_string(),
        json!([[1]]).to_string(),
        request(json!(1), "block", json!(["1", "2"])).to_string(),
        request(json!(1), "block", json!([])).to_string(),
        request(json!(1), "block", json!("x")).to_string(),
        request(json!(1), "block", json!(5)).to_string(),
        request(json!(1), "tx", json!({"hash": "AA=="})).to_string(),
        request(json!(1), "tx", json!({"hash": "no base64"})).to_string(),
        request(json!(1), "header_by_hash", json!({"hash": "zz"})).to_string(),
        request(json!(1), "tx_search", json!({"query": 5})).to_string(),
        request(json!(1), "tx_search", json!({"query": "tx.height=3", "prove": "yes"})).to_string(),
        request(json!(1), "tx_search", json!({"query": "a".repeat(513)})).to_string(),
        request(json!(1), "abci_query", json!({"path": "/nosuch"})).to_string(),
        request(
            json!(1),
            "abci_query",
            json!({"path": "/inference.inference.Query/EpochInfo", "height": "30"}),
        )
        .to_string(),
        request(json!(1), "abci_query", json!({"path": "/x", "data": "0x00"})).to_string(),
        request(json!(1), "broadcast_tx_sync", json!({"tx": ""})).to_string(),
        "null".to_owned(),
        "[]".to_owned(),
        "{".to_owned(),
        "garbage".to_owned(),
        "5".to_owned(),
        "[1]".to_owned(),
        json!({"id": {}, "method": "health"}).to_string(),
        " ".repeat(1_000_001),
    ]
}

/// Blocks, results and searches by each transaction's hash, height after height.
async fn every_block(pair: &Pair, differences: &mut Differences) -> usize {
    let mut transactions = 0;
    for height in 1..=LAST {
        let (ours, _) = pair.get(differences, &format!("block_results?height={height}")).await;
        let count = ours["result"]["txs_results"].as_array().map_or(0, Vec::len);
        if count == 0 {
            continue;
        }
        pair.get(differences, &format!("block?height={height}")).await;
        let (found, _) =
            pair.get(differences, &format!("tx_search?query=%22tx.height={height}%22")).await;
        for tx in found["result"]["txs"].as_array().into_iter().flatten().take(3) {
            let hash = tx["hash"].as_str().unwrap();
            pair.get(differences, &format!("tx?hash=0x{hash}")).await;
            pair.get(differences, &format!("tx_search?query=%22tx.hash='{hash}'%22")).await;
            transactions += 1;
        }
    }
    transactions
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_are_like_those_of_a_real_node() {
    let Some(pair) = Pair::start(None).await else { return };
    pair.simulated.faults().halt_at(Some(LAST + 5));
    let mut differences = Differences::default();
    let (ours, theirs) = tokio::join!(frames(&pair.ours), frames(&pair.theirs));
    let first = ours.first_height().max(theirs.first_height()) + 1;
    assert!(first < LAST - 20, "subscribed too late: {first}");
    let mut compared = BTreeMap::<&str, usize>::new();
    for (kind, frames) in &ours.by_kind {
        for (key, frame) in frames.range((first, 0)..=(LAST, u64::MAX)) {
            let real = theirs.by_kind[kind].get(key).unwrap_or(&Value::Null);
            differences.json(&format!("{kind} {key:?}"), frame, real);
            *compared.entry(kind).or_default() += 1;
        }
    }
    for kind in ["NewBlock", "NewBlockHeader", "NewBlockEvents", "Tx"] {
        assert!(compared.get(kind).is_some_and(|count| *count > 0), "{kind}: {compared:?}");
    }
    replies(&pair, &mut differences).await;
    differences.report();
    pair.stop().await;
}

/// Frames by kind, then by height and, for transactions, index.
#[derive(Default)]
struct Frames {
    by_kind: BTreeMap<String, BTreeMap<(i64, u64), Value>>,
}

impl Frames {
    fn first_height(&self) -> i64 {
        let first = |frames: &BTreeMap<(i64, u64), Value>| frames.keys().next().map(|key| key.0);
        self.by_kind.values().filter_map(first).min().unwrap()
    }
}

/// Every frame until the last height.
async fn frames(client: &Client) -> Frames {
    let mut socket = client.socket().await;
    let mut frames = Frames::default();
    for (id, kind) in (1..).zip(["NewBlock", "NewBlockHeader", "NewBlockEvents", "Tx"]) {
        socket.request(id, "subscribe", json!({"query": format!("tm.event='{kind}'")})).await;
    }
    loop {
        let frame = socket.next().await;
        let data = &frame["result"]["data"];
        let Some(kind) = data["type"].as_str().and_then(|kind| kind.rsplit('/').next()) else {
            assert_eq!(frame["result"], json!({}), "a subscription was refused");
            continue;
        };
        let value = &data["value"];
        let height = [
            &value["block"]["header"]["height"],
            &value["header"]["height"],
            &value["height"],
            &value["TxResult"]["height"],
        ];
        let height = height.iter().find_map(|height| height.as_str()).unwrap();
        let height: i64 = height.parse().unwrap();
        let index = value["TxResult"]["index"].as_u64().unwrap_or(0);
        let done = height > LAST + 1;
        frames.by_kind.entry(kind.to_owned()).or_default().insert((height, index), frame);
        if done {
            return frames;
        }
    }
}

/// Replies to requests on the websocket, right and wrong.
async fn replies(pair: &Pair, differences: &mut Differences) {
    let conversation = [
        json!({"id": 1, "method": "subscribe", "params": {"query": "a.b='1'"}}).to_string(),
        json!({"id": 2, "method": "subscribe", "params": {"query": "a.b = '1'"}}).to_string(),
        json!({"id": 3, "method": "subscribe", "params": ["a.b='2'"]}).to_string(),
        json!({"id": 4, "method": "subscribe", "params": {"query": "a.b=="}}).to_string(),
        json!({"id": 5, "method": "subscribe", "params": {"query": ""}}).to_string(),
        json!({"id": 6, "method": "subscribe"}).to_string(),
        json!({"id": 7, "method": "subscribe", "params": {"query": 5}}).to_string(),
        json!({"id": 8, "method": "subscribe", "params": {"query": "a".repeat(513)}}).to_string(),
        json!({"id": 9, "method": "subscribe", "params": {"query": "a.b=3"}}).to_string(),
        json!({"id": 10, "method": "subscribe", "params": {"query": "a.b>4"}}).to_string(),
        json!({"id": 11, "method": "subscribe", "params": {"query": "a.b EXISTS"}}).to_string(),
        json!({"id": 12, "method": "subscribe", "params": {"query": "a.b=6"}}).to_string(),
        json!({"id": 13, "method": "unsubscribe", "params": {"query": "a.b=7"}}).to_string(),
        json!({"id": 14, "method": "unsubscribe", "params": {"query": "a.b=3"}}).to_string(),
        json!({"id": 15, "method": "unsubscribe", "params": {"query": "nonsense"}}).to_string(),
        json!({"id": "all", "method": "unsubscribe_all", "params": {}}).to_string(),
        json!({"id": 17, "method": "unsubscribe_all"}).to_string(),
        json!({"id": 18, "method": "unsubscribe", "params": {"query": "a.b=3"}}).to_string(),
        json!({"id": 19, "method": "health"}).to_string(),
        json!({"id": 20, "method": "block", "params": {"height": "5"}}).to_string(),
        json!({"id": 21, "method": "block_results", "params": {"height": "5"}}).to_string(),
        json!({"id": 22, "method": "block", "params": {"height": "x"}}).to_string(),
        json!({"id": 23, "method": "block", "params": {"height": "0"}}).to_string(),
        json!({"id": 24, "method": "status", "params": {}}).to_string(),
        json!({"id": 25, "method": "nosuch", "params": {}}).to_string(),
        "garbage".to_owned(),
        "{".to_owned(),
        String::new(),
        r#"{"id": 26, "method": "health"} and more"#.to_owned(),
    ];
    let (mut ours, mut theirs) = (pair.ours.socket().await, pair.theirs.socket().await);
    let ask = async |socket: &mut Socket, text: &str| {
        socket.send(text).await;
        socket.next().await
    };
    for text in conversation {
        let (our, their) = tokio::join!(ask(&mut ours, &text), ask(&mut theirs, &text));
        differences.json(&format!("websocket {text}"), &our, &their);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pruned_heights_are_refused_like_by_a_real_node() {
    let Some(pair) = Pair::start(std::num::NonZeroU64::new(10)).await else { return };
    pair.wait_for(30).await;
    let mut differences = Differences::default();
    for method in ["block", "block_results", "header", "commit", "validators"] {
        pair.get(&mut differences, &format!("{method}?height=3")).await;
        pair.call(&mut differences, method, json!({"height": "3"})).await;
    }
    pair.get(&mut differences, "blockchain?minHeight=1&maxHeight=3").await;
    pair.get(&mut differences, "status").await;
    differences.report();
    pair.stop().await;
}

/// The application replays to where the node is, and a killed node loses nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_node_survives_its_own_death_and_the_applications() {
    let Some(mut pair) = Pair::start(None).await else { return };
    pair.theirs.wait_for(20).await;
    let before = pair.theirs.call("block_results", json!({"height": "20"})).await;
    let block = pair.theirs.call("block", json!({"height": "20"})).await;

    pair.node.kill().await.unwrap();
    let application = pair.application.address();
    pair.node.restart(application).await.unwrap();
    pair.theirs.wait_for(25).await;

    pair.restart_application().await;
    pair.theirs.wait_for(30).await;
    assert_eq!(pair.theirs.call("block_results", json!({"height": "20"})).await, before);
    assert_eq!(pair.theirs.call("block", json!({"height": "20"})).await, block);
    assert!(pair.application.inspect(|chain| chain.height()) >= 30);
    pair.stop().await;
}
