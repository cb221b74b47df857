//! A reader in front of a node that can be slow.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
    time::{sleep, timeout},
};

/// What the kernel holds on our side for a reader that does not read.
const RECEIVE_BUFFER: u32 = 64 << 10;
/// Bytes that a slow reader takes in a second. Not less: Linux lets a node write on when a third
/// of its buffer is free, which has 4 MB at most, and CometBFT ends a connection on which it cannot
/// write for 10 s.
pub(crate) const SLOW: usize = 20 * MORSEL;
const MORSEL: usize = 16 << 10;
const PAUSE: Duration = Duration::from_millis(50);
/// A node's pings wait behind the blocks; it ends a connection that answers none for 30 s.
const PONG_EVERY: Duration = Duration::from_secs(5);
/// An unsolicited pong, empty, masked with zeros (RFC 6455, 5.5.3).
const PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];

/// Passes bytes on between its address and a node. Dropping it ends it.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    node: SocketAddr,
    slow: AtomicBool,
    websockets: AtomicUsize,
}

impl Proxy {
    /// Listens on a free port in front of the node at `url`.
    pub(crate) async fn start(url: &str) -> Self {
        let node = url.trim_start_matches("http://").parse().expect("an address and a port");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind a loopback port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            node,
            slow: AtomicBool::default(),
            websockets: AtomicUsize::default(),
        });
        let for_all = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // Ends when either side does, which is how a connection ends.
                tokio::spawn(connection(client, Arc::clone(&for_all)));
            }
        });
        Self { address, shared, task }
    }

    /// Where to connect.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Websockets that were opened so far.
    pub(crate) fn websockets(&self) -> usize {
        self.shared.websockets.load(Ordering::Relaxed)
    }

    /// Reads every websocket slowly, at [`SLOW`] bytes a second. Everything else goes on.
    pub(crate) fn dawdle(&self) {
        self.shared.slow.store(true, Ordering::Relaxed);
    }

    /// Reads as fast as bytes come.
    pub(crate) fn hurry(&self) {
        self.shared.slow.store(false, Ordering::Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Passes on both ways until either side ends.
async fn connection(mut client: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    let mut node = socket.connect(shared.node).await?;
    client.set_nodelay(true)?;
    node.set_nodelay(true)?;
    // The head of the first request tells what the connection is for.
    let mut head = vec![0; 16 << 10];
    let length = client.read(&mut head).await?;
    node.write_all(&head[..length]).await?;
    let websocket = head[..length].starts_with(b"GET /websocket");
    if websocket {
        shared.websockets.fetch_add(1, Ordering::Relaxed);
    }
    let (mut from_client, mut to_client) = client.split();
    let (mut from_node, mut to_node) = node.split();
    let down = async {
        let mut buffer = vec![0; MORSEL];
        loop {
            if websocket && shared.slow.load(Ordering::Relaxed) {
                sleep(PAUSE).await;
            }
            match from_node.read(&mut buffer).await? {
                0 => return Ok(()),
                length => to_client.write_all(&buffer[..length]).await?,
            }
        }
    };
    let up = async {
        // Clients send little, and each frame at once: a pong between two reads splits none.
        let mut buffer = vec![0; 16 << 10];
        loop {
            match timeout(PONG_EVERY, from_client.read(&mut buffer)).await {
                Ok(read) => match read? {
                    0 => return Ok(()),
                    length => to_node.write_all(&buffer[..length]).await?,
                },
                Err(_) if websocket && shared.slow.load(Ordering::Relaxed) => {
                    to_node.write_all(&PONG).await?;
                }
                Err(_) => {}
            }
        }
    };
    tokio::select! {
        ended = down => ended,
        ended = up => ended,
    }
}
