//! Blocks that are missing: after an outage, below the first one followed, lost and found again.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use bootwatch::config::{Config, History};
use bootwatch_devnet::AnswerFault;
use bootwatch_rules::situation::{EndpointState, Situation};
use bootwatch_schema::{ReadStore, SqliteReader};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::{
    bench::{Bench, Run, capture_events_of},
    proxy::Proxy,
};

const CHAIN: &str = "gonka-devnet";

/// Waits until a Situation shows what is wanted.
async fn shows(run: &Run, wanted: impl Fn(&Situation) -> bool) -> Arc<Situation> {
    let mut newest = run.daemon.situation();
    let shown = newest.wait_for(|s| s.as_ref().is_some_and(|s| wanted(s)));
    match timeout(Duration::from_secs(60), shown).await {
        Ok(situation) => situation.unwrap().clone().unwrap(),
        Err(_) => {
            let last = run.daemon.situation().borrow().clone();
            panic!(
                "not shown: {:?}",
                last.map(|s| (s.complete_from, s.complete_to, s.data.clone()))
            )
        }
    }
}

async fn node_reaches(bench: &Bench, height: i64) {
    while bench.node.height() < height {
        sleep(Duration::from_millis(10)).await;
    }
}

/// Every fact and the choices at the tip, as text.
fn facts(database: &Path, from: i64) -> Vec<String> {
    let reader = SqliteReader::open(database).unwrap();
    assert_eq!(reader.verify().unwrap().damage, vec![]);
    let loaded = reader.load().unwrap();
    let all = from..=i64::MAX;
    let mut facts: Vec<String> = Vec::new();
    facts.extend(reader.captures(all.clone()).unwrap().iter().map(|c| format!("{c:?}")));
    let choices = reader.choice_txs(all.clone(), None, u32::MAX).unwrap();
    facts.extend(choices.iter().map(|c| format!("{c:?}")));
    facts.extend(reader.events(None, all, u32::MAX).unwrap().iter().map(|e| format!("{e:?}")));
    facts.push(format!("{:?}", loaded.ledger.standing()));
    facts.push(format!("{:?} {:?}", loaded.ledger.captures, loaded.ledger.frozen));
    facts.push(format!("{:?} {:?}", loaded.ledger.stage, loaded.ledger.work));
    facts.push(format!("{:?} {:?}", loaded.ledger.tip, loaded.ledger.ticks.front()));
    facts
}

/// Two daemons from the same database: one goes on, the other is away for a while. Fails when a
/// block of the outage is lost, taken in twice, or makes something else of the ledger because it was
/// committed together with others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_leaves_what_an_uninterrupted_run_stores() {
    let bench = Bench::quiet(Duration::from_millis(5)).await;
    let run = bench.daemon().await;
    let from = run.reaches(1).await.complete_to;
    run.reaches(from + 20).await;
    run.stop().await;
    let interrupted = bench.another_database();
    // Not the file alone: whoever read it last may not have folded its write-ahead log in yet.
    SqliteReader::open(&bench.database()).unwrap().backup(&interrupted, false).unwrap();
    let left = bench.coverage().1;
    let run = bench.daemon().await;
    node_reaches(&bench, left + 1_200).await;
    bench.node.faults().halt_at(Some(0));
    sleep(Duration::from_millis(100)).await;
    let head = bench.node.height();
    run.reaches(head).await;
    run.stop().await;
    let other = bench.run(bench.config_at(&interrupted)).await;
    other.reaches(head).await;
    let text = String::from_utf8(other.daemon.metrics().text()).unwrap();
    let commits = crate::metric(&text, "bootwatch_ingest_commit_duration_seconds_count");
    let blocks = crate::metric(&text, "bootwatch_ingest_blocks_total{source=\"backfill\"}");
    assert!(
        blocks > 1_100.0 && commits < blocks / 2.0,
        "{blocks} blocks in {commits} transactions"
    );
    other.stop().await;
    let (uninterrupted, caught_up) = (facts(&bench.database(), 1), facts(&interrupted, 1));
    let differing = uninterrupted.iter().zip(&caught_up).find(|(one, other)| one != other);
    assert!(differing.is_none(), "{differing:?}");
    assert_eq!(uninterrupted.len(), caught_up.len());
}

