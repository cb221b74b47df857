//! The two ways to talk to a node, as plainly as possible: what comes back is not interpreted.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub cache_control: String,
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    async fn of(response: reqwest::Response) -> Answer {
        let header =
            |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        Answer {
            status: response.status().as_u16(),
            content_type: header("content-type").unwrap_or_default(),
            cache_control: header("cache-control").unwrap_or_default(),
            body: response.text().await.unwrap(),
        }
    }
}

/// A node under test.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    /// A client of the node at `http://host:port`.
    pub fn new(url: &str) -> Client {
        let http = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        Client { http, url: url.to_owned() }
    }

    /// `GET /path`.
    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.http.get(format!("{}/{path}", self.url)).send().await.unwrap()).await
    }

    /// `POST /` with a raw body.
    pub async fn post(&self, body: impl Into<String>) -> Answer {
        Answer::of(self.http.post(&self.url).body(body.into()).send().await.unwrap()).await
    }

    /// A JSON-RPC call that succeeds.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let mut answer = self.post(request.to_string()).await.json();
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    /// The height that `status` reports.
    pub async fn height(&self) -> i64 {
        let status = self.call("status", json!({})).await;
        status["sync_info"]["latest_block_height"].as_str().unwrap().parse().unwrap()
    }

    /// Waits until the node has `height`.
    pub async fn wait_for(&self, height: i64) {
        let reached = async {
            while self.height().await < height {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, reached).await.expect("the node makes blocks");
    }

    /// Opens the websocket.
    pub async fn socket(&self) -> Socket {
        let url = format!("{}/websocket", self.url.replace("http://", "ws://"));
        Socket { socket: tokio_tungstenite::connect_async(url).await.unwrap().0 }
    }
}

/// An open websocket.
#[derive(Debug)]
pub struct Socket {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// Sends text.
    pub async fn send(&mut self, text: impl Into<String>) {
        self.socket.send(Message::text(text.into())).await.unwrap();
    }

    /// Sends a request.
    pub async fn request(&mut self, id: i64, method: &str, params: Value) {
        self.send(
            json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string(),
        )
        .await;
    }

    /// Subscribes, and expects the empty answer.
    pub async fn subscribe(&mut self, id: i64, query: &str) {
        self.request(id, "subscribe", json!({"query": query})).await;
        assert_eq!(self.next().await, json!({"jsonrpc": "2.0", "id": id, "result": {}}), "{query}");
    }

    /// The next text; `None` when the connection ends.
    pub async fn text(&mut self) -> Option<String> {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next()).await;
            match next.expect("the node says something") {
                Some(Ok(Message::Text(text))) => return Some(text.to_string()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return None,
            }
        }
    }

    /// The next frame as JSON.
    pub async fn next(&mut self) -> Value {
        let text = self.text().await.expect("the connection is open");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}
