//! `/websocket`: methods and subscriptions on one connection.
//!
//! Sources: CometBFT v0.38 `rpc/jsonrpc/server/ws_handler.go`, `rpc/core/events.go`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::bus::{ClientId, Published, Subscription};
use super::dispatch;
use super::face::Face;
use super::http::Shared;
use super::rpc::args::Args;
use super::rpc::routes::{Method, Route};
use super::rpc::{self, Id, RpcError};

/// `experimental_websocket_write_buffer_size`: answers that may wait for the socket.
const WRITE_QUEUE: usize = 200;
/// A connection that says nothing for this long is closed; pongs count.
const READ_WAIT: Duration = Duration::from_secs(30);
/// Pings go out this often.
const PING_PERIOD: Duration = Duration::from_secs(27);
/// A write that takes longer ends the connection; an event that finds no room in the queue for
/// this long is dropped.
const WRITE_WAIT: Duration = Duration::from_secs(10);

/// What waits to be written.
#[derive(Debug)]
enum Outgoing {
    Answer(String),
    /// Composed when it is written: the payload is shared by all subscribers.
    Event {
        id: Id,
        query: Arc<str>,
        event: Arc<Published>,
    },
}

/// Serves one connection until either side ends it.
pub(crate) async fn serve(shared: Shared, peer: SocketAddr, socket: WebSocket) {
    let connection = Connection {
        face: shared.face,
        client: dispatch::new_client(),
        closed: shared.stop.child_token(),
    };
    tracing::debug!(%peer, client = connection.client, "websocket opened");
    let (sink, stream) = socket.split();
    let (out, queued) = mpsc::channel(WRITE_QUEUE);
    let mut drops = connection.face.faults.drops();
    tokio::select! {
        () = connection.read(stream, out) => {}
        () = connection.write(sink, queued) => {}
        _ = drops.changed() => connection.face.faults.cut(),
        () = connection.closed.cancelled() => {}
    }
    connection.closed.cancel();
    let _ = connection.face.bus.unsubscribe_all(connection.client);
    tracing::debug!(%peer, client = connection.client, "websocket closed");
}

struct Connection {
    face: Arc<Face>,
    client: ClientId,
    closed: CancellationToken,
}

impl Connection {
    /// Reads requests and answers them one after the other.
    async fn read(&self, mut stream: SplitStream<WebSocket>, out: mpsc::Sender<Outgoing>) {
        let mut deadline = Instant::now() + READ_WAIT;
        loop {
            let message = tokio::select! {
                message = stream.next() => message,
                () = sleep_until(deadline) => return,
            };
            let text = match message {
                Some(Ok(Message::Text(text))) => text.to_string(),
                Some(Ok(Message::Binary(bytes))) => String::from_utf8_lossy(&bytes).into_owned(),
                Some(Ok(Message::Pong(_))) => {
                    deadline = Instant::now() + READ_WAIT;
                    continue;
                }
                // The library answers pings; a real node does not count them as life either.
                Some(Ok(Message::Ping(_))) => continue,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            };
            if let Some(answer) = self.answer(&text, &out).await
                && out.send(Outgoing::Answer(answer)).await.is_err()
            {
                return;
            }
            deadline = Instant::now() + READ_WAIT;
        }
    }

