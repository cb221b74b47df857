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

/// Takes a block's height into coverage, extending or joining the ranges beside it.
pub(crate) fn cover(db: &Connection, block: &BlockFacts) -> Result<(), StoreError> {
    let height = block.height;
    let conflict = |reason: String| StoreError::conflict(height, reason);
    let (Some(before), Some(after)) = (height.checked_sub(1), height.checked_add(1)) else {
        return Err(conflict("no chain is that high".into()));
    };

    // The range that starts at or below the height: it holds the height, ends just before it, or
    // lies further down.
    let below = neighbour(
        db,
        "SELECT first, last, parent, hash FROM coverage WHERE first <= ?1
         ORDER BY first DESC LIMIT 1",
        height,
    )?;
    if below.as_ref().is_some_and(|range| range.last >= height) {
        return Err(conflict("it is already stored".into()));
    }
    let below = below.filter(|range| range.last == before);
    let above =
        neighbour(db, "SELECT first, last, parent, hash FROM coverage WHERE first = ?1", after)?;

    if let Some(range) = &below
        && range.hash != block.parent
    {
        return Err(conflict(format!(
            "it follows block {:?}, but the stored block {before} is {:?}; \
             the chain was reset, or an endpoint serves a fork",
            block.parent, range.hash,
        )));
    }
    if let Some(range) = &above
        && range.parent != block.hash
    {
        return Err(conflict(format!(
            "it is block {:?}, but the stored block {after} follows {:?}; \
             the chain was reset, or an endpoint serves a fork",
            block.hash, range.parent,
        )));
    }

    match (below, above) {
        (Some(below), None) => {
            db.prepare_cached("UPDATE coverage SET last = ?2, hash = ?3 WHERE first = ?1")?
                .execute(params![below.first, height, block.hash])?;
        }
        (Some(below), Some(above)) => {
            db.prepare_cached("DELETE FROM coverage WHERE first = ?1")?.execute([above.first])?;
            db.prepare_cached("UPDATE coverage SET last = ?2, hash = ?3 WHERE first = ?1")?
                .execute(params![below.first, above.last, above.hash])?;
        }
        (None, Some(above)) => {
            db.prepare_cached("UPDATE coverage SET first = ?2, parent = ?3 WHERE first = ?1")?
                .execute(params![above.first, height, block.parent])?;
        }
        (None, None) => {
            db.prepare_cached(
                "INSERT INTO coverage (first, last, parent, hash) VALUES (?1, ?1, ?2, ?3)",
            )?
            .execute(params![height, block.parent, block.hash])?;
        }
    }
    found_again(db, height)
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

/// A height that had been given up has turned up: it leaves its unfillable range.
fn found_again(db: &Connection, height: Height) -> Result<(), StoreError> {
    let held = db
        .prepare_cached(
            "SELECT first, last, reason, at FROM unfillable WHERE first <= ?1
             ORDER BY first DESC LIMIT 1",
        )?
        .query_row([height], read_unfillable)
        .optional()?
        .filter(|range| range.last >= height);
    let Some(range) = held else { return Ok(()) };
    db.prepare_cached("DELETE FROM unfillable WHERE first = ?1")?.execute([range.first])?;
    for (first, last) in ranges::subtract((range.first, range.last), [(height, height)]) {
        insert_unfillable(db, &Unfillable { first, last, ..range.clone() })?;
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
