//! The addresses and what they answer.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use bootwatch_rules::situation::Situation;
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use super::{Published, api, assets, page, stream};
use crate::metrics::Format;

/// Sent with every answer. Nothing may be framed, sniffed, or fetched from elsewhere by the page;
/// what it runs and how it looks are files of ours, and nothing within it.
const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
             connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// What is said while there is no Situation.
pub(super) const NO_BLOCK: &str = "no block has been taken in yet";

pub(super) fn router(published: Published, feed: stream::Feed) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/assets/{name}", get(assets::asset))
        .route("/metrics", get(metrics))
        .route("/-/healthy", get(healthy))
        .route("/-/ready", get(ready))
        .merge(api::router(feed))
        .fallback(nothing)
        .layer(middleware::from_fn(secure))
        .with_state(published)
}

async fn secure(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

pub(super) fn newest(published: &Published) -> Option<Arc<Situation>> {
    published.situation.borrow().clone()
}

async fn page(State(published): State<Published>) -> Response {
    match page::page(&published, Timestamp::now(), &TimeZone::system()) {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "the page cannot be made");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "the page cannot be made")
        }
    }
}

async fn metrics(State(published): State<Published>, headers: HeaderMap) -> impl IntoResponse {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = Format::accepted(accept.unwrap_or_default());
    ([(header::CONTENT_TYPE, format.content_type())], published.metrics.exposition(format))
}

/// The process answers: that is all this says.
async fn healthy() -> &'static str {
    "healthy\n"
}

/// Whether what is served holds now.
async fn ready(State(published): State<Published>) -> (StatusCode, String) {
    match newest(&published) {
        None => (
            StatusCode::SERVICE_UNAVAILABLE,
            match &published.beginning.borrow().reason {
                Some(reason) => format!("not ready: {NO_BLOCK}: {reason}\n"),
                None => format!("not ready: {NO_BLOCK}\n"),
            },
        ),
        Some(situation) if situation.stale => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!(
                "not ready: the data is old, the newest block is {} of {}\n",
                situation.complete_to, situation.head_time
            ),
        ),
        Some(situation) => (
            StatusCode::OK,
            format!("ready: block {} of {}\n", situation.complete_to, situation.head_time),
        ),
    }
}

async fn nothing() -> Response {
    problem(StatusCode::NOT_FOUND, "there is nothing at this address")
}

/// Why there is no answer.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Problem {
    /// In words.
    error: String,
}

pub(super) fn problem(status: StatusCode, error: &str) -> Response {
    (status, Json(Problem { error: error.to_owned() })).into_response()
}
