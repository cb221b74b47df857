//! One `NewBlock` subscription of one node.
//!
//! It is an accelerator: a frame saves a request, a lost frame costs one. CometBFT drops events of
//! slow clients without a word and keeps the connection and its pings alive, so silence is measured
//! on frames, never on pings.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bootwatch_rules::Height;
use futures_util::{SinkExt, StreamExt};
use reqwest::header::USER_AGENT;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{
        ClientRequestBuilder, Error as SocketError, Message, Utf8Bytes, error::CapacityError,
        protocol::WebSocketConfig,
    },
};

use super::{
    ChainError, Class, Problem, Rpc,
    body::{Answer, Delivery, NewBlock},
    tls,
};
use crate::metrics::Disconnect;

/// A block is at most 22 MB on Gonka, 29 MB in base64, and its results can be larger (key
/// generation): the library's own limit of 16 MiB a frame would lose them.
const MAX_FRAME: usize = 256 << 20;
const METHOD: &str = "websocket";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// CometBFT itself gives up a subscribe request after 5 s.
const REPLY_TIMEOUT: Duration = Duration::from_secs(8);
const REQUEST: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"query":"tm.event='NewBlock'"}}"#;

/// A connected and confirmed subscription.
#[derive(Debug)]
pub struct Subscription {
    endpoint: Arc<str>,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// One message of a subscription, unread.
#[derive(Debug, Clone)]
pub struct Frame {
    text: Utf8Bytes,
}

impl Frame {
    /// The JSON text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Reads it: a block, or nothing when it is a reply or another event.
    ///
    /// # Errors
    /// What the node said when it ended the subscription, or why the frame cannot be read.
    pub fn read(&self) -> Result<Option<NewBlock<'_>>, (Disconnect, String)> {
        let answer: Answer<'_, Delivery<'_>> = serde_json::from_str(&self.text)
            .map_err(|e| (Disconnect::Error, format!("unreadable frame: {e}")))?;
        if let Some(fault) = answer.error {
            let text = fault.text();
            // "canceled" in 0.38, "cancelled" before; the words are a hint for the label only.
            let slow = text.contains("out of capacity") || text.contains("not pulling");
            return Err((if slow { Disconnect::SlowClient } else { Disconnect::Error }, text));
        }
        let data = answer.result.and_then(|delivery| delivery.data);
        Ok(data.map(|data| data.value))
    }
}

impl Subscription {
    /// Connects, subscribes, and waits for the node to confirm it.
    ///
    /// # Errors
    /// [`ChainError`]; [`Class::Fatal`] when the node serves no websocket there, so that polling is
    /// all that is left.
    pub async fn open(rpc: &Rpc) -> Result<Self, ChainError> {
        // The handshake is a request like any other; what follows it is none.
        let slot = rpc.slot().await;
        let began = Instant::now();
        let opened = Self::connect(rpc).await;
        drop(slot);
        let opened = match opened {
            Ok(subscription) => subscription.confirmed().await,
            Err(error) => Err(error),
        };
        let failure = opened.as_ref().err().map(ChainError::label);
        rpc.metrics().rpc(rpc.endpoint().name(), METHOD, began.elapsed(), failure);
        opened
    }

