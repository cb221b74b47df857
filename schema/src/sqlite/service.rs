//! What a running daemon notes of itself.

use bootwatch_rules::situation::{EndpointView, ProgressView, RequestsView};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    facts::position,
    values::{Nanos, Word},
};
use crate::{ServiceRecord, StoreError};

const CATCHING_UP: &str = "catching_up";
const HISTORY: &str = "history";

/// Replaces the record; nothing without a time.
pub(crate) fn write(db: &Connection, service: &ServiceRecord) -> Result<(), StoreError> {
    let Some(at) = service.at.map(Nanos) else { return Ok(()) };
    db.prepare_cached("DELETE FROM endpoint")?.execute([])?;
    for (seq, view) in service.endpoints.iter().enumerate() {
        db.prepare_cached(
            "INSERT INTO endpoint
                 (seq, name, state, reason, height, earliest, selected, websocket, behind,
                  latency_ms, quarantined_until, requests_used, requests_limit, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?
        .execute(params![
            position(seq),
            view.name,
            view.state.word(),
            view.reason,
            view.height,
            view.earliest,
            view.selected,
            view.websocket,
            view.behind,
            view.latency_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)),
            view.quarantined_until.map(Nanos),
            view.requests.map(|requests| requests.used),
            view.requests.map(|requests| requests.limit),
            at,
        ])?;
    }
    db.prepare_cached("DELETE FROM progress")?.execute([])?;
    for (work, progress) in [(CATCHING_UP, &service.catching_up), (HISTORY, &service.history)] {
        let Some(progress) = progress else { continue };
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        db.prepare_cached(
            "INSERT INTO progress (work, done, remaining, per_minute, eta, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            work,
            number(progress.done),
            number(progress.left),
            number(progress.per_minute),
            progress.eta.map(Nanos),
            at,
        ])?;
    }
    Ok(())
}

/// The record.
pub(crate) fn load(db: &Connection) -> Result<ServiceRecord, StoreError> {
    let (endpoints, at) = endpoints(db)?;
    let (catching_up, history) = (progress(db, CATCHING_UP)?, progress(db, HISTORY)?);
    Ok(ServiceRecord { endpoints, catching_up, history, at })
}

fn endpoints(db: &Connection) -> Result<(Vec<EndpointView>, Option<Timestamp>), StoreError> {
    let mut select = db.prepare_cached(
        "SELECT name, state, reason, height, earliest, selected, websocket, behind, latency_ms,
             quarantined_until, requests_used, requests_limit, at
         FROM endpoint ORDER BY seq",
    )?;
    let mut rows = select.query([])?;
    let (mut endpoints, mut at) = (Vec::new(), None);
    while let Some(row) = rows.next()? {
        let (used, limit): (Option<u32>, Option<u32>) = (row.get(10)?, row.get(11)?);
        endpoints.push(EndpointView {
            name: row.get(0)?,
            state: Word::read(&row.get::<_, String>(1)?)?,
            reason: row.get(2)?,
            height: row.get(3)?,
            earliest: row.get(4)?,
            selected: row.get(5)?,
            websocket: row.get(6)?,
            behind: row.get(7)?,
            latency_ms: row.get::<_, Option<i64>>(8)?.map(i64::unsigned_abs),
            quarantined_until: row.get::<_, Option<Nanos>>(9)?.map(|at| at.0),
            requests: used.zip(limit).map(|(used, limit)| RequestsView { used, limit }),
        });
        at = Some(row.get::<_, Nanos>(12)?.0);
    }
    Ok((endpoints, at))
}

fn progress(db: &Connection, work: &str) -> Result<Option<ProgressView>, StoreError> {
    let read = db
        .prepare_cached("SELECT done, remaining, per_minute, eta FROM progress WHERE work = ?1")?
        .query_row([work], |row| {
            let number =
                |index: usize| Ok::<_, rusqlite::Error>(row.get::<_, i64>(index)?.unsigned_abs());
            Ok(ProgressView {
                done: number(0)?,
                left: number(1)?,
                per_minute: number(2)?,
                eta: row.get::<_, Option<Nanos>>(3)?.map(|at| at.0),
            })
        });
    Ok(read.optional()?)
}
