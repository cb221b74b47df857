use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use reqwest::Url;
use tokio::net::TcpListener;
use tokio_tungstenite::{accept_async, tungstenite::Message};

use super::*;
use crate::{
    chain::{Endpoint, RpcLimits},
    metrics::Metrics,
};

const REPLY: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;

fn rpc(url: &Url) -> Rpc {
    let metrics = Arc::new(Metrics::new([]));
    Rpc::new(Endpoint::new("test", url), "c", RpcLimits::default(), metrics).unwrap()
}

/// A node that answers one subscriber with these messages and then says no more.
async fn node(messages: Vec<Message>) -> Rpc {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut socket = accept_async(stream).await.unwrap();
        let request = socket.next().await.unwrap().unwrap();
        assert!(request.to_text().unwrap().contains("tm.event='NewBlock'"));
        for message in messages {
            socket.send(message).await.unwrap();
        }
        while socket.next().await.is_some() {}
    });
    rpc(&Url::parse(&url).unwrap())
}

#[tokio::test]
async fn a_refused_subscription_is_an_error() {
    let refusal = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Internal error",
        "data":"max_subscriptions_per_client 5 reached"}}"#;
    let rpc = node(vec![Message::text(refusal)]).await;
    let error = Subscription::open(&rpc).await.unwrap_err();
    assert!(error.to_string().contains("max_subscriptions_per_client"), "{error}");
}

#[tokio::test]
async fn a_cancelled_subscription_is_told_from_a_closed_one() {
    let cancelled = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"Server error",
        "data":"subscription was canceled (reason: internal subscription event buffer is out of capacity)"}}"#;
    let rpc = node(vec![Message::text(REPLY), Message::text(cancelled)]).await;
    let mut subscription = Subscription::open(&rpc).await.unwrap();
    let frame = subscription.next(Duration::from_secs(5)).await.unwrap();
    assert_eq!(frame.read().unwrap_err().0, Disconnect::SlowClient);

    let rpc = node(vec![Message::text(REPLY), Message::Close(None)]).await;
    let mut subscription = Subscription::open(&rpc).await.unwrap();
    let lost = subscription.next(Duration::from_secs(5)).await.unwrap_err();
    assert_eq!(lost.0, Disconnect::Closed);
}

#[tokio::test]
async fn pings_are_no_sign_of_life() {
    let mut messages = vec![Message::text(REPLY)];
    messages.extend((0..3).map(|_| Message::Ping(Vec::new().into())));
    let rpc = node(messages).await;
    let mut subscription = Subscription::open(&rpc).await.unwrap();
    let lost = subscription.next(Duration::from_millis(100)).await.unwrap_err();
    assert_eq!(lost.0, Disconnect::Idle);
}

#[tokio::test]
async fn frames_above_the_library_default_are_taken() {
    // 17 MiB: more than tungstenite's own limit of a frame.
    let large = format!(r#"{{"id":1,"result":{{"query":"{}"}}}}"#, "x".repeat(17 << 20));
    let rpc = node(vec![Message::text(REPLY), Message::text(large)]).await;
    let mut subscription = Subscription::open(&rpc).await.unwrap();
    let frame = subscription.next(Duration::from_secs(20)).await.unwrap();
    assert!(frame.text().len() > 17 << 20);
    assert!(frame.read().unwrap().is_none());
}

#[tokio::test]
async fn no_websocket_is_told_from_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let router = axum::Router::new();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let error = Subscription::open(&rpc(&url)).await.unwrap_err();
    assert_eq!(error.class, Class::Fatal, "{error}");

    let nobody = Url::parse("http://127.0.0.1:9").unwrap();
    let error = Subscription::open(&rpc(&nobody)).await.unwrap_err();
    assert_eq!(error.class, Class::Retry, "{error}");
}
