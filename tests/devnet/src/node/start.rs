//! Starting and stopping the node.

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::announce::announce;
use super::core::{Core, Producer};
use super::face::Face;
use super::faults::Faults;
use super::http::{Shared, router};
use super::journal::{Entry, Journal, Opened};
use super::merkle;
use super::store::Store;
use crate::chain::{Chain, Spec};

/// A temporary journal is resumed only when it was written this recently.
const RESUME_WITHIN: Duration = Duration::from_secs(120);

/// Requests that run when the node stops get this long to finish.
const DRAIN: Duration = Duration::from_secs(1);

/// How long the producer sleeps at most before it looks whether to stop.
const NAP: Duration = Duration::from_millis(20);

/// What to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 takes any free port.
    pub listen: SocketAddr,
    /// The chain.
    pub spec: Spec,
    /// Time between blocks; 10 ms is about the least that works.
    pub block_time: Duration,
    /// A directory for the journal that lets a stopped or killed node go on with the same chain.
    ///
    /// Without it, a node on a fixed port keeps a journal in the temporary directory until it
    /// stops cleanly, and one that is started again within two minutes of a kill resumes; a node
    /// on port 0 always starts at genesis.
    pub home: Option<PathBuf>,
    /// Keep only the last blocks, so that `earliest_block_height` moves; all when `None`, at about
    /// 3 kB of memory per block of the default story.
    pub retain_blocks: Option<NonZeroU64>,
}

impl Options {
    /// The chain of `spec` on any free loopback port, ten blocks a second, the last 50,000 blocks
    /// kept (three epochs of mainnet), nothing on disk.
    pub fn new(spec: Spec) -> Options {
        Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            spec,
            block_time: Duration::from_millis(100),
            home: None,
            retain_blocks: NonZeroU64::new(50_000),
        }
    }
}

/// Why a node does not start, or stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The specification of the chain is not usable.
    #[error("the chain cannot be built: {0}")]
    Spec(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The journal cannot be read or written.
    #[error("cannot use the journal {}: {source}", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The journal belongs to another chain.
    #[error("the journal {} is of another chain: use another --home or remove it", path.display())]
    OtherChain {
        /// The journal.
        path: PathBuf,
    },
    /// Another node is writing the journal.
    #[error("the journal {} is in use by another node", path.display())]
    InUse {
        /// The journal.
        path: PathBuf,
    },
    /// Replaying the journal gave another block than the one that was shown.
    #[error(
        "replaying {} gives another block {height}: it was written by another version",
        path.display()
    )]
    JournalDiffers {
        /// The journal.
        path: PathBuf,
        /// The first block that differs.
        height: i64,
    },
    /// A task of the node ended unexpectedly.
    #[error("the node stopped: {0}")]
    Stopped(String),
}

/// The simulated node.
#[derive(Debug)]
pub struct Devnet;

impl Devnet {
    /// Starts a node; it listens and has its first block when this returns.
    ///
    /// # Errors
    ///
    /// [`StartError`] when the chain, the address or the journal cannot be used.
    pub async fn start(options: Options) -> Result<Running, StartError> {
        let chain = Chain::new(options.spec.clone())
            .map_err(|error| StartError::Spec(error.to_string()))?;
        let listen = |source| StartError::Listen { address: options.listen, source };
        let listener = TcpListener::bind(options.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;

        let path = journal_path(&options, &chain);
        let temporary = options.home.is_none();
        let now = Timestamp::now();
        let (genesis_time, journal, entries) = match &path {
            Some(path) => {
                if temporary {
                    discard_stale(path);
                } else if let Some(home) = path.parent() {
                    fs::create_dir_all(home)
                        .map_err(|source| StartError::Journal { path: path.clone(), source })?;
                }
                let spec = format!("{:?}", options.spec);
                let Opened { journal, genesis_time, entries } = Journal::open(
                    path,
                    &hex::encode(merkle::sha256(spec.as_bytes())),
                    now,
                    temporary,
                )?;
                (genesis_time, Some(journal), entries)
            }
            None => (now, None, Vec::new()),
        };
        let store = Store::new(options.retain_blocks);
        let core = Arc::new(Core::new(chain, genesis_time, store, format!("tcp://{address}")));
        let face = Arc::new(Face::new(core.clone()));
        Self::run(core, face, listener, address, options.block_time, (journal, entries, path)).await
    }

    async fn run(
        core: Arc<Core>,
        face: Arc<Face>,
        listener: TcpListener,
        address: SocketAddr,
        block_time: Duration,
        (journal, entries, path): (Option<Journal>, Vec<Entry>, Option<PathBuf>),
    ) -> Result<Running, StartError> {
        let stop = CancellationToken::new();
        let (ready, first_block) = tokio::sync::oneshot::channel();
        let producer = {
            let (core, face, stop) = (core.clone(), face.clone(), stop.clone());
            // An own thread: executing a key-generation block must not hold up the reactor.
            let produce = move || {
                let path = path.as_deref();
                let guard = stop.clone().drop_guard();
                let producer = Producer::new(&core, journal, entries, path)?;
                let produced = produce(producer, &core, &face, block_time, &stop, ready);
                drop(guard);
                produced.map_err(|source| StartError::Journal {
                    path: path.map(Path::to_path_buf).unwrap_or_default(),
                    source,
                })
            };
            thread::Builder::new()
                .name("devnet-producer".to_owned())
                .spawn(produce)
                .map_err(|error| StartError::Stopped(error.to_string()))?
        };
        if first_block.await.is_err() {
            // The producer is gone: it says why.
            return Err(joined(producer)
                .err()
                .unwrap_or_else(|| StartError::Stopped("no first block".to_owned())));
        }
        let service = router(Shared { face: face.clone(), stop: stop.clone() })
            .into_make_service_with_connect_info::<SocketAddr>();
        // Idle connections are closed when the node stops: a client must not go on talking to it.
        let server = axum::serve(listener, service)
            .with_graceful_shutdown(stop.clone().cancelled_owned())
            .into_future();
        Ok(Running {
            address,
            core,
            face,
            producer: Some(producer),
            server: tokio::spawn(server),
            stop: stop.clone(),
            _guard: stop.drop_guard(),
        })
    }
}

/// The journal of a producer that was told to stop.
type Produced = Result<Option<Journal>, StartError>;

/// A node that runs. Dropping it ends it as a kill would: a journal stays.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    core: Arc<Core>,
    face: Arc<Face>,
    producer: Option<thread::JoinHandle<Produced>>,
    server: tokio::task::JoinHandle<io::Result<()>>,
    stop: CancellationToken,
    _guard: DropGuard,
}

