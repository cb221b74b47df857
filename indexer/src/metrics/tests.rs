//! What Prometheus reads.

use std::{
    collections::BTreeSet,
    io::Write as _,
    process::{Command, Stdio},
};

use super::*;
use crate::sample::{ADDRESS, now, situation};

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
    metrics.evaluated(now());
    metrics.update(&Arc::new(situation()));
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