/// Fails when history is not wanted in full, stops the tip, or keeps another block than the node's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_fills_downwards_while_the_tip_goes_on() {
    let bench = Bench::start(Duration::from_millis(15)).await;
    node_reaches(&bench, 400).await;
    let mut config = bench.config();
    config.store.history = History::Full;
    let run = bench.run(config).await;
    let begun = run.reaches(1).await;
    assert!(begun.complete_from > 1);
    let full = shows(&run, |s| s.complete_from == 1).await;
    assert!(full.complete_to >= begun.complete_to);
    run.reaches(full.complete_to + 20).await;
    let on = shows(&run, |s| s.data.history.is_none()).await;
    assert_eq!(on.complete_from, 1);
    assert_eq!(on.data.unfillable, []);
    run.stop().await;
    let reader = SqliteReader::open(&bench.database()).unwrap();
    assert_eq!(reader.verify().unwrap().damage, vec![]);
    let (from, to) = bench.coverage();
    assert_eq!(from, 1);
    let node = capture_events_of(&bench.node.url(), from, to).await;
    assert_eq!(bench.stored_captures(from, to), node);
}

/// Fails when more than this epoch and the previous one are fetched, or a past capture is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recent_history_is_two_epochs_and_past_captures() {
    let bench = Bench::start(Duration::from_millis(10)).await;
    let length = bench.epoch_length();
    node_reaches(&bench, 7 * length).await;
    let run = bench.daemon().await;
    let begun = run.reaches(1).await;
    let filled = shows(&run, |s| {
        s.data.history.is_none() && s.complete_from <= begun.epoch.poc_start - length
    })
    .await;
    sleep(Duration::from_millis(300)).await;
    run.stop().await;
    assert!(filled.complete_from > 2 * length, "only what is recent: {}", filled.complete_from);
    let node = capture_events_of(&bench.node.url(), 1, begun.complete_to).await;
    assert_eq!(bench.stored_captures(1, begun.complete_to), node);
}

/// A node that has pruned everything below a height, which may move.
async fn pruned(bench: &Bench, base: &Arc<AtomicI64>) -> Proxy {
    let proxy = Proxy::start(&bench.node.url()).await;
    let base = Arc::clone(base);
    proxy.change(move |method, answer| {
        let base = base.load(Ordering::SeqCst);
        let height =
            |value: &Value| value.as_str().and_then(|h| h.parse::<i64>().ok()).unwrap_or(0);
        let result = &mut answer["result"];
        match method {
            "status" => result["sync_info"]["earliest_block_height"] = json!(base.to_string()),
            "blockchain" => {
                if let Some(metas) = result["block_metas"].as_array_mut() {
                    metas.retain(|meta| height(&meta["header"]["height"]) >= base);
                }
            }
            "block" | "block_results" => {
                let at = if method == "block" {
                    height(&result["block"]["header"]["height"])
                } else {
                    height(&result["height"])
                };
                if at < base {
                    let data = format!("height {at} is not available, lowest height is {base}");
                    *answer = json!({ "jsonrpc": "2.0", "id": answer["id"], "error": {
                        "code": -32603, "message": "Internal error", "data": data } });
                }
            }
            _ => {}
        }
    });
    proxy
}

/// Fails when what no endpoint has is not shown, or not fetched once another endpoint has it; and
/// when filling it touches the ledger beyond.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holes_are_filled_when_an_endpoint_has_them_after_all() {
    let bench = Bench::start(Duration::from_millis(20)).await;
    node_reaches(&bench, 60).await;
    let base = Arc::new(AtomicI64::new(31));
    let proxy = pruned(&bench, &base).await;
    let alone = |history| -> Config {
        let mut config = bench.config_of(CHAIN, &[("pruned", proxy.url())]);
        config.store.history = history;
        config
    };
    let run = bench.run(alone(History::Full)).await;
    shows(&run, |s| s.data.unfillable == [(1, 30)] && s.complete_from == 31).await;
    let left = run.reaches(bench.node.height()).await.complete_to;
    run.stop().await;

    // While nobody watches, the base moves past the tip.
    node_reaches(&bench, left + 60).await;
    base.store(left + 40, Ordering::SeqCst);
    let run = bench.run(alone(History::Full)).await;
    let holes = shows(&run, |s| {
        s.data.unfillable.len() == 2 && s.complete_from == left + 40 && s.complete_to > left + 60
    })
    .await;
    let [(1, 30), (first, last)] = holes.data.unfillable[..] else { panic!("{:?}", holes.data) };
    assert!(first > left - 3 && last == left + 39, "{first} to {last}, left at {left}");
    run.stop().await;

    let endpoints = [("pruned", proxy.url()), ("whole", bench.node.url())];
    let mut config = bench.config_of(CHAIN, &endpoints);
    config.store.history = History::Full;
    let run = bench.run(config).await;
    let healed = shows(&run, |s| s.data.unfillable.is_empty() && s.complete_from == 1).await;
    assert_eq!(healed.data.reconciled, 0);
    run.stop().await;
    let reader = SqliteReader::open(&bench.database()).unwrap();
    assert_eq!(reader.verify().unwrap().damage, vec![]);
    let (from, to) = bench.coverage();
    assert_eq!(from, 1);
    let node = capture_events_of(&bench.node.url(), from, to).await;
    assert_eq!(bench.stored_captures(from, to), node);
}

