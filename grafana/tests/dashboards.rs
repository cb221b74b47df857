//! The dashboards as Grafana reads them: they are what their source says, name only metrics that
//! exist, leave none out, and keep the rules of Grafana's dashboard-linter.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use bootwatch_grafana::dashboards;
use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Units of Grafana that are used, by their ids in `@grafana/data`.
const UNITS: &[&str] = &[
    "none",
    "short",
    "s",
    "bytes",
    "percentunit",
    "dtdurations",
    "dateTimeAsLocal",
    "bool_yes_no",
    "cps",
    "reqps",
    "ops",
];

fn read(path: &str) -> String {
    fs::read_to_string(format!("{ROOT}/{path}")).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn parsed() -> Vec<Value> {
    let all = dashboards();
    all.iter().map(|d| serde_json::from_str(&d.json()).expect("JSON")).collect()
}

fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    let all = dashboard["panels"].as_array().expect("panels");
    all.iter().filter(|panel| panel["type"] != "row")
}

fn queries(dashboard: &Value) -> impl Iterator<Item = (&Value, &str)> {
    panels(dashboard).flat_map(|panel| {
        let targets = panel["targets"].as_array().expect("targets");
        targets.iter().map(move |target| (panel, target["expr"].as_str().expect("a query")))
    })
}

/// Words of a query that are names of metrics.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | ':')));
    words
        .filter(|word| word.starts_with("bootwatch_") || word.starts_with("process_"))
        .filter(|word| !word.contains(':'))
        .map(ToOwned::to_owned)
        .collect()
}

/// Metrics by docs/metrics.md, which another test holds against the registry; with their types.
fn metrics() -> BTreeMap<String, String> {
    let text = read("../docs/metrics.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let mut cells = row.split(" | ");
        let name = cells.next().expect("a name").trim_end_matches('`');
        (name.to_owned(), cells.next().expect("a type").to_owned())
    })
    .collect()
}

/// Fails when a file is not what the source says, or is of no dashboard.
#[test]
fn written() {
    let folder = format!("{ROOT}/dashboards");
    let write = std::env::var_os("BOOTWATCH_WRITE_DOCS").is_some();
    let mut files = BTreeSet::new();
    for dashboard in dashboards() {
        let path = format!("{folder}/{}", dashboard.file());
        files.insert(dashboard.file());
        if write {
            fs::write(&path, dashboard.json()).expect("written");
        }
        assert!(
            fs::read_to_string(&path).is_ok_and(|text| text == dashboard.json()),
            "{path} is out of date: BOOTWATCH_WRITE_DOCS=1 cargo test -p bootwatch-grafana written"
        );
    }
    let there = fs::read_dir(&folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    assert_eq!(there.collect::<BTreeSet<_>>(), files);
}

/// Fails when a panel or a rule names a metric that does not exist, and when a metric is used nowhere.
#[test]
fn panels_and_rules_use_every_metric_and_no_other() {
    let metrics = metrics();
    assert!(metrics.len() > 100, "only {} metrics were read", metrics.len());
    let mut used: BTreeSet<String> = parsed().iter().flat_map(|d| names(&d.to_string())).collect();
    for file in ["bootwatch.rules.yml", "bootwatch.alerts.yml"] {
        let text = read(&format!("prometheus/{file}"));
        let plain = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        // Names of recording rules have colons, those of groups a dash.
        used.extend(plain.filter(|line| !line.contains("- name:")).flat_map(names));
    }
    let base = |name: &str| match name.strip_suffix("_bucket") {
        Some(histogram) if metrics.contains_key(histogram) => histogram.to_owned(),
        _ => name.to_owned(),
    };
    let used: BTreeSet<String> = used.iter().map(|name| base(name)).collect();
    let unknown: Vec<_> = used.iter().filter(|name| !metrics.contains_key(*name)).collect();
    assert!(unknown.is_empty(), "no such metric: {unknown:?}");
    let idle: Vec<_> = metrics.keys().filter(|name| !used.contains(*name)).collect();
    assert!(idle.is_empty(), "used nowhere: {idle:?}");
}

/// The rules of Grafana's dashboard-linter that apply to Prometheus.
#[test]
fn linted() {
    let metrics = metrics();
    for dashboard in parsed() {
        let title = dashboard["title"].as_str().expect("a title");
        assert_eq!(dashboard["editable"], false, "{title}");
        assert_eq!(dashboard["timezone"], "browser", "{title}");
        assert!(dashboard["id"].is_null() && dashboard["uid"].is_string(), "{title}");
        let text = dashboard.to_string();
        assert!(!text.contains("__inputs") && !text.contains("${DS_"), "{title} is an export");
        let variables = dashboard["templating"]["list"].as_array().expect("variables");
        let named = |name: &str| variables.iter().find(|v| v["name"] == name);
        let source = named("datasource").expect("a data source");
        assert!(source["type"] == "datasource" && source["label"] == "Data source", "{title}");
        for name in ["job", "instance"] {
            let variable = named(name).unwrap_or_else(|| panic!("{title} lacks {name}"));
            assert_eq!(variable["datasource"]["uid"], "${datasource}", "{title}: {name}");
            assert!(variable["multi"] == true && variable["allValue"] == ".+", "{title}: {name}");
            assert_eq!(variable["refresh"], 2, "{title}: {name}");
        }
        let mut titles = BTreeSet::new();
        for panel in panels(&dashboard) {
            let name = panel["title"].as_str().expect("a title");
            assert!(titles.insert(name), "{title}: {name} occurs twice");
            assert!(
                panel["description"].as_str().is_some_and(|d| d.ends_with('.')),
                "{title}: {name}"
            );
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}: {name}");
            assert!(!panel["targets"].as_array().expect("targets").is_empty(), "{title}: {name}");
            let unit = panel["fieldConfig"]["defaults"]["unit"].as_str().expect("a unit");
            let more = panel["fieldConfig"]["overrides"].as_array().expect("overrides");
            let more = more.iter().filter_map(|o| o["properties"][0]["value"].as_str());
            for unit in more.chain([unit]) {
                assert!(UNITS.contains(&unit), "{title}: {name} has the unit {unit}");
            }
        }
        for (panel, query) in queries(&dashboard) {
            let name = &panel["title"];
            let selectors = query.matches(r#"job=~"$job", instance=~"$instance""#).count();
            let counted = query.matches("bootwatch_").count()
                + query.matches("process_").count()
                + query.matches("ALERTS").count();
            assert_eq!(
                selectors, counted,
                "{title}: {name} reads something of every daemon: {query}"
            );
            for counter in metrics.iter().filter(|(_, kind)| *kind == "counter").map(|(n, _)| n) {
                if query.contains(&format!("{counter}{{")) {
                    let rated = query.contains("rate(") || query.contains("increase(");
                    assert!(
                        rated && query.contains("[$__rate_interval]"),
                        "{title}: {name}: {query}"
                    );
                    assert!(query.contains("sum"), "{title}: {name} does not sum: {query}");
                }
            }
        }
        overlap(title, &dashboard);
    }
}

/// Fails when two panels cover each other.
fn overlap(title: &str, dashboard: &Value) {
    let mut cells = BTreeSet::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        let at = |key: &str| panel["gridPos"][key].as_u64().expect("a number");
        assert!(at("x") + at("w") <= 24, "{title}: {}", panel["title"]);
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(cells.insert((x, y)), "{title}: {} covers another panel", panel["title"]);
            }
        }
    }
}

