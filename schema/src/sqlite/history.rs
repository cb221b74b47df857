//! What a replay of the ledger starts from: the blocks that it went through, and what was read of
//! the chain at their heights, as far as both are kept.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use bootwatch_rules::{
    Address, BlockFacts, ChainEvent, EpochIndex, Height, HostChoices, MessagePath, ModelId,
    Position, StoreCommit, WeightDistribution,
};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    load::{self, CAPTURE_COLUMNS, read_capture},
    prune::complete_headers,
    query::{self, read_choice_tx},
    reader::SqliteReader,
    values::{Nanos, read_json},
};
use crate::{BlockRef, History, Reading, StoreError};

impl SqliteReader {
    /// The first block that the ledger went through.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn first_followed(&self) -> Result<Option<Height>, StoreError> {
        self.view(|db| {
            Ok(db
                .prepare_cached("SELECT min(height) FROM block WHERE followed = 1")?
                .query_row([], |row| row.get(0))?)
        })
    }

    /// The first kept header above a height of a block that the ledger went through.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn header_above(&self, height: Height) -> Result<Option<BlockRef>, StoreError> {
        self.view(|db| {
            Ok(db
                .prepare_cached(
                    "SELECT height, hash, time FROM block WHERE height > ?1 AND followed = 1
                     ORDER BY height LIMIT 1",
                )?
                .query_row([height], |row| query::read_block(row, 0))
                .optional()?)
        })
    }

    /// From which height on every covered block has its header, and with it its time.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn headers_since(&self) -> Result<Height, StoreError> {
        self.view(complete_headers)
    }

    /// The blocks of `heights` that the ledger went through, and what was read of the chain there.
    /// A block without its header had nothing to it but its time. Not kept, and therefore not here:
    /// commits and distributions between a host's first and last one of a stage, and rewards.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn history(&self, heights: RangeInclusive<Height>) -> Result<History, StoreError> {
        self.view(|db| {
            let mut blocks = headers(db, &heights)?;
            captures(db, &heights, &mut blocks)?;
            choices(db, &heights, &mut blocks)?;
            events(db, &heights, &mut blocks)?;
            let readings = readings(db, &heights)?;
            let (commits, distributions) = work(db, &heights)?;
            Ok(History { blocks, readings, commits, distributions })
        })
    }

    /// The epoch whose group was in force at a height, as far as it was read.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn epoch_at(&self, height: Height) -> Result<Option<EpochIndex>, StoreError> {
        self.view(|db| {
            Ok(db
                .prepare_cached(
                    "SELECT epoch FROM epoch WHERE first_read <= ?1
                     ORDER BY first_read DESC LIMIT 1",
                )?
                .query_row([height], |row| row.get::<_, i64>(0))
                .optional()?
                .map(i64::cast_unsigned))
        })
    }

    /// The models that governance had registered at a height, as far as they were read.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn governance_models_at(&self, height: Height) -> Result<Vec<ModelId>, StoreError> {
        self.view(|db| {
            let text: Option<String> = db
                .prepare_cached(
                    "SELECT governance_models FROM params WHERE height <= ?1
                     ORDER BY height DESC LIMIT 1",
                )?
                .query_row([height], |row| row.get(0))
                .optional()?;
            text.map_or(Ok(Vec::new()), |text| read_json("governance models", &text))
        })
    }
}

type Blocks = BTreeMap<Height, BlockFacts>;

fn headers(db: &Connection, heights: &RangeInclusive<Height>) -> Result<Blocks, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT height, hash, parent, time, tx_count FROM block
         WHERE height BETWEEN ?1 AND ?2 AND followed = 1",
    )?;
    let blocks = select.query_map([heights.start(), heights.end()], |row| {
        let height = row.get(0)?;
        let facts = BlockFacts {
            height,
            hash: row.get(1)?,
            parent: row.get(2)?,
            time: row.get::<_, Nanos>(3)?.0,
            tx_count: row.get(4)?,
            captures: Vec::new(),
            choices: Vec::new(),
            commits: Vec::new(),
            distributions: Vec::new(),
            events: Vec::new(),
            malformed: Vec::new(),
        };
        Ok((height, facts))
    })?;
    Ok(blocks.collect::<Result<_, _>>()?)
}

fn captures(
    db: &Connection,
    heights: &RangeInclusive<Height>,
    blocks: &mut Blocks,
) -> Result<(), StoreError> {
    let mut select = db.prepare_cached(&format!(
        "SELECT {CAPTURE_COLUMNS}, height FROM capture
         WHERE height BETWEEN ?1 AND ?2 ORDER BY height, seq"
    ))?;
    let mut rows = select.query([heights.start(), heights.end()])?;
    while let Some(row) = rows.next()? {
        if let Some(block) = blocks.get_mut(&row.get(10)?) {
            block.captures.push(read_capture(row)?);
        }
    }
    Ok(())
}

fn choices(
    db: &Connection,
    heights: &RangeInclusive<Height>,
    blocks: &mut Blocks,
) -> Result<(), StoreError> {
    let mut select = db.prepare_cached(
        "SELECT choice_tx.height, hash, time, tx_index, path, tx_hash, host, model_id, action,
             delegate_to, code
         FROM choice_tx JOIN block USING (height)
         WHERE choice_tx.height BETWEEN ?1 AND ?2 ORDER BY choice_tx.height, seq",
    )?;
    let mut rows = select.query([heights.start(), heights.end()])?;
    while let Some(row) = rows.next()? {
        let tx = read_choice_tx(row)?;
        if let Some(block) = blocks.get_mut(&tx.position.height) {
            block.choices.push(tx);
        }
    }
    Ok(())
}

