//! What Prometheus makes of the daemon.

use std::{fs, io::Write, process::Stdio, time::Duration};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{
    config::Config,
    daemon::Daemon,
    node::Node,
    process::{Process, free_port, until},
    require,
};

const HOW: &str = "apt-get install prometheus";

/// promtool finds nothing to object to in the names, types, units and help texts.
#[tokio::test(flavor = "multi_thread")]
async fn promtool_accepts_the_metrics() {
    let Some(promtool) = require::tool("prometheus", "promtool", HOW) else { return };
    let dir = TempDir::new().unwrap();
    let node = Node::simulated("default", dir.path()).await;
    let config =
        Config::new(&node.chain_id(), node.url()).host("mine", &node.hosts()[0]).write(dir.path());
    let mut daemon = Daemon::start(dir.path(), &config);
    daemon.reaches(10).await;
    let page = daemon.page().await;
    let text = reqwest::get(format!("{page}/metrics")).await.unwrap().text().await.unwrap();
    assert!(text.contains("bootwatch_ingest_height"), "{text}");

    let mut check = std::process::Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    check.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let verdict = check.wait_with_output().unwrap();
    assert!(verdict.status.success() && verdict.stderr.is_empty(), "{verdict:?}");
    daemon.stop().await;
}

/// A real Prometheus scrapes the daemon, and its value grows with the chain.
#[tokio::test(flavor = "multi_thread")]
async fn prometheus_scrapes_the_daemon() {
    let Some(prometheus) = require::tool("prometheus", "prometheus", HOW) else { return };
    let dir = TempDir::new().unwrap();
    let node = Node::simulated("default", dir.path()).await;
    let config = Config::new(&node.chain_id(), node.url()).write(dir.path());
    let mut daemon = Daemon::start(dir.path(), &config);
    daemon.reaches(5).await;
    let page = daemon.page().await;
    let target = page.trim_start_matches("http://");
    fs::write(
        dir.path().join("prometheus.yml"),
        format!(
            "global: {{scrape_interval: 1s}}\nscrape_configs:\n  - job_name: bootwatch\n    \
             static_configs: [{{targets: [\"{target}\"]}}]\n"
        ),
    )
    .unwrap();
    let port = free_port();
    let listen = format!("--web.listen-address=127.0.0.1:{port}");
    let args = ["--config.file=prometheus.yml", "--storage.tsdb.path=tsdb", &listen];
    let _prometheus = Process::start("prometheus", prometheus.to_str().unwrap(), &args, dir.path());

    let ask = |query: &'static str| async move {
        let url = format!("http://127.0.0.1:{port}/api/v1/query");
        let answer =
            reqwest::Client::new().get(url).query(&[("query", query)]).send().await.ok()?;
        let answer: Value = answer.json().await.ok()?;
        answer["data"]["result"][0]["value"][1].as_str()?.parse::<f64>().ok()
    };
    let patience = Duration::from_secs(60);
    until("a scrape", patience, || async { ask("up").await.filter(|up| *up == 1.0) }).await;
    let first = until("a height", patience, || ask("bootwatch_ingest_height")).await;
    until("a greater height", patience, || async {
        ask("bootwatch_ingest_height").await.filter(|height| *height > first)
    })
    .await;
    daemon.stop().await;
}
