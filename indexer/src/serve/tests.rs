//! The server over a real socket.

use std::net::Ipv4Addr;

use reqwest::{Client, StatusCode};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
};

use super::*;
use crate::{chronicle::CaptureRecord, sample};

/// An incident, a silence and a past, as hostile as a chain can make them.
fn hostile() -> (Arc<[Incident]>, Orders, Arc<Chronicle>) {
    let incident = serde_json::json!({
        "fingerprint": "0123456789abcdef", "alert": "DecisionMissing", "window": "253",
        "labels": { "host": sample::ADDRESS, "model": sample::HOSTILE }, "state": "firing",
        "severity": "critical", "summary": sample::HOSTILE, "opened_height": 3_904_000,
        "opened_at": "2026-11-23T13:00:00Z", "changed_at": "2026-11-23T13:00:00Z",
        "risen_at": "2026-11-23T13:00:00Z", "occurrence": 1,
        "acknowledged": {
            "occurrence": 1, "severity": "critical", "author": sample::HOSTILE,
            "comment": sample::HOSTILE, "at": "2026-11-23T13:00:00Z",
        },
    });
    let silence = serde_json::json!({
        "id": 3, "matchers": { "model": sample::HOSTILE }, "starts_at": "2026-11-23T13:00:00Z",
        "ends_at": "2999-01-01T00:00:00Z", "ends_epoch": null, "author": sample::HOSTILE,
        "comment": sample::HOSTILE,
    });
    let snapshot = sample::situation().models[0].snapshot.clone().expect("a snapshot");
    let captures = (0..3).map(|_| CaptureRecord {
        at: sample::now(),
        epoch: Some(252),
        capture: snapshot.capture.clone(),
        gaps: Some(snapshot.gaps.clone()),
    });
    let incident: Incident = serde_json::from_value(incident).expect("an incident");
    let silence = serde_json::from_value(silence).expect("a silence");
    let orders = Orders { silences: vec![silence], ..Orders::default() };
    let chronicle = Chronicle { captures: captures.collect(), ..Chronicle::default() };
    ([incident].into(), orders, Arc::new(chronicle))
}

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
        let (incidents, orders, chronicle) = hostile();
        let published = Published {
            situation,
            beginning,
            incidents: watch::Sender::new(incidents).subscribe(),
            silences: watch::Sender::new(orders).subscribe(),
            chronicle: watch::Sender::new(chronicle).subscribe(),
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
async fn the_page_escapes_what_the_chain_says_and_allows_nothing_within_it() {
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
    assert_eq!(html.matches("<script").count(), 1, "only our own: {html}");
    for inline in [" style=", " onclick=", " onload=", "<style", "javascript:"] {
        assert!(!html.contains(inline), "{inline}: {html}");
    }
    assert!(html.contains("&#60;script&#62;alert(1)"), "{html}");
    assert!(!html.contains('\u{1b}') && !html.contains('\u{202e}'));
    assert!(html.contains("rack-1 needs you"), "{html}");
    assert!(html.len() < 100_000, "{} bytes", html.len());
    for name in ["style-", "page-", "icon-"] {
        let (_, rest) = html.split_once(&format!("assets/{name}")).expect("the page names it");
        let path = format!("/assets/{name}{}", rest.split('"').next().unwrap_or_default());
        let answer = Client::new().get(format!("http://{}{path}", server.address)).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let caching = answer.headers()["cache-control"].to_str().expect("a text");
        assert!(caching.contains("immutable"), "{path}: {caching}");
        let stale = path.replace(name, &format!("{name}0"));
        assert_eq!(server.get(&stale).await.0, StatusCode::NOT_FOUND, "{stale}");
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

// Fails when a reader of the stream has to wait for a change to learn what stands, is not told of
// one, or keeps the server from stopping.
#[tokio::test]
async fn the_stream_says_what_changed_and_ends_with_the_server() {
    let server = Running::start().await;
    let mut stream = Client::new()
        .get(format!("http://{}/api/v1/stream", server.address))
        .send()
        .await
        .expect("an answer");
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut event = async || {
        let bytes = stream.chunk().await.expect("the stream is whole")?;
        Some(String::from_utf8(bytes.to_vec()).expect("a text"))
    };
    let first = event().await.expect("an event");
    assert!(first.contains("event: change") && first.contains("retry: "), "{first}");
    assert!(first.contains("\"complete_to\":0"), "{first}");
    server.publish(|_| ());
    let second = event().await.expect("an event");
    assert!(second.contains("\"complete_to\":3905000"), "{second}");
    assert!(second.contains("\"to_do\":1,\"firing\":1"), "{second}");
    server.publish(|situation| situation.endpoints[0].reason = Some("it lags".to_owned()));
    let third = event().await.expect("an event");
    assert_ne!(second, third, "only the revision tells");
    server.stop.cancel();
    assert_eq!(event().await, None, "the stream goes on");
    let stopped = tokio::time::timeout(std::time::Duration::from_secs(10), server.task).await;
    assert!(stopped.is_ok_and(|task| task.is_ok()), "the server hangs");
}
