//! A chain that is made ahead of time, and nodes that show it.
//!
//! A recording depends on its specification and its times alone, so two of them are the same chain,
//! block by block. Any number of nodes replay one recording at the same time, each at its own pace:
//! making a block is work, showing it again is almost none.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::StartError;
use super::announce::Encoded;
use super::block::timestamp;
use super::core::{Core, Made, Producer};
use super::face::Face;
use super::faults::Faults;
use super::http::{Shared, router};
use super::store::Store;
use crate::chain::{Chain, Spec};

/// Requests that run when a node is shut get this long to finish.
const DRAIN: Duration = Duration::from_millis(200);
/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// A chain of a fixed length. Clones are the same recording.
#[derive(Debug, Clone)]
pub struct Recording {
    core: Arc<Core>,
    encoded: Arc<Mutex<HashMap<i64, Arc<Encoded>>>>,
}

impl Recording {
    /// Makes `blocks` blocks of the chain of `spec`. `times` gives the time from the block of a
    /// height to the next one.
    ///
    /// # Errors
    ///
    /// [`StartError::Spec`] when the chain cannot be built.
    pub fn make(
        spec: Spec,
        genesis_time: Timestamp,
        blocks: i64,
        times: impl Fn(i64) -> SignedDuration,
    ) -> Result<Recording, StartError> {
        let chain = Chain::new(spec).map_err(|error| StartError::Spec(error.to_string()))?;
        let store = Store::new(None);
        let address = "tcp://127.0.0.1:26657".to_owned();
        let core = Core::new(chain, genesis_time, store, address);
        let mut producer = Producer::new(&core, None, Vec::new(), None)?;
        let mut voted = genesis_time;
        for height in 1..=blocks {
            voted += times(height);
            producer.step(&core, voted).map_err(|error| StartError::Stopped(error.to_string()))?;
        }
        Ok(Recording { core: Arc::new(core), encoded: Arc::default() })
    }

    /// The id of its chain.
    pub fn chain_id(&self) -> &str {
        &self.core.identity.chain_id
    }

    /// The last block.
    pub fn height(&self) -> i64 {
        self.core.store().height()
    }

    /// A block's hash, upper-case hex.
    pub fn hash(&self, height: i64) -> Option<String> {
        let stored = self.core.store().get(height)?;
        Some(hex::encode_upper(&stored.block_id.hash))
    }

    /// A block's time.
    pub fn time(&self, height: i64) -> Option<Timestamp> {
        let stored = self.core.store().get(height)?;
        Some(timestamp(stored.header().time))
    }

    /// The chain after its last block.
    pub fn inspect<T>(&self, look: impl FnOnce(&Chain) -> T) -> T {
        look(&self.core.chain())
    }

    /// Starts a node on any free loopback port that shows the blocks up to `height`.
    ///
    /// # Errors
    ///
    /// [`StartError::Listen`] when there is no port.
    pub async fn replay(&self, height: i64) -> Result<Replay, StartError> {
        let face = Arc::new(Face::new(Arc::clone(&self.core)));
        face.faults.show(height);
        let mut replay = Replay {
            recording: self.clone(),
            stand_in: None,
            face,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            open: None,
            kept: None,
        };
        replay.open().await?;
        Ok(replay)
    }

    fn encoded(&self, height: i64) -> Option<Arc<Encoded>> {
        let mut encoded = self.encoded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = encoded.get(&height) {
            return Some(Arc::clone(known));
        }
        let stored = self.core.store().get(height)?;
        let made = Made {
            block: stored.block(),
            block_id: stored.block_id.clone(),
            results: stored.results(),
        };
        let new = Arc::new(Encoded::new(&made));
        encoded.insert(height, Arc::clone(&new));
        Some(new)
    }
}

/// A node that shows a recording. Dropping it ends it.
#[derive(Debug)]
pub struct Replay {
    recording: Recording,
    /// The chain that it shows in place of its own.
    stand_in: Option<Recording>,
    face: Arc<Face>,
    address: SocketAddr,
    open: Option<(CancellationToken, JoinHandle<std::io::Result<()>>)>,
    /// Keeps the address while it is shut: bound and not listening, it refuses connections, and no
    /// other program is given its port.
    kept: Option<TcpSocket>,
}

impl Replay {
    /// Its RPC URL; the same after it was shut and opened.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The last block it shows.
    pub fn height(&self) -> i64 {
        self.face.faults.shown()
    }

    /// Makes the node misbehave.
    pub fn faults(&self) -> &Faults {
        &self.face.faults
    }

    /// Shows the next block and tells subscribers.
    pub fn advance(&self) {
        let height = self.height() + 1;
        self.face.faults.show(height);
        let shown = self.stand_in.as_ref().unwrap_or(&self.recording);
        if let Some(encoded) = shown.encoded(height) {
            encoded.announce(&self.face.bus);
        }
    }

    /// Another chain answers at this address, or its own again. Connections end, as they do when
    /// another program takes over.
    pub fn stand_in(&mut self, other: Option<&Recording>) {
        self.stand_in = other.cloned();
        self.face.faults.stand_in(other.map(|other| Arc::clone(&other.core)));
        self.face.faults.drop_websockets();
    }

    /// Ends every connection and refuses new ones.
    pub async fn shut(&mut self) {
        let Some((stop, mut server)) = self.open.take() else { return };
        stop.cancel();
        if tokio::time::timeout(DRAIN, &mut server).await.is_err() {
            server.abort();
            // Until it is gone, the address is not free.
            let _ = server.await;
        }
        self.kept = bound(self.address).ok();
    }

    /// Listens again, at the same address.
    ///
    /// # Errors
    ///
    /// [`StartError::Listen`] when the address cannot be had any more.
    pub async fn open(&mut self) -> Result<(), StartError> {
        if self.open.is_some() {
            return Ok(());
        }
        let listen = |source| StartError::Listen { address: self.address, source };
        let socket = match self.kept.take() {
            Some(socket) => socket,
            None => bound(self.address).map_err(listen)?,
        };
        let listener = socket.listen(BACKLOG).map_err(listen)?;
        self.address = listener.local_addr().map_err(listen)?;
        let stop = CancellationToken::new();
        let shared = Shared { face: Arc::clone(&self.face), stop: stop.clone() };
        let service = router(shared).into_make_service_with_connect_info::<SocketAddr>();
        let server = axum::serve(listener, service)
            .with_graceful_shutdown(stop.clone().cancelled_owned())
            .into_future();
        self.open = Some((stop, tokio::spawn(server)));
        Ok(())
    }
}

/// A socket at that address, not listening yet.
fn bound(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // Connections of the listener before may still be closing.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

impl Drop for Replay {
    fn drop(&mut self) {
        if let Some((stop, server)) = self.open.take() {
            stop.cancel();
            server.abort();
        }
    }
}