fn events(
    db: &Connection,
    heights: &RangeInclusive<Height>,
    blocks: &mut Blocks,
) -> Result<(), StoreError> {
    let mut select = db.prepare_cached(
        "SELECT height, seq, tx_index, kind, attributes FROM event
         WHERE height BETWEEN ?1 AND ?2 ORDER BY height, seq",
    )?;
    let mut rows = select.query([heights.start(), heights.end()])?;
    while let Some(row) = rows.next()? {
        let event = ChainEvent {
            seq: row.get(1)?,
            tx_index: row.get(2)?,
            kind: row.get(3)?,
            attributes: read_json("attributes", &row.get::<_, String>(4)?)?,
        };
        if let Some(block) = blocks.get_mut(&row.get(0)?) {
            block.events.push(event);
        }
    }
    Ok(())
}

/// First and last commits, and last distributions, by their blocks.
fn work(
    db: &Connection,
    heights: &RangeInclusive<Height>,
) -> Result<(Vec<StoreCommit>, Vec<WeightDistribution>), StoreError> {
    let mut select = db.prepare_cached(
        "SELECT stage, model_id, address, committed, first_commit, last_commit, distributed,
             last_distribution
         FROM work JOIN model ON model.id = model JOIN host ON host.id = host
         WHERE first_commit BETWEEN ?1 AND ?2 OR last_commit BETWEEN ?1 AND ?2
             OR last_distribution BETWEEN ?1 AND ?2",
    )?;
    let (mut commits, mut distributions) = (Vec::new(), Vec::new());
    let mut rows = select.query([heights.start(), heights.end()])?;
    while let Some(row) = rows.next()? {
        let stage = row.get(0)?;
        let model_id: ModelId = row.get::<_, String>(1)?.into();
        let host: Address = row.get::<_, String>(2)?.into();
        let place = |height| Position { height, tx_index: 0, path: MessagePath::default() };
        let among = |height: &Height| heights.contains(height);
        if let Some(count) = row.get::<_, Option<u32>>(3)? {
            let at: BTreeSet<Height> = [row.get::<_, Option<Height>>(4)?, row.get(5)?]
                .into_iter()
                .flatten()
                .filter(among)
                .collect();
            commits.extend(at.into_iter().map(|height| StoreCommit {
                position: place(height),
                host: host.clone(),
                stage,
                model_id: model_id.clone(),
                count,
            }));
        }
        let at = row.get::<_, Option<Height>>(7)?.filter(among);
        if let Some((weight, height)) = row.get::<_, Option<i64>>(6)?.zip(at) {
            distributions.push(WeightDistribution {
                position: place(height),
                host,
                stage,
                model_id,
                weight: weight.cast_unsigned(),
            });
        }
    }
    Ok((commits, distributions))
}

fn readings(
    db: &Connection,
    heights: &RangeInclusive<Height>,
) -> Result<BTreeMap<Height, Reading>, StoreError> {
    let range = params![heights.start(), heights.end()];
    let mut readings: BTreeMap<Height, Reading> = BTreeMap::new();
    // What the state was read for: another epoch, other parameters, a member that is out.
    let mut select = db.prepare_cached(
        "SELECT first_read FROM epoch WHERE first_read BETWEEN ?1 AND ?2
         UNION SELECT height FROM params WHERE height BETWEEN ?1 AND ?2
         UNION SELECT excluded_height FROM member WHERE excluded_height BETWEEN ?1 AND ?2
         UNION SELECT height FROM event WHERE kind = 'epoch_error' AND height BETWEEN ?1 AND ?2",
    )?;
    for height in select.query_map(range, |row| row.get(0))? {
        readings.entry(height?).or_default().state = true;
    }
    let mut select = db.prepare_cached(
        "SELECT height, host FROM choice_change WHERE height BETWEEN ?1 AND ?2
         UNION SELECT since, host FROM known_host WHERE since BETWEEN ?1 AND ?2 ORDER BY 1",
    )?;
    let asked: Vec<(Height, String)> =
        select.query_map(range, |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    for chunk in asked.chunk_by(|a, b| a.0 == b.0) {
        let Some((height, _)) = chunk.first() else { continue };
        let all = query::replay(db, *height)?;
        let choices = chunk.iter().map(|(_, host)| {
            let host: Address = host.clone().into();
            let of = |(model, hosts): (&ModelId, &BTreeMap<Address, _>)| {
                hosts.get(&host).cloned().map(|choice| (model.clone(), choice))
            };
            let choices = all.iter().filter_map(of).collect();
            HostChoices { host, choices }
        });
        readings.entry(*height).or_default().choices = choices.collect();
    }
    let mut select =
        db.prepare_cached("SELECT epoch, height FROM charge WHERE height BETWEEN ?1 AND ?2")?;
    let charged: Vec<(i64, Height)> =
        select.query_map(range, |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    for (epoch, height) in charged {
        readings.entry(height).or_default().charges = Some(load::charges(db, epoch)?);
    }
    let mut select = db
        .prepare_cached("SELECT height, version FROM app_version WHERE height BETWEEN ?1 AND ?2")?;
    let versions = select.query_map(range, |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
    for version in versions {
        let (height, version) = version?;
        readings.entry(height).or_default().app_version = Some(version);
    }
    Ok(readings)
}
