//! The same numbers everywhere: page's API, command line, demo.

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{
    config::Config,
    daemon::{Daemon, bootwatch, complete_to, status},
    node::{EPOCH_LENGTH, Node},
};

/// The keys that schema version 1 promises.
const KEYS: &[&str] = &[
    "schema_version",
    "chain_id",
    "rule_set",
    "complete_from",
    "complete_to",
    "head",
    "head_time",
    "stale",
    "epoch",
    "deadlines",
    "models",
    "hosts",
    "endpoints",
];

fn check_shape(situation: &Value) {
    for key in KEYS {
        assert!(!situation[key].is_null(), "{key} is missing in {situation:#}");
    }
    for key in ["index", "poc_start", "next_poc_start", "phase", "block_seconds"] {
        assert!(!situation["epoch"][key].is_null(), "epoch.{key} is missing: {situation:#}");
    }
    let deadlines = situation["deadlines"].as_array().expect("deadlines");
    for name in ["capture", "poc_start", "commit_deadline", "validation_start", "validation_end"] {
        let deadline = deadlines.iter().find(|d| d["name"] == name);
        let deadline = deadline.unwrap_or_else(|| panic!("no deadline {name}"));
        assert!(deadline["blocks_left"].as_i64().is_some_and(|left| left >= 0), "{deadline}");
        assert!(deadline["eta"].is_string() && deadline["eta_error_seconds"].is_number());
    }
    let models = situation["models"].as_array().expect("models");
    let candidates: Vec<_> = models.iter().filter(|model| model["state"] == "candidate").collect();
    assert!(!candidates.is_empty(), "{models:#?}");
    for candidate in candidates {
        for gap in ["hosts", "weight", "reach"] {
            for number in ["have", "need", "missing"] {
                let value = &candidate["gaps"][gap][number];
                assert!(value.is_i64(), "{gap}.{number} is {value}");
            }
        }
    }
}

/// After the daemon has stopped, the command line tells from the database what the API told.
#[tokio::test(flavor = "multi_thread")]
async fn status_tells_what_the_api_told() {
    let dir = TempDir::new().unwrap();
    let node = Node::simulated("default", dir.path()).await;
    let config =
        Config::new(&node.chain_id(), node.url()).host("mine", &node.hosts()[0]).write(dir.path());
    let mut daemon = Daemon::start(dir.path(), &config);
    daemon.reaches(EPOCH_LENGTH + 5).await;
    let page = daemon.page().await;
    check_shape(&status(dir.path(), &config));
    let api: Value =
        reqwest::get(format!("{page}/api/v1/status")).await.unwrap().json().await.unwrap();
    check_shape(&api);
    daemon.stop().await;

    let told = status(dir.path(), &config);
    check_shape(&told);
    assert_eq!(told["complete_to"], complete_to(&dir.path().join("bootwatch.db")).unwrap());
    for key in ["chain_id", "rule_set", "complete_from"] {
        assert_eq!(told[key], api[key], "{key}");
    }
    let human = bootwatch(&["status", "--config", &config.display().to_string()], dir.path());
    assert!(human.status.success(), "{human:?}");
    assert!(String::from_utf8(human.stdout).unwrap().contains("mine"));
}

#[test]
fn demo_runs_by_itself_and_ends_with_the_situation() {
    let dir = TempDir::new().unwrap();
    let output = bootwatch(&["demo", "--epochs", "1", "--json"], dir.path());
    assert!(output.status.success(), "{output:?}");
    let situation: Value = serde_json::from_slice(&output.stdout).expect("only JSON on stdout");
    check_shape(&situation);
    assert!(!situation["hosts"].as_array().unwrap().is_empty());
}
