//! What the command line, the API and an export ask of history.

use std::{collections::BTreeMap, ops::RangeInclusive};

use bootwatch_rules::{
    Address, Capture, ChainEvent, ChargeSnapshot, Choice, ChoiceAction, ChoiceTx, EpochIndex,
    Height, Malformed, ModelId, Params, Position, ledger::Choices,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    load::{self, CAPTURE_COLUMNS, read_capture, read_path},
    reader::SqliteReader,
    values::{Nanos, read_choice, read_json},
};
use crate::{BlockRef, Counts, Dated, EpochRecord, StoreError};

impl SqliteReader {
    /// Captures in blocks of `heights`, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn captures(
        &self,
        heights: RangeInclusive<Height>,
    ) -> Result<Vec<Dated<Capture>>, StoreError> {
        self.view(|db| {
            Ok(db
                .prepare_cached(&format!(
                    "SELECT {CAPTURE_COLUMNS}, capture.height, hash, time
                     FROM capture JOIN block USING (height)
                     WHERE capture.height BETWEEN ?1 AND ?2 ORDER BY capture.height, seq"
                ))?
                .query_map([heights.start(), heights.end()], |row| {
                    Ok(Dated { block: read_block(row, 10)?, fact: read_capture(row)? })
                })?
                .collect::<Result<_, _>>()?)
        })
    }

    /// Choices that stand after the ledger's last block.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn choices(&self) -> Result<Choices, StoreError> {
        self.view(|db| {
            let standing = load::choices(db)?;
            Ok(standing
                .into_iter()
                .map(|(model, hosts)| {
                    (model, hosts.into_iter().map(|(host, s)| (host, s.choice)).collect())
                })
                .collect())
        })
    }

    /// Choices that stood after a block that the ledger went through, replayed from the base, the
    /// transactions, the wipes and the corrections. Empty before the ledger's first block.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn choices_at(&self, height: Height) -> Result<Choices, StoreError> {
        self.view(|db| replay(db, height))
    }

    /// Choice messages in blocks of `heights`, failed ones included, in the order of execution;
    /// of one host when it is given; at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn choice_txs(
        &self,
        heights: RangeInclusive<Height>,
        host: Option<&Address>,
        limit: u32,
    ) -> Result<Vec<Dated<ChoiceTx>>, StoreError> {
        self.view(|db| {
            let mut select = db.prepare_cached(
                "SELECT choice_tx.height, hash, time, tx_index, path, tx_hash, host, model_id,
                     action, delegate_to, code
                 FROM choice_tx JOIN block USING (height)
                 WHERE choice_tx.height BETWEEN ?1 AND ?2 AND (?3 IS NULL OR host = ?3)
                 ORDER BY choice_tx.height, seq LIMIT ?4",
            )?;
            let host = host.map(Address::as_str);
            let mut rows = select.query(params![heights.start(), heights.end(), host, limit])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(Dated { block: read_block(row, 0)?, fact: read_choice_tx(row)? });
            }
            Ok(found)
        })
    }

    /// Events in blocks of `heights`, oldest first; of one kind when it is given; at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn events(
        &self,
        kind: Option<&str>,
        heights: RangeInclusive<Height>,
        limit: u32,
    ) -> Result<Vec<Dated<ChainEvent>>, StoreError> {
        // Two statements, so that each uses its own key.
        let (select, kind) = match kind {
            Some(kind) => ("WHERE kind = ?3 AND", kind),
            None => ("WHERE ?3 = '' AND", ""),
        };
        self.view(|db| {
            let mut select = db.prepare_cached(&format!(
                "SELECT event.height, hash, time, seq, tx_index, kind, attributes
                 FROM event JOIN block USING (height)
                 {select} event.height BETWEEN ?1 AND ?2 ORDER BY event.height, seq LIMIT ?4"
            ))?;
            let mut rows = select.query(params![heights.start(), heights.end(), kind, limit])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(Dated { block: read_block(row, 0)?, fact: read_event(row)? });
            }
            Ok(found)
        })
    }

    /// The newest things that could not be read, newest first, with their blocks' heights; at most
    /// `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn malformed(&self, limit: u32) -> Result<Vec<(Height, Malformed)>, StoreError> {
        self.view(|db| {
            Ok(db
                .prepare_cached(
                    "SELECT height, what, place, reason, raw FROM malformed
                     ORDER BY id DESC LIMIT ?1",
                )?
                .query_map([limit], |row| {
                    let thing = Malformed {
                        what: row.get(1)?,
                        place: row.get(2)?,
                        reason: row.get(3)?,
                        raw: row.get(4)?,
                    };
                    Ok((row.get(0)?, thing))
                })?
                .collect::<Result<_, _>>()?)
        })
    }

    /// The parameters in force at a height as far as they were read, and the height from which they
    /// were.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn params_at(&self, height: Height) -> Result<Option<(Height, Params)>, StoreError> {
        self.view(|db| {
            db.prepare_cached(
                "SELECT height, params FROM params WHERE height <= ?1
                 ORDER BY height DESC LIMIT 1",
            )?
            .query_row([height], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))
            .optional()?
            .map(|(since, text)| Ok((since, read_json("params", &text)?)))
            .transpose()
        })
    }

    /// What was read of an epoch while its group was in force.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn epoch(&self, index: EpochIndex) -> Result<Option<EpochRecord>, StoreError> {
        let key = index.cast_signed();
        self.view(|db| {
            db.prepare_cached(
                "SELECT poc_start, first_read, last_read FROM epoch WHERE epoch = ?1",
            )?
            .query_row([key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?
            .map(|(poc_start, first_read, last_read)| {
                Ok(EpochRecord {
                    index,
                    poc_start,
                    first_read,
                    last_read,
                    members: load::members(db, key)?,
                    model_groups: load::model_groups(db, key)?,
                })
            })
            .transpose()
        })
    }

    /// The charges that the chain fixed for an epoch, and the block after which they were read.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn charges(
        &self,
        epoch: EpochIndex,
    ) -> Result<Option<(Height, ChargeSnapshot)>, StoreError> {
        let key = epoch.cast_signed();
        self.view(|db| {
            db.prepare_cached("SELECT height FROM charge WHERE epoch = ?1")?
                .query_row([key], |row| row.get(0))
                .optional()?
                .map(|height| Ok((height, load::charges(db, key)?)))
                .transpose()
        })
    }

    /// A header, when it is still kept: recent blocks, and older ones that carry evidence.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn block(&self, height: Height) -> Result<Option<BlockRef>, StoreError> {
        self.view(|db| {
            Ok(db
                .prepare_cached("SELECT height, hash, time FROM block WHERE height = ?1")?
                .query_row([height], |row| read_block(row, 0))
                .optional()?)
        })
    }

    /// How much of each kind is stored.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn counts(&self) -> Result<Counts, StoreError> {
        self.view(|db| {
            let count = |sql: &str| -> Result<u64, StoreError> {
                let count: i64 = db.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
                Ok(count.unsigned_abs())
            };
            Ok(Counts {
                blocks: count("SELECT ifnull(sum(last - first + 1), 0) FROM coverage")?,
                captures: count("SELECT count(*) FROM capture")?,
                choice_txs: count("SELECT count(*) FROM choice_tx")?,
                choices: count("SELECT count(*) FROM choice")?,
                events: count("SELECT count(*) FROM event")?,
                malformed: count("SELECT ifnull(max(id), 0) FROM malformed")?,
            })
        })
    }
}

