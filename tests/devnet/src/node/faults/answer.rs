//! What can happen to the answer to an HTTP request.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::stream;
use serde_json::Value;

/// The largest answer that is spoilt.
const MAX_BODY: usize = 256 << 20;
/// Pieces in which a slow body comes.
const PIECES: usize = 8;

/// A fault of one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerFault {
    /// This status and a line of text in place of an answer.
    Status(u16),
    /// The connection breaks in the middle of the body.
    Broken,
    /// The body takes this long.
    Slow(Duration),
    /// A whole body by its length, but its second half is missing.
    Cut,
    /// Bytes that are no JSON, with status 200.
    Garbage,
    /// A part of the result is `null`.
    Null,
}

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Spoilt {
    /// It is answered so, without asking the node.
    Instead(Response),
    /// The node's answer is spoilt like this.
    Answer(AnswerFault),
}

impl AnswerFault {
    /// What it is called where faults are counted.
    pub fn name(self) -> &'static str {
        match self {
            AnswerFault::Status(429) => "http 429",
            AnswerFault::Status(_) => "http 5xx",
            AnswerFault::Broken => "body broken off",
            AnswerFault::Slow(_) => "body slow",
            AnswerFault::Cut => "body truncated",
            AnswerFault::Garbage => "body garbage",
            AnswerFault::Null => "body null field",
        }
    }

    /// Whether the node is asked at all.
    pub(crate) fn of_request(self) -> Spoilt {
        let AnswerFault::Status(status) = self else { return Spoilt::Answer(self) };
        let mut response = Response::new(Body::from("service unavailable\n"));
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        let plain = HeaderValue::from_static("text/plain");
        response.headers_mut().insert(header::CONTENT_TYPE, plain);
        if status == 429 {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        Spoilt::Instead(response)
    }

    /// Spoils what the node answered.
    pub(crate) async fn spoil(self, response: Response) -> Response {
        let (mut head, body) = response.into_parts();
        let Ok(body) = to_bytes(body, MAX_BODY).await else {
            return Response::from_parts(head, Body::empty());
        };
        let half = body.len() / 2;
        let body = match self {
            AnswerFault::Status(_) => Body::from(body),
            AnswerFault::Broken => {
                head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
                let broken = Err(io::Error::from(io::ErrorKind::ConnectionReset));
                Body::from_stream(stream::iter([Ok(body.slice(..half)), broken]))
            }
            AnswerFault::Slow(whole) => slow(body, whole),
            AnswerFault::Cut => Body::from(body.slice(..half)),
            AnswerFault::Garbage => Body::from(&b"\xff\xfe<html><body>502</body>"[..]),
            AnswerFault::Null => Body::from(null(&body)),
        };
        Response::from_parts(head, body)
    }
}

fn slow(body: Bytes, whole: Duration) -> Body {
    let pause = whole / u32::try_from(PIECES).unwrap_or(1);
    let size = body.len().div_ceil(PIECES).max(1);
    Body::from_stream(stream::unfold(body, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let piece = rest.split_to(size.min(rest.len()));
        Some((Ok::<_, io::Error>(piece), rest))
    }))
}

/// Without the part of its result that a reader cannot do without. Lists that a sound node may send
/// as `null` too are left alone: nobody could tell the difference.
fn null(body: &[u8]) -> Vec<u8> {
    let Ok(mut answer) = serde_json::from_slice::<Value>(body) else { return body.to_vec() };
    let parts = ["sync_info", "node_info", "block_id", "block", "response", "height"];
    if let Some(result) = answer.get_mut("result").and_then(Value::as_object_mut) {
        match parts.into_iter().find(|part| result.contains_key(*part)) {
            Some(part) => drop(result.insert(part.to_owned(), Value::Null)),
            None => result.clear(),
        }
    }
    serde_json::to_vec(&answer).unwrap_or_default()
}
