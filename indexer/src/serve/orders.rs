//! `/api/v1/silences` and `/api/v1/incidents`: what operators order over HTTP.
//!
//! Whoever holds the token may order, and nobody else; without a token in the configuration nobody
//! may. A browser that some other page sent here is refused before the token is looked at. The
//! order itself is checked and kept where the command line's are.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Json,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bootwatch_schema::{Incident, IncidentState, Silence};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use subtle::ConstantTimeEq as _;
use tokio::{sync::Semaphore, time::timeout};

use super::{
    Published,
    routes::{Problem, problem},
};
use crate::orders::{OrderDesk, OrderError, SilenceOrder, is_over};

/// Bytes of an order.
const LARGEST: usize = 8 * 1024;
/// For the whole of an order to arrive.
const PATIENCE: Duration = Duration::from_secs(10);
/// Orders that may be worked on at once; more are refused, not queued.
const AT_ONCE: usize = 2;

/// The desk, its token and its limit; cheap to clone.
#[derive(Debug, Clone)]
pub struct OrderCounter {
    desk: Arc<OrderDesk>,
    token: Option<SecretString>,
    permits: Arc<Semaphore>,
}

impl OrderCounter {
    /// Takes orders from whoever holds the token; from nobody without one.
    #[must_use]
    pub fn new(desk: OrderDesk, token: Option<SecretString>) -> Self {
        Self { desk: Arc::new(desk), token, permits: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Whether anybody may order here.
    pub(super) fn is_open(&self) -> bool {
        self.token.is_some()
    }
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSilence {
    /// Labels and their values; all must match.
    matchers: BTreeMap<String, String>,
    /// For how long, such as `2h`.
    r#for: Option<String>,
    /// Until this epoch is in force.
    until_epoch: Option<u64>,
    comment: String,
    #[serde(default = "somebody")]
    author: String,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAck {
    #[serde(default)]
    comment: String,
    #[serde(default = "somebody")]
    author: String,
}

/// An order that says nothing more.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// A silence that was ended.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Expired {
    /// Its number.
    expired: i64,
}

/// An incident that somebody has taken care of.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Acknowledged {
    /// Its fingerprint.
    acknowledged: String,
}

fn somebody() -> String {
    "somebody, by the API".to_owned()
}

/// Silences that are not over.
#[utoipa::path(
    get, path = "/api/v1/silences", tag = "orders",
    responses(
        (status = 200, body = Vec<Silence>),
        (status = 401, description = "no token, or a wrong one", body = Problem),
        (status = 403, description = "orders over HTTP are off, or another site's page asks", body = Problem),
        (status = 503, description = "busy with other orders", body = Problem),
    ),
    security(("token" = [])),
)]
pub(super) async fn silences(State(published): State<Published>, request: Request) -> Response {
    let counter = match admit(&published, request.headers()) {
        Ok(counter) => counter,
        Err(refusal) => return *refusal,
    };
    work(counter, |desk| {
        let now = Timestamp::now();
        let mut silences = desk.orders()?.silences;
        silences.retain(|silence| !is_over(silence, now));
        Ok(Json(silences).into_response())
    })
    .await
}

/// Incidents that go on.
#[utoipa::path(
    get, path = "/api/v1/incidents", tag = "orders",
    responses(
        (status = 200, body = Vec<Incident>),
        (status = 401, description = "no token, or a wrong one", body = Problem),
        (status = 403, description = "orders over HTTP are off, or another site's page asks", body = Problem),
        (status = 503, description = "busy with other orders", body = Problem),
    ),
    security(("token" = [])),
)]
pub(super) async fn incidents(State(published): State<Published>, request: Request) -> Response {
    let counter = match admit(&published, request.headers()) {
        Ok(counter) => counter,
        Err(refusal) => return *refusal,
    };
    work(counter, |desk| {
        let mut incidents = desk.incidents()?;
        incidents.retain(|incident| incident.state != IncidentState::Resolved);
        Ok(Json(incidents).into_response())
    })
    .await
}

