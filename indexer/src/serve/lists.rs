//! `/api/v1/captures`, `/api/v1/choices` and `/api/v1/events`: what the chain said and what hosts
//! asked for, the newest first, in pieces.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use bootwatch_rules::{ChainEvent, ChoiceTx, Height, ModelId};
use bootwatch_schema::{Dated, NoPlace, Slice};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Published,
    evidence::{Asked, answer, parse},
    routes::Problem,
};
use crate::evidence::{self, CaptureRecord, Page};

/// Records in one answer where nothing else is said.
const USUAL: u32 = 100;
/// And at most.
const MOST: u32 = 1_000;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct CapturesQuery {
    /// Of this model alone.
    model: Option<String>,
    /// From this height on.
    from: Option<Height>,
    /// Up to this height.
    to: Option<Height>,
    /// Records in the answer, 1 to 1000; 100 without it.
    limit: Option<u32>,
    /// `next` of the answer before.
    cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ChoicesQuery {
    /// Of this host alone: its address.
    host: Option<String>,
    /// Of this model alone.
    model: Option<String>,
    /// From this height on.
    from: Option<Height>,
    /// Up to this height.
    to: Option<Height>,
    /// Records in the answer, 1 to 1000; 100 without it.
    limit: Option<u32>,
    /// `next` of the answer before.
    cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsQuery {
    /// Of this kind alone, such as `epoch_error`.
    kind: Option<String>,
    /// From this height on.
    from: Option<Height>,
    /// Up to this height.
    to: Option<Height>,
    /// Records in the answer, 1 to 1000; 100 without it.
    limit: Option<u32>,
    /// `next` of the answer before.
    cursor: Option<String>,
}

/// Captures with their gaps: the history of every model on its way to a group.
#[utoipa::path(
    get, path = "/api/v1/captures", tag = "history", params(CapturesQuery),
    responses(
        (status = 200, body = Page<CaptureRecord>),
        (status = 400, description = "the question is wrong", body = Problem),
        (status = 503, description = "busy with other answers", body = Problem),
    ),
)]
pub(super) async fn captures(
    State(published): State<Published>,
    query: Asked<CapturesQuery>,
) -> Response {
    let parsed = parse(query, |query| {
        let slice = slice(query.from, query.to, query.limit, query.cursor.as_deref())?;
        Ok((query.model.map(ModelId::from), slice))
    });
    answer(published, parsed, |desk, (model, slice)| {
        Ok(Json(desk.captures(model.as_ref(), &slice)?).into_response())
    })
    .await
}

/// Choice messages in the chain's order backwards, failed ones (`code` above 0) included.
#[utoipa::path(
    get, path = "/api/v1/choices", tag = "history", params(ChoicesQuery),
    responses(
        (status = 200, body = Page<Dated<ChoiceTx>>),
        (status = 400, description = "the question is wrong", body = Problem),
        (status = 503, description = "busy with other answers", body = Problem),
    ),
)]
pub(super) async fn choices(
    State(published): State<Published>,
    query: Asked<ChoicesQuery>,
) -> Response {
    let parsed = parse(query, |query| {
        let slice = slice(query.from, query.to, query.limit, query.cursor.as_deref())?;
        let host = query.host.as_deref().map(evidence::address).transpose()?;
        Ok((host, query.model.map(ModelId::from), slice))
    });
    answer(published, parsed, |desk, (host, model, slice)| {
        Ok(Json(desk.choices(host.as_ref(), model.as_ref(), &slice)?).into_response())
    })
    .await
}

/// Other events worth keeping, with their raw attributes.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "history", params(EventsQuery),
    responses(
        (status = 200, body = Page<Dated<ChainEvent>>),
        (status = 400, description = "the question is wrong", body = Problem),
        (status = 503, description = "busy with other answers", body = Problem),
    ),
)]
pub(super) async fn events(
    State(published): State<Published>,
    query: Asked<EventsQuery>,
) -> Response {
    let parsed = parse(query, |query| {
        let slice = slice(query.from, query.to, query.limit, query.cursor.as_deref())?;
        Ok((query.kind, slice))
    });
    answer(published, parsed, |desk, (kind, slice)| {
        Ok(Json(desk.events(kind.as_deref(), &slice)?).into_response())
    })
    .await
}

fn slice(
    from: Option<Height>,
    to: Option<Height>,
    limit: Option<u32>,
    cursor: Option<&str>,
) -> Result<Slice, String> {
    let (from, to) = (from.unwrap_or(0), to.unwrap_or(Height::MAX));
    if from > to {
        return Err(format!("from={from} lies behind to={to}"));
    }
    let limit = limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(format!("limit is 1 to {MOST}"));
    }
    let before = cursor.map(str::parse).transpose().map_err(|error: NoPlace| error.to_string())?;
    Ok(Slice { heights: from..=to, before, limit })
}
