//! The API against its own document, and its lists against the chain.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use bootwatch::config::Config;
use bootwatch_rules::situation::DeadlineName;
use serde_json::{Value, json};

use crate::bench::{Bench, Run, capture_events_of};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

struct Api {
    base: String,
    http: reqwest::Client,
    document: Value,
}

impl Api {
    async fn of(run: &Run) -> Self {
        let base = format!("http://{}", run.daemon.address());
        let http = reqwest::Client::new();
        let document = http.get(format!("{base}/api/v1/openapi.json"));
        let document = document.send().await.unwrap().json().await.unwrap();
        Self { base, http, document }
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.http.get(format!("{}{path}", self.base)).bearer_auth(TOKEN);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn post(&self, path: &str, order: &Value) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.base)).bearer_auth(TOKEN);
        let answer = request.json(order).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Holds an answer against what the document says of it.
    fn check(&self, method: &str, path: &str, (status, body): &(u16, Value)) {
        let operation = &self.document["paths"][path][method];
        assert!(operation.is_object(), "{method} {path} is not in the document");
        let response = &operation["responses"][status.to_string()];
        let schema = &response["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{method} {path} is not said to answer {status}: {body}");
        let mut whole = schema.clone();
        whole["components"] = self.document["components"].clone();
        closed(&mut whole);
        let validator = jsonschema::draft202012::new(&whole).unwrap();
        let wrong: Vec<String> = validator
            .iter_errors(body)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .take(5)
            .collect();
        assert!(wrong.is_empty(), "{method} {path} {status}: {wrong:#?}");
    }
}

/// Forbids what a schema does not name, but where it is only a part of another one: a field that is
/// answered and not described is a defect of the document.
fn closed(whole: &mut Value) {
    let mut parts = BTreeSet::new();
    parts_of(whole, &mut parts);
    let schemas = whole["components"]["schemas"].as_object_mut().unwrap();
    for (name, schema) in schemas.iter_mut() {
        if !parts.contains(name) && (schema["properties"].is_object() || schema["allOf"].is_array())
        {
            schema["unevaluatedProperties"] = json!(false);
        }
    }
}

/// Names of schemas that are parts of others: their fields stand beside those of the whole.
fn parts_of(value: &Value, parts: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                if key == "allOf" {
                    let members = value.as_array().into_iter().flatten();
                    let named = members.filter_map(|member| member["$ref"].as_str());
                    parts.extend(named.filter_map(|name| name.rsplit('/').next()).map(Into::into));
                }
                parts_of(value, parts);
            }
        }
        Value::Array(array) => array.iter().for_each(|value| parts_of(value, parts)),
        _ => {}
    }
}

fn with_token(bench: &Bench) -> Config {
    let token = bench.database().with_file_name("token");
    fs::write(&token, TOKEN).unwrap();
    let mut config = bench.config();
    config.http.token = Some(TOKEN.into());
    config
}