/// Silences incidents, until a time or an epoch.
#[utoipa::path(
    post, path = "/api/v1/silences", tag = "orders", request_body = NewSilence,
    responses(
        (status = 201, body = Silence),
        (status = 400, description = "the order is wrong", body = Problem),
        (status = 404, description = "there is no such thing", body = Problem),
        (status = 408, description = "the order did not arrive in time", body = Problem),
        (status = 413, description = "the order is too large", body = Problem),
        (status = 415, description = "the order is not JSON", body = Problem),
        (status = 401, description = "no token, or a wrong one", body = Problem),
        (status = 403, description = "orders over HTTP are off, or another site's page asks", body = Problem),
        (status = 503, description = "busy with other orders", body = Problem),
    ),
    security(("token" = [])),
)]
pub(super) async fn silence(State(published): State<Published>, request: Request) -> Response {
    order(&published, request, |desk, order: NewSilence| {
        let order = SilenceOrder {
            matchers: order.matchers.into_iter().collect(),
            length: order.r#for.as_deref().map(length).transpose()?,
            until_epoch: order.until_epoch,
            author: order.author,
            comment: order.comment,
        };
        let silence = desk.silence(order, Timestamp::now())?;
        Ok((StatusCode::CREATED, Json(silence)).into_response())
    })
    .await
}

/// Ends a silence.
#[utoipa::path(
    post, path = "/api/v1/silences/{id}/expire", tag = "orders", request_body = Nothing,
    params(("id" = i64, Path, description = "the silence's number")),
    responses(
        (status = 200, body = Expired),
        (status = 400, description = "the order is wrong", body = Problem),
        (status = 404, description = "there is no such thing", body = Problem),
        (status = 408, description = "the order did not arrive in time", body = Problem),
        (status = 413, description = "the order is too large", body = Problem),
        (status = 415, description = "the order is not JSON", body = Problem),
        (status = 401, description = "no token, or a wrong one", body = Problem),
        (status = 403, description = "orders over HTTP are off, or another site's page asks", body = Problem),
        (status = 503, description = "busy with other orders", body = Problem),
    ),
    security(("token" = [])),
)]
pub(super) async fn expire(
    State(published): State<Published>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    order(&published, request, move |desk, Nothing {}| {
        let id = id.parse::<i64>().map_err(|_| {
            OrderError::Unknown("the number of a silence is expected in the address".to_owned())
        })?;
        desk.expire(id, Timestamp::now())?;
        Ok(Json(Expired { expired: id }).into_response())
    })
    .await
}

/// Stops the reminders of an incident until it becomes more urgent.
#[utoipa::path(
    post, path = "/api/v1/incidents/{id}/ack", tag = "orders", request_body = NewAck,
    params(("id" = String, Path, description = "the incident's fingerprint, or the beginning of it")),
    responses(
        (status = 200, body = Acknowledged),
        (status = 400, description = "the order is wrong", body = Problem),
        (status = 404, description = "there is no such thing", body = Problem),
        (status = 408, description = "the order did not arrive in time", body = Problem),
        (status = 413, description = "the order is too large", body = Problem),
        (status = 415, description = "the order is not JSON", body = Problem),
        (status = 401, description = "no token, or a wrong one", body = Problem),
        (status = 403, description = "orders over HTTP are off, or another site's page asks", body = Problem),
        (status = 503, description = "busy with other orders", body = Problem),
    ),
    security(("token" = [])),
)]
pub(super) async fn acknowledge(
    State(published): State<Published>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    order(&published, request, move |desk, ack: NewAck| {
        let incident = desk.acknowledge(&id, ack.author, ack.comment, Timestamp::now())?;
        Ok(Json(Acknowledged { acknowledged: incident.fingerprint }).into_response())
    })
    .await
}

fn length(text: &str) -> Result<Duration, OrderError> {
    let wrong =
        || OrderError::Wrong(format!("`for` {text:?} is no length of time, such as \"2h\""));
    let length: SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(length).map_err(|_| wrong())
}

