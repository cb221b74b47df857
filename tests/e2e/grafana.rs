//! Every panel and every annotation of every dashboard, and every rule, asked of a real Prometheus
//! that scraped a daemon on a story.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use bootwatch_mailbox::Mailbox;
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
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../grafana");
const PATIENCE: Duration = Duration::from_secs(60);

/// Metrics of which a story of a minute has nothing: what they show alone may be empty.
const NOT_IN_THE_STORY: &[&str] = &[
    // Nothing goes wrong in it, nobody restarts it, and nothing is voted on.
    "bootwatch_ingest_gap_last_height",
    "bootwatch_rule_mismatch_height",
    "bootwatch_params_change_height",
    "changes(process_start_time_seconds",
    "bootwatch_proposals",
    "bootwatch_upgrade_",
    // No address is called.
    "bootwatch_heartbeat_last_success_timestamp_seconds",
];

/// Fails when a query is an error, or shows nothing although the story has something to show.
#[tokio::test(flavor = "multi_thread")]
async fn every_panel_has_an_answer() {
    let Some(prometheus) = require::tool("prometheus", "prometheus", HOW) else { return };
    let dir = TempDir::new().unwrap();
    let node = Node::simulated("default", dir.path()).await;
    let mailbox = Mailbox::start(("127.0.0.1", 0)).await.unwrap();
    let mut config = Config::new(&node.chain_id(), node.url())
        .replace("[store]", "max_requests_per_minute = 100000\n\n[store]")
        .email(&mailbox.address().to_string(), "operator@example.org");
    for (index, host) in node.hosts().iter().enumerate().take(8) {
        config = config.host(&format!("host-{index}"), host);
    }
    let config = config.write(dir.path());
    let mut daemon = Daemon::start(dir.path(), &config);
    let page = daemon.page().await;
    let port = free_port();
    let _prometheus = start(&prometheus, page.trim_start_matches("http://"), port, dir.path());
    // Past the second capture, so that there are two epochs to compare.
    daemon.reaches(100).await;

    let ask = Ask { port };
    until("some scrapes", PATIENCE, || async {
        let seen = ask.count("count_over_time(bootwatch_ingest_height[5m]) >= 5").await.ok()?;
        (seen > 0).then_some(())
    })
    .await;
    until("the rules' evaluation", PATIENCE, || async {
        let seen = ask.count("model_id:bootwatch_model_active:held").await.ok()?;
        (seen > 0).then_some(())
    })
    .await;

    let (mut failed, mut empty, mut asked) = (Vec::new(), Vec::new(), 0);
    for (place, query) in queries() {
        asked += 1;
        match ask.count(&query).await {
            Err(error) => failed.push(format!("{place}: {query}: {error}")),
            Ok(0) => empty.push((place, query)),
            Ok(_) => {}
        }
    }
    assert!(asked > 150, "only {asked} queries were asked");
    assert!(failed.is_empty(), "{failed:#?}");
    let excused = |query: &str| NOT_IN_THE_STORY.iter().any(|name| query.contains(name));
    let lacking: Vec<_> = empty.iter().filter(|(_, query)| !excused(query)).collect();
    assert!(lacking.is_empty(), "these show nothing: {lacking:#?}");

    let documented = fs::read_to_string(format!("{FOLDER}/../docs/metrics.md")).unwrap();
    let text = reqwest::get(format!("{page}/metrics")).await.unwrap().text().await.unwrap();
    let names = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let unknown: BTreeSet<_> =
        names.filter(|name| !documented.contains(&format!("| `{name}` |"))).collect();
    assert!(unknown.is_empty(), "docs/metrics.md lacks {unknown:?}");
    healthy_rules(&ask).await;
    gaps_agree(&ask, &daemon).await;
    daemon.stop().await;
}

/// A Prometheus with our rules, that scrapes OpenMetrics every half second.
fn start(program: &Path, target: &str, port: u16, dir: &Path) -> Process {
    for file in ["bootwatch.rules.yml", "bootwatch.alerts.yml"] {
        // The rules' own pace is that of production.
        let rules = fs::read_to_string(format!("{FOLDER}/prometheus/{file}")).expect("our rules");
        fs::write(dir.join(file), rules.replace("interval: 15s", "interval: 1s"))
            .expect("a file is written");
    }
    fs::write(
        dir.join("prometheus.yml"),
        format!(
            "global: {{scrape_interval: 500ms, evaluation_interval: 1s}}\n\
             rule_files: [bootwatch.rules.yml, bootwatch.alerts.yml]\n\
             scrape_configs:\n  - job_name: bootwatch\n    \
             static_configs: [{{targets: [\"{target}\"]}}]\n"
        ),
    )
    .expect("a file is written");
    let listen = format!("--web.listen-address=127.0.0.1:{port}");
    let args = ["--config.file=prometheus.yml", "--storage.tsdb.path=tsdb", &listen];
    Process::start("prometheus", program.to_str().expect("a UTF-8 path"), &args, dir)
}

