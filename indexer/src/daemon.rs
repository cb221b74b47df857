//! Everything put together, started in order and stopped in order.

use std::{net::SocketAddr, sync::Arc};

use bootwatch_rules::situation::Situation;
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    metrics::Metrics,
    serve::{Published, ServeError, Server},
};

/// Why the daemon ended, other than by being told to.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// Nothing can be served.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// A part of the daemon ended although nobody told it to.
    #[error("{0} ended unexpectedly; see the log")]
    Ended(&'static str),
}

impl DaemonError {
    /// The process's exit code: 2 when the configuration must change, 1 otherwise.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Serve(_) => 2,
            Self::Ended(_) => 1,
        }
    }
}

/// A running daemon.
#[derive(Debug)]
pub struct Daemon {
    address: SocketAddr,
    published: Published,
    tasks: JoinHandle<Result<(), DaemonError>>,
}

impl Daemon {
    /// Takes the port and the database, then starts everything. It runs until `stop` is cancelled
    /// or a part of it fails; [`Daemon::wait`] tells which.
    ///
    /// # Errors
    /// [`DaemonError`] when the port or the database cannot be had.
    pub async fn start(config: Config, stop: CancellationToken) -> Result<Self, DaemonError> {
        let server = Server::bind(config.http.listen).await?;
        let metrics = Arc::new(Metrics::new(config.endpoints.iter().map(|e| e.name.as_str())));
        let (_sender, situation) = watch::channel(None);
        let published = Published { situation, metrics };
        let address = server.address();
        let serving = published.clone();
        let tasks = tokio::spawn(async move {
            server.run(serving, stop).await;
            Ok(())
        });
        Ok(Self { address, published, tasks })
    }

    /// Where HTTP is served, with the port that the system chose when 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The newest Situation; none until the first block has been judged.
    #[must_use]
    pub fn situation(&self) -> watch::Receiver<Option<Arc<Situation>>> {
        self.published.situation.clone()
    }

    /// The metrics.
    #[must_use]
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.published.metrics)
    }

    /// Waits until everything has stopped in order.
    ///
    /// # Errors
    /// [`DaemonError`] when it stopped for another reason than being told to.
    pub async fn wait(self) -> Result<(), DaemonError> {
        self.tasks.await.unwrap_or(Err(DaemonError::Ended("the daemon")))
    }
}

/// Runs the daemon until `stop` is cancelled.
///
/// # Errors
/// As for [`Daemon::start`] and [`Daemon::wait`].
pub async fn run(config: Config, stop: CancellationToken) -> Result<(), DaemonError> {
    Daemon::start(config, stop).await?.wait().await
}
