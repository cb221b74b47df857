//! `bootwatch devnet`: a simulated Gonka node.

use std::{net::SocketAddr, num::NonZeroU64, path::PathBuf, time::Duration};

use bootwatch_devnet::{
    Devnet, Options,
    abci::{self, Application},
    chain::{Chain, Spec, Story, Timing, Version},
};
use clap::Args;
use tokio_util::sync::CancellationToken;

use super::{block_on, duration, failure::Failure, output, signals};
use crate::{
    log::{self, Format},
    report::words::count,
};

/// What makes a simulated chain; `devnet` and `demo` share it.
#[derive(Debug, Args)]
pub(super) struct ChainArgs {
    /// Decides addresses, weights and what hosts do when the story does not say.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
    /// Who does what, and when: a story that ships (default, misses-then-passes, failed-delegate,
    /// expired-refusal, moved-capture, governance, quiet), or a TOML file.
    #[arg(long, value_name = "NAME|FILE", default_value = "default")]
    pub(super) story: String,
    /// The time between blocks.
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = duration)]
    pub(super) block_time: Duration,
    /// Blocks of an epoch; its stages scale with it.
    #[arg(long, value_name = "BLOCKS", default_value_t = 60)]
    pub(super) epoch_length: i64,
    /// Blocks from the capture to the start of PoC; 0 is never. Default: as on mainnet, scaled.
    #[arg(long, value_name = "BLOCKS")]
    pub(super) deploy_window: Option<i64>,
    /// Mainnet's own lengths: epochs of 15,391 blocks, capture 500 blocks before PoC.
    #[arg(long, conflicts_with = "epoch_length")]
    pub(super) mainnet_timing: bool,
    /// Which rules the chain follows: 0.2.12, 0.2.14 or 0.2.16. Default: the story's.
    #[arg(long, value_name = "VERSION")]
    pub(super) chain_version: Option<String>,
    /// The chain's id.
    #[arg(long, value_name = "ID", default_value = "gonka-devnet")]
    pub(super) chain_id: String,
}

impl ChainArgs {
    /// The chain; the story's own errors are the caller's.
    pub(super) fn spec(&self) -> Result<Spec, Failure> {
        let usage = |error: &dyn std::error::Error| Failure::Usage(error.to_string());
        let story = Story::load(&self.story).map_err(|error| usage(&error))?;
        let mut spec = Spec::new(self.seed, story);
        spec.chain_id.clone_from(&self.chain_id);
        spec.timing =
            if self.mainnet_timing { Timing::mainnet() } else { Timing::scaled(self.epoch_length) };
        if let Some(blocks) = self.deploy_window {
            spec.timing = spec.timing.with_deploy_window(blocks);
        }
        if let Some(version) = &self.chain_version {
            spec.version = Version::parse(version).map_err(|error| usage(&error))?;
        }
        Ok(spec)
    }
}

#[derive(Debug, Args)]
pub(super) struct DevnetArgs {
    /// Where the node's RPC listens; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:26657")]
    listen: SocketAddr,
    #[command(flatten)]
    chain: ChainArgs,
    /// Print name, address and weight of the chain's hosts, and end.
    #[arg(long)]
    list_hosts: bool,
    /// Where the node keeps its blocks, so that it goes on after a kill.
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Keep only this many blocks, as a pruned node does.
    #[arg(long, value_name = "BLOCKS")]
    retain_blocks: Option<NonZeroU64>,
    /// Serve the chain as an ABCI application for a real CometBFT instead of playing the node.
    #[arg(long, value_name = "ADDR", conflicts_with_all = ["home", "retain_blocks"])]
    abci: Option<SocketAddr>,
}

/// Runs the node until it is told to stop.
pub(super) fn run(args: &DevnetArgs, format: Format) -> Result<(), Failure> {
    let spec = args.chain.spec()?;
    let chain = Chain::new(spec.clone()).map_err(|error| Failure::Usage(error.to_string()))?;
    if args.list_hosts {
        return list_hosts(&chain);
    }
    log::start(format, log::DEFAULT_FILTER).map_err(|error| Failure::Usage(error.to_string()))?;
    block_on(async {
        let stop = CancellationToken::new();
        let _ = signals::stop_on_signal(&stop)?;
        match args.abci {
            Some(address) => application(spec, address, &stop).await,
            None => node(args, spec, &stop).await,
        }
    })
}

fn list_hosts(chain: &Chain) -> Result<(), Failure> {
    let hosts = chain.hosts();
    let width = hosts.iter().map(|host| host.name.chars().count()).max().unwrap_or(0);
    let lines: String = hosts
        .iter()
        .map(|host| {
            format!("{:<width$}  {}  {:>12}\n", host.name, host.address, count(host.weight))
        })
        .collect();
    output::print(&lines)
}

async fn node(args: &DevnetArgs, spec: Spec, stop: &CancellationToken) -> Result<(), Failure> {
    let story = spec.story.name.clone();
    let options = Options {
        listen: args.listen,
        spec,
        block_time: args.chain.block_time,
        home: args.home.clone(),
        retain_blocks: args.retain_blocks,
    };
    let running = Devnet::start(options).await.map_err(|error| Failure::of(&error))?;
    output::print(&format!(
        "{} at {} (story {story}, seed {}); Ctrl-C ends it\n",
        running.chain_id(),
        running.url(),
        args.chain.seed
    ))?;
    tokio::select! {
        () = stop.cancelled() => {}
        () = running.stopped() => {}
    }
    running.stop().await.map_err(|error| Failure::of(&error))
}

async fn application(
    spec: Spec,
    address: SocketAddr,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let chain_id = spec.chain_id.clone();
    let application = Application::new(spec).map_err(|error| Failure::Usage(error.to_string()))?;
    let running = abci::serve(application, address)
        .await
        .map_err(|error| Failure::failed(&format!("cannot listen on {address}"), &error))?;
    output::print(&format!(
        "{chain_id} as an ABCI application at tcp://{}; Ctrl-C ends it\n",
        running.address()
    ))?;
    stop.cancelled().await;
    running.stop();
    Ok(())
}