/// A node whose results are not those that its own headers name. Fails when such a block is stored,
/// or the node is not named for it; with a good endpoint beside it, history is filled all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_that_the_headers_contradict_are_not_stored() {
    let bench = Bench::start(Duration::from_millis(20)).await;
    node_reaches(&bench, 150).await;
    let liar = Proxy::start(&bench.node.url()).await;
    liar.change(|method, answer| {
        if method == "block_results"
            && let Some(results) = answer["result"]["txs_results"].as_array_mut()
            && let Some(first) = results.first_mut()
        {
            first["gas_used"] = json!("424242");
        }
    });
    let mut config = bench.config_of(CHAIN, &[("liar", liar.url())]);
    config.store.history = History::Full;
    let run = bench.run(config).await;
    let caught = shows(&run, |s| s.endpoints[0].state == EndpointState::Wrong).await;
    let reason = caught.endpoints[0].reason.as_deref().unwrap_or_default();
    assert!(reason.contains("results are not those"), "{reason}");
    assert!(caught.complete_from > 1);
    run.stop().await;

    let mut config = bench.config_of(CHAIN, &[("liar", liar.url()), ("good", bench.node.url())]);
    config.store.history = History::Full;
    let run = bench.run(config).await;
    let full = shows(&run, |s| s.complete_from == 1).await;
    run.stop().await;
    let node = capture_events_of(&bench.node.url(), 1, full.complete_to).await;
    assert_eq!(bench.stored_captures(1, full.complete_to), node);
}

/// Fails when a kill in the middle of catching up leaves half a transaction, a hole or a block
/// twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_while_catching_up_leave_whole_blocks() {
    let bench = Bench::start(Duration::from_millis(5)).await;
    let run = bench.daemon().await;
    let from = run.reaches(1).await.complete_to;
    run.stop().await;
    node_reaches(&bench, from + 800).await;
    bench.node.faults().halt_at(Some(0));
    sleep(Duration::from_millis(50)).await;
    let head = bench.node.height();
    let file = bench.database().with_file_name("bootwatch.toml");
    let text = format!(
        "[chain]\nchain_id = \"{CHAIN}\"\n[[endpoint]]\nrpc = \"{}\"\n[store]\npath = {:?}\n\
         [http]\nlisten = \"127.0.0.1:0\"\n",
        bench.node.url(),
        bench.database()
    );
    fs::write(&file, text).unwrap();
    let mut tip = 0;
    for round in 0..40u64 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_bootwatch"))
            .args(["run", "--config"])
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Real time: only a real process can be killed in the middle of a real write.
        sleep(Duration::from_millis(150 + round * 37 % 200)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let reader = SqliteReader::open(&bench.database()).unwrap();
        assert_eq!(reader.verify().unwrap().damage, vec![], "round {round}");
        let loaded = reader.load().unwrap();
        assert!(loaded.coverage.unfillable.is_empty());
        let now = loaded.ledger.tip.unwrap().height;
        assert!(now >= tip, "round {round}: went back from {tip} to {now}");
        tip = now;
        if tip == head {
            break;
        }
    }
    let run = bench.daemon().await;
    assert_eq!(run.reaches(head).await.data.reconciled, 0);
    run.stop().await;
    let (first, last) = bench.coverage();
    assert_eq!(last, head);
    let node = capture_events_of(&bench.node.url(), first, last).await;
    assert_eq!(bench.stored_captures(first, last), node);
}

