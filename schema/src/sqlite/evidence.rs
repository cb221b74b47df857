//! What an explanation and a claim ask of history beyond the single facts.

use std::{collections::BTreeMap, ops::RangeInclusive};

use bootwatch_rules::{Address, ChoiceTx, EpochIndex, Height, ModelId, Params};
use rusqlite::{OptionalExtension, params};

use super::{
    query::{read_block, read_choice_tx},
    reader::SqliteReader,
    values::{read_choice, read_json},
};
use crate::{ChoiceOrigin, Dated, StoreError, StoredChoice, WorkRecord};

impl SqliteReader {
    /// One host's choices that stood after a block that the ledger went through, each with what
    /// made it. What is not listed is only nothing when the host's choices [are known
    /// completely](Self::known_since) at that height.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn host_choices_at(
        &self,
        host: &Address,
        height: Height,
    ) -> Result<BTreeMap<ModelId, StoredChoice>, StoreError> {
        self.view(|db| {
            let mut stored = BTreeMap::new();
            // The chain's order within a block: transactions, the wipe, then what it answered.
            let mut select = db.prepare_cached(
                "SELECT height, 1 AS step, seq, model_id, action, delegate_to
                 FROM choice_tx JOIN block USING (height)
                 WHERE host = ?1 AND height <= ?2 AND code = 0 AND followed = 1
                 UNION ALL
                 SELECT height, 2, 0, '', 'wipe', NULL FROM wipe WHERE height <= ?2
                 UNION ALL
                 SELECT height, 3, seq, model_id, ifnull(after_kind, 'clear'), after_delegate
                 FROM choice_change WHERE host = ?1 AND height <= ?2
                 ORDER BY 1, 2, 3",
            )?;
            let mut rows = select.query(params![host.as_str(), height])?;
            while let Some(row) = rows.next()? {
                let (at, step): (Height, i64) = (row.get(0)?, row.get(1)?);
                let action: String = row.get(4)?;
                match &*action {
                    "wipe" => {
                        stored.retain(|_, (kind, ..): &mut (String, _, _, _, _)| kind == "delegate")
                    }
                    "clear" => {
                        stored.remove(&row.get::<_, String>(3)?);
                    }
                    _ => {
                        let (seq, model): (i64, String) = (row.get(2)?, row.get(3)?);
                        let delegate: Option<String> = row.get(5)?;
                        stored.insert(model, (action, delegate, at, step, seq));
                    }
                }
            }
            let mut tx_of = db.prepare_cached(
                "SELECT choice_tx.height, hash, time, tx_index, path, tx_hash, host, model_id,
                     action, delegate_to, code
                 FROM choice_tx JOIN block USING (height)
                 WHERE choice_tx.height = ?1 AND seq = ?2",
            )?;
            let mut choices = BTreeMap::new();
            for (model, (kind, delegate, at, step, seq)) in stored {
                let origin = if step == 1 {
                    let mut rows = tx_of.query([at, seq])?;
                    let row = rows.next()?.ok_or_else(|| {
                        StoreError::Damaged(format!("a choice of block {at} is missing"))
                    })?;
                    let fact: ChoiceTx = read_choice_tx(row)?;
                    ChoiceOrigin::Tx(Dated { block: read_block(row, 0)?, fact })
                } else {
                    ChoiceOrigin::State { read_at: at }
                };
                choices.insert(
                    ModelId::from(model),
                    StoredChoice { choice: read_choice(&kind, delegate)?, origin },
                );
            }
            Ok(choices)
        })
    }

    /// The height from which a host's choices are known completely; none while they are not.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn known_since(&self, host: &Address) -> Result<Option<Height>, StoreError> {
        self.view(|db| {
            Ok(db
                .prepare_cached("SELECT since FROM known_host WHERE host = ?1")?
                .query_row([host.as_str()], |row| row.get(0))
                .optional()?)
        })
    }

    /// Parameters as they changed at heights of the range, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn params_between(
        &self,
        heights: RangeInclusive<Height>,
    ) -> Result<Vec<(Height, Params)>, StoreError> {
        self.view(|db| {
            db.prepare_cached(
                "SELECT height, params FROM params WHERE height BETWEEN ?1 AND ?2 ORDER BY height",
            )?
            .query_map([heights.start(), heights.end()], |row| {
                Ok((row.get(0)?, row.get::<_, String>(1)?))
            })?
            .map(|row| {
                let (height, text) = row?;
                Ok((height, read_json("params", &text)?))
            })
            .collect()
        })
    }

    /// The version that the chain's application reported at a height, as far as it was read.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn app_version_at(&self, height: Height) -> Result<Option<String>, StoreError> {
        self.view(|db| {
            Ok(db
                .prepare_cached(
                    "SELECT version FROM app_version WHERE height <= ?1
                     ORDER BY height DESC LIMIT 1",
                )?
                .query_row([height], |row| row.get(0))
                .optional()?)
        })
    }

    /// The first and the last epoch of which anything was read while its group was in force.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn epoch_span(&self) -> Result<Option<(EpochIndex, EpochIndex)>, StoreError> {
        self.view(|db| {
            let span: (Option<i64>, Option<i64>) = db
                .prepare_cached("SELECT min(epoch), max(epoch) FROM epoch")?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(match span {
                (Some(first), Some(last)) => Some((first.cast_unsigned(), last.cast_unsigned())),
                _ => None,
            })
        })
    }

    /// The work of a PoC stage: the last word of each host and model, ordered by model and host; at
    /// most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn work(&self, stage: Height, limit: u32) -> Result<Vec<WorkRecord>, StoreError> {
        self.view(|db| {
            Ok(db
                .prepare_cached(
                    "SELECT model_id, address, committed, first_commit, last_commit, distributed,
                         last_distribution
                     FROM work JOIN model ON model.id = model JOIN host ON host.id = host
                     WHERE stage = ?1 ORDER BY model_id, address LIMIT ?2",
                )?
                .query_map(params![stage, limit], |row| {
                    Ok(WorkRecord {
                        model_id: row.get::<_, String>(0)?.into(),
                        host: row.get::<_, String>(1)?.into(),
                        committed: row.get(2)?,
                        first_commit: row.get(3)?,
                        last_commit: row.get(4)?,
                        distributed: row.get::<_, Option<i64>>(5)?.map(i64::cast_unsigned),
                        last_distribution: row.get(6)?,
                    })
                })?
                .collect::<Result<_, _>>()?)
        })
    }
}
