//! Long lists in pieces: the newest first, each piece beginning behind the last one's end.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use bootwatch_rules::{Address, Capture, ChainEvent, ChoiceTx, Height, ModelId};
use rusqlite::{Connection, Row, params};

use super::{
    load::{CAPTURE_COLUMNS, read_capture},
    query::{read_choice_tx, read_event},
    reader::SqliteReader,
    values::Nanos,
};
use crate::{BlockRef, Dated, StoreError};

/// Where a record stands: its block, and its place in it. Written `1205-3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The block's height.
    pub height: Height,
    /// The record's place among those of its kind in the block.
    pub seq: u32,
}

impl Place {
    /// Everything stands before this.
    const END: Self = Self { height: Height::MAX, seq: u32::MAX };
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.height, self.seq)
    }
}

/// The text is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cursor is taken from `next` of the answer before, such as 1205-3")]
pub struct NoPlace;

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let (height, seq) = text.split_once('-').ok_or(NoPlace)?;
        let height = height.parse().map_err(|_| NoPlace)?;
        Ok(Self { height, seq: seq.parse().map_err(|_| NoPlace)? })
    }
}

/// Which piece of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// Blocks of these heights.
    pub heights: RangeInclusive<Height>,
    /// Only what stands before this: where the piece before ended.
    pub before: Option<Place>,
    /// So many records at most.
    pub limit: u32,
}

/// One record of a piece.
pub type Placed<T> = (Place, Dated<T>);

impl SqliteReader {
    /// Captures, the newest first; of one model when it is given.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn captures_page(
        &self,
        model: Option<&ModelId>,
        slice: &Slice,
    ) -> Result<Vec<Placed<Capture>>, StoreError> {
        let sql = format!(
            "SELECT {CAPTURE_COLUMNS}, capture.height, hash, time, seq
             FROM capture JOIN block USING (height)
             WHERE capture.height BETWEEN ?1 AND ?2 AND (capture.height, seq) < (?3, ?4)
                 AND (?6 IS NULL OR model_id = ?6) AND ?7 IS NULL
             ORDER BY capture.height DESC, seq DESC LIMIT ?5"
        );
        let filters = [model.map(ModelId::as_str), None];
        self.view(|db| piece(db, &sql, slice, filters, |row| Ok(read_capture(row)?)))
    }

    /// Choice messages, the newest first, failed ones included; of one host and model when they
    /// are given.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn choices_page(
        &self,
        host: Option<&Address>,
        model: Option<&ModelId>,
        slice: &Slice,
    ) -> Result<Vec<Placed<ChoiceTx>>, StoreError> {
        const SQL: &str = "SELECT choice_tx.height, hash, time, tx_index, path, tx_hash, host, \
             model_id, action, delegate_to, code, seq
             FROM choice_tx JOIN block USING (height)
             WHERE choice_tx.height BETWEEN ?1 AND ?2 AND (choice_tx.height, seq) < (?3, ?4)
                 AND (?6 IS NULL OR host = ?6) AND (?7 IS NULL OR model_id = ?7)
             ORDER BY choice_tx.height DESC, seq DESC LIMIT ?5";
        let filters = [host.map(Address::as_str), model.map(ModelId::as_str)];
        self.view(|db| piece(db, SQL, slice, filters, read_choice_tx))
    }

    /// Other events, the newest first; of one kind when it is given.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn events_page(
        &self,
        kind: Option<&str>,
        slice: &Slice,
    ) -> Result<Vec<Placed<ChainEvent>>, StoreError> {
        // Two statements, so that each uses its own key.
        let of_kind = if kind.is_some() { "kind = ?6" } else { "?6 IS NULL" };
        let sql = format!(
            "SELECT event.height, hash, time, seq, tx_index, kind, attributes
             FROM event JOIN block USING (height)
             WHERE {of_kind} AND ?7 IS NULL AND event.height BETWEEN ?1 AND ?2
                 AND (event.height, seq) < (?3, ?4)
             ORDER BY event.height DESC, seq DESC LIMIT ?5"
        );
        self.view(|db| piece(db, &sql, slice, [kind, None], read_event))
    }
}

/// Runs a statement of the shape above: the slice is its first five parameters, the filters are the
/// last two.
fn piece<T>(
    db: &Connection,
    sql: &str,
    slice: &Slice,
    [one, other]: [Option<&str>; 2],
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<Placed<T>>, StoreError> {
    let mut select = db.prepare_cached(sql)?;
    let before = slice.before.unwrap_or(Place::END);
    let (first, last) = (slice.heights.start(), slice.heights.end());
    let mut rows =
        select.query(params![first, last, before.height, before.seq, slice.limit, one, other])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (height, seq) = (row.get("height")?, row.get("seq")?);
        let block =
            BlockRef { height, hash: row.get("hash")?, time: row.get::<_, Nanos>("time")?.0 };
        found.push((Place { height, seq }, Dated { block, fact: read(row)? }));
    }
    Ok(found)
}