/// `bootwatch backfill` from outside: what it says, and its exit codes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backfill_without_the_daemon() {
    let bench = Bench::start(Duration::from_millis(10)).await;
    node_reaches(&bench, 200).await;
    bench.node.faults().halt_at(Some(0));
    let base = Arc::new(AtomicI64::new(41));
    let proxy = pruned(&bench, &base).await;
    let file = bench.database().with_file_name("bootwatch.toml");
    let write = |url: String| {
        let text = format!(
            "[chain]\nchain_id = \"{CHAIN}\"\n[[endpoint]]\nrpc = \"{url}\"\n[store]\npath = {:?}\n",
            bench.database()
        );
        fs::write(&file, text).unwrap();
    };
    let backfill = |args: &'static [&str]| {
        let file = file.clone();
        async move {
            let command = move || {
                Command::new(env!("CARGO_BIN_EXE_bootwatch"))
                    .args(["backfill", "--config"])
                    .arg(&file)
                    .args(args)
                    .output()
                    .unwrap()
            };
            let output = tokio::task::spawn_blocking(command).await.unwrap();
            let text = [output.stdout, output.stderr].concat();
            (output.status.code(), String::from_utf8(text).unwrap())
        }
    };
    write(proxy.url());
    let (code, text) = backfill(&["--from", "9", "--to", "8"]).await;
    assert_eq!((code, text.contains("--from 9 is above --to 8")), (Some(2), true), "{text}");

    let (code, text) = backfill(&["--from", "1", "--to", "180"]).await;
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("140 blocks stored, 40 are missing") && text.contains("1 to 40"),
        "{text}"
    );
    assert_eq!(bench.coverage(), (41, 180));

    write(bench.node.url());
    let (code, text) = backfill(&["--from", "1", "--to", "180"]).await;
    assert_eq!((code, &*text), (Some(0), "40 blocks stored; nothing is missing\n"));
    assert_eq!(bench.coverage(), (1, 180));
    let (code, text) = backfill(&["--from", "1", "--to", "180"]).await;
    assert_eq!((code, &*text), (Some(0), "0 blocks stored; nothing is missing\n"));

    let run = bench.daemon().await;
    run.reaches(bench.node.height()).await;
    let (code, text) = backfill(&[]).await;
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("in use by a running bootwatch"), "{text}");
    run.stop().await;
}

