//! Forecasts of charges, how they held, and what hosts earn.

use std::str::FromStr;

use bootwatch_rules::{
    Address, EpochIndex, Fraction, RuleSet,
    forecast::{
        ChargeRange, Forecasts, KeptCharge, KeptForecast, Outcome, TrackRecord, TrackRecords,
    },
    reward::{Reward, Rewards},
};
use rusqlite::{Connection, OptionalExtension, params};

use super::{names::Names, reader::SqliteReader, values::Word};
use crate::StoreError;

impl SqliteReader {
    /// The forecast that was kept of an epoch's charges, and how it held.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn forecast(&self, epoch: EpochIndex) -> Result<Option<KeptForecast>, StoreError> {
        self.view(|db| read(db, epoch))
    }

    /// What the chain estimated last for an epoch's rewards.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn rewards(&self, epoch: EpochIndex) -> Result<Option<Rewards>, StoreError> {
        self.view(|db| rewards(db, epoch))
    }
}

/// Replaces the forecast of its epoch.
pub(crate) fn write(
    db: &Connection,
    names: &mut Names,
    forecast: &KeptForecast,
) -> Result<(), StoreError> {
    let epoch = forecast.epoch.cast_signed();
    db.prepare_cached(
        "INSERT OR REPLACE INTO forecast (epoch, height, rule_set, checked)
         VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![epoch, forecast.height, forecast.rule_set.as_str(), forecast.checked])?;
    db.prepare_cached("DELETE FROM forecast_charge WHERE epoch = ?1")?.execute([epoch])?;
    for (host, kept) in &forecast.hosts {
        let host = names.host(db, host)?;
        db.prepare_cached(
            "INSERT INTO forecast_charge (epoch, host, least, most, stored, outcome)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            epoch,
            host,
            kept.range.min.to_string(),
            kept.range.max.to_string(),
            kept.stored.map(|stored| stored.to_string()),
            kept.outcome.map(Word::word),
        ])?;
    }
    Ok(())
}

fn read(db: &Connection, epoch: EpochIndex) -> Result<Option<KeptForecast>, StoreError> {
    let key = epoch.cast_signed();
    let head = db
        .prepare_cached("SELECT height, rule_set, checked FROM forecast WHERE epoch = ?1")?
        .query_row([key], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?)))
        .optional()?;
    let Some((height, rule_set, checked)) = head else { return Ok(None) };
    let rule_set = RuleSet::from_str(&rule_set).map_err(|e| StoreError::Damaged(e.to_string()))?;
    let mut forecast =
        KeptForecast { epoch, height, rule_set, checked, hosts: std::collections::BTreeMap::new() };
    let mut select = db.prepare_cached(
        "SELECT address, least, most, stored, outcome
         FROM forecast_charge JOIN host ON host.id = host WHERE epoch = ?1",
    )?;
    let mut rows = select.query([key])?;
    while let Some(row) = rows.next()? {
        let stored: Option<String> = row.get(3)?;
        let outcome: Option<String> = row.get(4)?;
        let range = ChargeRange {
            min: fraction(&row.get::<_, String>(1)?)?,
            max: fraction(&row.get::<_, String>(2)?)?,
        };
        let kept = KeptCharge {
            range,
            stored: stored.as_deref().map(fraction).transpose()?,
            outcome: outcome.as_deref().map(Outcome::read).transpose()?,
        };
        forecast.hosts.insert(row.get::<_, String>(0)?.into(), kept);
    }
    Ok(Some(forecast))
}

fn fraction(text: &str) -> Result<Fraction, StoreError> {
    text.parse().map_err(|e: bootwatch_rules::FractionError| StoreError::Damaged(e.to_string()))
}

/// The newest forecast, and the records of all before it.
pub(crate) fn load(db: &Connection) -> Result<Forecasts, StoreError> {
    let newest: Option<i64> =
        db.prepare_cached("SELECT max(epoch) FROM forecast")?.query_row([], |row| row.get(0))?;
    let Some(newest) = newest else { return Ok(Forecasts::default()) };
    let forecast = read(db, newest.cast_unsigned())?;
    Ok(Forecasts::new(forecast, records(db, newest)?))
}

/// How the forecasts of the epochs before that one held.
fn records(db: &Connection, newest: i64) -> Result<TrackRecords, StoreError> {
    let mut records = TrackRecords::default();
    let mut select = db.prepare_cached(
        "SELECT address, count(*), sum(outcome = 'right'),
             max(CASE outcome WHEN 'wrong' THEN epoch END)
         FROM forecast_charge JOIN host ON host.id = host
         WHERE epoch < ?1 AND outcome IS NOT NULL GROUP BY host",
    )?;
    let mut rows = select.query([newest])?;
    while let Some(row) = rows.next()? {
        let wrong: Option<i64> = row.get(3)?;
        let record = TrackRecord {
            epochs: row.get::<_, i64>(1)?.unsigned_abs(),
            right: row.get::<_, i64>(2)?.unsigned_abs(),
            wrong: wrong.map(i64::cast_unsigned),
        };
        records.hosts.insert(Address::from(row.get::<_, String>(0)?), record);
    }
    let mut select = db.prepare_cached(
        "SELECT epoch, max(outcome = 'wrong') FROM forecast_charge
         WHERE epoch < ?1 AND outcome IS NOT NULL GROUP BY epoch",
    )?;
    let mut rows = select.query([newest])?;
    while let Some(row) = rows.next()? {
        let outcome = if row.get(1)? { Outcome::Wrong } else { Outcome::Right };
        records.all.count(row.get::<_, i64>(0)?.cast_unsigned(), outcome);
    }
    Ok(records)
}

/// The newest estimates.
pub(crate) fn newest_rewards(db: &Connection) -> Result<Option<Rewards>, StoreError> {
    let newest: Option<i64> =
        db.prepare_cached("SELECT max(epoch) FROM reward")?.query_row([], |row| row.get(0))?;
    Ok(newest.map(|epoch| rewards(db, epoch.cast_unsigned())).transpose()?.flatten())
}

fn rewards(db: &Connection, epoch: EpochIndex) -> Result<Option<Rewards>, StoreError> {
    let key = epoch.cast_signed();
    let read_at = db
        .prepare_cached("SELECT read_at FROM reward WHERE epoch = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    let Some(read_at) = read_at else { return Ok(None) };
    let hosts = db
        .prepare_cached(
            "SELECT address, estimate, before_charges
             FROM host_reward JOIN host ON host.id = host WHERE epoch = ?1",
        )?
        .query_map([key], |row| {
            let before_charges: Option<i64> = row.get(2)?;
            let reward = Reward {
                estimate: row.get::<_, i64>(1)?.cast_unsigned(),
                before_charges: before_charges.map(i64::cast_unsigned),
            };
            Ok((Address::from(row.get::<_, String>(0)?), reward))
        })?
        .collect::<Result<_, _>>()?;
    Ok(Some(Rewards { epoch, read_at, hosts }))
}
