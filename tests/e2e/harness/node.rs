//! The two nodes that every test of ingestion runs against.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use bootwatch_devnet::{
    abci::{self, Application},
    chain::{Chain, Spec, Story, Timing},
    cometbft,
};

use super::{
    oracle::Oracle,
    process::{Process, free_port, until},
};

/// Blocks in an epoch of the tests.
pub(crate) const EPOCH_LENGTH: i64 = 40;
/// Blocks between a capture and the PoC start after it.
pub(crate) const DEPLOY_WINDOW: i64 = 8;
/// Time between the simulated node's blocks.
const SIMULATED: &str = "100ms";
/// Time between blocks.
const BLOCK_TIME: Duration = Duration::from_millis(100);
/// How long a node may take to start or to come back.
const START: Duration = Duration::from_secs(60);

/// A node of the simulated chain.
pub(crate) struct Node {
    kind: Kind,
    spec: Spec,
    dir: PathBuf,
    url: String,
}

enum Kind {
    /// `bootwatch devnet` as a process.
    Simulated { process: Option<Process>, port: u16, block_time: String },
    /// An unmodified CometBFT; the chain behind it lives in the test's process.
    CometBft { node: Box<cometbft::Node>, application: Option<abci::Running> },
}

impl Node {
    /// Starts `bootwatch devnet` and waits for its first block.
    pub(crate) async fn simulated(story: &str, dir: &Path) -> Self {
        Self::simulated_at(story, dir, SIMULATED).await
    }

    /// As [`Node::simulated`], with another time between blocks.
    pub(crate) async fn simulated_at(story: &str, dir: &Path, block_time: &str) -> Self {
        let port = free_port();
        let block_time = block_time.to_owned();
        let mut node = Self {
            kind: Kind::Simulated { process: None, port, block_time },
            spec: spec(story),
            dir: dir.to_owned(),
            url: format!("http://127.0.0.1:{port}"),
        };
        node.start().await;
        node
    }

    /// Starts `binary` with the same chain behind it and waits for its first block.
    pub(crate) async fn cometbft(binary: PathBuf, story: &str, dir: &Path) -> Self {
        Self::cometbft_with(binary, spec(story), dir, |_| {}).await
    }

    /// As [`Node::cometbft`], with another chain and other options.
    pub(crate) async fn cometbft_with(
        binary: PathBuf,
        spec: Spec,
        dir: &Path,
        set: impl FnOnce(&mut cometbft::Options),
    ) -> Self {
        let application = serve(&spec).await;
        let home = dir.join("cometbft");
        let mut options = cometbft::Options::new(binary, home, &application);
        options.block_time = BLOCK_TIME;
        set(&mut options);
        let node = cometbft::Node::start(options).await.expect("the real node starts");
        let url = node.url();
        Self {
            kind: Kind::CometBft { node: Box::new(node), application: Some(application) },
            spec,
            dir: dir.to_owned(),
            url,
        }
    }

    /// Its RPC address.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Its own word.
    pub(crate) fn oracle(&self) -> Oracle {
        Oracle::new(&self.url)
    }

    /// The chain's id.
    pub(crate) fn chain_id(&self) -> String {
        self.spec.chain_id.clone()
    }

    /// Every host of the chain.
    pub(crate) fn hosts(&self) -> Vec<String> {
        hosts(&self.spec)
    }

    /// What the real node wrote to its log.
    pub(crate) fn log(&self) -> String {
        let Kind::CometBft { node, .. } = &self.kind else { return String::new() };
        std::fs::read_to_string(node.log_file()).unwrap_or_default()
    }

    /// As [`Node::stop_and_restart`], with other settings.
    pub(crate) async fn restart_with(&mut self, settings: cometbft::Settings) {
        if let Kind::CometBft { node, .. } = &mut self.kind {
            node.set(settings);
        }
        self.stop_and_restart().await;
    }

    /// Ends the real node in order and starts it again with what it had on disk.
    pub(crate) async fn stop_and_restart(&mut self) {
        if let Kind::CometBft { node, .. } = &mut self.kind {
            node.stop().await.expect("stop the real node");
        }
        self.kill_and_restart().await;
    }

    /// The simulated node answers nothing, and makes no block.
    pub(crate) fn freeze(&self) {
        if let Kind::Simulated { process: Some(process), .. } = &self.kind {
            process.freeze();
        }
    }

    /// It goes on.
    pub(crate) fn thaw(&self) {
        if let Kind::Simulated { process: Some(process), .. } = &self.kind {
            process.thaw();
        }
    }

    /// Replaces the chain behind the real node's address by a new one of the same name.
    pub(crate) async fn reset(&mut self) {
        if let Kind::CometBft { node, application } = &mut self.kind {
            let fresh = serve(&self.spec).await;
            node.reset(&fresh).await.expect("the real node starts anew");
            *application = Some(fresh);
        }
    }

    /// kill -9, and a start of the same node with what it had on disk.
    pub(crate) async fn kill_and_restart(&mut self) {
        match &mut self.kind {
            Kind::Simulated { process, .. } => {
                process.take().expect("it runs").kill();
                self.start().await;
            }
            Kind::CometBft { node, application } => {
                node.kill().await.expect("kill the real node");
                application.take().expect("it runs").stop();
                // A fresh application knows nothing: the node replays every block into it.
                let fresh = serve(&self.spec).await;
                node.restart(fresh.address()).await.expect("the real node comes back");
                *application = Some(fresh);
            }
        }
    }

    async fn start(&mut self) {
        let Kind::Simulated { process, port, block_time } = &mut self.kind else { return };
        let listen = format!("127.0.0.1:{port}");
        let home = self.dir.join("devnet").display().to_string();
        let (epoch_length, window) = (EPOCH_LENGTH.to_string(), DEPLOY_WINDOW.to_string());
        #[rustfmt::skip]
        let args = [
            "devnet", "--listen", &listen, "--seed", "7", "--story", &self.spec.story.name,
            "--block-time", block_time, "--epoch-length", &epoch_length,
            "--deploy-window", &window, "--home", &home,
        ];
        *process = Some(Process::bootwatch("devnet", &args, &self.dir));
        let oracle = self.oracle();
        until("the simulated node", START, || async { oracle.height().await.filter(|h| *h > 0) })
            .await;
    }
}

/// Every host of the chain.
pub(crate) fn hosts(spec: &Spec) -> Vec<String> {
    let chain = Chain::new(spec.clone()).expect("a good specification");
    chain.hosts().into_iter().map(|host| host.address).collect()
}

/// The chain that every node of the tests plays.
pub(crate) fn spec(story: &str) -> Spec {
    let mut spec = Spec::new(7, Story::load(story).expect("a story that ships"));
    spec.timing = Timing::scaled(EPOCH_LENGTH).with_deploy_window(DEPLOY_WINDOW);
    spec
}

async fn serve(spec: &Spec) -> abci::Running {
    let application = Application::new(spec.clone()).expect("a good specification");
    abci::serve(application, SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("serve ABCI")
}
