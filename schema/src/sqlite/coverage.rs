//! Which heights are stored, which never will be, and whether blocks link.

use bootwatch_rules::{BlockFacts, Height};
use rusqlite::{Connection, OptionalExtension, params};

use super::values::Nanos;
use crate::{Coverage, StoreError, Unfillable, ranges};

struct Neighbour {
    first: Height,
    last: Height,
    parent: String,
    hash: String,
}

/// Takes a run of consecutive blocks into coverage, extending or joining the ranges beside it.
pub(crate) fn cover<'b>(
    db: &Connection,
    run: impl IntoIterator<Item = &'b BlockFacts>,
) -> Result<(), StoreError> {
    let mut run = run.into_iter();
    let Some(first) = run.next() else { return Ok(()) };
    let mut last = first;
    for block in run {
        follows(block, last.height, &last.hash)?;
        last = block;
    }
    let conflict = |block: &BlockFacts, reason: String| StoreError::conflict(block.height, reason);
    let (Some(before), Some(after)) = (first.height.checked_sub(1), last.height.checked_add(1))
    else {
        return Err(conflict(last, "no chain is that high".into()));
    };

    // The highest range that starts at or below the run's end: it overlaps the run, ends just
    // before it, or lies further down.
    let below = neighbour(
        db,
        "SELECT first, last, parent, hash FROM coverage WHERE first <= ?1
         ORDER BY first DESC LIMIT 1",
        last.height,
    )?;
    if let Some(range) = &below
        && range.last >= first.height
    {
        let height = range.first.max(first.height);
        return Err(StoreError::conflict(height, "it is already stored"));
    }
    let below = below.filter(|range| range.last == before);
    let above =
        neighbour(db, "SELECT first, last, parent, hash FROM coverage WHERE first = ?1", after)?;

    if let Some(range) = &below {
        follows(first, before, &range.hash)?;
    }
    if let Some(range) = &above
        && range.parent != last.hash
    {
        return Err(conflict(
            last,
            format!(
                "it is block {:?}, but the stored block {after} follows {:?}; \
                 the chain was reset, or an endpoint serves a fork",
                last.hash, range.parent,
            ),
        ));
    }

    match (below, above) {
        (Some(below), None) => {
            db.prepare_cached("UPDATE coverage SET last = ?2, hash = ?3 WHERE first = ?1")?
                .execute(params![below.first, last.height, last.hash])?;
        }
        (Some(below), Some(above)) => {
            db.prepare_cached("DELETE FROM coverage WHERE first = ?1")?.execute([above.first])?;
            db.prepare_cached("UPDATE coverage SET last = ?2, hash = ?3 WHERE first = ?1")?
                .execute(params![below.first, above.last, above.hash])?;
        }
        (None, Some(above)) => {
            db.prepare_cached("UPDATE coverage SET first = ?2, parent = ?3 WHERE first = ?1")?
                .execute(params![above.first, first.height, first.parent])?;
        }
        (None, None) => {
            db.prepare_cached(
                "INSERT INTO coverage (first, last, parent, hash) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![first.height, last.height, first.parent, last.hash])?;
        }
    }
    found_again(db, (first.height, last.height))
}

/// Refuses a block that is not the next one after a stored one, or does not name it as its parent.
fn follows(block: &BlockFacts, before: Height, hash: &str) -> Result<(), StoreError> {
    if block.height.checked_sub(1) != Some(before) {
        let reason = format!("it does not follow block {before}");
        return Err(StoreError::conflict(block.height, reason));
    }
    if block.parent != hash {
        return Err(StoreError::conflict(
            block.height,
            format!(
                "it follows block {:?}, but the stored block {before} is {hash:?}; \
                 the chain was reset, or an endpoint serves a fork",
                block.parent,
            ),
        ));
    }
    Ok(())
}

fn neighbour(db: &Connection, sql: &str, height: Height) -> Result<Option<Neighbour>, StoreError> {
    Ok(db
        .prepare_cached(sql)?
        .query_row([height], |row| {
            Ok(Neighbour {
                first: row.get(0)?,
                last: row.get(1)?,
                parent: row.get(2)?,
                hash: row.get(3)?,
            })
        })
        .optional()?)
}

/// Heights that had been given up have turned up: they leave their unfillable ranges.
fn found_again(db: &Connection, found: ranges::Range) -> Result<(), StoreError> {
    let held: Vec<Unfillable> = db
        .prepare_cached(
            "SELECT first, last, reason, at FROM unfillable WHERE first <= ?2 AND last >= ?1",
        )?
        .query_map([found.0, found.1], read_unfillable)?
        .collect::<Result<_, _>>()?;
    for range in held {
        db.prepare_cached("DELETE FROM unfillable WHERE first = ?1")?.execute([range.first])?;
        for (first, last) in ranges::subtract((range.first, range.last), [found]) {
            insert_unfillable(db, &Unfillable { first, last, ..range.clone() })?;
        }
    }
    Ok(())
}

/// Records the heights of `range` that are neither stored nor given up yet.
pub(crate) fn give_up(db: &Connection, range: &Unfillable) -> Result<(), StoreError> {
    let coverage = load(db)?;
    let given_up = coverage.unfillable.iter().map(|known| (known.first, known.last));
    for part in ranges::subtract((range.first, range.last), coverage.stored) {
        for (first, last) in ranges::subtract(part, given_up.clone()) {
            insert_unfillable(db, &Unfillable { first, last, ..range.clone() })?;
        }
    }
    Ok(())
}

fn insert_unfillable(db: &Connection, range: &Unfillable) -> Result<(), StoreError> {
    db.prepare_cached("INSERT INTO unfillable (first, last, reason, at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![range.first, range.last, range.reason, Nanos(range.at)])?;
    Ok(())
}

fn read_unfillable(row: &rusqlite::Row<'_>) -> rusqlite::Result<Unfillable> {
    Ok(Unfillable {
        first: row.get(0)?,
        last: row.get(1)?,
        reason: row.get(2)?,
        at: row.get::<_, Nanos>(3)?.0,
    })
}

pub(crate) fn load(db: &Connection) -> Result<Coverage, StoreError> {
    let stored = db
        .prepare_cached("SELECT first, last FROM coverage ORDER BY first")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let unfillable = db
        .prepare_cached("SELECT first, last, reason, at FROM unfillable ORDER BY first")?
        .query_map([], read_unfillable)?
        .collect::<Result<_, _>>()?;
    Ok(Coverage { stored, unfillable })
}

/// The last height of the newest range and the hash of its block.
pub(crate) fn newest(db: &Connection) -> Result<Option<(Height, String)>, StoreError> {
    Ok(db
        .prepare_cached("SELECT last, hash FROM coverage ORDER BY first DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?)
}
