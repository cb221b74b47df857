//! What Prometheus reads.

use std::{
    collections::BTreeSet,
    io::Write as _,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::json;

use super::*;
use crate::sample::{ADDRESS, now, situation};

/// The sample with all that it lacks: every family has a series.
fn everything() -> Situation {
    let mut situation = situation();
    let gap = |have: i64, need: i64| json!({ "have": have, "need": need, "missing": 0 });
    situation.epoch.captured =
        serde_json::from_value(json!({ "height": 3_889_732, "epoch": 252 })).expect("a capture");
    situation.params_change = serde_json::from_value(json!({
        "height": 3_900_000, "changes": [], "added": [], "removed": [],
    }))
    .expect("a change");
    situation.models[0].coefficient =
        Some(serde_json::from_value(json!({ "value": 5, "exponent": -1 })).expect("a decimal"));
    situation.models[0].fell_out = Some(
        serde_json::from_value(json!({ "active_in": 250, "without_since": 251 })).expect("two"),
    );
    situation.models[0].closing = serde_json::from_value(json!({
        "hosts": null, "weight": null, "reach": null, "all": { "count": 1, "steps": [] },
    }))
    .expect("a plan");
    situation.models[1].margin = serde_json::from_value(json!({
        "votes": gap(90, 60), "votes_spare": 30, "hosts": gap(4, 3), "weight": gap(900, 500),
        "exempt_from_hosts": false, "largest_share": "1/4", "pivotal": [], "pivotal_count": 2,
    }))
    .expect("a margin");
    let own = &mut situation.hosts[0].models[0];
    own.distributed = Some(7);
    own.delegate = serde_json::from_value(json!({
        "host": "gonka1delegate", "weight": 100, "excluded": null, "guardian": false, "serves": true,
        "group_weight": 5, "voting_power": 6, "voting_share": "1/4", "choice": null,
        "committed": 7, "distributed": true, "delegators": 2, "delegated_weight": 300,
        "before": [], "burned": 0,
    }))
    .expect("facts");
    let host = &mut situation.hosts[0];
    host.reward = serde_json::from_value(json!({
        "epoch": 252, "read_at": 3_904_990, "estimate": 5_000_000_000u64,
        "before_charges": 6_000_000_000u64,
    }))
    .expect("a reward");
    host.cost = serde_json::from_value(json!({
        "unit": "ngonka", "of": 6_000_000_000u64, "least": 0, "most": 900_000_000u64, "shares": 0,
    }))
    .expect("a cost");
    let upgrade = json!({
        "name": "v9", "height": 3_999_000, "blocks_left": 94_000, "eta": "2026-11-29T08:00:00Z",
        "eta_error_seconds": 900.0, "disturbs": null,
    });
    let proposal = json!({
        "id": 7, "title": "a test", "voting_end": "2026-11-25T00:00:00Z", "expedited": false,
        "messages": [], "changes": [], "added": [], "removed": [], "upgrade": null,
        "cancels_upgrade": true, "commands": [],
    });
    situation.plans = serde_json::from_value(json!({
        "read_at": 3_904_990, "upgrade": upgrade, "proposals": [proposal], "more": false,
    }))
    .expect("plans");
    situation.service = serde_json::from_value(json!({
        "advanced_at": "2026-11-23T14:00:01Z", "judged_at": "2026-11-23T14:00:09Z",
        "disk_free": 5_000_000_000u64, "store_trouble": null,
        "mismatch": { "height": 3_889_732, "what": "a test" }, "channels": [],
    }))
    .expect("a service");
    situation
}

fn full() -> Metrics {
    let metrics = Metrics::new(["mine", "spare"]);
    metrics.block_stored(BlockSource::Websocket);
    metrics.committed(Duration::from_millis(3));
    metrics.delayed(now(), now());
    metrics.events("bootstrap_model_preeligibility", 2);
    metrics.events("a.new.event", 1);
    metrics.undecodable("tx");
    metrics.ws_connected("mine");
    metrics.ws_disconnected("mine", Disconnect::Idle);
    metrics.endpoint_message("mine", now());
    metrics.endpoint_mismatch("spare");
    metrics.rpc("mine", "block", Duration::from_millis(9), Some("timeout"));
    metrics.rule_mismatch("projection");
    metrics.channel("email");
    metrics.gave_way("email", 3);
    metrics.undeliverable("email");
    metrics.backlog("email", 1, Some(now()));
    metrics.delivered("email", now(), now());
    metrics.delivery_failed("email", "refused");
    metrics.database_size(4096, 0);
    metrics.database_busy();
    metrics.evaluated([].into_iter(), now());
    metrics.heartbeat(true, now());
    metrics.update(&Arc::new(everything()));
    metrics
}

fn text(metrics: &Metrics) -> String {
    String::from_utf8(metrics.text()).expect("metrics are UTF-8")
}

#[test]
fn the_situation_is_shown_and_vanished_labels_vanish() {
    let metrics = full();
    let before = text(&metrics);
    for line in [
        "bootwatch_ingest_height 3905000\n".to_owned(),
        "bootwatch_deadline_height{deadline=\"capture\"} 3905123\n".to_owned(),
        "bootwatch_ingest_gap_blocks 1000\n".to_owned(),
        "bootwatch_ingest_events_total{event=\"other\"} 1\n".to_owned(),
        format!("bootwatch_participant_info{{participant=\"{ADDRESS}\",name=\"rack-1\"}} 1\n"),
        "bootwatch_endpoint_up{endpoint=\"mine\"} 1\n".to_owned(),
        "bootwatch_endpoint_latency_seconds{endpoint=\"mine\"} 0.023\n".to_owned(),
        "bootwatch_endpoint_requests_used{endpoint=\"mine\"} 3\n".to_owned(),
        "bootwatch_endpoint_requests_limit{endpoint=\"mine\"} 15\n".to_owned(),
        "bootwatch_endpoint_quarantined_until_timestamp_seconds{endpoint=\"mine\"} 0\n".to_owned(),
        "bootwatch_endpoint_disagreement_height 0\n".to_owned(),
        "bootwatch_epoch_phase{phase=\"inference\"} 1\n".to_owned(),
    ] {
        assert!(before.contains(&line), "{line:?} is not in\n{before}");
    }
    let lines = |name: &str| before.lines().filter(|line| line.starts_with(name)).count();
    assert_eq!(lines("bootwatch_model_required_hosts{"), 1);
    assert_eq!(lines("bootwatch_deadline_satisfied{"), 2, "only of hosts that are known");
    let ratio =
        before.lines().find(|line| line.starts_with("bootwatch_participant_penalty_ratio{"));
    assert!(ratio.is_some_and(|line| line.ends_with(" 0.15")), "{ratio:?}");

    let mut later = situation();
    later.hosts.clear();
    later.models.clear();
    metrics.update(&Arc::new(later));
    let after = text(&metrics);
    assert!(!after.contains(ADDRESS) && !after.contains("bootwatch_model_active"), "{after}");
    assert!(after.contains("bootwatch_ingest_blocks_total{source=\"ws\"} 1\n"));
}

#[test]
fn before_the_first_block_nothing_is_claimed() {
    let text = text(&Metrics::new(["mine"]));
    assert!(text.contains("bootwatch_situation_known 0\n"));
    assert!(text.contains("bootwatch_ws_connects_total{endpoint=\"mine\"} 0\n"));
    assert!(!text.contains("bootwatch_ingest_height"), "{text}");
}

#[test]
fn names_follow_the_conventions() {
    let text = text(&full());
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let mut seen = BTreeSet::new();
    for line in types {
        let (name, kind) = line.split_once(' ').expect("a name and a type");
        assert!(seen.insert(name), "{name} occurs twice");
        assert!(name.starts_with("bootwatch_") || name.starts_with("process_"), "{name}");
        assert_eq!(kind == "counter", name.ends_with("_total"), "{name} is a {kind}");
    }
    assert!(seen.len() > 50, "only {} metrics", seen.len());
}

#[test]
fn promtool_accepts_all_of_it() {
    let child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("skipped: promtool is not installed (apt-get install prometheus)");
        return;
    };
    let mut input = child.stdin.take().expect("its input is a pipe");
    input.write_all(&full().text()).expect("written");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}

