//! An unmodified CometBFT as a child process, or several as a network, for tests that need the
//! real program.
//!
//! `go install github.com/cometbft/cometbft/cmd/cometbft@v0.38.21` builds it.

mod home;
mod network;
mod settings;

use std::ffi::OsStr;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use std::{env, fs, io};

use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

pub use network::{Member, Network, Plan};
pub use settings::Settings;

/// How to get the binary, for messages.
pub const INSTALL: &str = "go install github.com/cometbft/cometbft/cmd/cometbft@v0.38.21";

/// A node that makes no block within this time has failed to start.
const START: Duration = Duration::from_secs(60);
/// A node that does not end within this time after SIGTERM is killed.
const STOP: Duration = Duration::from_secs(15);
/// Free ports are found by asking for one and giving it back; another may take it in between.
const PORT_ATTEMPTS: usize = 5;

/// The binary: `COMETBFT_BIN`, else on `PATH`, else where `go install` puts it.
pub fn find() -> Option<PathBuf> {
    if let Some(named) = env::var_os("COMETBFT_BIN").filter(|named| !named.is_empty()) {
        return Some(PathBuf::from(named)).filter(|path| path.is_file());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let home = env::home_dir().map(|home| home.join("go/bin"));
    let gobin = env::var_os("GOBIN").map(PathBuf::from);
    env::split_paths(&path)
        .chain(gobin)
        .chain(home)
        .map(|directory| directory.join("cometbft"))
        .find(|path| path.is_file())
}

/// What to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The binary, see [`find`].
    pub binary: PathBuf,
    /// The node's home directory; one that was used before goes on where it stopped.
    pub home: PathBuf,
    /// The application's address.
    pub application: SocketAddr,
    /// The chain's id.
    pub chain_id: String,
    /// `app_state` of the genesis document.
    pub app_state: serde_json::Value,
    /// `timeout_commit`; a block takes some milliseconds more.
    pub block_time: Duration,
    /// What else an operator may have set.
    pub settings: Settings,
    place: settings::Place,
}

impl Options {
    /// The chain of a served application, ten blocks a second.
    pub fn new(binary: PathBuf, home: PathBuf, application: &crate::abci::Running) -> Options {
        let (chain_id, app_state) =
            application.inspect(|chain| (chain.chain_id().to_owned(), chain.genesis_state()));
        Options {
            binary,
            home,
            application: application.address(),
            chain_id,
            app_state,
            block_time: Duration::from_millis(100),
            settings: Settings::default(),
            place: settings::Place::default(),
        }
    }
}

/// Why the node does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or the process could not be handled.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The node ended or made no block; the end of its log says why.
    #[error("cometbft does not run: {reason}\n{log}")]
    Failed {
        /// What was seen.
        reason: String,
        /// The last lines of its log.
        log: String,
    },
}

impl Error {
    /// Another process took a port in the moment between finding and using it.
    fn is_taken_port(&self) -> bool {
        matches!(self, Error::Failed { log, .. } if log.contains("address already in use"))
    }
}

/// A running node. Dropping it kills it.
#[derive(Debug)]
pub struct Node {
    options: Options,
    ports: home::Ports,
    child: Child,
}

impl Node {
    /// Prepares the home directory, starts the node and waits for its first block.
    ///
    /// # Errors
    ///
    /// [`Error`] with the end of the node's log.
    pub async fn start(options: Options) -> Result<Node, Error> {
        let mut attempt = 1;
        loop {
            let ports = free_ports(&options.binary, 1)?[0];
            match Node::start_on(options.clone(), ports).await {
                Err(error) if error.is_taken_port() && attempt < PORT_ATTEMPTS => attempt += 1,
                other => return other,
            }
        }
    }

    async fn start_on(options: Options, ports: home::Ports) -> Result<Node, Error> {
        home::prepare(&options, ports).await?;
        let mut node = Node::launch(options, ports)?;
        node.wait_for_blocks().await?;
        Ok(node)
    }

    /// Starts the process in a home that is prepared.
    fn launch(options: Options, ports: home::Ports) -> Result<Node, Error> {
        let child = spawn(&options)?;
        Ok(Node { options, ports, child })
    }

