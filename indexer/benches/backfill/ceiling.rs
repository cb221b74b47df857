//! What the node alone can do: the same requests from a client that throws the answers away.

use std::{sync::Arc, time::Instant};

use serde_json::json;
use tokio::sync::Semaphore;

/// Requests at a time, as many as are made of one endpoint.
const AT_A_TIME: usize = 8;
/// Blocks that are asked for, at most: it is a rate.
const BLOCKS: i64 = 2_000;

/// Blocks a second.
pub async fn measure(url: &str, blocks: i64, with_txs: bool) -> f64 {
    let blocks = blocks.min(BLOCKS);
    let http = reqwest::Client::new();
    let room = Arc::new(Semaphore::new(AT_A_TIME));
    let began = Instant::now();
    let calls: Vec<(&str, i64)> = (1..=blocks)
        .flat_map(|height| {
            let block = with_txs.then_some(("block", height));
            block.into_iter().chain([("block_results", height)])
        })
        .collect();
    let mut running = tokio::task::JoinSet::new();
    for batch in calls.chunks(10) {
        let batch: Vec<_> = batch
            .iter()
            .enumerate()
            .map(|(id, (method, height))| {
                json!({ "jsonrpc": "2.0", "id": id, "method": method,
                    "params": { "height": height.to_string() } })
            })
            .collect();
        let (http, url) = (http.clone(), url.to_owned());
        let leave = Arc::clone(&room).acquire_owned().await.expect("it is never closed");
        running.spawn(async move {
            let answer = http.post(url).json(&batch).send().await.expect("an answer");
            let body = answer.bytes().await.expect("a body");
            drop(leave);
            body.len()
        });
    }
    while running.join_next().await.is_some() {}
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let blocks = blocks as f64;
    blocks / began.elapsed().as_secs_f64()
}
