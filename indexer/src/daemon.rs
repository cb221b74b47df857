//! Everything put together, started in order and stopped in order.
//!
//! What can be had only once comes first: the port, then the database. Then the writer, the
//! endpoints, and the loop between them. On the way out intake ends first, so that what was handed
//! to the writer is written, and the database is closed last.

use std::{collections::BTreeSet, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use bootwatch_alerts::{Engine, Recipient};
use bootwatch_rules::{Height, situation::Situation};
use bootwatch_schema::{ReadStore, SqliteReader, SqliteStore, StoreError};
use tokio::{
    sync::{Notify, watch},
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    chain::{Access, ChainError, Endpoint, Rpc, RpcLimits},
    config::Config,
    evidence::Desk,
    ingest::{
        Depth, Endpoints, Follow, History, HistoryParts, IngestError, Parts, Source, Writer,
        WriterEnd,
    },
    metrics::Metrics,
    orders::OrderDesk,
    serve::{EvidenceDesk, OrderCounter, Published, ServeError, Server},
    situation::{Publisher, Subject},
};

pub(crate) mod channels;
mod chronicle;
mod daily;
mod heartbeat;
mod housekeeping;
mod post;
mod vitals;

pub use channels::ChannelError;

/// How long the parts may take to end once they were told to.
const GRACE: Duration = Duration::from_secs(8);

/// Why the daemon ended, other than by being told to.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// Nothing can be served.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The database cannot be had.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A channel cannot work with these settings.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// No endpoint can be asked.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// Blocks cannot be taken in.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// The system gives no thread.
    #[error("cannot start the writer: {0}")]
    Thread(#[from] std::io::Error),
    /// A part of the daemon ended although nobody told it to.
    #[error("{0} ended unexpectedly; see the log")]
    Ended(&'static str),
}

impl DaemonError {
    /// The process's exit code: 2 when the configuration must change, 1 otherwise.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Channel(_) | Self::Ingest(IngestError::WrongChain { .. }) => 2,
            Self::Store(StoreError::OtherChain { .. }) => 2,
            _ => 1,
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
    /// [`DaemonError`] when the port or the database cannot be had, or a setting is no good.
    pub async fn start(config: Config, stop: CancellationToken) -> Result<Self, DaemonError> {
        // Fails only when one was installed before, by whoever runs the daemon in its own process.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let server = Server::bind(config.http.listen).await?;
        let address = server.address();
        tracing::info!(page = %format_args!("http://{address}/"), "serving page, metrics and API");
        let metrics = Arc::new(Metrics::new(config.endpoints.iter().map(|e| e.name.as_str())));
        let lines = channels::open(&config)?;
        let recipients: Vec<Recipient> =
            lines.iter().flat_map(|line| line.recipients.clone()).collect();
        let endpoints = endpoints(&config, &metrics)?;
        let subject = Subject::new(&config);

        let store = SqliteStore::open(&config.store.path, &config.chain.chain_id)?;
        let loaded = store.load()?;
        let captures = stored_captures(&config.store.path)?;
        let policy = config.alerts.policy(recipients.clone(), config.http.public_url.clone());
        let vitals = vitals::Vitals::open(&config.store.path, &policy.recipients)?;
        let (orders, service) = (vitals.orders(), vitals.service());
        let mut engine = Engine::new(policy);
        engine.restore(loaded.incidents.clone());
        let (writer, writer_end) = Writer::start(store, Arc::clone(&metrics))?;
        let mail = Arc::new(Notify::new());
        let publisher = Publisher::new(Arc::clone(&metrics));
        let past = watch::Sender::default();
        let published = Published {
            situation: publisher.subscribe(),
            beginning: publisher.subscribe_beginning(),
            incidents: publisher.subscribe_incidents(),
            silences: vitals.orders(),
            chronicle: past.subscribe(),
            metrics: Arc::clone(&metrics),
            evidence: Some(EvidenceDesk::new(Desk::of_config(&config))),
            orders: Some(OrderCounter::new(
                OrderDesk::new(&config.store.path),
                config.http.token.clone(),
            )),
        };

        let inner = stop.child_token();
        let mut parts = JoinSet::new();
        if let Some(at) = config.alerts.daily {
            let daily = daily::Daily {
                at,
                recipients: recipients.clone(),
                page: config.http.public_url.clone(),
                patience: config.alerts.thresholds.delivery_failing_after,
                newest: publisher.subscribe(),
                store: config.store.path.clone(),
                writer: writer.clone(),
                mail: Arc::clone(&mail),
                dry_run: config.dry_run,
            };
            let stop = inner.clone();
            parts.spawn(async move {
                daily.run(stop).await;
                "the message of every day"
            });
        }
        let office = post::Office {
            writer: writer.clone(),
            metrics: Arc::clone(&metrics),
            situation: publisher.subscribe(),
            recipients,
            page: config.http.public_url.clone(),
        };
        // In a dry run nothing goes out: what waits in the outbox goes on waiting, and nobody is told
        // that messages get through.
        let lines = if config.dry_run { Vec::new() } else { lines };
        post::start(&mut parts, lines, &config.store.path, office, Arc::clone(&mail), &inner)?;
        let heartbeat = config.alerts.heartbeat.clone().filter(|_| !config.dry_run);
        if let Some(url) = heartbeat {
            let (newest, stop) = (published.situation.clone(), inner.clone());
            let patience = config.alerts.thresholds.delivery_failing_after;
            let sent = Arc::clone(&metrics);
            parts.spawn(async move {
                let (url, grace) = (url.expose().clone(), heartbeat::GRACE);
                heartbeat::run(url, newest, patience, grace, sent, stop).await;
                "the sign of life"
            });
        }
        let (newest, stop_telling) = (published.situation.clone(), inner.clone());
        parts.spawn(async move {
            heartbeat::systemd(newest, stop_telling).await;
            "the word to systemd"
        });
        let stop_looking = inner.clone();
        parts.spawn(async move {
            vitals::run(vitals, stop_looking).await;
            "the look at orders and vitals"
        });
        let annals = chronicle::Annals {
            path: config.store.path.clone(),
            watched: subject.addresses.clone(),
            rule_set: subject.rule_set,
            newest: published.situation.clone(),
            readers: past,
        };
        let stop_reading = inner.clone();
        parts.spawn(async move {
            chronicle::run(annals, stop_reading).await;
            "the reader of the past"
        });
        let (serving, stop_serving) = (published.clone(), inner.clone());
        parts.spawn(async move {
            server.run(serving, stop_serving).await;
            "the HTTP server"
        });
        let (database, measured, stop_measuring) =
            (config.store.path.clone(), Arc::clone(&metrics), inner.clone());
        parts.spawn(async move {
            housekeeping::run(database, measured, stop_measuring).await;
            "housekeeping"
        });
        let endpoints = Arc::new(endpoints);
        let source = Source::new(Arc::clone(&endpoints), Arc::clone(&metrics));
        let follow = Follow::new(
            Parts {
                subject,
                endpoints,
                source: source.clone(),
                writer: writer.clone(),
                engine,
                publisher,
                metrics: Arc::clone(&metrics),
                mail,
                orders,
                service,
                dry_run: config.dry_run,
            },
            loaded.into(),
        );
        let history = History::new(HistoryParts {
            source,
            writer,
            metrics,
            shared: follow.shared(),
            depth: Depth::Configured(config.store.history),
            captures,
            top: None,
        });
        let tasks = tokio::spawn(supervise(follow, history, parts, writer_end, inner));
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

/// Who is told with this configuration.
///
/// # Errors
/// [`ChannelError`] when messages cannot be sent with these settings.
pub fn recipients(config: &Config) -> Result<Vec<Recipient>, DaemonError> {
    let lines = channels::open(config)?;
    Ok(lines.into_iter().flat_map(|line| line.recipients).collect())
}

/// The heights of all captures that are stored.
pub(crate) fn stored_captures(path: &Path) -> Result<BTreeSet<Height>, StoreError> {
    let captures = SqliteReader::open(path)?.captures(Height::MIN..=Height::MAX)?;
    Ok(captures.into_iter().map(|capture| capture.block.height).collect())
}

/// The configured endpoints; none is asked yet.
pub(crate) fn endpoints(config: &Config, metrics: &Arc<Metrics>) -> Result<Endpoints, ChainError> {
    let rpcs = config.endpoints.iter().map(|endpoint| {
        let access = Access {
            headers: endpoint.headers.clone(),
            authorities: endpoint.authorities.clone(),
            max_requests_per_minute: endpoint.max_requests_per_minute,
        };
        let target = Endpoint::new(&endpoint.name, endpoint.rpc.expose()).with_access(access);
        let limits = RpcLimits::default();
        Rpc::new(target, &config.chain.chain_id, limits, Arc::clone(metrics))
    });
    Ok(Endpoints::new(rpcs.collect::<Result<_, _>>()?))
}

/// Runs everything until it is told to stop or a part ends, then ends the rest in order.
async fn supervise(
    mut follow: Follow,
    history: History,
    mut parts: JoinSet<&'static str>,
    writer_end: WriterEnd,
    stop: CancellationToken,
) -> Result<(), DaemonError> {
    let outcome = tokio::select! {
        outcome = follow.run() => outcome.map_err(DaemonError::from),
        outcome = history.run() => outcome.map_err(DaemonError::from),
        Some(ended) = parts.join_next() => match ended {
            // It may have seen the stop a moment before we did.
            Ok(_) if stop.is_cancelled() => Ok(()),
            Ok(part) => Err(DaemonError::Ended(part)),
            Err(error) => {
                tracing::error!(%error, "a part of the daemon failed");
                Err(DaemonError::Ended("a part of the daemon"))
            }
        },
        () = stop.cancelled() => Ok(()),
    };
    stop.cancel();
    // Ends the watchers and the fetches, and gives up its hold of the writer.
    drop(follow);
    let rest = async { while parts.join_next().await.is_some() {} };
    if timeout(GRACE, rest).await.is_err() {
        tracing::warn!("some parts did not end in time");
        parts.shutdown().await;
    }
    if timeout(GRACE, writer_end.wait()).await.is_err() {
        tracing::warn!("the database could not be closed in time");
    }
    outcome
}
