//! A node that replays prepared bodies: as fast as a loopback server can be.

use std::{fmt::Write as _, sync::Arc};

use axum::{Router, extract::State, http::header, response::IntoResponse, routing::post};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bootwatch_devnet::{
    Devnet, Options,
    chain::{Spec, Story},
};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tendermint::merkle::simple_hash_from_byte_vectors;

/// What each block holds.
pub struct Shape {
    txs: Vec<Vec<u8>>,
    /// `txs_results` and `finalize_block_events`, with their names.
    results: String,
    results_hash: String,
}

fn root(leaves: &[impl AsRef<[u8]>]) -> String {
    hex::encode_upper(simple_hash_from_byte_vectors::<Sha256>(leaves))
}

/// An event as a chain emits them, about 380 bytes.
fn event(n: usize) -> Value {
    json!({ "type": "inference.inference.EventComputed", "attributes": [
        { "key": "participant", "value": format!("\"gonka1{n:039}\""), "index": true },
        { "key": "model_id", "value": "\"Qwen/Qwen3-235B-A22B-Instruct-2507-FP8\"", "index": true },
        { "key": "weight", "value": format!("\"{}\"", 1_000_000 + n), "index": true },
        { "key": "mode", "value": "EndBlock", "index": true },
    ] })
}

impl Shape {
    /// Three transactions and 570 events of four attributes.
    pub fn full() -> Self {
        const TXS: usize = 3;
        const OF_TX: usize = 30;
        let txs: Vec<Vec<u8>> = (0..TXS).map(|n| format!("\n\u{4}none{n}").into_bytes()).collect();
        let of_tx: Vec<Value> = (0..OF_TX).map(event).collect();
        let result = json!({ "code": 0, "data": null, "log": "", "info": "",
            "gas_wanted": "200000", "gas_used": "61000", "events": of_tx, "codespace": "" });
        let own: Vec<Value> = (0..570 - TXS * OF_TX).map(event).collect();
        // gas_wanted is field 5, gas_used field 6; what is zero is left out.
        let leaf: &[u8] = &[0x28, 0xc0, 0x9a, 0x0c, 0x30, 0xc8, 0xdc, 0x03];
        Self {
            results: format!(
                r#""txs_results":{},"finalize_block_events":{}"#,
                Value::from(vec![result; TXS]),
                Value::from(own)
            ),
            results_hash: root(&[leaf; TXS]),
            txs,
        }
    }

    /// No transaction and two events.
    pub fn near_empty() -> Self {
        let own: Vec<Value> = (0..2).map(event).collect();
        Self {
            txs: Vec::new(),
            results: format!(r#""txs_results":null,"finalize_block_events":{}"#, Value::from(own)),
            results_hash: root(&[] as &[&[u8]]),
        }
    }
}

/// A chain of equal blocks.
struct Chain {
    blocks: i64,
    shape: Shape,
    data_hash: String,
    txs: String,
    status: String,
}

/// The server; it ends with the benchmark.
pub struct Replay {
    url: String,
    has_txs: bool,
}

#[derive(Deserialize)]
struct Request<'a> {
    /// A number or a text, as the client likes.
    id: Value,
    method: &'a str,
    #[serde(borrow, default)]
    params: Option<Params<'a>>,
}

#[derive(Deserialize, Default)]
struct Params<'a> {
    height: Option<&'a str>,
    #[serde(rename = "minHeight")]
    min: Option<&'a str>,
    #[serde(rename = "maxHeight")]
    max: Option<&'a str>,
}

impl Replay {
    pub async fn start(blocks: i64, shape: Shape) -> Self {
        let hashes: Vec<[u8; 32]> = shape.txs.iter().map(|tx| Sha256::digest(tx).into()).collect();
        let txs: Vec<String> = shape.txs.iter().map(|tx| STANDARD.encode(tx)).collect();
        let has_txs = !txs.is_empty();
        let chain = Arc::new(Chain {
            blocks,
            data_hash: root(&hashes),
            txs: Value::from(txs).to_string(),
            status: status(blocks).await,
            shape,
        });
        let router = Router::new().route("/", post(answer)).with_state(chain);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, has_txs }
    }

    pub fn url(&self) -> String {
        self.url.clone()
    }

    pub fn has_txs(&self) -> bool {
        self.has_txs
    }
}

