//! The same chain in the simulated node and behind a real one.

use std::env;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::time::Duration;

use bootwatch_devnet::chain::{Spec, Story};
use bootwatch_devnet::{Devnet, Options, Running, abci, cometbft};
use serde_json::{Value, json};

use crate::client::Client;
use crate::compare::Differences;

/// Both nodes with a client each.
#[derive(Debug)]
pub struct Pair {
    pub ours: Client,
    pub theirs: Client,
    pub node: cometbft::Node,
    pub application: abci::Running,
    pub simulated: Running,
    retain: Option<NonZeroU64>,
    _home: tempfile::TempDir,
}

/// The chain of both. One that is asked late still answers for early heights.
fn spec() -> Spec {
    let mut spec = Spec::new(11, Story::load("default").unwrap());
    spec.state_history = 5_000;
    spec
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

async fn serve(retain: Option<NonZeroU64>) -> abci::Running {
    let application = abci::Application::new(spec()).unwrap().retain_blocks(retain);
    abci::serve(application, loopback()).await.unwrap()
}

impl Pair {
    /// Starts both, or says that the real one is missing.
    pub async fn start(retain: Option<NonZeroU64>) -> Option<Pair> {
        let Some(binary) = cometbft::find() else {
            let required = env::var("REQUIRE_TOOLS")
                .is_ok_and(|list| list.split(',').any(|tool| tool.trim() == "cometbft"));
            assert!(!required, "cometbft is required and was not found: {}", cometbft::INSTALL);
            let skipped = format!(
                "SKIPPED: needs cometbft on PATH or in COMETBFT_BIN: {}
",
                cometbft::INSTALL
            );
            // Past the test harness, which swallows what tests that pass print.
            io::stderr().write_all(skipped.as_bytes()).unwrap();
            return None;
        };
        let mut options = Options::new(spec());
        options.block_time = Duration::from_millis(30);
        options.retain_blocks = retain;
        let simulated = Devnet::start(options).await.unwrap();
        let application = serve(retain).await;
        let home = tempfile::tempdir().unwrap();
        let mut options = cometbft::Options::new(binary, home.path().to_owned(), &application);
        options.block_time = Duration::from_millis(10);
        let node = cometbft::Node::start(options).await.unwrap();
        let (ours, theirs) = (Client::new(&simulated.url()), Client::new(&node.url()));
        Some(Pair { ours, theirs, node, application, simulated, retain, _home: home })
    }

    /// Starts the application anew; the node replays its blocks into it.
    pub async fn restart_application(&mut self) {
        self.node.stop().await.unwrap();
        self.application = serve(self.retain).await;
        self.node.restart(self.application.address()).await.unwrap();
    }

    /// Waits until both have `height`.
    pub async fn wait_for(&self, height: i64) {
        tokio::join!(self.ours.wait_for(height), self.theirs.wait_for(height));
    }

    /// Asks both by URI.
    pub async fn get(&self, differences: &mut Differences, path: &str) -> (Value, Value) {
        let (ours, theirs) = tokio::join!(self.ours.get(path), self.theirs.get(path));
        differences.answers(&format!("GET {path}"), &ours, &theirs)
    }

    /// Asks both by POST.
    pub async fn post(&self, differences: &mut Differences, body: &str) -> (Value, Value) {
        let (ours, theirs) = tokio::join!(self.ours.post(body), self.theirs.post(body));
        let shown: String = body.chars().take(200).collect();
        differences.answers(&format!("POST {shown}"), &ours, &theirs)
    }

    /// Asks both by JSON-RPC.
    pub async fn call(&self, differences: &mut Differences, method: &str, params: Value) {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.post(differences, &request.to_string()).await;
    }

    /// Stops everything in order.
    pub async fn stop(mut self) {
        self.node.stop().await.unwrap();
        self.application.stop();
        self.simulated.stop().await.unwrap();
    }
}