// Fails when an answer has a field that the document does not name, lacks one that it promises, or
// has a status of which it says nothing; when a route is in the document and not in this test; and
// when a list is not what the chain said, or its pieces are not the whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_what_the_document_says() {
    let bench = Bench::start(Duration::from_millis(20)).await;
    let run = bench.run(with_token(&bench)).await;
    let start = run.reaches(3).await;
    let api = Api::of(&run).await;
    let capture = start.deadlines.iter().find(|d| d.name == DeadlineName::Capture).unwrap();
    let (epoch, capture) = (capture.epoch, capture.height.unwrap());
    let end = run.reaches(capture + bench.epoch_length()).await;
    let (host, model) = (&end.hosts[0].address, &end.models[0].model_id);

    let mut asked = BTreeSet::new();
    for (path, query, expected) in [
        ("/api/v1/status", String::new(), 200),
        ("/api/v1/captures", "?limit=2".to_owned(), 200),
        ("/api/v1/captures", "?limit=0".to_owned(), 400),
        ("/api/v1/captures", "?limit=1001".to_owned(), 400),
        ("/api/v1/captures", "?cursor=nonsense".to_owned(), 400),
        ("/api/v1/captures", "?from=9&to=8".to_owned(), 400),
        ("/api/v1/captures", "?kind=x".to_owned(), 400),
        ("/api/v1/choices", format!("?host={host}"), 200),
        ("/api/v1/choices", String::new(), 200),
        ("/api/v1/choices", "?host=nobody".to_owned(), 400),
        ("/api/v1/events", String::new(), 200),
        ("/api/v1/events", "?kind=nothing".to_owned(), 200),
        ("/api/v1/events", "?from=-".to_owned(), 400),
        ("/api/v1/whatif", format!("?host={host}&model={model}&choose=refuse"), 200),
        ("/api/v1/whatif", "?host=nobody".to_owned(), 400),
        ("/api/v1/explain", format!("?host={host}&epoch={epoch}"), 200),
        ("/api/v1/explain", format!("?host={host}&epoch=99999"), 404),
        ("/api/v1/export", format!("?epoch={epoch}"), 200),
        ("/api/v1/export", "?epoch=99999".to_owned(), 404),
        ("/api/v1/silences", String::new(), 200),
        ("/api/v1/incidents", String::new(), 200),
    ] {
        let answer = api.get(&format!("{path}{query}")).await;
        assert_eq!(answer.0, expected, "{path}{query}: {}", answer.1);
        api.check("get", path, &answer);
        asked.insert(("get", path));
    }
    let silence = json!({ "matchers": { "alert": "EndpointDown" }, "for": "2h", "comment": "x" });
    let no_order = json!({ "matchers": 1 });
    let none = json!({});
    for (path, at, order, expected) in [
        ("/api/v1/silences", "/api/v1/silences", &silence, 201),
        ("/api/v1/silences", "/api/v1/silences", &no_order, 400),
        ("/api/v1/silences/{id}/expire", "/api/v1/silences/1/expire", &none, 200),
        ("/api/v1/silences/{id}/expire", "/api/v1/silences/77/expire", &none, 404),
        ("/api/v1/incidents/{id}/ack", "/api/v1/incidents/0000/ack", &none, 404),
    ] {
        let answer = api.post(at, order).await;
        assert_eq!(answer.0, expected, "{at}: {}", answer.1);
        api.check("post", path, &answer);
        asked.insert(("post", path));
    }
    let stream = api.http.get(format!("{}/api/v1/stream", api.base)).send().await.unwrap();
    let said = &api.document["paths"]["/api/v1/stream"]["get"]["responses"]["200"]["content"];
    let kind = stream.headers()["content-type"].to_str().unwrap();
    assert!(said[kind].is_object(), "{kind}: {said}");
    asked.insert(("get", "/api/v1/stream"));
    let described = api.document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        item.as_object().unwrap().keys().map(move |method| (method.as_str(), path.as_str()))
    });
    assert_eq!(described.collect::<BTreeSet<_>>(), asked);

    // The captures of the chain, in pieces of two, the newest first.
    let (from, to) = bench.coverage();
    let node = capture_events_of(&bench.node.url(), from, to).await;
    let mut walked = Vec::new();
    let mut next = Some(format!("/api/v1/captures?limit=2&from={from}&to={to}"));
    while let Some(path) = next {
        let (status, page) = api.get(&path).await;
        assert_eq!(status, 200, "{page}");
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        walked.extend(items.clone());
        next = page["next"]
            .as_str()
            .map(|cursor| format!("/api/v1/captures?limit=2&from={from}&to={to}&cursor={cursor}"));
    }
    walked.reverse();
    assert!(!node.is_empty(), "the chain captured nothing");
    assert_eq!(walked.len(), node.len());
    for (ours, theirs) in walked.iter().zip(&node) {
        assert!(theirs.iter().any(|value| ours["model_id"] == json!(value)), "{ours} {theirs:?}");
        let gap = &ours["gaps"]["weight"];
        assert_eq!(gap["have"], ours["intent_weight"]);
        let met = gap["missing"] == json!(0);
        assert_eq!(ours["meets_weight_threshold"], json!(met), "{ours}");
    }
    run.stop().await;
}

// The document in docs/ is the one that is served. `BOOTWATCH_WRITE_DOCS=1` writes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_is_kept() {
    let bench = Bench::start(Duration::from_millis(50)).await;
    let run = bench.daemon().await;
    let document = serde_json::to_string_pretty(&Api::of(&run).await.document).unwrap() + "\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    if std::env::var_os("BOOTWATCH_WRITE_DOCS").is_some() {
        fs::write(&file, &document).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == document,
        "docs/openapi.json is out of date: BOOTWATCH_WRITE_DOCS=1 cargo test -p bootwatch --test \
         daemon the_document"
    );
    run.stop().await;
}