    /// The answer to one message; none to a notification.
    async fn answer(&self, text: &str, out: &mpsc::Sender<Outgoing>) -> Option<String> {
        let request = match rpc::Request::parse_message(text) {
            Ok(request) => request,
            Err(error) => {
                let error = RpcError::parse(format!("error unmarshaling request: {error}"));
                return Some(rpc::failure(None, &error));
            }
        };
        let id = request.id?;
        let Some(route) = Route::find(&request.method) else {
            return Some(rpc::failure(Some(&id), &RpcError::method_not_found()));
        };
        let args = match &request.params {
            Some(params) => match Args::from_json(route.params, params) {
                Ok(args) => args,
                Err(error) => {
                    let error = format!("error converting json params to arguments: {error}");
                    return Some(rpc::failure(Some(&id), &RpcError::internal(error)));
                }
            },
            None if route.params.is_empty() => Args::default(),
            None => {
                let error = format!("WSJSONRPC: {}", dispatch::TOO_FEW_ARGUMENTS);
                let error = RpcError::internal(error);
                return Some(rpc::failure(Some(&Id::NONE), &error));
            }
        };
        let result = match route.method {
            Method::Subscribe => self.subscribe(&id, args.text(0), out),
            Method::Unsubscribe => {
                let ended = self.face.bus.unsubscribe(self.client, args.text(0));
                ended.map(|()| "{}".to_owned()).map_err(|error| error.to_string())
            }
            Method::UnsubscribeAll => {
                let ended = self.face.bus.unsubscribe_all(self.client);
                ended.map(|()| "{}".to_owned()).map_err(|error| error.to_string())
            }
            method => dispatch::call(&self.face, &self.face.view(), method, args).await,
        };
        Some(match result {
            Ok(result) => rpc::success(&id, &result),
            Err(error) => rpc::failure(Some(&id), &RpcError::internal(error)),
        })
    }

    fn subscribe(
        &self,
        id: &Id,
        query: &str,
        out: &mpsc::Sender<Outgoing>,
    ) -> Result<String, String> {
        let subscription =
            self.face.bus.subscribe(self.client, query).map_err(|error| error.to_string())?;
        let (id, query, out) = (id.clone(), Arc::from(query), out.clone());
        tokio::spawn(forward(subscription, id, query, out, self.closed.clone()));
        Ok("{}".to_owned())
    }

    /// Writes what is queued, and pings.
    async fn write(
        &self,
        mut sink: SplitSink<WebSocket, Message>,
        mut queued: mpsc::Receiver<Outgoing>,
    ) {
        let mut pings = interval_at(Instant::now() + PING_PERIOD, PING_PERIOD);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let messages = tokio::select! {
                _ = pings.tick() => vec![Message::Ping(Vec::new().into())],
                outgoing = queued.recv() => match outgoing {
                    Some(Outgoing::Answer(answer)) => vec![Message::Text(answer.into())],
                    Some(Outgoing::Event { id, query, event }) => {
                        let frame = rpc::event_frame(&id, &query, &event.data, &event.events);
                        let frames = self.face.faults.frames(frame).into_iter();
                        frames.map(|frame| Message::Text(frame.into())).collect()
                    }
                    None => return,
                },
            };
            for message in messages {
                if !matches!(timeout(WRITE_WAIT, sink.send(message)).await, Ok(Ok(()))) {
                    return;
                }
            }
        }
    }
}

/// Moves a subscription's events into the connection's queue until it ends.
async fn forward(
    mut subscription: Subscription,
    id: Id,
    query: Arc<str>,
    out: mpsc::Sender<Outgoing>,
    closed: CancellationToken,
) {
    loop {
        let event = tokio::select! {
            biased;
            () = closed.cancelled() => return,
            () = subscription.ended.cancelled() => break,
            event = subscription.events.recv() => match event {
                Some(event) => event,
                None => break,
            },
        };
        let outgoing = Outgoing::Event { id: id.clone(), query: query.clone(), event };
        if timeout(WRITE_WAIT, out.send(outgoing)).await.is_err() {
            // `experimental_close_on_slow_client` is off by default: the event is lost, the
            // subscription goes on, and the client is not told.
            tracing::info!(%query, "cannot write an event: slow client");
        }
    }
    if subscription.out_of_capacity.is_cancelled() {
        let error = RpcError::server(
            "subscription was canceled (reason: internal subscription event buffer is out of \
             capacity)",
        );
        // Without waiting: with a full queue the client is never told.
        let _ = out.try_send(Outgoing::Answer(rpc::failure(Some(&id), &error)));
    }
}