/// Many hosts and models: the bound holds, and a scrape stays cheap.
#[test]
fn hosts_beyond_the_bound_are_counted_only() {
    let mut situation = situation();
    let host = situation.hosts[0].clone();
    situation.hosts = (0..70)
        .map(|n| {
            let address = format!("gonka1{n}").as_str().into();
            bootwatch_rules::situation::HostView { address, ..host.clone() }
        })
        .collect();
    let metrics = full();
    metrics.update(&Arc::new(situation));
    let text = text(&metrics);
    let infos = text.lines().filter(|line| line.starts_with("bootwatch_participant_info{"));
    assert_eq!(infos.count(), 64);
    assert!(text.contains("bootwatch_participants_untracked 6\n"));
}

/// Fails when a header that names OpenMetrics gets another form, or one that does not gets it.
#[test]
fn openmetrics_is_for_those_who_ask() {
    for (accept, format) in [
        ("", Format::Text),
        ("*/*", Format::Text),
        ("text/plain;version=0.0.4", Format::Text),
        ("application/openmetrics-text;q=0, text/plain", Format::Text),
        ("application/openmetrics-text; version=1.0.0,text/plain;q=0.5", Format::OpenMetrics),
        (
            "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;\
             version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            Format::OpenMetrics,
        ),
    ] {
        assert_eq!(Format::accepted(accept), format, "{accept}");
    }
}

