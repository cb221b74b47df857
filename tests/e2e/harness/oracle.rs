//! The node's own word: read straight from its RPC with none of the daemon's code.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use prost::Message;
use serde_json::{Value, json};

/// One event's attributes by key.
pub(crate) type Attributes = BTreeMap<String, String>;

/// Asks a node by JSON-RPC.
#[derive(Clone)]
pub(crate) struct Oracle {
    url: String,
    http: reqwest::Client,
}

/// A stored choice as the chain answers it: model, kind, delegate.
pub(crate) type StoredChoice = (String, &'static str, Option<String>);

#[derive(Clone, PartialEq, Message)]
struct PoCDelegationRequest {
    #[prost(string, tag = "1")]
    participant: String,
    #[prost(string, tag = "2")]
    model_id: String,
}

#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(string, tag = "1")]
    model_id: String,
    #[prost(string, tag = "2")]
    host: String,
    #[prost(string, tag = "3")]
    delegate_to: String,
}

#[derive(Clone, PartialEq, Message)]
struct PoCDelegationResponse {
    #[prost(message, repeated, tag = "1")]
    delegations: Vec<Entry>,
    #[prost(message, repeated, tag = "2")]
    refusals: Vec<Entry>,
    #[prost(message, repeated, tag = "3")]
    intents: Vec<Entry>,
}

impl Oracle {
    pub(crate) fn new(url: &str) -> Self {
        Self { url: url.to_owned(), http: reqwest::Client::new() }
    }

    /// The `result` of a call, or `None` when the node does not answer or refuses.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Option<Value> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = self.http.post(&self.url).json(&body).send().await.ok()?;
        let mut answer: Value = answer.json().await.ok()?;
        Some(answer.get_mut("result")?.take())
    }

    /// The node's newest height.
    pub(crate) async fn height(&self) -> Option<i64> {
        let status = self.call("status", json!({})).await?;
        status["sync_info"]["latest_block_height"].as_str()?.parse().ok()
    }

    /// The oldest height that the node still has.
    pub(crate) async fn earliest(&self) -> Option<i64> {
        let status = self.call("status", json!({})).await?;
        status["sync_info"]["earliest_block_height"].as_str()?.parse().ok()
    }

    /// The hash of every block in `first..=last`, in upper-case hex.
    pub(crate) async fn hashes(&self, first: i64, last: i64) -> BTreeMap<i64, String> {
        let mut found = BTreeMap::new();
        let mut from = first;
        while from <= last {
            // A node gives 20 at most.
            let to = last.min(from + 19);
            let params = json!({"minHeight": from.to_string(), "maxHeight": to.to_string()});
            let answer = self.call("blockchain", params).await.expect("blockchain");
            for meta in answer["block_metas"].as_array().expect("block_metas") {
                let height = text(&meta["header"]["height"]).parse().expect("a height");
                found.insert(height, text(&meta["block_id"]["hash"]));
            }
            from = to + 1;
        }
        found
    }

    /// The attributes of every pre-eligibility event in `first..=last`, from the node's own
    /// `block_results`, in the order of the chain.
    pub(crate) async fn captures(&self, first: i64, last: i64) -> Vec<Attributes> {
        let mut found = Vec::new();
        for height in first..=last {
            let results = self
                .call("block_results", json!({"height": height.to_string()}))
                .await
                .unwrap_or_else(|| panic!("the node has no results of block {height}"));
            let events = results["finalize_block_events"].as_array().cloned().unwrap_or_default();
            for event in events {
                if event["type"] != "bootstrap_model_preeligibility" {
                    continue;
                }
                let attributes = event["attributes"].as_array().expect("attributes");
                found.push(
                    attributes
                        .iter()
                        .map(|a| (text(&a["key"]), text(&a["value"])))
                        .filter(|(key, _)| key != "mode")
                        .collect(),
                );
            }
        }
        found
    }

    /// A host's choices after block `height`, sorted.
    pub(crate) async fn choices(&self, host: &str, height: i64) -> Vec<StoredChoice> {
        let request =
            PoCDelegationRequest { participant: host.to_owned(), model_id: String::new() };
        let params = json!({
            "path": "/inference.inference.Query/PoCDelegation",
            "data": hex::encode(request.encode_to_vec()),
            "height": height.to_string(),
            "prove": false,
        });
        let answer = self.call("abci_query", params).await.expect("abci_query");
        let response = &answer["response"];
        assert_eq!(response["code"], 0, "{response}");
        let value = STANDARD.decode(text(&response["value"])).expect("base64");
        let answer = PoCDelegationResponse::decode(&*value).expect("protobuf");
        let mut choices: Vec<StoredChoice> = Vec::new();
        choices.extend(
            answer.delegations.into_iter().map(|d| (d.model_id, "delegate", Some(d.delegate_to))),
        );
        choices.extend(answer.refusals.into_iter().map(|r| (r.model_id, "refuse", None)));
        choices.extend(answer.intents.into_iter().map(|i| (i.model_id, "intent", None)));
        choices.sort();
        choices
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
