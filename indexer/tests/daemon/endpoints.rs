//! Several endpoints, good and bad ones, and the budget of one.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bootwatch::{
    chain::{Access, Endpoint, Rpc, RpcLimits, StateSource as _, Subscription},
    daemon::Daemon,
    metrics::Metrics,
};
use bootwatch_rules::situation::{EndpointState, EndpointView, Situation};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    bench::{self, Bench, Run},
    metric,
    proxy::{FRAME, Proxy},
};

const CHAIN: &str = "gonka-devnet";

fn endpoint<'a>(situation: &'a Situation, name: &str) -> &'a EndpointView {
    situation.endpoints.iter().find(|endpoint| endpoint.name == name).unwrap()
}

/// Waits until a Situation shows what is wanted.
async fn shows(run: &Run, wanted: impl Fn(&Situation) -> bool) -> Arc<Situation> {
    let mut newest = run.daemon.situation();
    let shown = newest.wait_for(|s| s.as_ref().is_some_and(|s| wanted(s)));
    match timeout(Duration::from_secs(60), shown).await {
        Ok(situation) => situation.unwrap().clone().unwrap(),
        Err(_) => panic!(
            "not shown: {:?}",
            run.daemon
                .situation()
                .borrow()
                .as_ref()
                .map(|s| { (&s.endpoints, &s.data, s.complete_to) })
        ),
    }
}

fn text_at(value: &mut Value, pointer: &str) -> Option<String> {
    value.pointer(pointer)?.as_str().map(str::to_owned)
}

/// A hash that nobody has.
fn lie(hash: &mut Value) {
    if let Some(text) = hash.as_str() {
        *hash = json!(text.chars().rev().collect::<String>());
    }
}

/// At the tip nothing is asked: with the budget of a public endpoint the daemon reads its base,
/// follows, and is not even near the limit. Fails when a block costs a request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_budget_of_a_public_endpoint_the_tip_is_held_by_frames() {
    let bench = Bench::quiet(Duration::from_millis(500)).await;
    let proxy = Proxy::start(&bench.node.url()).await;
    let config =
        bench.config_with(CHAIN, &[("public", proxy.url(), "max_requests_per_minute = 15")]);
    let run = bench.run(config).await;
    let first = run.reaches(1).await.complete_to;
    run.reaches(first + 8).await;
    let base = proxy.asked().len();
    let situation = run.reaches(first + 30).await;
    let since: Vec<_> = proxy.asked().split_off(base);
    assert!(since.iter().all(|asked| asked.methods == ["status"]), "{since:?}");
    assert!(endpoint(&situation, "public").websocket);
    let text = String::from_utf8(run.daemon.metrics().text()).unwrap();
    let from_frames = metric(&text, "bootwatch_ingest_blocks_total{source=\"ws\"}");
    assert!(from_frames >= 25.0, "{from_frames} blocks of 30 came in frames");
    let asked = proxy.most_within(Duration::from_secs(60));
    assert!(asked <= 15, "{asked} requests in a minute: {:?}", proxy.asked());
    let used = endpoint(&situation, "public").requests.unwrap();
    assert!(used.limit == 15 && used.used > 0 && used.used <= 15, "{used:?}");
    assert!(text.contains("bootwatch_endpoint_requests_limit{endpoint=\"public\"} 15\n"));
    run.stop().await;
    bench.assert_contiguous();
}

/// What a node counts: requests, batches and handshakes, each as one. Fails when any way to the node
/// does not ask the budget first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spent_budget_holds_back_requests_of_every_kind() {
    let bench = Bench::start(Duration::from_millis(100)).await;
    let proxy = Proxy::start(&bench.node.url()).await;
    let access = Access { max_requests_per_minute: NonZeroU32::new(6), ..Access::default() };
    let target = Endpoint::new("counted", &proxy.url().parse().unwrap()).with_access(access);
    let metrics = Arc::new(Metrics::new([]));
    let rpc = Rpc::new(target, CHAIN, RpcLimits::default(), metrics).unwrap();
    let head = bench.node.height();
    // Six of them, then at least one more of each kind.
    rpc.status().await.unwrap();
    let _subscription = Subscription::open(&rpc).await.unwrap();
    rpc.bodies(head).await.unwrap();
    rpc.hash_at(head).await.unwrap();
    let routine = timeout(Duration::from_millis(300), async { rpc.routine().status().await }).await;
    assert!(routine.is_err(), "a third is kept for what is urgent");
    assert_eq!(proxy.asked().len(), 5);
    rpc.read_choosers(head).await.unwrap();
    let more = async {
        tokio::join!(
            rpc.status(),
            Subscription::open(&rpc),
            rpc.bodies(head),
            rpc.hash_at(head),
            rpc.keeps_results(head),
            rpc.read_choosers(head),
            rpc.read_charges(head),
        )
    };
    let waited = timeout(Duration::from_secs(2), Box::pin(more)).await;
    assert!(waited.is_err(), "nothing is answered");
    assert_eq!((proxy.asked().len(), rpc.budget().used()), (6, 6), "{:?}", proxy.asked());
}

