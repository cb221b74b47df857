//! How fast and how large the daemon is at the tip: `cargo bench -p bootwatch --bench tip`.
//!
//! Runs the real binaries as separate processes: `bootwatch devnet` at ten blocks a second with 60
//! hosts and 6 models, and `bootwatch run` on it. For every block it takes the time from the
//! arrival of the node's own `NewBlockHeader` frame, on a subscription of its own, until `/metrics`
//! shows the block as stored; and at the end the daemon's resident memory. Prints the figures
//! beside their goals; machines differ, so it judges nothing.
//!
//! `TIP_BLOCKS` sets how many blocks are measured (default 600).

use std::{
    env, fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

const BOOTWATCH: &str = env!("CARGO_BIN_EXE_bootwatch");
/// Blocks that are not counted: the base is read in them.
const WARM_UP: usize = 50;

/// A child that ends with the benchmark.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(dir: &Path, log: &str, args: &[&str]) -> Running {
    let log = fs::File::create(dir.join(log)).expect("create a log file");
    let child = Command::new(BOOTWATCH)
        .args(args)
        .current_dir(dir)
        .stdout(log.try_clone().expect("share the log file"))
        .stderr(log)
        .stdin(Stdio::null())
        .spawn()
        .expect("start bootwatch");
    Running(child)
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind a loopback port");
    listener.local_addr().expect("it has an address").port()
}

#[tokio::main]
async fn main() {
    let blocks = env::var("TIP_BLOCKS").ok().and_then(|n| n.parse().ok()).unwrap_or(600_usize);
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (rpc, page) = (free_port(), free_port());
    fs::write(dir.path().join("story.toml"), story()).expect("write the story");
    fs::write(
        dir.path().join("bootwatch.toml"),
        format!(
            "[chain]\nchain_id = \"gonka-devnet\"\n[[endpoint]]\nrpc = \"http://127.0.0.1:{rpc}\"\n\
             [store]\npath = \"bootwatch.db\"\n[http]\nlisten = \"127.0.0.1:{page}\"\n"
        ),
    )
    .expect("write the configuration");
    let listen = format!("127.0.0.1:{rpc}");
    #[rustfmt::skip]
    let node = [
        "devnet", "--listen", &listen, "--seed", "1", "--story", "story.toml",
        "--block-time", "100ms", "--epoch-length", "120", "--home", "devnet",
    ];
    let _node = start(dir.path(), "devnet.log", &node);
    sleep(Duration::from_secs(2)).await;
    let daemon = start(dir.path(), "run.log", &["run", "--config", "bootwatch.toml"]);
    sleep(Duration::from_secs(2)).await;

    let mut delays = measure(rpc, page, blocks).await;
    let resident = resident_kb(daemon.0.id());
    delays.sort_unstable();
    let at = |percent: usize| delays[(delays.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    println!("blocks measured              {}", delays.len());
    println!("header to visible, p50       {:8.1} ms   (goal 15)", at(50));
    println!("header to visible, p99       {:8.1} ms   (goal 60)", at(99));
    println!("header to visible, largest   {:8.1} ms", at(100));
    println!("resident memory of run       {:8.1} MB   (goal 48)", resident as f64 / 1024.0);
}

/// For each block the time from its header's frame until `/metrics` shows it.
async fn measure(rpc: u16, page: u16, blocks: usize) -> Vec<Duration> {
    let (mut socket, _) =
        tokio_tungstenite::connect_async(format!("ws://127.0.0.1:{rpc}/websocket"))
            .await
            .expect("the node's websocket");
    let subscribe = json!({"jsonrpc": "2.0", "id": 1, "method": "subscribe",
        "params": {"query": "tm.event='NewBlockHeader'"}});
    socket.send(Message::text(subscribe.to_string())).await.expect("subscribe");
    let http = reqwest::Client::new();
    let metrics = format!("http://127.0.0.1:{page}/metrics");
    let mut delays = Vec::with_capacity(blocks);
    let mut seen = 0;
    while delays.len() < blocks {
        let frame = timeout(Duration::from_secs(30), socket.next())
            .await
            .expect("a frame in time")
            .expect("the socket stays open")
            .expect("a frame");
        let arrived = Instant::now();
        let Message::Text(text) = frame else { continue };
        let frame: Value = serde_json::from_str(&text).expect("JSON");
        let height = &frame["result"]["data"]["value"]["header"]["height"];
        let Some(height) = height.as_str().and_then(|text| text.parse::<f64>().ok()) else {
            continue;
        };
        while stored(&http, &metrics).await.is_none_or(|stored| stored < height) {
            assert!(arrived.elapsed() < Duration::from_secs(30), "block {height} is not shown");
            sleep(Duration::from_millis(1)).await;
        }
        seen += 1;
        if seen > WARM_UP {
            delays.push(arrived.elapsed());
        }
    }
    delays
}

async fn stored(http: &reqwest::Client, metrics: &str) -> Option<f64> {
    let text = http.get(metrics).send().await.ok()?.text().await.ok()?;
    let line = text.lines().find(|line| line.starts_with("bootwatch_ingest_height "))?;
    line.split_once(' ')?.1.parse().ok()
}

/// The resident set of a process, from /proc.
fn resident_kb(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("read /proc");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a resident set");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).expect("a number")
}

/// Sixty hosts and six models.
fn story() -> String {
    let mut story = String::from("name = \"tip\"\nshows = \"A full network.\"\nhosts = 60\n");
    for model in 0..6 {
        story.push_str(&format!("\n[[model]]\nid = \"bench/Model-{model}\"\n"));
    }
    story
}
