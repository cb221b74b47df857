//! `/api/v1`: its routes, and the document that describes them. Both come from the handlers.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use bootwatch_rules::situation::{EndpointView, Situation};
use serde::Serialize;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt as _},
    routes,
};

use super::{
    Published, evidence, lists, orders,
    routes::{NO_BLOCK, newest},
    stream::{self, Feed},
};
use crate::situation::Beginning;

/// What Bootwatch knows, as JSON. Times are UTC, heights are block heights, amounts are in the
/// chain's smallest unit where nothing else is said. Fields may be added within a version; none
/// is removed or changes its meaning.
#[derive(OpenApi)]
#[openapi(
    info(title = "Bootwatch", license(name = "MIT", identifier = "MIT")),
    modifiers(&Token),
    tags(
        (name = "now", description = "What holds at the newest block"),
        (name = "history", description = "What was, in pieces, the newest first"),
        (name = "evidence", description = "Why it costs what it costs"),
        (name = "orders", description = "Silences and acknowledgements; for whoever has the token"),
    ),
)]
struct Document;

struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme("token", scheme);
    }
}

pub(super) fn router(feed: Feed) -> Router<Published> {
    let (router, document) = OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(status))
        .routes(routes!(stream::stream).with_state(feed))
        .routes(routes!(lists::captures))
        .routes(routes!(lists::choices))
        .routes(routes!(lists::events))
        .routes(routes!(evidence::whatif))
        .routes(routes!(evidence::explain))
        .routes(routes!(evidence::export))
        .routes(routes!(orders::silences, orders::silence))
        .routes(routes!(orders::expire))
        .routes(routes!(orders::incidents))
        .routes(routes!(orders::acknowledge))
        .split_for_parts();
    let document = Arc::new(document);
    router.route("/api/v1/openapi.json", get(async move || Json(document)))
}

/// How things are while no block has been taken in.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct NotYet {
    /// In words.
    error: &'static str,
    /// What is in the way; null when nothing is.
    reason: Option<String>,
    /// The endpoints.
    endpoints: Vec<EndpointView>,
}

/// Everything that is known at the newest block.
#[utoipa::path(
    get, path = "/api/v1/status", tag = "now",
    responses(
        (status = 200, body = Situation),
        (status = 503, description = "no block has been taken in yet", body = NotYet),
    ),
)]
async fn status(State(published): State<Published>) -> Response {
    match newest(&published) {
        Some(situation) => Json(&*situation).into_response(),
        None => {
            let Beginning { reason, endpoints } = published.beginning.borrow().clone();
            let body = NotYet { error: NO_BLOCK, reason, endpoints };
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}