/// Each query with its place, as Grafana would send it.
fn queries() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(format!("{FOLDER}/dashboards")).expect("the dashboards") {
        let text = fs::read_to_string(entry.expect("an entry").path()).expect("a dashboard");
        let dashboard: Value = serde_json::from_str(&text).expect("a dashboard is JSON");
        let title = dashboard["title"].as_str().expect("a title");
        let panels = dashboard["panels"].as_array().expect("panels").iter();
        for panel in panels.filter(|panel| panel["type"] != "row") {
            for target in panel["targets"].as_array().expect("targets") {
                let place = format!("{title}, {}", panel["title"].as_str().expect("a title"));
                found.push((place, substituted(target["expr"].as_str().expect("a query"))));
            }
        }
        for annotation in dashboard["annotations"]["list"].as_array().expect("annotations") {
            let Some(query) = annotation["expr"].as_str() else { continue };
            // Shown over a range; asked of all of it at once.
            let query = substituted(query).replace("[1m]", "[10m]");
            found.push((format!("{title}, annotation {}", annotation["name"]), query));
        }
    }
    found
}

fn substituted(query: &str) -> String {
    ["$job", "$instance", "$participant", "$model_id"]
        .iter()
        .fold(query.to_owned(), |query, variable| query.replace(variable, ".+"))
        .replace("$__rate_interval", "2m")
}

struct Ask {
    port: u16,
}

impl Ask {
    /// How many series a query gives.
    async fn count(&self, query: &str) -> Result<usize, String> {
        let answer = self.get("query", &[("query", query)]).await?;
        answer["result"].as_array().map(Vec::len).ok_or_else(|| answer.to_string())
    }

    /// The value of a query's only series.
    async fn value(&self, query: &str) -> Option<f64> {
        let answer = self.get("query", &[("query", query)]).await.ok()?;
        answer["result"][0]["value"][1].as_str()?.parse().ok()
    }

    async fn get(&self, what: &str, query: &[(&str, &str)]) -> Result<Value, String> {
        let url = format!("http://127.0.0.1:{}/api/v1/{what}", self.port);
        let sent = reqwest::Client::new().get(url).query(query).send().await;
        let answer: Value =
            sent.map_err(|e| e.to_string())?.json().await.map_err(|e| e.to_string())?;
        match answer["status"] == "success" {
            true => Ok(answer["data"].clone()),
            false => Err(answer["error"].to_string()),
        }
    }
}

/// Fails when a rule is an error on real data.
async fn healthy_rules(ask: &Ask) {
    let rules = ask.get("rules", &[]).await.expect("the rules' state");
    let groups = rules["groups"].as_array().expect("groups").iter();
    let all: Vec<&Value> =
        groups.flat_map(|group| group["rules"].as_array().expect("rules")).collect();
    let ill: Vec<_> = all.iter().filter(|rule| rule["health"] == "err").collect();
    assert!(all.len() > 50 && ill.is_empty(), "of {} rules: {ill:#?}", all.len());
}

/// Fails when a recorded gap is not the number that the daemon itself says.
async fn gaps_agree(ask: &Ask, daemon: &Daemon) {
    let names = [("hosts", "hosts"), ("weight", "weight"), ("reach", "voting_power")];
    let agreed = until("the same gaps on both sides", PATIENCE, || async {
        let said = daemon.says().await;
        let mut compared = 0;
        for model in said["models"].as_array()? {
            for (ours, theirs) in names {
                let Some(missing) = model["gaps"][ours]["missing"].as_f64() else { continue };
                let id = model["model_id"].as_str()?;
                let query = format!("model_id:bootwatch_model_{theirs}:gap{{model_id={id:?}}}");
                if ask.value(&query).await? != missing {
                    return None;
                }
                compared += 1;
            }
        }
        (compared > 0).then_some(compared)
    })
    .await;
    assert!(agreed >= 3, "only {agreed} gaps were compared");
}