    async fn connect(rpc: &Rpc) -> Result<Self, ChainError> {
        let endpoint = rpc.endpoint();
        let url = endpoint.websocket_url();
        let fail = |problem, class| error(endpoint.name(), problem, class);
        let uri = url.as_str().parse().map_err(
            |e: tokio_tungstenite::tungstenite::http::uri::InvalidUri| {
                fail(Problem::Transport(e.to_string()), Class::Fatal)
            },
        )?;
        let mut request = ClientRequestBuilder::new(uri);
        let headers = &endpoint.access().headers;
        if !headers.contains_key(USER_AGENT) {
            let ours = concat!("bootwatch/", env!("CARGO_PKG_VERSION"));
            request = request.with_header("User-Agent", ours);
        }
        for (name, value) in headers {
            // Checked when the configuration was read: it is visible ASCII.
            if let Ok(value) = value.to_str() {
                request = request.with_header(name.as_str(), value);
            }
        }
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_FRAME))
            .max_frame_size(Some(MAX_FRAME));
        let connector =
            rpc.tls().map_or(Connector::Plain, |tls| Connector::Rustls(Arc::clone(tls)));
        let connect = connect_async_tls_with_config(request, Some(config), true, Some(connector));
        let (socket, _) = tokio::time::timeout(CONNECT_TIMEOUT, connect)
            .await
            .map_err(|_| fail(Problem::Timeout(CONNECT_TIMEOUT.as_secs()), Class::Retry))?
            .map_err(|e| {
                let (problem, class) = refused(&e);
                fail(problem, class)
            })?;
        Ok(Self { endpoint: Arc::clone(endpoint.name()), socket })
    }

    async fn confirmed(mut self) -> Result<Self, ChainError> {
        let late = Problem::Timeout(REPLY_TIMEOUT.as_secs());
        let late = error(&self.endpoint, late, Class::Retry);
        tokio::time::timeout(REPLY_TIMEOUT, self.subscribe()).await.map_err(|_| late)??;
        Ok(self)
    }

    /// The first answer to the request is an error or an empty result.
    async fn subscribe(&mut self) -> Result<(), ChainError> {
        let endpoint = Arc::clone(&self.endpoint);
        let fail = |text: String| error(&endpoint, Problem::Transport(text), Class::Retry);
        self.socket.send(Message::text(REQUEST)).await.map_err(|e| fail(e.to_string()))?;
        let frame = self.receive().await.map_err(|(_, text)| fail(text))?;
        // An event in place of the reply is as good; the block in it is fetched like any gap.
        frame.read().map(|_| ()).map_err(|(_, text)| fail(text))
    }

    /// The next frame.
    ///
    /// # Errors
    /// Why the subscription is over; [`Disconnect::Idle`] when no frame came within `silence`, after
    /// which it may be asked again.
    pub async fn next(&mut self, silence: Duration) -> Result<Frame, (Disconnect, String)> {
        match tokio::time::timeout(silence, self.receive()).await {
            Ok(result) => result,
            Err(_) => Err((Disconnect::Idle, format!("no block for {} s", silence.as_secs()))),
        }
    }

    /// Cancel-safe: a frame is taken whole or not at all. Pings are answered while this is polled.
    async fn receive(&mut self) -> Result<Frame, (Disconnect, String)> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Ok(Frame { text }),
                Some(Ok(Message::Close(close))) => {
                    let reason = close.map(|c| c.to_string()).unwrap_or_default();
                    return Err((Disconnect::Closed, format!("closed by the node: {reason}")));
                }
                Some(Ok(_)) => {}
                Some(Err(SocketError::ConnectionClosed)) | None => {
                    return Err((Disconnect::Closed, "connection ended".to_owned()));
                }
                Some(Err(SocketError::Capacity(CapacityError::MessageTooLong {
                    size, ..
                }))) => {
                    let text = format!("a frame of {size} bytes is larger than {MAX_FRAME}");
                    return Err((Disconnect::Error, text));
                }
                Some(Err(error)) => return Err((Disconnect::Error, error.to_string())),
            }
        }
    }
}

fn error(endpoint: &Arc<str>, problem: Problem, class: Class) -> ChainError {
    ChainError {
        endpoint: Arc::clone(endpoint),
        method: METHOD,
        height: None::<Height>,
        problem,
        class,
    }
}

/// An HTTP answer other than an upgrade means that there is no websocket; no connection means
/// nothing.
fn refused(error: &SocketError) -> (Problem, Class) {
    match error {
        SocketError::Http(answer) => {
            let status = answer.status().as_u16();
            let class =
                if matches!(status, 404 | 405 | 426 | 501) { Class::Fatal } else { Class::Retry };
            (Problem::Http { status, hint: " (no websocket there)" }, class)
        }
        other => {
            let text = other.to_string();
            (Problem::Transport(format!("{text}{}", tls::hint(&text))), Class::Retry)
        }
    }
}

#[cfg(test)]
mod tests;