/// Under pressure, for two and a half minutes: epochs so short that the state is wanted all the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes two and a half minutes; run it when the budget is changed"]
async fn no_minute_holds_more_than_the_budget_however_much_is_wanted() {
    let bench = Bench::start(Duration::from_millis(300)).await;
    let proxy = Proxy::start(&bench.node.url()).await;
    let more = "max_requests_per_minute = 15";
    let run = bench.run(bench.config_with(CHAIN, &[("public", proxy.url(), more)])).await;
    tokio::time::sleep(Duration::from_secs(150)).await;
    let most = proxy.most_within(Duration::from_secs(60));
    eprintln!("{} requests in 150 s, at most {most} in a minute", proxy.asked().len());
    assert!((12..=15).contains(&most), "{most}");
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_goes_away_is_left_without_losing_or_doubling_a_block() {
    let bench = Bench::start(Duration::from_millis(50)).await;
    let (a, b) = (Proxy::start(&bench.node.url()).await, Proxy::start(&bench.node.url()).await);
    let run = bench.run(bench.config_of(CHAIN, &[("a", a.url()), ("b", b.url())])).await;
    let mut height = run.reaches(5).await.complete_to;
    for gone in [&a, &b] {
        gone.be_away(true);
        height = run.reaches(height + 60).await.complete_to;
        let situation = shows(&run, |s| s.endpoints.iter().any(|e| e.state == EndpointState::Down));
        let situation = situation.await;
        let down = situation.endpoints.iter().find(|e| e.state == EndpointState::Down).unwrap();
        assert!(down.reason.as_deref().unwrap().contains("502"), "{down:?}");
        gone.be_away(false);
        shows(&run, |s| s.endpoints.iter().all(|e| e.state == EndpointState::Up)).await;
    }
    run.stop().await;
    bench.assert_contiguous();
}

/// Both hold our chain, and from a block on they differ: nobody here can know who is right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_disagree_about_a_block_stop_the_advance_and_are_named() {
    let bench = Bench::start(Duration::from_millis(100)).await;
    let (a, b) = (Proxy::start(&bench.node.url()).await, Proxy::start(&bench.node.url()).await);
    // The honest one is selected: of the other, it is what its status says that differs.
    b.be_away(true);
    let run = bench.run(bench.config_of(CHAIN, &[("honest", a.url()), ("other", b.url())])).await;
    run.reaches(20).await;
    b.be_away(false);
    let both = shows(&run, |s| s.endpoints.iter().all(|e| e.state == EndpointState::Up)).await;
    let fork = both.complete_to + 10;
    let height_of = |text: Option<String>| text.and_then(|t| t.parse::<i64>().ok()).unwrap_or(0);
    b.change(move |method, answer| match method {
        "status" => {
            let height = text_at(answer, "/result/sync_info/latest_block_height");
            if height_of(height) >= fork {
                lie(&mut answer["result"]["sync_info"]["latest_block_hash"]);
            }
        }
        "blockchain" => {
            let height = text_at(answer, "/result/block_metas/0/header/height");
            if height_of(height) >= fork {
                lie(&mut answer["result"]["block_metas"][0]["block_id"]["hash"]);
            }
        }
        _ => {}
    });
    let situation = shows(&run, |s| s.data.disagreement.is_some()).await;
    let differ = situation.data.disagreement.clone().unwrap();
    assert!(differ.height >= fork, "{differ:?}");
    let names: Vec<_> = differ.endpoints.iter().map(|side| side.endpoint.as_str()).collect();
    assert_eq!(names, ["honest", "other"]);
    assert_ne!(differ.endpoints[0].hash, differ.endpoints[1].hash);
    let true_hash = bench::hash_of(&bench.node.url(), differ.height).await;
    assert_eq!(differ.endpoints[0].hash, true_hash);
    let reason = endpoint(&situation, "other").reason.clone().unwrap();
    assert!(reason.contains("others show another"), "{reason}");
    let text = String::from_utf8(run.daemon.metrics().text()).unwrap();
    assert_eq!(
        metric(&text, "bootwatch_endpoint_disagreement_height "),
        f64::from(i32::try_from(differ.height).unwrap())
    );
    // The chain goes on; the daemon does not.
    let stopped = situation.complete_to;
    let seen = bench.node.height();
    while bench.node.height() < seen + 15 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let later = shows(&run, |s| s.data.disagreement.is_some()).await;
    assert!(later.complete_to <= stopped + 1, "{} after {stopped}", later.complete_to);
    b.be_honest();
    let situation = run.reaches(seen + 30).await;
    assert_eq!(situation.data.disagreement, None);
    assert!(situation.endpoints.iter().all(|e| e.state == EndpointState::Up), "{situation:?}");
    run.stop().await;
    bench.assert_contiguous();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_another_chain_under_our_name_is_convicted_and_left_alone() {
    let bench = Bench::start(Duration::from_millis(50)).await;
    let run = bench.daemon().await;
    let tip = run.reaches(20).await.complete_to;
    run.stop().await;
    let foreign = bench::node_at(([127, 0, 0, 1], 0).into(), 8).await;
    while foreign.height() < tip + 5 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let endpoints = [("foreign", foreign.url()), ("ours", bench.node.url())];
    let run = bench.run(bench.config_of(CHAIN, &endpoints)).await;
    let convicted = |view: &EndpointView| {
        view.state == EndpointState::Wrong && view.quarantined_until.is_some()
    };
    let situation = shows(&run, |s| convicted(endpoint(s, "foreign"))).await;
    let view = endpoint(&situation, "foreign");
    let reason = view.reason.as_deref().unwrap();
    assert!(reason.contains("another chain") && reason.contains("left alone until"), "{reason}");
    let situation = run.reaches(tip + 40).await;
    assert!(endpoint(&situation, "ours").selected);
    run.stop().await;
    bench.assert_contiguous();
}

/// The chain is started anew behind the URL while the daemon runs: its heights are lower, its time
/// is later. Fails when that is taken for a node that lags.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_behind_the_same_url_is_noticed_before_it_catches_up() {
    let bench = Bench::start(Duration::from_millis(20)).await;
    let address = bench.node.address();
    let stop = CancellationToken::new();
    let daemon = Daemon::start(bench.config(), stop).await.unwrap();
    let mut situation = daemon.situation();
    let far = situation.wait_for(|s| s.as_ref().is_some_and(|s| s.complete_to > 400));
    timeout(Duration::from_secs(60), far).await.unwrap().unwrap();
    bench.node.stop().await.unwrap();
    let reset = bench::node_at(address, 8).await;
    let error = timeout(Duration::from_secs(60), daemon.wait()).await.unwrap().unwrap_err();
    assert_eq!(error.exit_code(), 1);
    assert!(error.to_string().contains("reset"), "{error}");
    assert!(reset.height() < 3000, "long before it could have caught up with more blocks");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_behind_one_url_that_are_a_little_behind_are_no_failure() {
    let bench = Bench::start(Duration::from_millis(100)).await;
    let balancer = Proxy::start(&bench.node.url()).await;
    // Every other status is of a node that stands where another stood four looks ago.
    let past = std::sync::Mutex::new((0, std::collections::VecDeque::new()));
    balancer.change(move |method, answer| {
        if method == "status" {
            let (turn, past) = &mut *past.lock().unwrap();
            *turn += 1;
            past.push_back(answer["result"]["sync_info"].clone());
            if past.len() > 4 {
                let old = past.pop_front().unwrap();
                if *turn % 2 == 1 {
                    answer["result"]["sync_info"] = old;
                }
            }
        }
    });
    // Without websockets every block depends on a status.
    let plain = bench::without_websocket(balancer.url()).await;
    let run = bench.run(bench.config_of(CHAIN, &[("balancer", plain)])).await;
    let first = run.reaches(1).await.complete_to;
    let situation = run.reaches(first + 30).await;
    let view = endpoint(&situation, "balancer");
    assert_eq!((view.state, view.quarantined_until), (EndpointState::Up, None));
    run.stop().await;
    bench.assert_contiguous();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_lags_is_shown_and_not_selected() {
    let bench = Bench::start(Duration::from_millis(50)).await;
    let slow = Proxy::start(&bench.node.url()).await;
    slow.change(|method, answer| {
        if method == "status" {
            let sync = &mut answer["result"]["sync_info"];
            for (latest, earliest) in [
                ("latest_block_height", "earliest_block_height"),
                ("latest_block_hash", "earliest_block_hash"),
                ("latest_block_time", "earliest_block_time"),
            ] {
                sync[latest] = sync[earliest].clone();
            }
        }
    });
    let endpoints = [("slow", slow.url()), ("good", bench.node.url())];
    while bench.node.height() < 30 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let run = bench.run(bench.config_of(CHAIN, &endpoints)).await;
    let situation = shows(&run, |s| endpoint(s, "slow").state == EndpointState::Lagging).await;
    let view = endpoint(&situation, "slow");
    assert!(view.behind.unwrap() > 5 && view.reason.as_deref().unwrap().contains("behind"));
    run.reaches(situation.complete_to + 20).await;
    shows(&run, |s| endpoint(s, "good").selected).await;
    run.stop().await;
    bench.assert_contiguous();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_keeps_no_results_serves_the_tip_only() {
    let bench = Bench::start(Duration::from_millis(50)).await;
    let discards = Proxy::start(&bench.node.url()).await;
    discards.change(|method, answer| {
        if method == "block_results" {
            *answer = json!({ "jsonrpc": "2.0", "id": answer["id"], "error": {
                "code": -32603, "message": "Internal error",
                "data": "node is not persisting finalize block responses",
            }});
        }
    });
    let endpoints = [("discards", discards.url()), ("whole", bench.node.url())];
    let run = bench.run(bench.config_of(CHAIN, &endpoints)).await;
    let situation = shows(&run, |s| {
        endpoint(s, "discards")
            .reason
            .as_deref()
            .unwrap_or_default()
            .contains("discard_abci_responses")
    });
    let situation = situation.await;
    assert_eq!(endpoint(&situation, "discards").state, EndpointState::Up);
    run.reaches(situation.complete_to + 40).await;
    run.stop().await;
    bench.assert_contiguous();
}

/// A node whose frames say of every transaction that it failed. The next header says otherwise. Fails
/// when nobody notices, when the node is believed again, or when the choices that were not counted stay
/// uncounted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_in_frames_are_held_against_the_next_header() {
    let bench = Bench::start(Duration::from_millis(50)).await;
    let liar = Proxy::start(&bench.node.url()).await;
    let told = Arc::new(AtomicUsize::new(0));
    let lies = Arc::clone(&told);
    liar.change(move |method, frame| {
        let results = frame.pointer_mut("/result/data/value/result_finalize_block/tx_results");
        if method == FRAME
            && let Some(results) = results.and_then(Value::as_array_mut)
        {
            for result in results {
                lies.fetch_add(1, Ordering::SeqCst);
                result["code"] = 5.into();
            }
        }
    });
    let honest = Proxy::start(&bench.node.url()).await;
    honest.be_away(true);
    let endpoints = [("liar", liar.url()), ("honest", honest.url())];
    let run = bench.run(bench.config_of("gonka-devnet", &endpoints)).await;
    run.reaches(1).await;
    honest.be_away(false);
    let caught = shows(&run, |s| endpoint(s, "liar").state == EndpointState::Wrong).await;
    assert!(told.load(Ordering::SeqCst) > 0, "it told no lie");
    let reason = endpoint(&caught, "liar").reason.clone().unwrap();
    assert!(reason.contains("are not those that its next header names"), "{reason}");
    let text = String::from_utf8(run.daemon.metrics().text()).unwrap();
    assert!(
        metric(&text, "bootwatch_endpoint_mismatches_total{endpoint=\"liar\"}") >= 1.0,
        "{text}"
    );
    let later = shows(&run, |s| s.complete_to > caught.complete_to + 60).await;
    assert!(endpoint(&later, "honest").selected, "{:?}", later.endpoints);
    run.stop().await;
    bench.assert_contiguous();
    bench.assert_choices().await;
}
