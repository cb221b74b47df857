//! How fast missing blocks are fetched and stored: `cargo bench -p bootwatch --bench backfill`.
//!
//! Three measurements, each with the real binary as a process of its own, durable
//! (`synchronous=FULL`), over loopback:
//!
//! * `bootwatch backfill` of blocks with 570 events, and of near-empty ones. The node is a small
//!   server that replays prepared bodies, because the simulated node is slower than what is measured:
//!   it encodes every answer anew.
//! * `bootwatch run` after an outage of a day (16,200 blocks at mainnet's volume and epoch length),
//!   from the simulated node itself: the ledger goes through every block and asks for the chain's
//!   state on the way.
//!
//! Beside each rate stands the node's own ceiling: the same requests, eight at a time, from a client
//! that throws the answers away. CPU time and the largest resident set are the process's own. It
//! prints figures beside their goals; machines differ, so it judges nothing.
//!
//! `BACKFILL_FULL`, `BACKFILL_EMPTY` and `BACKFILL_OUTAGE` set how many blocks are measured.

#![allow(unreachable_pub, missing_docs, reason = "the rooms of a benchmark")]

#[path = "backfill/ceiling.rs"]
mod ceiling;
#[path = "backfill/process.rs"]
mod process;
#[path = "backfill/replay.rs"]
mod replay;

use std::{
    env, fs,
    path::Path,
    time::{Duration, Instant},
};

use bootwatch_devnet::{
    Devnet, Options,
    chain::{Spec, Story, Timing},
};
use bootwatch_schema::SqliteReader;
use process::{Process, Usage};
use replay::{Replay, Shape};
use serde_json::Value;
use tokio::time::sleep;

const CHAIN: &str = "gonka-devnet";

fn blocks(variable: &str, default: i64) -> i64 {
    env::var(variable).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

fn configuration(dir: &Path, rpc: &str, page: &str) {
    let text = format!(
        "[chain]\nchain_id = \"{CHAIN}\"\n[[endpoint]]\nname = \"node\"\nrpc = \"{rpc}\"\n\
         [store]\npath = \"bootwatch.db\"\n[http]\nlisten = \"{page}\"\n"
    );
    fs::write(dir.join("bootwatch.toml"), text).expect("write the configuration");
}

fn print(name: &str, blocks: i64, took: Duration, usage: Usage, ceiling: f64, goal: &str) {
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let count = blocks as f64;
    println!("{name}");
    println!("  blocks                       {blocks:8}");
    println!("  time                         {:8.2} s", took.as_secs_f64());
    println!(
        "  rate                         {:8.0} blocks/s   ({goal})",
        count / took.as_secs_f64()
    );
    println!("  the node's own ceiling       {ceiling:8.0} blocks/s");
    println!(
        "  CPU time                     {:8.2} s, {:.0} µs a block",
        usage.cpu.as_secs_f64(),
        usage.cpu.as_secs_f64() * 1e6 / count
    );
    println!("  largest resident set         {:8.1} MB   (goal 128)", usage.peak_mb());
}

#[tokio::main]
async fn main() {
    // `cargo test --benches` runs this too, with an argument: there is nothing to test.
    if env::args().any(|argument| argument == "--test") {
        return;
    }
    let full = blocks("BACKFILL_FULL", 3_000);
    replayed("backfill, 570 events a block", full, Shape::full(), "goal 300").await;
    let empty = blocks("BACKFILL_EMPTY", 20_000);
    replayed("backfill, near-empty blocks", empty, Shape::near_empty(), "goal 2000").await;
    let outage_blocks = blocks("BACKFILL_OUTAGE", 16_200);
    outage(outage_blocks).await;
}

/// `bootwatch backfill` of all blocks of a replayed chain.
async fn replayed(name: &str, blocks: i64, shape: Shape, goal: &str) {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
    let replay = Replay::start(blocks, shape).await;
    configuration(dir.path(), &replay.url(), "127.0.0.1:0");
    let ceiling = ceiling::measure(&replay.url(), blocks, replay.has_txs()).await;
    let began = Instant::now();
    let mut backfill =
        Process::start(dir.path(), &["backfill", "--config", "bootwatch.toml", "--from", "1"]);
    let usage = backfill.wait().await;
    let took = began.elapsed();
    assert!(usage.success, "{}", backfill.log());
    assert_eq!(stored(dir.path()), blocks.unsigned_abs(), "{}", backfill.log());
    print(name, blocks, took, usage, ceiling, goal);
}

/// `bootwatch run` after it was away for so many blocks.
async fn outage(blocks: i64) {
    const BEFORE: i64 = 100;
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
    let story = Story::load("default").expect("the default story");
    let mut spec = Spec { timing: Timing::mainnet(), ..Spec::new(7, story) };
    // The states at the heights at which they are asked for.
    spec.state_history = usize::try_from(blocks).unwrap_or(usize::MAX).saturating_add(1_000);
    let options = Options { block_time: Duration::from_micros(1), ..Options::new(spec) };
    let node = Devnet::start(options).await.expect("a node");
    node.faults().halt_at(Some(BEFORE));
    while node.height() < BEFORE {
        sleep(Duration::from_millis(10)).await;
    }
    let before = node.height();
    let page = format!("127.0.0.1:{}", process::free_port());
    configuration(dir.path(), &node.url(), &page);
    let run = ["run", "--config", "bootwatch.toml"];
    let mut first = Process::start(dir.path(), &run);
    reach(&first, &page, before).await;
    first.stop().await;

    let making = Instant::now();
    node.faults().halt_at(Some(before + blocks));
    while node.height() < before + blocks {
        sleep(Duration::from_millis(20)).await;
    }
    println!(
        "(the simulated node made {blocks} blocks in {:.0} s)",
        making.elapsed().as_secs_f64()
    );
    let ceiling = ceiling::measure(&node.url(), blocks, true).await;
    let began = Instant::now();
    let mut second = Process::start(dir.path(), &run);
    reach(&second, &page, node.height()).await;
    let took = began.elapsed();
    print("outage of a day, by the ledger", blocks, took, second.usage(), ceiling, "goal 270");
    println!("  caught up in                 {:8.1} s    (goal 60)", took.as_secs_f64());
    assert!(stored(dir.path()) >= blocks.unsigned_abs(), "{}", second.log());
    sleep(Duration::from_secs(3)).await;
    println!("  resident at the tip after it {:8.1} MB", second.usage().resident_mb());
    second.stop().await;
    let third = Process::start(dir.path(), &run);
    reach(&third, &page, node.height()).await;
    sleep(Duration::from_secs(3)).await;
    println!("  resident after a restart     {:8.1} MB   (goal 48)", third.usage().resident_mb());
}

/// How many blocks the database has.
fn stored(dir: &Path) -> u64 {
    let reader = SqliteReader::open(&dir.join("bootwatch.db")).expect("a database");
    reader.counts().expect("its counts").blocks
}

/// Waits until the daemon shows a height.
async fn reach(daemon: &Process, page: &str, height: i64) {
    let url = format!("http://{page}/api/v1/status");
    let http = reqwest::Client::new();
    let began = Instant::now();
    loop {
        assert!(
            began.elapsed() < Duration::from_secs(600),
            "{height} not reached: {}",
            daemon.log()
        );
        let shown = match http.get(&url).send().await {
            Ok(answer) => answer.json::<Value>().await.ok(),
            Err(_) => None,
        };
        let at = shown.and_then(|situation| situation["complete_to"].as_i64());
        if at.is_some_and(|at| at >= height) {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
}
