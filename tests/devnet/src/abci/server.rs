//! The socket that CometBFT connects to: length-prefixed protobuf, answered in order.
//!
//! Own code in place of the `tendermint-abci` crate, whose server can be neither stopped nor
//! told to drop its connections; the protocol is one length and one message.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prost::Message;
use prost::bytes::{Buf, BytesMut};
use tendermint_proto::v0_38::abci::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::application::Application;
use crate::chain::Chain;

/// Larger than any block: a request above this is not ABCI.
const MAX_REQUEST_BYTES: usize = 128 * 1024 * 1024;
/// A length takes at most this many bytes.
const MAX_LENGTH_BYTES: usize = 10;

/// An application that is served. Dropping it ends it.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    application: Arc<Mutex<Application>>,
    stop: CancellationToken,
    _guard: DropGuard,
}

impl Running {
    /// Where it listens; CometBFT's `proxy_app` is this address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The chain, for assertions about its state; the node waits while `look` runs.
    pub fn inspect<T>(&self, look: impl FnOnce(&Chain) -> T) -> T {
        look(lock(&self.application).chain())
    }

    /// Closes every connection, upon which CometBFT stops too.
    pub fn stop(self) {
        self.stop.cancel();
    }
}

/// Serves `application` at `address`; port 0 takes any free port.
///
/// # Errors
///
/// When the address cannot be listened on.
pub async fn serve(application: Application, address: SocketAddr) -> io::Result<Running> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let application = Arc::new(Mutex::new(application));
    let stop = CancellationToken::new();
    tokio::spawn(accept(listener, application.clone(), stop.clone()));
    Ok(Running { address, application, stop: stop.clone(), _guard: stop.drop_guard() })
}

/// Accepts CometBFT's four connections, again after each of its restarts.
async fn accept(
    listener: TcpListener,
    application: Arc<Mutex<Application>>,
    stop: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        let Ok((stream, peer)) = accepted else { return };
        let (application, stop) = (application.clone(), stop.clone());
        tokio::spawn(async move {
            let ended = tokio::select! {
                ended = connection(stream, application) => ended,
                () = stop.cancelled() => return,
            };
            if let Err(error) = ended {
                tracing::debug!(%peer, %error, "ABCI connection ended");
            }
        });
    }
}

/// Answers one connection's requests in order.
async fn connection(mut stream: TcpStream, application: Arc<Mutex<Application>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut received, mut answer) = (BytesMut::new(), Vec::new());
    loop {
        while let Some(request) = take_request(&mut received)? {
            let application = application.clone();
            // Executing a block takes long enough to be kept off the reactor.
            let handled =
                tokio::task::spawn_blocking(move || lock(&application).handle(request)).await;
            let response = handled.map_err(io::Error::other)?;
            answer.clear();
            response.encode_length_delimited(&mut answer).map_err(io::Error::other)?;
            stream.write_all(&answer).await?;
        }
        if stream.read_buf(&mut received).await? == 0 {
            return Ok(());
        }
    }
}

/// The next complete request of what was received.
fn take_request(received: &mut BytesMut) -> io::Result<Option<Request>> {
    let invalid = |error: String| io::Error::new(io::ErrorKind::InvalidData, error);
    let length = match prost::decode_length_delimiter(&received[..]) {
        Ok(length) if length > MAX_REQUEST_BYTES => {
            return Err(invalid(format!("a request of {length} bytes")));
        }
        Ok(length) => length,
        Err(_) if received.len() < MAX_LENGTH_BYTES => return Ok(None),
        Err(error) => return Err(invalid(error.to_string())),
    };
    let prefix = prost::length_delimiter_len(length);
    if received.len() < prefix + length {
        received.reserve(prefix + length - received.len());
        return Ok(None);
    }
    received.advance(prefix);
    Request::decode(received.split_to(length).freeze())
        .map(Some)
        .map_err(|error| invalid(error.to_string()))
}

fn lock(application: &Mutex<Application>) -> MutexGuard<'_, Application> {
    application.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tendermint_proto::v0_38::abci::{RequestEcho, request};

    use super::*;

    #[test]
    fn requests_are_cut_out_of_the_stream_wherever_it_breaks() {
        let echo = |message: &str| Request {
            value: Some(request::Value::Echo(RequestEcho { message: message.to_owned() })),
        };
        let long = "x".repeat(500);
        let mut stream = echo(&long).encode_length_delimited_to_vec();
        stream.extend(echo("second").encode_length_delimited_to_vec());
        for cut in 0..stream.len() {
            let mut received = BytesMut::from(&stream[..cut]);
            let mut taken = Vec::new();
            while let Some(request) = take_request(&mut received).unwrap() {
                taken.push(request);
            }
            received.extend_from_slice(&stream[cut..]);
            while let Some(request) = take_request(&mut received).unwrap() {
                taken.push(request);
            }
            assert_eq!(taken, [echo(&long), echo("second")], "cut at {cut}");
        }
    }

    #[test]
    fn what_is_not_abci_is_refused() {
        let mut huge = BytesMut::from(&[0xff, 0xff, 0xff, 0xff, 0x0f][..]);
        assert!(take_request(&mut huge).is_err());
        let mut endless = BytesMut::from(&[0xff; 16][..]);
        assert!(take_request(&mut endless).is_err());
    }
}
