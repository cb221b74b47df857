//! A web server that answers from a script and keeps what it is sent.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Response, StatusCode, Uri},
};

/// What it says next.
pub(crate) enum Reply {
    Status(u16, &'static str),
    RetryAfter(u16, &'static str),
    Redirect(String),
    /// Says yes, and then a byte every now and then, for ever.
    Dribble(u16),
    /// Says nothing.
    Silence,
}

pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

#[derive(Clone, Default)]
pub(crate) struct Receiver {
    replies: Arc<Mutex<VecDeque<Reply>>>,
    requests: Arc<Mutex<Vec<Request>>>,
    address: String,
}

impl Receiver {
    /// Says yes to everything that the script does not answer.
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            replies: Arc::new(Mutex::new(replies.into_iter().collect())),
            address: format!("http://{}", listener.local_addr().unwrap()),
            ..Self::default()
        };
        let app = Router::new().fallback(answer).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        receiver
    }

    pub(crate) fn url(&self) -> String {
        self.address.clone()
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }
}

async fn answer(
    State(receiver): State<Receiver>,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response<Body> {
    let path = uri.path().to_owned();
    receiver.requests.lock().unwrap().push(Request { path, headers, body });
    let reply = receiver.replies.lock().unwrap().pop_front();
    let status = |code| Response::builder().status(StatusCode::from_u16(code).unwrap());
    match reply.unwrap_or(Reply::Status(200, "")) {
        Reply::Status(code, text) => status(code).body(text.into()),
        Reply::RetryAfter(code, after) => {
            status(code).header("retry-after", after).body(Body::empty())
        }
        Reply::Redirect(to) => status(307).header("location", to).body(Body::empty()),
        Reply::Dribble(code) => {
            let drops = futures_util::stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some((Ok::<_, Infallible>(Bytes::from_static(b".")), ()))
            });
            status(code).body(Body::from_stream(drops))
        }
        Reply::Silence => std::future::pending().await,
    }
    .unwrap()
}
