//! `/api/v1/whatif`, `/api/v1/explain` and `/api/v1/export`: answers from the database, read-only,
//! few at a time, on threads of their own, so that ingestion and the rest of the server never wait.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use bootwatch_rules::{Address, ModelId, whatif::Comparison};
use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::Semaphore;
use utoipa::IntoParams;

use super::{
    Published,
    routes::{Problem, problem},
};
use crate::evidence::{self, Desk, Evidence, EvidenceError, Explanation};

/// Answers that may be worked on at once; more are refused, not queued.
const AT_ONCE: usize = 2;
/// Hosts in one export.
const MAX_HOSTS: usize = 100;

/// The desk with its limit; cheap to clone.
#[derive(Debug, Clone)]
pub struct EvidenceDesk {
    desk: Arc<Desk>,
    permits: Arc<Semaphore>,
}

impl EvidenceDesk {
    /// A desk that answers over HTTP.
    #[must_use]
    pub fn new(desk: Desk) -> Self {
        Self { desk: Arc::new(desk), permits: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct WhatifQuery {
    /// The host's address.
    host: String,
    /// The model.
    model: String,
    /// `delegate=ADDRESS`, `refuse`, `intent` or `none`.
    choose: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ExplainQuery {
    /// The host's address.
    host: String,
    /// Of this model alone.
    model: Option<String>,
    /// A past epoch, or the one to come; the one to come without it.
    epoch: Option<u64>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportQuery {
    /// The epoch.
    epoch: u64,
    /// Addresses with commas between them; without it, the watched hosts.
    host: Option<String>,
    /// `json` or `csv`; `json` without it.
    format: Option<String>,
}

pub(super) type Asked<T> = Result<Query<T>, QueryRejection>;

/// What another choice would change for a host, if it were made now: projected.
#[utoipa::path(
    get, path = "/api/v1/whatif", tag = "evidence", params(WhatifQuery),
    responses(
        (status = 200, body = Comparison),
        (status = 400, description = "the question is wrong", body = Problem),
        (status = 404, description = "it is not stored", body = Problem),
        (status = 503, description = "busy with other answers", body = Problem),
    ),
)]
pub(super) async fn whatif(
    State(published): State<Published>,
    query: Asked<WhatifQuery>,
) -> Response {
    let parsed = parse(query, |query| {
        let (host, action) = (evidence::address(&query.host)?, evidence::choice(&query.choose)?);
        Ok((host, ModelId::from(query.model), action))
    });
    answer(published, parsed, |desk, (host, model, action)| {
        Ok(Json(desk.whatif(&host, &model, &action, Timestamp::now())?).into_response())
    })
    .await
}

/// Why an epoch takes what it takes from a host, step by step.
#[utoipa::path(
    get, path = "/api/v1/explain", tag = "evidence", params(ExplainQuery),
    responses(
        (status = 200, body = Explanation),
        (status = 400, description = "the question is wrong", body = Problem),
        (status = 404, description = "it is not stored", body = Problem),
        (status = 503, description = "busy with other answers", body = Problem),
    ),
)]
pub(super) async fn explain(
    State(published): State<Published>,
    query: Asked<ExplainQuery>,
) -> Response {
    let parsed = parse(query, |query| {
        let model = query.model.map(ModelId::from);
        Ok((evidence::address(&query.host)?, model, query.epoch))
    });
    answer(published, parsed, |desk, (host, model, epoch)| {
        Ok(Json(desk.explain(&host, model.as_ref(), epoch, Timestamp::now())?).into_response())
    })
    .await
}

/// Everything stored that bears on what an epoch took.
#[utoipa::path(
    get, path = "/api/v1/export", tag = "evidence", params(ExportQuery),
    responses(
        (status = 200, body = Evidence, content((Evidence = "application/json"), (String = "text/csv"))),
        (status = 400, description = "the question is wrong", body = Problem),
        (status = 404, description = "it is not stored", body = Problem),
        (status = 503, description = "busy with other answers", body = Problem),
    ),
)]
pub(super) async fn export(
    State(published): State<Published>,
    query: Asked<ExportQuery>,
) -> Response {
    let parsed = parse(query, |query| {
        let hosts: Vec<Address> = query
            .host
            .iter()
            .flat_map(|hosts| hosts.split(','))
            .map(evidence::address)
            .collect::<Result<_, _>>()?;
        if hosts.len() > MAX_HOSTS {
            return Err(format!("at most {MAX_HOSTS} hosts in one export"));
        }
        match query.format.as_deref() {
            None | Some("json") => Ok((query.epoch, hosts, false)),
            Some("csv") => Ok((query.epoch, hosts, true)),
            Some(_) => Err("expected format=json or format=csv".to_owned()),
        }
    });
    answer(published, parsed, |desk, (epoch, hosts, csv)| {
        let evidence = desk.export(epoch, &hosts, Timestamp::now())?;
        if !csv {
            return Ok(Json(evidence).into_response());
        }
        Ok(match evidence.csv() {
            Ok(text) => ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response(),
            Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        })
    })
    .await
}

pub(super) fn parse<Q, T>(
    query: Asked<Q>,
    read: impl FnOnce(Q) -> Result<T, String>,
) -> Result<T, String> {
    let Query(query) = query.map_err(|rejection| rejection.body_text())?;
    read(query)
}

/// Runs `work` on a thread that may block, when one is free.
pub(super) async fn answer<T: Send + 'static>(
    published: Published,
    question: Result<T, String>,
    work: impl FnOnce(&Desk, T) -> Result<Response, EvidenceError> + Send + 'static,
) -> Response {
    let question = match question {
        Ok(question) => question,
        Err(error) => return problem(StatusCode::BAD_REQUEST, &error),
    };
    let Some(EvidenceDesk { desk, permits }) = published.evidence else {
        return problem(StatusCode::NOT_FOUND, "there is no database behind this server");
    };
    let Ok(permit) = permits.try_acquire_owned() else {
        let busy = problem(StatusCode::SERVICE_UNAVAILABLE, "busy with other answers; ask again");
        return ([(header::RETRY_AFTER, "1")], busy).into_response();
    };
    // The permit goes with the work: a client that leaves does not make room before it ends.
    let done = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work(&desk, question)
    });
    match done.await {
        Ok(Ok(response)) => response,
        Ok(Err(error @ EvidenceError::Question(_))) => {
            problem(StatusCode::BAD_REQUEST, &error.to_string())
        }
        Ok(Err(error @ EvidenceError::NotStored(_))) => {
            problem(StatusCode::NOT_FOUND, &error.to_string())
        }
        Ok(Err(error @ EvidenceError::Store(_))) => {
            tracing::error!(%error, "the database cannot be read");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "the database cannot be read; see the log")
        }
        Err(error) => {
            tracing::error!(%error, "an answer failed");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "the answer failed; see the log")
        }
    }
}