/// Whether somebody may order at all, before anything of the body is read. Boxed: a refusal is
/// large, and rare.
fn admit(published: &Published, headers: &HeaderMap) -> Result<OrderCounter, Box<Response>> {
    let refuse = |status, error: &str| Box::new(problem(status, error));
    let Some(counter) = &published.orders else {
        return Err(refuse(StatusCode::NOT_FOUND, "there is no database behind this server"));
    };
    if let Err(why) = same_site(headers) {
        return Err(refuse(StatusCode::FORBIDDEN, why));
    }
    let Some(token) = &counter.token else {
        return Err(refuse(
            StatusCode::FORBIDDEN,
            "orders over HTTP are off: set `token_file` in [http], or order by `bootwatch silence` \
             and `bootwatch ack`",
        ));
    };
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    let known = given
        .is_some_and(|given| bool::from(given.as_bytes().ct_eq(token.expose_secret().as_bytes())));
    if !known {
        let error = match given {
            Some(_) => "the token is wrong",
            None => "a token is needed: Authorization: Bearer …",
        };
        let refusal = problem(StatusCode::UNAUTHORIZED, error);
        return Err(Box::new(
            ([(header::WWW_AUTHENTICATE, "Bearer realm=\"bootwatch\"")], refusal).into_response(),
        ));
    }
    Ok(counter.clone())
}

/// Browsers say where a request comes from; programs say nothing.
fn same_site(headers: &HeaderMap) -> Result<(), &'static str> {
    const CROSS: &str = "this request comes from another site's page";
    if let Some(site) = headers.get("sec-fetch-site")
        && !matches!(site.as_bytes(), b"same-origin" | b"none")
    {
        return Err(CROSS);
    }
    if let Some(origin) = headers.get(header::ORIGIN) {
        let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let same = authority
            .zip(host)
            .is_some_and(|((_, authority), host)| authority.eq_ignore_ascii_case(host));
        if !same {
            return Err(CROSS);
        }
    }
    Ok(())
}

/// Takes an order: who gives it, its form, its size, and then the order itself.
async fn order<T: DeserializeOwned + Send + 'static>(
    published: &Published,
    request: Request,
    carry_out: impl FnOnce(&OrderDesk, T) -> Result<Response, OrderError> + Send + 'static,
) -> Response {
    let counter = match admit(published, request.headers()) {
        Ok(counter) => counter,
        Err(refusal) => return *refusal,
    };
    let (head, body) = request.into_parts();
    if !is_json(&head.headers) {
        return problem(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "an order is JSON: Content-Type: application/json",
        );
    }
    let bytes = match read(body).await {
        Ok(bytes) => bytes,
        Err(refusal) => return *refusal,
    };
    let order: T = match serde_json::from_slice(&bytes) {
        Ok(order) => order,
        Err(error) => return problem(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    work(counter, |desk| carry_out(desk, order)).await
}

fn is_json(headers: &HeaderMap) -> bool {
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = text.and_then(|text| text.split(';').next()).unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/json")
}

async fn read(body: Body) -> Result<axum::body::Bytes, Box<Response>> {
    match timeout(PATIENCE, axum::body::to_bytes(body, LARGEST)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(Box::new(problem(
            StatusCode::PAYLOAD_TOO_LARGE,
            &format!("an order has at most {LARGEST} bytes"),
        ))),
        Err(_) => {
            Err(Box::new(problem(StatusCode::REQUEST_TIMEOUT, "the order did not arrive in time")))
        }
    }
}

/// Runs `task` on a thread that may block, when one is free.
async fn work(
    counter: OrderCounter,
    task: impl FnOnce(&OrderDesk) -> Result<Response, OrderError> + Send + 'static,
) -> Response {
    let OrderCounter { desk, permits, .. } = counter;
    let Ok(permit) = permits.try_acquire_owned() else {
        let busy = problem(StatusCode::SERVICE_UNAVAILABLE, "busy with other orders; order again");
        return ([(header::RETRY_AFTER, "1")], busy).into_response();
    };
    let done = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        task(&desk)
    });
    match done.await {
        Ok(Ok(response)) => response,
        Ok(Err(error @ OrderError::Wrong(_))) => {
            problem(StatusCode::BAD_REQUEST, &error.to_string())
        }
        Ok(Err(error @ OrderError::Unknown(_))) => {
            problem(StatusCode::NOT_FOUND, &error.to_string())
        }
        Ok(Err(error @ OrderError::Store(_))) => {
            tracing::error!(%error, "an order could not be kept");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "the order could not be kept; see the log")
        }
        Err(error) => {
            tracing::error!(%error, "an order failed");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "the order failed; see the log")
        }
    }
}