/// Ctrl-C and SIGTERM in the middle of `bootwatch backfill`. Fails when what was fetched is lost, when
/// it does not say where it stopped, when the exit code is not that of the signal, or when the same
/// command does not go on from there to the same database as without an interruption.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backfill_that_is_interrupted_goes_on_where_it_stopped() {
    const TOP: i64 = 300;
    let bench = Bench::start(Duration::from_millis(5)).await;
    node_reaches(&bench, TOP + 5).await;
    bench.node.faults().halt_at(Some(0));
    let file = |name: &str| {
        let file = bench.database().with_file_name(format!("{name}.toml"));
        let database = bench.database().with_file_name(format!("{name}.db"));
        let text = format!(
            "[chain]\nchain_id = \"{CHAIN}\"\n[[endpoint]]\nrpc = \"{}\"\n[store]\npath = \
             {database:?}\n",
            bench.node.url()
        );
        fs::write(&file, text).unwrap();
        (file, database)
    };
    let spawn = |file: &Path| {
        Command::new(env!("CARGO_BIN_EXE_bootwatch"))
            .args(["backfill", "--from", "1", "--to", &TOP.to_string(), "--config"])
            .arg(file)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let ends = async |child: Child| {
        let output = tokio::task::spawn_blocking(move || child.wait_with_output()).await;
        let output = output.unwrap().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let stored = |database: &Path| {
        let ranges = SqliteReader::open(database).and_then(|reader| reader.load());
        let ranges = ranges.map(|loaded| loaded.coverage.stored).unwrap_or_default();
        ranges.iter().map(|(first, last)| last - first + 1).sum::<i64>()
    };

    let (config, database) = file("interrupted");
    let mut kept = 0;
    for (signal, name, code) in [("-INT", "SIGINT", 130), ("-TERM", "SIGTERM", 143)] {
        // Slow enough that a signal comes in the middle.
        let slow = AnswerFault::Slow(Duration::from_millis(100));
        bench.node.faults().spoil_answers(slow, 10_000);
        let child = spawn(&config);
        let deadline = Instant::now() + Duration::from_secs(60);
        while stored(&database) <= kept {
            assert!(Instant::now() < deadline, "nothing was stored");
            sleep(Duration::from_millis(10)).await;
        }
        let id = child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let (ended, text) = ends(child).await;
        let now = stored(&database);
        assert_eq!(ended, Some(code), "{text}");
        assert!(now < TOP, "it was done before the signal came");
        let said = format!("stopped by {name} after {} blocks, which are kept", now - kept);
        assert!(text.contains(&said), "{said:?} is not in {text}");
        assert!(text.contains("the same command goes on from there"), "{text}");
        assert_eq!(SqliteReader::open(&database).unwrap().verify().unwrap().damage, vec![]);
        kept = now;
    }
    bench.node.faults().heal();
    let (code, text) = ends(spawn(&config)).await;
    assert_eq!(
        (code, text),
        (Some(0), format!("{} blocks stored; nothing is missing\n", TOP - kept))
    );

    let (config, whole) = file("whole");
    assert_eq!(ends(spawn(&config)).await.0, Some(0));
    let digest = |database: &Path| SqliteReader::open(database).unwrap().digest(1..=TOP).unwrap();
    assert_eq!(digest(&database), digest(&whole));
}

/// What `bootwatch status` prints while a daemon fills history. Fails when the command, which reads the
/// database only, does not know how fast it goes, when it is ready, how the endpoint answers, what of
/// its budget is used, or why it is as it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_tells_of_rate_latency_and_budget() {
    let bench = Bench::start(Duration::from_millis(20)).await;
    node_reaches(&bench, 500).await;
    bench.node.faults().halt_at(Some(0));
    // Slow enough that it goes on when it is looked at.
    bench.node.faults().spoil_answers(AnswerFault::Slow(Duration::from_millis(400)), 100_000);
    let limit = "max_requests_per_minute = 6000";
    let dead = "http://127.0.0.1:9".to_owned();
    let endpoints = [("node", bench.node.url(), limit), ("dead", dead.clone(), "")];
    let mut config = bench.config_with(CHAIN, &endpoints);
    config.store.history = History::Full;
    let run = bench.run(config).await;
    let goes_on = |s: &Situation| {
        let history = s.data.history.as_ref();
        history.is_some_and(|history| history.per_minute > 0 && history.eta.is_some())
    };
    shows(&run, goes_on).await;

    let file = bench.database().with_file_name("status.toml");
    let text = format!(
        "[chain]\nchain_id = \"{CHAIN}\"\n[[endpoint]]\nname = \"node\"\nrpc = \"{}\"\n{limit}\n\
         [[endpoint]]\nname = \"dead\"\nrpc = \"{dead}\"\n[store]\npath = {:?}\nhistory = \"full\"\n",
        bench.node.url(),
        bench.database()
    );
    fs::write(&file, text).unwrap();
    let status = async |args: &'static [&str]| {
        let file = file.clone();
        let command = move || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_bootwatch"));
            command.args(["status", "--config"]).arg(&file).args(args).output().unwrap()
        };
        let output = tokio::task::spawn_blocking(command).await.unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    // The daemon notes it every five seconds.
    let deadline = Instant::now() + Duration::from_secs(30);
    let said = loop {
        let said: Situation = serde_json::from_str(&status(&["--json"]).await).unwrap();
        if goes_on(&said) {
            break said;
        }
        assert!(Instant::now() < deadline, "{:?}", said.data);
        sleep(Duration::from_millis(200)).await;
    };
    let [node, away] = &said.endpoints[..] else { panic!("{:?}", said.endpoints) };
    assert!(node.latency_ms.is_some(), "{node:?}");
    let requests = node.requests.unwrap();
    assert!(requests.limit == 6000 && requests.used > 0, "{requests:?}");
    assert_eq!(away.state, EndpointState::Down);
    assert!(away.reason.is_some(), "{away:?}");
    let words = status(&[]).await;
    for expected in
        ["of history to fill", " a minute, ready about ", "answers in ", " of 6000 requests"]
    {
        assert!(words.contains(expected), "{expected:?} is not in\n{words}");
    }
    assert!(words.contains(away.reason.as_ref().unwrap()), "{words}");
    let url = format!("http://{}/api/v1/status", run.daemon.address());
    let api: Situation = reqwest::get(&url).await.unwrap().json().await.unwrap();
    assert!(api.endpoints[0].latency_ms.is_some() && api.endpoints[0].requests.is_some());
    run.stop().await;
}
