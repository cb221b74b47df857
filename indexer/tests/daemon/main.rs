//! The daemon against a simulated node, over real sockets, in one process.
#![allow(clippy::unwrap_used, unreachable_pub, reason = "test helpers: a failure is the message")]

mod api;
mod backfill;
mod bench;
mod endpoints;
mod evidence;
mod forecasts;
mod governance;
mod orders;
mod proxy;
mod replays;
mod tls;

use std::time::Duration;

use bench::{Bench, blocks_of, capture_events_of};
use bootwatch::daemon::{Daemon, DaemonError};
use bootwatch_rules::situation::{EndpointState, Phase};
use bootwatch_schema::{ReadStore, SqliteReader};
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_follows_the_chain_and_keeps_what_the_node_shows() {
    let bench = Bench::start(Duration::from_millis(20)).await;
    let run = bench.daemon().await;
    let first = run.reaches(1).await.complete_to;
    // A whole epoch: every stage once.
    let situation = run.reaches(first + bench.epoch_length()).await;
    assert_eq!(situation.chain_id, "gonka-devnet");
    assert_eq!(situation.complete_from, first.min(situation.complete_from));
    assert!(!situation.stale);
    assert_ne!(situation.epoch.phase, Phase::Unknown);
    assert_eq!(situation.data.reconciled, 0, "the ledger had to be corrected");
    assert!(situation.endpoints[0].websocket);
    let text = String::from_utf8(run.daemon.metrics().text()).unwrap();
    let from_frames = metric(&text, "bootwatch_ingest_blocks_total{source=\"ws\"}");
    assert!(from_frames > 20.0, "blocks were taken from frames: {from_frames}");
    assert_eq!(metric(&text, "bootwatch_rule_mismatches_total{statement=\"projection\"}"), 0.0);
    run.stop().await;

    let loaded = SqliteReader::open(&bench.database()).unwrap().load().unwrap();
    let (from, to) = *loaded.coverage.stored.last().unwrap();
    assert!(loaded.coverage.unfillable.is_empty());
    let mine: Vec<_> = bench.stored_captures(from, to);
    assert!(!mine.is_empty(), "no capture in {from}..={to}");
    assert_eq!(mine, capture_events_of(&bench.node.url(), from, to).await);

    bench.assert_choices().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_the_websocket_lose_nothing() {
    let bench = Bench::start(Duration::from_millis(20)).await;
    let run = bench.daemon().await;
    let mut height = run.reaches(1).await.complete_to;
    let faults = bench.node.faults();
    for round in 0..4 {
        match round {
            0 => faults.drop_websockets(),
            1 => faults.garble_frames(3),
            2 => faults.duplicate_frames(5),
            _ => faults.fail_requests(5),
        }
        height = run.reaches(height + 25).await.complete_to;
    }
    run.stop().await;
    bench.assert_contiguous();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_continues_where_it_stopped() {
    let bench = Bench::start(Duration::from_millis(20)).await;
    let run = bench.daemon().await;
    let first = run.reaches(1).await.complete_from;
    run.reaches(first + 10).await;
    run.stop().await;
    // More than the reorder window goes by.
    let seen = bench.node.height();
    while bench.node.height() < seen + 80 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let run = bench.daemon().await;
    let situation = run.reaches(seen + 85).await;
    assert!(situation.complete_from <= first);
    assert_eq!(situation.data.reconciled, 0);
    run.stop().await;
    bench.assert_contiguous();
    let (from, to) = bench.coverage();
    assert_eq!(
        bench.stored_captures(from, to),
        capture_events_of(&bench.node.url(), from, to).await
    );
    assert_eq!(blocks_of(&bench.node.url(), from).await, from);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_chain_is_refused() {
    let bench = Bench::start(Duration::from_millis(50)).await;
    let config = bench.config_of("gonka-mainnet", &[("only", bench.node.url())]);
    let daemon = Daemon::start(config, CancellationToken::new()).await.unwrap();
    let error = daemon.wait().await.unwrap_err();
    assert_eq!(error.exit_code(), 2);
    let text = error.to_string();
    assert!(text.contains("gonka-mainnet") && text.contains("gonka-devnet"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_endpoint_is_passed_over() {
    let bench = Bench::start(Duration::from_millis(30)).await;
    let dead = ("dead", "http://127.0.0.1:9".to_owned());
    let config = bench.config_of("gonka-devnet", &[dead, ("good", bench.node.url())]);
    let run = bench.run(config).await;
    let situation = run.reaches(5).await;
    let states: Vec<_> = situation.endpoints.iter().map(|e| (e.state, e.selected)).collect();
    assert_eq!(states, [(EndpointState::Down, false), (EndpointState::Up, true)]);
    assert!(situation.endpoints[0].reason.is_some());
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_daemon_on_the_database_is_refused() {
    let bench = Bench::start(Duration::from_millis(50)).await;
    let run = bench.daemon().await;
    let second = Daemon::start(bench.config(), CancellationToken::new()).await.unwrap_err();
    assert!(matches!(second, DaemonError::Store(_)), "{second}");
    assert_eq!(second.exit_code(), 1);
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pruned_blocks_become_a_visible_hole() {
    let bench = Bench::pruning(Duration::from_millis(20), 30).await;
    let run = bench.daemon().await;
    let stopped = run.reaches(3).await;
    run.stop().await;
    while bench.node.height() < stopped.complete_to + 60 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let run = bench.daemon().await;
    let situation = run.reaches(bench.node.height() + 5).await;
    // What lies below the first followed block may have been pruned before it was fetched.
    let above = situation.data.unfillable.iter().filter(|hole| hole.1 > stopped.complete_to);
    let [(first, last)] = above.copied().collect::<Vec<_>>()[..] else {
        panic!("{:?}", situation.data.unfillable)
    };
    assert_eq!(situation.complete_from, last + 1);
    assert!(first > stopped.complete_to && last > first);
    // Choices are read again, as soon as a block's state can still be had.
    let mut newest = run.daemon.situation();
    let known = newest.wait_for(|s| s.as_ref().is_some_and(|s| s.hosts.iter().all(|h| h.known)));
    tokio::time::timeout(Duration::from_secs(60), known).await.expect("choices").unwrap();
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_websocket_is_polled() {
    let bench = Bench::start(Duration::from_millis(100)).await;
    let plain = bench::without_websocket(bench.node.url()).await;
    let config = bench.config_of("gonka-devnet", &[("plain", plain)]);
    let run = bench.run(config).await;
    let first = run.reaches(1).await.complete_to;
    let situation = run.reaches(first + 15).await;
    let endpoint = &situation.endpoints[0];
    assert_eq!((endpoint.state, endpoint.websocket), (EndpointState::Up, false));
    let reason = endpoint.reason.as_deref().unwrap_or_default();
    assert!(reason.contains("websocket") && reason.contains("polled"), "{reason}");
    run.stop().await;
    bench.assert_contiguous();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_websocket_is_replaced() {
    let bench = Bench::start(Duration::from_millis(100)).await;
    let run = bench.daemon().await;
    let height = run.reaches(5).await.complete_to;
    bench.node.faults().stall_frames(true);
    // Pings go on. Silence is 15 s, and the gap is fetched then although frames still stay away.
    run.reaches(height + 100).await;
    bench.node.faults().stall_frames(false);
    run.stop().await;
    bench.assert_contiguous();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_that_was_reset_stops_the_daemon() {
    let bench = Bench::start(Duration::from_millis(20)).await;
    let address = bench.node.address();
    let config = bench.config();
    let run = bench.run(config.clone()).await;
    let tip = run.reaches(10).await.complete_to;
    run.stop().await;
    bench.node.stop().await.unwrap();
    let reset = bench::node_at(address, 8).await;
    while reset.height() < tip + 50 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let daemon = Daemon::start(config, CancellationToken::new()).await.unwrap();
    let error = daemon.wait().await.unwrap_err();
    assert_eq!(error.exit_code(), 1);
    assert!(error.to_string().contains("reset"), "{error}");
}

fn metric(text: &str, series: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(series)).unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}