/// Both forms say the same; fails when one has a series, or a value, that the other has not.
#[test]
fn both_forms_say_the_same() {
    let samples = |text: &str| -> BTreeSet<(String, String)> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines
            .filter(|line| !line.starts_with("process_"))
            .map(|line| {
                let (series, value) = line.rsplit_once(' ').expect("a series and a value");
                let number: f64 = value.parse().expect("a number");
                // `le` is a number and has its own place, each as one of the two likes.
                let series = series.replace(".0\"", "\"");
                let (name, labels) = series.split_once('{').unwrap_or((&series, ""));
                let mut labels: Vec<&str> =
                    labels.trim_end_matches('}').trim_end_matches('"').split("\",").collect();
                labels.sort_unstable();
                (format!("{name} {labels:?}"), number.to_string())
            })
            .collect()
    };
    let metrics = full();
    let open = String::from_utf8(metrics.exposition(Format::OpenMetrics)).expect("UTF-8");
    assert!(open.ends_with("# EOF\n"), "{open}");
    let (plain, open) = (samples(&text(&metrics)), samples(&open));
    let differ: Vec<_> = plain.symmetric_difference(&open).take(10).collect();
    assert!(differ.is_empty() && plain.len() > 200, "{differ:#?}");
}

/// Fails when docs/metrics.md is not what the registry says.
#[test]
fn documented() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
    let mut rows = String::from("| metric | type | labels | meaning |\n|---|---|---|---|\n");
    let mut families = full().families();
    families.sort_by(|a, b| a.name().cmp(b.name()));
    for family in families {
        let kind = match family.get_field_type() {
            prometheus::proto::MetricType::COUNTER => "counter",
            prometheus::proto::MetricType::HISTOGRAM => "histogram",
            _ => "gauge",
        };
        let labels = family.get_metric()[0].get_label().iter();
        let labels: Vec<String> = labels.map(|pair| format!("`{}`", pair.name())).collect();
        let labels = if labels.is_empty() { "–".to_owned() } else { labels.join(", ") };
        rows += &format!("| `{}` | {kind} | {labels} | {} |\n", family.name(), family.help());
    }
    let text = std::fs::read_to_string(path).expect("docs/metrics.md");
    let (start, end) = ("<!-- table -->\n", "<!-- end of table -->");
    let (before, rest) = text.split_once(start).expect("the table's begin");
    let (_, after) = rest.split_once(end).expect("the table's end");
    let wanted = format!("{before}{start}{rows}{end}{after}");
    if std::env::var_os("BOOTWATCH_WRITE_DOCS").is_some() {
        std::fs::write(path, &wanted).expect("docs/metrics.md is written");
        return;
    }
    assert!(
        wanted == text,
        "docs/metrics.md is out of date: BOOTWATCH_WRITE_DOCS=1 cargo test -p bootwatch --lib documented"
    );
}
