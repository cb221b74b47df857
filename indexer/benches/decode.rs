//! How fast a block's results become facts: `cargo bench -p bootwatch --bench decode`.
//!
//! Three bodies, as a node sends them: 570 events of 4 attributes in 50 transactions and the block
//! itself (about 217 KB), of which a dozen are kept; the same with none that is kept; and one of a
//! key generation, a few events that hold megabytes. Each is read in turn by us and by tendermint-rpc,
//! from the bytes into the types of each, in the same run; and by us on to the facts, which takes the
//! block's transactions apart as well, bytes that are not in the body. The best of many rounds counts,
//! because the machine may be busy. Prints the speeds and their ratio beside the goals; machines
//! differ, so it judges nothing.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bootwatch::{
    chain::{
        body::{Answer, BlockAnswer, ResultsAnswer},
        wire::{Any, TxBody, TxRaw},
    },
    decode,
};
use prost::Message as _;
use serde_json::{Value, json};
use tendermint_rpc::{Response as _, endpoint::block_results};

const CHAIN: &str = "gonka-mainnet";
const HEIGHT: i64 = 5_551_615;
const TXS: usize = 50;
const EVENTS_IN_TXS: usize = 400;
const EVENTS: usize = 570;
const GOAL_RATIO: f64 = 3.0;
const GOAL_MB: f64 = 400.0;
/// Measured for at least this long, each.
const TIME: Duration = Duration::from_secs(4);

fn main() {
    println!(
        "{:<22} {:>9} {:>10} {:>11} {:>10} {:>6}   goals: {GOAL_RATIO} x, {GOAL_MB} MB/s",
        "body", "bytes", "read MB/s", "facts MB/s", "peer MB/s", "ratio"
    );
    for (name, kept) in [("570 events", 12), ("570 events, none kept", 0)] {
        let events = (0..EVENTS).map(|n| event(n, n * kept / EVENTS != (n + 1) * kept / EVENTS));
        measure(name, &results(&events.collect::<Vec<_>>()));
    }
    measure("key generation", &results(&key_generation()));
}

fn measure(name: &str, body: &str) {
    let block = block().to_string();
    let block: Answer<'_, BlockAnswer<'_>> = serde_json::from_str(&block).expect("a block");
    let block = block.result.expect("a block");
    let read = || {
        let text = std::str::from_utf8(black_box(body.as_bytes())).expect("text");
        let answer: Answer<'_, ResultsAnswer<'_>> = serde_json::from_str(text).expect("results");
        black_box(answer.result.expect("results"));
    };
    let facts = || {
        // From bytes, as they come off the wire.
        let text = std::str::from_utf8(black_box(body.as_bytes())).expect("text");
        let answer: Answer<'_, ResultsAnswer<'_>> = serde_json::from_str(text).expect("results");
        let results = answer.result.expect("results");
        let facts = decode::fetched(CHAIN, HEIGHT, &block, &results).expect("a block");
        assert!(facts.malformed.is_empty());
        black_box(facts);
    };
    let peer = || {
        let results = block_results::Response::from_string(black_box(body.as_bytes()));
        black_box(results.expect("the peer reads it"));
    };
    let (mut best_read, mut best_facts, mut best_peer) =
        (Duration::MAX, Duration::MAX, Duration::MAX);
    let began = Instant::now();
    while began.elapsed() < TIME {
        best_read = best_read.min(time(read));
        best_facts = best_facts.min(time(facts));
        best_peer = best_peer.min(time(peer));
    }
    #[expect(clippy::cast_precision_loss, reason = "sizes of bodies")]
    let speed = |time: Duration| body.len() as f64 / time.as_secs_f64() / 1e6;
    let (read, facts, peer) = (speed(best_read), speed(best_facts), speed(best_peer));
    println!(
        "{name:<22} {:>9} {read:>10.0} {facts:>11.0} {peer:>10.0} {:>6.1}",
        body.len(),
        read / peer
    );
}

fn time(work: impl Fn()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

fn block() -> Value {
    let any =
        Any { type_url: "/inference.inference.MsgFinishInference".into(), value: vec![7; 200] };
    let body = TxBody { messages: vec![any] };
    let tx = STANDARD.encode(TxRaw { body_bytes: body.encode_to_vec() }.encode_to_vec());
    json!({ "jsonrpc": "2.0", "id": 1, "result": {
        "block_id": { "hash": "AB".repeat(32) },
        "block": {
            "header": {
                "chain_id": CHAIN, "height": HEIGHT.to_string(),
                "time": "2026-08-14T00:43:11.123456789Z",
                "last_block_id": { "hash": "CD".repeat(32) },
            },
            "data": { "txs": vec![tx; TXS] },
        },
    } })
}

/// An event as a transfer writes it, or one that is kept.
fn event(n: usize, kept: bool) -> Value {
    let attribute = |key: &str, value: String| json!({ "key": key, "value": value, "index": true });
    let host = |n: usize| format!("gonka1{n:038}");
    if kept {
        json!({ "type": "slash_collateral", "attributes": [
            attribute("participant", host(n)), attribute("slash_amount", format!("{n}ngonka")),
            attribute("slash_fraction", "0.010000000000000000".into()),
            attribute("slash_reason", "downtime".into()),
        ] })
    } else {
        json!({ "type": "transfer", "attributes": [
            attribute("recipient", host(n)), attribute("sender", host(n + 1)),
            attribute("amount", format!("{}ngonka", n * 1_000_003)),
            attribute("msg_index", "0".into()),
        ] })
    }
}

/// The whole of a key generation in a few events: JSON inside of JSON.
fn key_generation() -> Vec<Value> {
    let dealers: Vec<Value> = (0..60)
        .map(|n| {
            json!({
                "dealer_address": format!("gonka1{n:038}"),
                "commitments": vec!["q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ"; 60],
                "participant_shares": vec![json!({
                    "encrypted_shares": vec!["BGJhc2U2NC1vZi1hLXNoYXJlLXRoYXQtaXMtZW5jcnlwdGVk"; 6]
                }); 60],
            })
        })
        .collect();
    let data = json!({ "epoch_id": "360", "dealer_parts": dealers }).to_string();
    let kinds =
        ["EventVerifyingPhaseStarted", "EventDisputePhaseStarted", "EventGroupPublicKeyGenerated"];
    let events = kinds.map(|kind| {
        json!({ "type": format!("inference.bls.{kind}"), "attributes": [
            { "key": "epoch_bls_data", "value": data, "index": true },
            { "key": "epoch_id", "value": "\"360\"", "index": true },
            { "key": "mode", "value": "EndBlock", "index": true },
        ] })
    });
    events.into_iter().chain((0..20).map(|n| event(n, false))).collect()
}

fn results(events: &[Value]) -> String {
    let (in_txs, in_block) = events.split_at(EVENTS_IN_TXS.min(events.len() / 2));
    let each = in_txs.len().div_ceil(TXS).max(1);
    let mut in_txs = in_txs.chunks(each);
    let txs: Vec<Value> = (0..TXS)
        .map(|_| {
            json!({
                "code": 0, "data": "EjQKMi9pbmZlcmVuY2U=", "log": "", "info": "",
                "gas_wanted": "500000", "gas_used": "123456", "codespace": "",
                "events": in_txs.next().unwrap_or_default(),
            })
        })
        .collect();
    json!({ "jsonrpc": "2.0", "id": 1, "result": {
        "height": HEIGHT.to_string(), "txs_results": txs, "finalize_block_events": in_block,
        "validator_updates": null, "consensus_param_updates": null,
        "app_hash": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    } })
    .to_string()
}
