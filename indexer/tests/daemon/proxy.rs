//! A proxy before a node: counts what is asked, changes what is answered, or is away.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    body::Bytes,
    extract::{
        Request, State,
        ws::{Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch};
use tokio_tungstenite::{connect_async, tungstenite::Message as NodeMessage};

/// What a frame is called where answers have a method.
pub const FRAME: &str = "frame";

type Change = Arc<dyn Fn(&str, &mut Value) + Send + Sync>;

#[derive(Clone)]
pub struct Proxy {
    url: String,
    inner: Arc<Inner>,
}

struct Inner {
    node: String,
    http: reqwest::Client,
    asked: Mutex<Vec<Asked>>,
    change: Mutex<Option<Change>>,
    away: watch::Sender<bool>,
}

/// One request over HTTP.
#[derive(Debug, Clone)]
pub struct Asked {
    pub at: Instant,
    pub path: String,
    pub headers: HeaderMap,
    /// Of a batch, those of its parts.
    pub methods: Vec<String>,
}

impl Proxy {
    pub async fn start(node: &str) -> Self {
        let inner = Arc::new(Inner {
            node: node.trim_end_matches('/').to_owned(),
            http: reqwest::Client::new(),
            asked: Mutex::default(),
            change: Mutex::default(),
            away: watch::Sender::new(false),
        });
        let router = axum::Router::new().fallback(pass).with_state(Arc::clone(&inner));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, inner }
    }

    pub fn url(&self) -> String {
        self.url.clone()
    }

    pub fn address(&self) -> String {
        self.url.trim_start_matches("http://").to_owned()
    }

    /// Every request so far, handshakes of websockets included.
    pub fn asked(&self) -> Vec<Asked> {
        self.inner.asked.lock().unwrap().clone()
    }

    /// Most requests in any such time.
    pub fn most_within(&self, time: Duration) -> usize {
        let at: Vec<_> = self.asked().iter().map(|asked| asked.at).collect();
        let within =
            |first: &Instant| at.iter().filter(|at| *at >= first && **at - *first <= time).count();
        at.iter().map(within).max().unwrap_or(0)
    }

    /// Changes each answer, by its method, and each frame, as [`FRAME`], from now on.
    pub fn change(&self, change: impl Fn(&str, &mut Value) + Send + Sync + 'static) {
        *self.inner.change.lock().unwrap() = Some(Arc::new(change));
    }

    pub fn be_honest(&self) {
        *self.inner.change.lock().unwrap() = None;
    }

    /// Answers 502 and cuts websockets, or does not any more.
    pub fn be_away(&self, away: bool) {
        self.inner.away.send_replace(away);
    }
}

async fn pass(
    State(inner): State<Arc<Inner>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    uri: Uri,
    request: Request,
) -> Response {
    let headers = request.headers().clone();
    let body: Bytes = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let path = uri.path().to_owned();
    let asked = Asked { at: Instant::now(), path, headers, methods: methods(&body) };
    inner.asked.lock().unwrap().push(asked);
    if *inner.away.borrow() {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    if let Ok(upgrade) = upgrade {
        let upgrade = upgrade.max_message_size(64 << 20).max_frame_size(64 << 20);
        return upgrade.on_upgrade(move |socket| bridge(inner, socket));
    }
    let asked: Value = serde_json::from_str(&body).unwrap();
    let answer = inner.http.post(&inner.node).body(body).send().await;
    let Ok(answer) = answer else { return StatusCode::BAD_GATEWAY.into_response() };
    let mut answer: Value = answer.json().await.unwrap();
    let change = inner.change.lock().unwrap().clone();
    if let Some(change) = change {
        match (&asked, &mut answer) {
            (Value::Array(asked), Value::Array(answers)) => {
                for (asked, answer) in asked.iter().zip(answers) {
                    change(asked["method"].as_str().unwrap(), answer);
                }
            }
            (asked, answer) => change(asked["method"].as_str().unwrap_or_default(), answer),
        }
    }
    axum::Json(answer).into_response()
}

impl Inner {
    /// A frame as the client gets it.
    fn framed(&self, text: &str) -> String {
        let Some(change) = self.change.lock().unwrap().clone() else { return text.to_owned() };
        let mut frame: Value = serde_json::from_str(text).unwrap();
        change(FRAME, &mut frame);
        frame.to_string()
    }
}

fn methods(body: &str) -> Vec<String> {
    let parts = match serde_json::from_str(body) {
        Ok(Value::Array(parts)) => parts,
        Ok(one) => vec![one],
        Err(_) => Vec::new(),
    };
    parts.iter().filter_map(|part| Some(part["method"].as_str()?.to_owned())).collect()
}

async fn bridge(inner: Arc<Inner>, client: WebSocket) {
    let node = format!("{}/websocket", inner.node.replace("http://", "ws://"));
    let Ok((node, _)) = connect_async(node).await else { return };
    let (mut to_node, mut from_node) = node.split();
    let (mut to_client, mut from_client) = client.split();
    let mut away = inner.away.subscribe();
    loop {
        tokio::select! {
            message = from_client.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    let sent = to_node.send(NodeMessage::text(text.as_str())).await;
                    if sent.is_err() { return }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
            message = from_node.next() => match message {
                Some(Ok(NodeMessage::Text(text))) => {
                    let text = inner.framed(text.as_str());
                    let sent = to_client.send(Message::text(text)).await;
                    if sent.is_err() { return }
                }
                Some(Ok(NodeMessage::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
            () = async { let _ = away.wait_for(|away| *away).await; } => return,
        }
    }
}