/// Three columns from `index`: height, hash, time.
pub(super) fn read_block(row: &Row<'_>, index: usize) -> rusqlite::Result<BlockRef> {
    Ok(BlockRef {
        height: row.get(index)?,
        hash: row.get(index + 1)?,
        time: row.get::<_, Nanos>(index + 2)?.0,
    })
}

pub(super) fn read_choice_tx(row: &Row<'_>) -> Result<ChoiceTx, StoreError> {
    let action: String = row.get(8)?;
    let delegate_to: Option<String> = row.get(9)?;
    let action = match (&*action, delegate_to) {
        ("delegate", Some(to)) => ChoiceAction::Delegate { delegate_to: to.into() },
        ("clear", None) => ChoiceAction::Clear,
        ("refuse", None) => ChoiceAction::Refuse,
        ("intent", None) => ChoiceAction::Intent,
        _ => return Err(StoreError::Damaged(format!("unknown action {action:?}"))),
    };
    Ok(ChoiceTx {
        position: Position {
            height: row.get(0)?,
            tx_index: row.get(3)?,
            path: read_path(&row.get::<_, String>(4)?)?,
        },
        tx_hash: row.get(5)?,
        host: row.get::<_, String>(6)?.into(),
        model_id: row.get::<_, String>(7)?.into(),
        action,
        code: row.get(10)?,
    })
}

/// An event whose place, transaction, kind and attributes begin at the fourth column.
pub(super) fn read_event(row: &Row<'_>) -> Result<ChainEvent, StoreError> {
    Ok(ChainEvent {
        seq: row.get(3)?,
        tx_index: row.get(4)?,
        kind: row.get(5)?,
        attributes: read_json("attributes", &row.get::<_, String>(6)?)?,
    })
}

/// What happens to choices in a block, in the chain's order: transactions, then the wipe, then what
/// the chain answered after the block.
pub(super) fn replay(db: &Connection, height: Height) -> Result<Choices, StoreError> {
    let mut choices = Choices::new();
    let mut select = db.prepare_cached(
        "SELECT height, 1 AS step, seq, host, model_id, action, delegate_to
         FROM choice_tx JOIN block USING (height)
         WHERE height <= ?1 AND code = 0 AND followed = 1
         UNION ALL
         SELECT height, 2, 0, '', '', 'wipe', NULL FROM wipe WHERE height <= ?1
         UNION ALL
         SELECT height, 3, seq, host, model_id, ifnull(after_kind, 'clear'), after_delegate
         FROM choice_change WHERE height <= ?1
         ORDER BY 1, 2, 3",
    )?;
    let mut rows = select.query([height])?;
    while let Some(row) = rows.next()? {
        let action: String = row.get(5)?;
        if action == "wipe" {
            for hosts in choices.values_mut() {
                hosts.retain(|_, choice| matches!(choice, Choice::Delegate { .. }));
            }
            continue;
        }
        let host: Address = row.get::<_, String>(3)?.into();
        let model: ModelId = row.get::<_, String>(4)?.into();
        let hosts: &mut BTreeMap<_, _> = choices.entry(model).or_default();
        if action == "clear" {
            hosts.remove(&host);
        } else {
            hosts.insert(host, read_choice(&action, row.get(6)?)?);
        }
    }
    choices.retain(|_, hosts| !hosts.is_empty());
    Ok(choices)
}