    /// Its RPC URL, such as `http://127.0.0.1:26657`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.rpc)
    }

    /// The id of its process.
    pub fn process_id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Where it writes its log.
    pub fn log_file(&self) -> PathBuf {
        home::log_file(&self.options.home)
    }

    /// Its operator sets something else, which holds from the next start on.
    pub fn set(&mut self, settings: Settings) {
        self.options.settings = settings;
    }

    /// Ends it at once, as `kill -9` does.
    ///
    /// # Errors
    ///
    /// When the process cannot be signalled.
    pub async fn kill(&mut self) -> Result<(), Error> {
        let path = self.options.binary.clone();
        self.child.kill().await.map_err(|source| Error::Io { action: "kill", path, source })
    }

    /// Ends it in order, as `kill` does.
    ///
    /// # Errors
    ///
    /// When the process cannot be signalled.
    pub async fn stop(&mut self) -> Result<(), Error> {
        let Some(id) = self.child.id() else { return Ok(()) };
        // The standard library sends no signal but SIGKILL.
        let sent = Command::new("kill").args(["-TERM", &id.to_string()]).status().await;
        if sent.is_ok_and(|status| status.success())
            && timeout(STOP, self.child.wait()).await.is_ok()
        {
            return Ok(());
        }
        self.kill().await
    }

    /// Starts it again after [`kill`](Self::kill) or [`stop`](Self::stop), with the same home and
    /// ports, and waits until it makes blocks. `application` may have moved.
    ///
    /// # Errors
    ///
    /// [`Error`] with the end of the node's log.
    pub async fn restart(&mut self, application: SocketAddr) -> Result<(), Error> {
        self.relaunch(application).await?;
        self.wait_for_blocks().await
    }

    /// As [`restart`](Self::restart), but does not wait: it may need others to make blocks.
    async fn relaunch(&mut self, application: SocketAddr) -> Result<(), Error> {
        self.kill().await?;
        self.options.application = application;
        home::configure(&self.options, self.ports)?;
        self.child = spawn(&self.options)?;
        Ok(())
    }

    /// Ends it and starts a new chain at the same address: another genesis, other keys, height 1.
    /// `application` is before its first block.
    ///
    /// # Errors
    ///
    /// [`Error`] with the end of the node's log.
    pub async fn reset(&mut self, application: &crate::abci::Running) -> Result<(), Error> {
        self.kill().await?;
        let home = self.options.home.clone();
        fs::remove_dir_all(&home).map_err(|source| file_error("remove", &home, source))?;
        let fresh = Options::new(self.options.binary.clone(), home, application);
        self.options.application = fresh.application;
        self.options.chain_id = fresh.chain_id;
        self.options.app_state = fresh.app_state;
        home::prepare(&self.options, self.ports).await?;
        self.child = spawn(&self.options)?;
        self.wait_for_blocks().await
    }

    /// Waits until the node answers and a block was added since it did.
    async fn wait_for_blocks(&mut self) -> Result<(), Error> {
        let client = reqwest::Client::new();
        let deadline = Instant::now() + START;
        let mut first = None;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(self.failed(format!("it ended with {status}")));
            }
            let height = height(&client, &self.url()).await;
            if height.is_some_and(|height| height > *first.get_or_insert(height.max(0))) {
                return Ok(());
            }
            if height.is_none() {
                first = None;
            }
            sleep(Duration::from_millis(20)).await;
        }
        Err(self.failed(format!("no block within {} s", START.as_secs())))
    }

    fn failed(&self, reason: String) -> Error {
        let log = fs::read(self.log_file()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log[log.len().saturating_sub(4_000)..]).into_owned();
        Error::Failed { reason, log }
    }
}

/// The last height that a node reports.
async fn height(client: &reqwest::Client, url: &str) -> Option<i64> {
    let answer = status(client, url).await?;
    answer.pointer("/result/sync_info/latest_block_height")?.as_str()?.parse().ok()
}

async fn status(client: &reqwest::Client, url: &str) -> Option<serde_json::Value> {
    let answer = client.get(format!("{url}/status")).timeout(Duration::from_secs(2)).send();
    answer.await.ok()?.json().await.ok()
}

fn spawn(options: &Options) -> Result<Child, Error> {
    let path = home::log_file(&options.home);
    let log = fs::OpenOptions::new().create(true).append(true).open(&path);
    let log = log.and_then(|log| Ok((log.try_clone()?, log)));
    let (out, err) = log.map_err(|source| Error::Io { action: "open", path, source })?;
    Command::new(&options.binary)
        .args([OsStr::new("start"), OsStr::new("--home"), options.home.as_os_str()])
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| Error::Io { action: "start", path: options.binary.clone(), source })
}

/// Ports for so many nodes. All are held until the last is found, so that they differ.
fn free_ports(binary: &Path, nodes: usize) -> Result<Vec<home::Ports>, Error> {
    let find = || -> io::Result<Vec<home::Ports>> {
        let listen = |_| TcpListener::bind("127.0.0.1:0");
        let held: Vec<TcpListener> = (0..2 * nodes).map(listen).collect::<io::Result<_>>()?;
        let port = |listener: &TcpListener| Ok::<_, io::Error>(listener.local_addr()?.port());
        held.chunks(2)
            .map(|two| Ok(home::Ports { rpc: port(&two[0])?, p2p: port(&two[1])? }))
            .collect()
    };
    find().map_err(|source| file_error("find a free port for", binary, source))
}

/// An error about a file.
fn file_error(action: &'static str, path: &Path, source: io::Error) -> Error {
    Error::Io { action, path: path.to_owned(), source }
}
