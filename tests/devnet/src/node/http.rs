//! HTTP: JSON-RPC by POST, methods by URI, and the door to the websocket.
//!
//! Sources: CometBFT v0.38 `rpc/jsonrpc/server/http_server.go`, `http_json_handler.go`,
//! `http_uri_handler.go`; Go's `net/http` for unknown paths.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Query, Request, State, WebSocketUpgrade};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::any;

use super::face::Face;
use super::faults::{AnswerFault, Spoilt};
use super::rpc::args::Args;
use super::rpc::routes::Route;
use super::rpc::{self, Id, RpcError};
use super::{dispatch, websocket};

/// `max_body_bytes`.
pub(crate) const MAX_BODY_BYTES: usize = 1_000_000;
/// `max_request_batch_size`.
const MAX_BATCH: usize = 10;

/// What handlers share.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) face: Arc<Face>,
    pub(crate) stop: tokio_util::sync::CancellationToken,
}

/// The node's HTTP surface.
pub(crate) fn router(shared: Shared) -> Router {
    Router::new().route("/websocket", any(upgrade)).fallback(http).with_state(shared)
}

async fn upgrade(
    State(shared): State<Shared>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade
        .max_message_size(MAX_BODY_BYTES)
        .max_frame_size(MAX_BODY_BYTES)
        .on_upgrade(move |socket| websocket::serve(shared, peer, socket))
}

async fn http(State(shared): State<Shared>, request: Request) -> Response {
    match shared.face.faults.answer().map(AnswerFault::of_request) {
        None => answer(&shared.face, request).await,
        Some(Spoilt::Instead(response)) => response,
        Some(Spoilt::Answer(fault)) => fault.spoil(answer(&shared.face, request).await).await,
    }
}

async fn answer(face: &Arc<Face>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        let error =
            RpcError::invalid_request("error reading request body: http: request body too large");
        return json(StatusCode::BAD_REQUEST, false, rpc::failure(None, &error));
    };
    match head.uri.path() {
        "/" => post(face, &body).await,
        path => match Route::find(path.trim_start_matches('/')) {
            Some(route) => {
                let query = Query::<HashMap<String, String>>::try_from_uri(&head.uri);
                let query = query.map(|Query(query)| query).unwrap_or_default();
                get(face, route, &query).await
            }
            None => {
                plain(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "404 page not found\n")
            }
        },
    }
}

/// A method by its path.
async fn get(face: &Arc<Face>, route: &'static Route, query: &HashMap<String, String>) -> Response {
    let failed = |status, error| json(status, false, rpc::failure(Some(&Id::NONE), &error));
    if route.needs_websocket() {
        return failed(StatusCode::NOT_FOUND, RpcError::method_not_found());
    }
    let args = match Args::from_uri(route.params, query) {
        Ok(args) => args,
        Err(error) => {
            let error = format!("error converting http params to arguments: {error}");
            return failed(StatusCode::INTERNAL_SERVER_ERROR, RpcError::invalid_params(error));
        }
    };
    let cacheable = route.is_cacheable(&args);
    match dispatch::call(face, &face.view(), route.method, args).await {
        Ok(result) => json(StatusCode::OK, cacheable, rpc::success(&Id::NONE, &result)),
        Err(error) => failed(StatusCode::INTERNAL_SERVER_ERROR, RpcError::internal(error)),
    }
}

/// A request or a batch in the body.
async fn post(face: &Arc<Face>, body: &Bytes) -> Response {
    if body.is_empty() {
        return plain(StatusCode::OK, "text/html", &endpoints());
    }
    let requests = match parse(&String::from_utf8_lossy(body)) {
        Ok(requests) => requests,
        Err(error) => {
            let error = RpcError::parse(format!("error unmarshaling request: {error}"));
            return json(StatusCode::INTERNAL_SERVER_ERROR, false, rpc::failure(None, &error));
        }
    };
    if requests.len() > MAX_BATCH {
        let error = RpcError::invalid_request(format!(
            "batch request exceeds maximum ({MAX_BATCH}) allowed number of requests"
        ));
        return json(StatusCode::OK, false, rpc::failure(None, &error));
    }
    let (mut answers, mut cacheable) = (Vec::new(), true);
    // One after the other, as a real node does; a balancer hands the whole body to one of its nodes.
    let view = face.view();
    for request in requests {
        let Some(id) = &request.id else { continue };
        let route = Route::find(&request.method).filter(|route| !route.needs_websocket());
        let Some(route) = route else {
            cacheable = false;
            answers.push(rpc::failure(Some(id), &RpcError::method_not_found()));
            continue;
        };
        let args = match &request.params {
            Some(params) => match Args::from_json(route.params, params) {
                Ok(args) => args,
                Err(error) => {
                    let error = format!("error converting json params to arguments: {error}");
                    cacheable = false;
                    answers.push(rpc::failure(Some(id), &RpcError::invalid_params(error)));
                    continue;
                }
            },
            None if route.params.is_empty() => Args::default(),
            None => {
                // A real node's handler panics here, which ends the whole batch.
                let error = RpcError::internal(dispatch::TOO_FEW_ARGUMENTS);
                let body = rpc::failure(Some(&Id::NONE), &error);
                return json(StatusCode::INTERNAL_SERVER_ERROR, false, body);
            }
        };
        cacheable &= route.is_cacheable(&args);
        answers.push(match dispatch::call(face, &view, route.method, args).await {
            Ok(result) => rpc::success(id, &result),
            Err(error) => rpc::failure(Some(id), &RpcError::internal(error)),
        });
    }
    match answers.as_slice() {
        [] => plain(StatusCode::OK, "", ""),
        [answer] => json(StatusCode::OK, cacheable, answer.clone()),
        answers => json(StatusCode::OK, cacheable, format!("[{}]", answers.join(","))),
    }
}

/// The requests of a body: a batch, or one.
fn parse(body: &str) -> Result<Vec<rpc::Request>, String> {
    match rpc::Request::parse_batch(body) {
        Some(batch) => Ok(batch),
        None => rpc::Request::parse(body).map(|request| vec![request]),
    }
}

/// The page a browser gets.
fn endpoints() -> String {
    let names: Vec<&str> = rpc::routes::ROUTES.iter().map(|route| route.name).collect();
    format!("<html><body><br>Available endpoints:<br>{}</body></html>", names.join("<br>"))
}

fn json(status: StatusCode, cacheable: bool, body: String) -> Response {
    let mut response = plain(status, "application/json", "");
    *response.body_mut() = Body::from(body);
    if cacheable {
        let value = HeaderValue::from_static("public, max-age=86400");
        response.headers_mut().insert(header::CACHE_CONTROL, value);
    }
    response
}

fn plain(status: StatusCode, content_type: &'static str, body: &str) -> Response {
    let mut response = Response::new(Body::from(body.to_owned()));
    *response.status_mut() = status;
    if !content_type.is_empty() {
        let value = HeaderValue::from_static(content_type);
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    response
}