/// Fails when an alert of the engine is neither a rule nor explained in the README, or is both, and
/// when a rule is of no alert.
#[test]
fn the_engine_and_prometheus_agree_on_names() {
    let documented = read("../docs/alerts.md");
    let table = documented.lines().filter_map(|line| line.strip_prefix("| ["));
    let engine: BTreeSet<&str> = table.filter_map(|row| row.split(']').next()).collect();
    assert!(engine.len() > 30, "only {} alerts were read", engine.len());
    let rules = read("prometheus/bootwatch.alerts.yml");
    let rules: BTreeSet<&str> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    let readme = read("README.md");
    let part = |heading: &str| -> BTreeSet<&str> {
        let text = readme.split_once(heading).unwrap_or_else(|| panic!("{heading} is missing")).1;
        let text = text.split("\n## ").next().expect("some text");
        text.lines().filter_map(|line| line.strip_prefix("* **")?.split("**").next()).collect()
    };
    let (left, own) = (part("## Alerts that are not here"), part("## Alerts that are only here"));
    let here: BTreeSet<&str> = rules.difference(&own).copied().collect();
    let wanted: BTreeSet<&str> = engine.difference(&left).copied().collect();
    assert_eq!(here, wanted, "rules, and the engine's alerts less those that the README excuses");
    assert!(left.is_subset(&engine) && own.is_disjoint(&engine) && own.is_subset(&rules));
    for (key, value) in rules_urls() {
        let (file, section) = value.split_once('#').expect("a section");
        let text = read(&format!("../{file}"));
        let found = text.lines().filter_map(|line| line.strip_prefix("### "));
        assert!(found.map(str::to_lowercase).any(|heading| heading == section), "{key}: {value}");
    }
}

fn rules_urls() -> Vec<(String, String)> {
    let text = read("prometheus/bootwatch.alerts.yml");
    let mut alert = String::new();
    let mut urls = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("- alert: ") {
            name.clone_into(&mut alert);
        } else if let Some(url) = line.strip_prefix("runbook_url: ") {
            urls.push((alert.clone(), url.to_owned()));
        }
    }
    urls
}
