//! The server over a real socket.

use std::net::Ipv4Addr;

use reqwest::{Client, StatusCode};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
};

use super::*;
use crate::sample;

struct Running {
    address: SocketAddr,
    sender: watch::Sender<Option<Arc<Situation>>>,
    begins: watch::Sender<Beginning>,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    async fn start() -> Self {
        let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into()).await.expect("a free port");
        let (address, stop) = (server.address(), CancellationToken::new());
        let (sender, situation) = watch::channel(None);
        let metrics = Arc::new(Metrics::new(["mine"]));
        let (begins, beginning) = watch::channel(Beginning::default());
        let published = Published {
            situation,
            beginning,
            incidents: watch::Sender::new(Arc::default()).subscribe(),
            silences: watch::Sender::default().subscribe(),
            chronicle: watch::Sender::default().subscribe(),
            metrics: Arc::clone(&metrics),
            evidence: None,
            orders: None,
        };
        let task = tokio::spawn(server.run(published, stop.clone()));
        Self { address, sender, begins, metrics, stop, task }
    }

    fn publish(&self, change: impl FnOnce(&mut Situation)) {
        let mut situation = sample::situation();
        change(&mut situation);
        let situation = Arc::new(situation);
        self.metrics.update(&situation);
        self.sender.send_replace(Some(situation));
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let answer = Client::new()
            .get(format!("http://{}{path}", self.address))
            .send()
            .await
            .expect("an answer");
        let status = answer.status();
        (status, answer.text().await.expect("a text"))
    }
}

#[tokio::test]
async fn readiness_follows_the_situation() {
    let server = Running::start().await;
    assert_eq!(server.get("/-/healthy").await, (StatusCode::OK, "healthy\n".to_owned()));
    for path in ["/-/ready", "/api/v1/status"] {
        let (status, body) = server.get(path).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(body.contains("no block has been taken in yet"), "{path}: {body}");
    }
    let mut endpoints = sample::situation().endpoints;
    endpoints[0].reason = Some("it keeps <no> results".to_owned());
    let reason = Some("block 7 <cannot> be had".to_owned());
    server.begins.send_replace(Beginning { reason, endpoints });
    for (path, said) in [
        ("/-/ready", vec!["block 7 <cannot> be had"]),
        ("/api/v1/status", vec!["block 7 <cannot> be had", "it keeps <no> results"]),
        ("/", vec!["block 7 &#60;cannot&#62; be had", "it keeps &#60;no&#62; results"]),
    ] {
        let body = server.get(path).await.1;
        for words in said {
            assert!(body.contains(words), "{path}: {body}");
        }
    }
    server.publish(|_| ());
    assert_eq!(server.get("/-/ready").await.0, StatusCode::OK);
    server.publish(|situation| situation.stale = true);
    let (status, body) = server.get("/-/ready").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.contains("the data is old"), "{body}");
    assert_eq!(server.get("/nothing").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_api_gives_the_situation_as_it_is() {
    let server = Running::start().await;
    server.publish(|_| ());
    let (status, body) = server.get("/api/v1/status").await;
    assert_eq!(status, StatusCode::OK);
    let read: Situation = serde_json::from_str(&body).expect("a Situation");
    assert_eq!(read, sample::situation());
    let (_, metrics) = server.get("/metrics").await;
    assert!(metrics.contains("bootwatch_ingest_height 3905000\n"), "{metrics}");
}

#[tokio::test]
async fn the_page_escapes_what_the_chain_says_and_forbids_scripts() {
    let server = Running::start().await;
    let (_, empty) = server.get("/").await;
    assert!(empty.contains("Nothing is known yet"), "{empty}");
    server.publish(|_| ());
    let answer = Client::new().get(format!("http://{}/", server.address)).send().await;
    let answer = answer.expect("an answer");
    let header = |name: &str| {
        let value = answer.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    assert!(header("content-security-policy").starts_with("default-src 'none'"));
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("x-frame-options"), "DENY");
    let html = answer.text().await.expect("a text");
    assert!(!html.contains("<script"), "{html}");
    assert!(html.contains("&#60;script&#62;alert(1)"), "{html}");
    assert!(!html.contains('\u{1b}') && !html.contains('\u{202e}'));
    assert!(html.contains("rack-1 needs you"), "{html}");
    assert!(html.len() < 100_000, "{} bytes", html.len());
    for path in ["/style.css", "/icon.svg"] {
        assert_eq!(server.get(path).await.0, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let server = Running::start().await;
    let error = Server::bind(server.address).await.expect_err("the port is taken");
    let message = error.to_string();
    assert!(message.contains(&server.address.to_string()), "{message}");
    assert!(message.contains("is in use"), "{message}");
}

#[tokio::test]
async fn oversized_and_foreign_requests_end_without_harm() {
    let server = Running::start().await;
    for request in [
        format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(64 * 1024)),
        format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "a".repeat(64 * 1024)),
        "\u{16}\u{3}\u{1} no http at all\r\n\r\n".to_owned(),
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned(),
    ] {
        let mut stream = TcpStream::connect(server.address).await.expect("connected");
        // The server may have closed before all of it was written.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_eq!(server.get("/-/healthy").await.0, StatusCode::OK);
}

#[tokio::test]
async fn it_stops_although_a_connection_is_open() {
    let server = Running::start().await;
    let idle = TcpStream::connect(server.address).await.expect("connected");
    server.stop.cancel();
    let stopped = tokio::time::timeout(std::time::Duration::from_secs(10), server.task).await;
    assert!(stopped.is_ok_and(|task| task.is_ok()), "the server hangs");
    drop(idle);
}
