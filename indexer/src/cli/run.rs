//! `bootwatch run`.

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::{Source, block_on, failure::Failure, signals};
use crate::{
    config::Config,
    daemon,
    log::{self, Format},
};

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    source: Source,
    /// Send nothing: what would be sent is logged. Blocks are stored as always; no message and no
    /// incident is, so a later run without this tells what then holds to those who do not know it.
    #[arg(long)]
    dry_run: bool,
}

/// Loads the configuration, then runs the daemon until it is told to stop.
pub(super) fn run(args: &RunArgs, format: Format) -> Result<(), Failure> {
    let mut config = args.source.load()?;
    config.dry_run = args.dry_run;
    log::start(format, log::DEFAULT_FILTER).map_err(|error| Failure::Usage(error.to_string()))?;
    announce(&config);
    block_on(async {
        let stop = CancellationToken::new();
        let _ = signals::stop_on_signal(&stop)?;
        daemon::run(config, stop).await.map_err(|error| Failure::of_daemon(&error))?;
        tracing::info!("stopped");
        Ok(())
    })
}

/// One line with what is about to run; secrets and passwords in URLs do not show.
fn announce(config: &Config) {
    let endpoints: Vec<_> =
        config.endpoints.iter().map(|e| format!("{}={}", e.name, e.rpc)).collect();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        chain_id = config.chain.chain_id,
        rule_set = config.chain.rule_set.as_deref().unwrap_or("by the node's version"),
        endpoints = endpoints.join(" "),
        hosts = config.hosts.len(),
        store = %config.store.path.display(),
        listen = %config.http.listen,
        email = config.email.as_ref().map_or("none", |email| email.host.as_str()),
        channels = config.channels.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(" "),
        "bootwatch starts"
    );
    if config.dry_run {
        tracing::warn!("dry run: nothing is sent, and nothing that is decided is kept");
    }
    if !config.http.listen.ip().is_loopback() {
        let orders = match config.http.token {
            Some(_) => "the token of orders crosses the wire as it is unless a proxy adds TLS",
            None => "nobody can order anything there: no token is set",
        };
        tracing::warn!(
            listen = %config.http.listen,
            orders,
            "metrics, page and API can be read by everybody who reaches this address: names and \
             addresses of the watched hosts, their choices, charges and rewards, incidents, and the \
             names of endpoints; put a proxy with TLS and a password before it, or listen on 127.0.0.1"
        );
    }
}
