//! What the store proves after a whole epoch: through the real binary and over HTTP.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use bootwatch_rules::situation::DeadlineName;
use serde_json::Value;

use crate::bench::{self, Bench};

/// Runs the binary on a database: exit code, standard output, standard error.
fn ask(store: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootwatch"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BOOTWATCH_") {
            command.env_remove(name);
        }
    }
    let output = command
        .arg(arguments[0])
        .arg("--store")
        .arg(store)
        .args(&arguments[1..])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn ask_json(store: &Path, arguments: &[&str]) -> Value {
    let (code, out, error) = ask(store, arguments);
    assert_eq!(code, Some(0), "{error}");
    serde_json::from_str(&out).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_epoch_is_explained_and_exported() {
    let bench = Bench::start(Duration::from_millis(20)).await;
    let run = bench.daemon().await;
    let start = run.reaches(3).await;
    // The first epoch whose capture lies ahead; it is over when its group is in force.
    let due = |name| start.deadlines.iter().find(|d| d.name == name).unwrap();
    let capture = due(DeadlineName::Capture);
    let (epoch, capture) = (capture.epoch, capture.height.unwrap());
    let host = start.hosts[0].address.to_string();
    let model = start.models[0].model_id.to_string();
    assert!(start.complete_to < capture, "the daemon went through the capture itself");
    let end = run.reaches(capture + bench.epoch_length()).await;
    assert!(end.epoch.index >= epoch);

    // Over HTTP, while the daemon runs.
    let base = format!("http://{}", run.daemon.address());
    let get = async |path: &str| {
        let answer = reqwest::get(format!("{base}{path}")).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, body) = get(&format!("/api/v1/export?epoch={epoch}")).await;
    assert_eq!(status, 200, "{body}");
    let exported: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(exported["hosts"].as_array().unwrap().len(), 3, "the watched hosts");
    let (status, body) = get(&format!("/api/v1/explain?host={host}&epoch={epoch}")).await;
    assert_eq!(status, 200, "{body}");
    let (status, body) =
        get(&format!("/api/v1/whatif?host={host}&model={model}&choose=refuse")).await;
    assert_eq!(status, 200, "{body}");
    for (path, expected) in [
        ("/api/v1/explain".to_owned(), 400),
        ("/api/v1/explain?host=nobody".to_owned(), 400),
        (format!("/api/v1/explain?host={host}&epoch=9999"), 404),
        (format!("/api/v1/whatif?host={host}&model=nothing&choose=refuse"), 400),
        (format!("/api/v1/whatif?host={host}&model={model}&choose=perhaps"), 400),
        (format!("/api/v1/export?epoch={epoch}&format=xml"), 400),
    ] {
        let (status, body) = get(&path).await;
        assert_eq!(status, expected, "{path}: {body}");
        assert!(serde_json::from_str::<Value>(&body).unwrap()["error"].is_string());
    }
    run.stop().await;

    let store = bench.database();
    let number = epoch.to_string();
    let evidence =
        ask_json(&store, &["export", "--epoch", &number, "--host", &host, "--format", "json"]);
    assert_eq!(evidence["course"]["capture"], capture);
    for name in ["capture", "validation_start"] {
        let block = &evidence["blocks"][name];
        let at = bench::hash_of(&bench.node.url(), block["height"].as_i64().unwrap()).await;
        assert_eq!(block["hash"], at.as_str(), "{name}");
        assert_eq!(evidence["hosts"][0][name]["completeness"]["state"], "complete", "{evidence}");
        assert!(evidence["params"][name]["params"]["delegation"].is_object());
    }
    assert!(!evidence["captures"].as_array().unwrap().is_empty());
    assert!(!evidence["members_before"]["members"].as_array().unwrap().is_empty());
    assert!(!evidence["work"].as_array().unwrap().is_empty());
    assert!(evidence["charges"]["read_after"].is_i64(), "{:?}", evidence["missing"]);
    for missing in evidence["missing"].as_array().unwrap() {
        let text = missing.as_str().unwrap();
        assert!(text.contains("read from the chain's state"), "{text}");
    }

    // The rules come to the stored charge for every member from what is stored.
    let mut compared = 0;
    for member in evidence["members"]["members"].as_array().unwrap() {
        let member = member["host"].as_str().unwrap();
        let why = ask_json(&store, &["explain", "--host", member, "--epoch", &number, "--json"]);
        if why["resolved"].is_string() {
            assert_eq!(why["resolved"], why["fixed"]["fraction"], "{member}: {why}");
            compared += 1;
        }
    }
    assert!(compared > 3, "only {compared} hosts could be compared");

    let (code, text, error) = ask(&store, &["explain", "--host", &host, "--epoch", &number]);
    assert_eq!(code, Some(0), "{error}");
    assert!(text.contains("final: ") && text.contains("validation start"), "{text}");

    let (code, table, error) =
        ask(&store, &["export", "--epoch", &number, "--host", &host, "--format", "csv"]);
    assert_eq!(code, Some(0), "{error}");
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let kind = reader.headers().unwrap().iter().position(|name| name == "kind").unwrap();
    let kinds: std::collections::BTreeSet<String> =
        reader.records().map(|row| row.unwrap()[kind].to_owned()).collect();
    for wanted in ["about", "block", "params", "event", "member", "member_before", "work", "choice"]
    {
        assert!(kinds.contains(wanted), "{wanted} is not in {kinds:?}");
    }

    let (code, text, error) =
        ask(&store, &["whatif", "--host", &host, "--model", &model, "--choose", "intent"]);
    assert_eq!(code, Some(0), "{error}");
    assert!(text.contains("before") && text.contains("after"), "{text}");
    // Fails when what each side comes to in coins is left out.
    assert!(text.contains("all models take") && text.contains(" GNK before charges"), "{text}");

    let other = |arguments: &[&str]| ask(&store, arguments).0;
    assert_eq!(other(&["explain", "--host", &host, "--epoch", "9999"]), Some(1));
    assert_eq!(other(&["explain", "--host", "gonka1nobody"]), Some(2));
    assert_eq!(other(&["explain", "--host", &host, "--model", "no such"]), Some(2));
    assert_eq!(other(&["export", "--epoch", "9999"]), Some(1));
    let myself = format!("delegate={host}");
    assert_eq!(
        other(&["whatif", "--host", &host, "--model", &model, "--choose", &myself]),
        Some(2)
    );
}
