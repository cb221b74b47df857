//! What does not stay for ever: bounds, and the work that keeps them, spread over commits.

use bootwatch_rules::Height;
use rusqlite::Connection;

use crate::StoreError;

/// Headers kept below the newest block: more than a day of mainnet (15,391 blocks an epoch), so
/// that the clock and the hash chain reach back over the running epoch.
pub(crate) const HEADERS_KEPT: Height = 20_000;
/// Headers go in lots of this many blocks: a delete in every commit would double its cost.
pub(crate) const HEADERS_LOT: Height = 256;
/// The newest things that could not be read; all are counted.
pub(crate) const MALFORMED_KEPT: i64 = 1_000;
/// Resolved incidents kept.
pub(crate) const RESOLVED_KEPT: i64 = 2_000;
/// Resolved incidents given back by a load.
pub(crate) const RESOLVED_LOADED: i64 = 500;
/// Settled messages kept, so that a decision made again is known to have been told.
pub(crate) const SETTLED_KEPT: i64 = 20_000;
/// Settled messages kept with their bodies.
pub(crate) const SETTLED_BODIES_KEPT: i64 = 200;
/// The outbox is pruned at every so many reports of deliveries.
pub(crate) const SETTLES_LOT: u32 = 32;

/// The height from which on every covered block has its header.
pub(crate) fn complete_headers(db: &Connection) -> Result<Height, StoreError> {
    Ok(db.prepare_cached("SELECT complete FROM headers")?.query_row([], |row| row.get(0))?)
}

/// Removes headers that neither the clock nor the hash chain nor any evidence needs, when a lot
/// ends in the blocks `first` to `tip` that were just written. `ticks` is the number of blocks the
/// ledger measures its pace on.
pub(crate) fn headers(
    db: &Connection,
    first: Height,
    tip: Height,
    ticks: usize,
) -> Result<(), StoreError> {
    let lot = tip.saturating_sub(tip.rem_euclid(HEADERS_LOT));
    if lot < first {
        return Ok(());
    }
    let ticks = Height::try_from(ticks).unwrap_or(Height::MAX);
    let complete = lot.saturating_sub(HEADERS_KEPT.max(ticks));
    let before: Height =
        db.prepare_cached("SELECT complete FROM headers")?.query_row([], |row| row.get(0))?;
    if complete <= before {
        return Ok(());
    }
    db.prepare_cached("DELETE FROM block WHERE height < ?1 AND evidence = 0")?
        .execute([complete])?;
    db.prepare_cached("UPDATE headers SET complete = ?1")?.execute([complete])?;
    Ok(())
}

/// Forgets the oldest resolved incidents beyond the bound.
pub(crate) fn incidents(db: &Connection) -> Result<(), StoreError> {
    db.prepare_cached(
        "DELETE FROM incident WHERE fingerprint IN (
             SELECT fingerprint FROM incident WHERE state = 'resolved'
             ORDER BY changed_at DESC, fingerprint LIMIT -1 OFFSET ?1)",
    )?
    .execute([RESOLVED_KEPT])?;
    Ok(())
}

/// Drops the bodies of old settled messages, except of incidents that go on, which are said again
/// from them; and forgets the oldest messages.
pub(crate) fn outbox(db: &Connection) -> Result<(), StoreError> {
    db.prepare_cached(
        "DELETE FROM body WHERE message <= (
             SELECT id FROM outbox WHERE state <> 'pending'
             ORDER BY id DESC LIMIT 1 OFFSET ?1)
         AND message NOT IN (SELECT id FROM outbox WHERE state = 'pending')
         AND NOT EXISTS (SELECT 1 FROM outbox JOIN incident ON fingerprint = incident
                         WHERE outbox.id = body.message AND incident.state <> 'resolved')",
    )?
    .execute([SETTLED_BODIES_KEPT])?;
    for (table, id) in [("part", "message"), ("outbox", "id")] {
        db.prepare_cached(&format!(
            "DELETE FROM {table} WHERE {id} IN (
                 SELECT id FROM outbox WHERE state <> 'pending' AND id <= (
                     SELECT id FROM outbox WHERE state <> 'pending'
                     ORDER BY id DESC LIMIT 1 OFFSET ?1))"
        ))?
        .execute([SETTLED_KEPT])?;
    }
    Ok(())
}