/// The simulated node's own status, of another height.
async fn status(blocks: i64) -> String {
    let spec = Spec::new(1, Story::load("quiet").expect("a story"));
    let node = Devnet::start(Options::new(spec)).await.expect("a node");
    let request = json!({ "jsonrpc": "2.0", "id": 0, "method": "status", "params": {} });
    let http = reqwest::Client::new();
    let answer = http.post(node.url()).json(&request).send().await.expect("an answer");
    let mut status = answer.json::<Value>().await.expect("JSON")["result"].take();
    status["sync_info"]["latest_block_height"] = blocks.to_string().into();
    status["sync_info"]["earliest_block_height"] = "1".into();
    status.to_string()
}

async fn answer(State(chain): State<Arc<Chain>>, body: String) -> impl IntoResponse {
    let requests: Vec<Request<'_>> = if body.starts_with('[') {
        serde_json::from_str(&body)
    } else {
        serde_json::from_str(&body).map(|request| vec![request])
    }
    .expect("requests");
    let one = requests.len() == 1;
    let mut text = String::with_capacity(requests.len() * (chain.shape.results.len() + 2048));
    for (n, request) in requests.iter().enumerate() {
        text.push(if n > 0 {
            ','
        } else if one {
            ' '
        } else {
            '['
        });
        let _ = write!(text, r#"{{"jsonrpc":"2.0","id":{},"#, request.id);
        chain.write(request, &mut text);
        text.push('}');
    }
    if !one {
        text.push(']');
    }
    ([(header::CONTENT_TYPE, "application/json")], text)
}

fn number(text: Option<&str>) -> i64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

impl Chain {
    fn write(&self, request: &Request<'_>, text: &mut String) {
        let params = request.params.as_ref();
        let height = number(params.and_then(|params| params.height));
        // Writing to a text cannot fail.
        let _ = match request.method {
            "status" => write!(text, r#""result":{}"#, self.status),
            "block_results" => {
                let results = &self.shape.results;
                write!(
                    text,
                    r#""result":{{"height":"{height}",{results},"validator_updates":null,"consensus_param_updates":null,"app_hash":""}}"#
                )
            }
            "block" => {
                let (id, head, txs) = (id(height), self.header(height), &self.txs);
                write!(
                    text,
                    r#""result":{{"block_id":{id},"block":{{"header":{head},"data":{{"txs":{txs}}},"evidence":{{"evidence":[]}},"last_commit":null}}}}"#
                )
            }
            "blockchain" => {
                let (min, max) = (
                    number(params.and_then(|params| params.min)),
                    number(params.and_then(|params| params.max)),
                );
                let metas: Vec<String> =
                    (min..=max.min(self.blocks)).rev().map(|height| self.meta(height)).collect();
                let (last, metas) = (self.blocks, metas.join(","));
                write!(text, r#""result":{{"last_height":"{last}","block_metas":[{metas}]}}"#)
            }
            _ => write!(text, r#""error":{{"code":-32601,"message":"Method not found"}}"#),
        };
    }

    fn meta(&self, height: i64) -> String {
        let (id, head, txs) = (id(height), self.header(height), self.shape.txs.len());
        format!(r#"{{"block_id":{id},"block_size":"900","header":{head},"num_txs":"{txs}"}}"#)
    }

    fn header(&self, height: i64) -> String {
        let last = id(height - 1);
        let (minute, second) = (height / 12 % 60, height % 12 * 5);
        let (data, results) = (&self.data_hash, &self.shape.results_hash);
        let other = "0".repeat(64);
        format!(
            r#"{{"version":{{"block":"11"}},"chain_id":"{}","height":"{height}","time":"2026-08-14T00:{minute:02}:{second:02}.123456789Z","last_block_id":{last},"last_commit_hash":"{other}","data_hash":"{data}","validators_hash":"{other}","next_validators_hash":"{other}","consensus_hash":"{other}","app_hash":"{other}","last_results_hash":"{results}","evidence_hash":"{other}","proposer_address":"00"}}"#,
            super::CHAIN
        )
    }
}

fn id(height: i64) -> String {
    format!(r#"{{"hash":"{height:064X}","parts":{{"total":1,"hash":"{height:064X}"}}}}"#)
}