impl Running {
    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its RPC URL, such as `http://127.0.0.1:26657`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The id of its chain.
    pub fn chain_id(&self) -> &str {
        &self.core.identity.chain_id
    }

    /// The last block.
    pub fn height(&self) -> i64 {
        self.core.store().height()
    }

    /// The chain, for assertions about its state; blocks wait while `look` runs.
    pub fn inspect<T>(&self, look: impl FnOnce(&Chain) -> T) -> T {
        look(&self.core.chain())
    }

    /// Makes the node misbehave.
    pub fn faults(&self) -> Faults {
        self.face.faults.clone()
    }

    /// Resolves when the node stopped by itself, which it does when its journal cannot be written.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Stops making blocks, closes every connection and removes a temporary journal.
    ///
    /// # Errors
    ///
    /// [`StartError`] when the node had stopped by itself before.
    pub async fn stop(mut self) -> Result<(), StartError> {
        self.stop.cancel();
        let Some(producer) = self.producer.take() else { return Ok(()) };
        let journal = tokio::task::spawn_blocking(|| joined(producer))
            .await
            .unwrap_or_else(|error| Err(StartError::Stopped(error.to_string())))?;
        if let Some(journal) = journal {
            journal.close();
        }
        if tokio::time::timeout(DRAIN, &mut self.server).await.is_err() {
            self.server.abort();
        }
        Ok(())
    }
}

fn joined(producer: thread::JoinHandle<Produced>) -> Produced {
    producer
        .join()
        .unwrap_or_else(|_| Err(StartError::Stopped("making a block panicked".to_owned())))
}

/// Makes a block per interval until told to stop. A late block is not caught up with a burst.
fn produce(
    mut producer: Producer,
    core: &Core,
    face: &Face,
    block_time: Duration,
    stop: &CancellationToken,
    ready: tokio::sync::oneshot::Sender<()>,
) -> io::Result<Option<Journal>> {
    let mut ready = Some(ready);
    let mut next = Instant::now();
    while !stop.is_cancelled() {
        let made = producer.step(core, Timestamp::now())?;
        announce(&face.bus, &made);
        let height = made.header().height;
        if let Some(ready) = ready.take() {
            let _ = ready.send(());
        }
        next = (next + block_time).max(Instant::now());
        loop {
            let left = next.saturating_duration_since(Instant::now());
            let halted = face.faults.is_halted(height);
            if stop.is_cancelled() || left.is_zero() && !halted {
                break;
            }
            // Short naps, so that a stop is noticed although blocks may be seconds apart.
            thread::sleep(if halted { NAP } else { left.min(NAP) });
        }
    }
    Ok(producer.into_journal())
}

/// Where the journal is, if there is one.
fn journal_path(options: &Options, chain: &Chain) -> Option<PathBuf> {
    if let Some(home) = &options.home {
        return Some(home.join("journal.jsonl"));
    }
    let identity = format!("{} {} {:?}", options.listen, chain.chain_id(), options.spec);
    let name = hex::encode(&merkle::sha256(identity.as_bytes())[..8]);
    let path = std::env::temp_dir().join(format!("bootwatch-devnet-{name}.jsonl"));
    (options.listen.port() != 0).then_some(path)
}

/// Removes a temporary journal that is too old to belong to a node that was killed just now.
fn discard_stale(path: &Path) {
    let age = fs::metadata(path).and_then(|meta| meta.modified()).map(|at| at.elapsed());
    if let Ok(age) = age
        && !age.is_ok_and(|age| age < RESUME_WITHIN)
        && let Err(error) = fs::remove_file(path)
    {
        tracing::warn!(path = %path.display(), %error, "cannot remove an old journal");
    }
}
