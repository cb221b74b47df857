//! From the tables back to the ledger, equal to the one that was committed.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    str::FromStr,
};

use bootwatch_rules::{
    Address, Capture, ChainState, ChargeSnapshot, Decimal, Epoch, EpochIndex, Exclusion,
    GroupMember, Height, Member, MessagePath, ModelGroup, ModelId, Params, Penalty, Position,
    Transfer,
    ledger::{
        FormerParams, Frozen, Ledger, MAX_PAST, Origin, PastEpoch, Standing, TROUBLES, Tick,
        Trouble, Work,
    },
    plans::Plans,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    coverage, forecasts,
    ledger::FROZEN_CHOICES,
    outbox, service,
    values::{Nanos, read_choice, read_json},
};
use crate::{Loaded, StoreError};

/// The single row of the table `ledger`.
struct Place {
    tip: Height,
    ticks: i64,
    stage: Option<Height>,
    state: Option<StatePlace>,
    app_version: Option<String>,
    charges_epoch: Option<i64>,
    reconciled: i64,
}

struct StatePlace {
    height: Height,
    effective: Epoch,
    latest: Epoch,
    params_height: Height,
}

/// Reads everything in one transaction's view; the caller opens it.
pub(crate) fn load(db: &Connection) -> Result<Loaded, StoreError> {
    let chain_id = db
        .prepare_cached("SELECT chain_id FROM chain")?
        .query_row([], |row| row.get(0))
        .optional()?
        .unwrap_or_default();
    let place = place(db)?;
    let malformed: i64 = db
        .prepare_cached("SELECT ifnull(max(id), 0) FROM malformed")?
        .query_row([], |row| row.get(0))?;
    Ok(Loaded {
        chain_id,
        coverage: coverage::load(db)?,
        last_hash: coverage::newest(db)?.map(|(_, hash)| hash),
        reconciled: place.as_ref().map_or(0, |place| place.reconciled.unsigned_abs()),
        ledger: place.map(|place| ledger(db, place)).transpose()?.unwrap_or_default(),
        incidents: outbox::incidents(db)?,
        service: service::load(db)?,
        forecasts: forecasts::load(db)?,
        malformed: malformed.unsigned_abs(),
    })
}

fn place(db: &Connection) -> Result<Option<Place>, StoreError> {
    let epoch = |row: &Row<'_>, index: usize| -> rusqlite::Result<Epoch> {
        Ok(Epoch {
            index: row.get::<_, i64>(index)?.cast_unsigned(),
            poc_start: row.get(index + 1)?,
        })
    };
    Ok(db
        .prepare_cached(
            "SELECT tip, ticks, stage, app_version, charges_epoch, reconciled, state_height,
                 effective_epoch, effective_start, latest_epoch, latest_start, params_height
             FROM ledger",
        )?
        .query_row([], |row| {
            let state = match row.get(6)? {
                None => None,
                Some(height) => Some(StatePlace {
                    height,
                    effective: epoch(row, 7)?,
                    latest: epoch(row, 9)?,
                    params_height: row.get(11)?,
                }),
            };
            Ok(Place {
                tip: row.get(0)?,
                ticks: row.get(1)?,
                stage: row.get(2)?,
                app_version: row.get(3)?,
                charges_epoch: row.get(4)?,
                reconciled: row.get(5)?,
                state,
            })
        })
        .optional()?)
}

fn ledger(db: &Connection, place: Place) -> Result<Ledger, StoreError> {
    let ticks = ticks(db, &place)?;
    let tip = match ticks.back() {
        Some(tick) if tick.height == place.tip => Some(*tick),
        _ => Some(tip(db, place.tip)?),
    };
    let effective = place.state.as_ref().map(|state| state.effective.index);
    let mut ledger = Ledger {
        tip,
        ticks,
        state: place.state.map(|state| chain_state(db, &state)).transpose()?,
        app_version: place.app_version,
        known_hosts: known_hosts(db)?,
        choices: choices(db)?,
        captures: newest_captures(db)?,
        stage: place.stage,
        work: place.stage.map(|stage| work(db, stage)).transpose()?.unwrap_or_default(),
        charges: place.charges_epoch.map(|epoch| charges(db, epoch)).transpose()?,
        rewards: forecasts::newest_rewards(db)?,
        plans: plans(db)?,
        past: effective.map(|epoch| past(db, epoch)).transpose()?.unwrap_or_default(),
        frozen: frozen(db)?,
        former: former(db)?,
        troubles: troubles(db)?,
    };
    ledger.share_addresses();
    Ok(ledger)
}

fn read_tick(row: &Row<'_>) -> rusqlite::Result<Tick> {
    Ok(Tick { height: row.get(0)?, time: row.get::<_, Nanos>(1)?.0 })
}

fn tip(db: &Connection, height: Height) -> Result<Tick, StoreError> {
    db.prepare_cached("SELECT height, time FROM block WHERE height = ?1")?
        .query_row([height], read_tick)
        .optional()?
        .ok_or_else(|| StoreError::Damaged(format!("the ledger's block {height} is missing")))
}

fn ticks(db: &Connection, place: &Place) -> Result<VecDeque<Tick>, StoreError> {
    let mut ticks = VecDeque::new();
    let mut select = db.prepare_cached(
        "SELECT height, time FROM block WHERE height <= ?1 AND followed = 1
         ORDER BY height DESC LIMIT ?2",
    )?;
    for tick in select.query_map([place.tip, place.ticks], read_tick)? {
        ticks.push_front(tick?);
    }
    Ok(ticks)
}

fn chain_state(db: &Connection, place: &StatePlace) -> Result<ChainState, StoreError> {
    let (params, governance_models): (String, String) = db
        .prepare_cached("SELECT params, governance_models FROM params WHERE height = ?1")?
        .query_row([place.params_height], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .ok_or_else(|| StoreError::Damaged("the ledger's parameters are missing".into()))?;
    let epoch = place.effective.index.cast_signed();
    Ok(ChainState {
        height: place.height,
        params: read_json("params", &params)?,
        effective: place.effective,
        latest: place.latest,
        members: members(db, epoch)?,
        model_groups: model_groups(db, epoch)?,
        governance_models: read_json("governance models", &governance_models)?,
    })
}

pub(crate) fn members(db: &Connection, epoch: i64) -> Result<Vec<Member>, StoreError> {
    Ok(db
        .prepare_cached(
            "SELECT address, weight, excluded_reason, excluded_height
             FROM member JOIN host ON host.id = member.host WHERE epoch = ?1 ORDER BY seq",
        )?
        .query_map([epoch], |row| {
            let excluded = match (row.get(2)?, row.get(3)?) {
                (Some(reason), Some(height)) => Some(Exclusion { reason, height }),
                _ => None,
            };
            Ok(Member { host: row.get::<_, String>(0)?.into(), weight: row.get(1)?, excluded })
        })?
        .collect::<Result<_, _>>()?)
}

pub(crate) fn model_groups(db: &Connection, epoch: i64) -> Result<Vec<ModelGroup>, StoreError> {
    let groups: Vec<(i64, String)> = db
        .prepare_cached(
            "SELECT seq, model.model_id FROM model_group JOIN model ON model.id = model
             WHERE epoch = ?1 ORDER BY seq",
        )?
        .query_map([epoch], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut select = db.prepare_cached(
        "SELECT address, weight, voting_power FROM group_member JOIN host ON host.id = host
         WHERE epoch = ?1 AND group_seq = ?2 ORDER BY seq",
    )?;
    groups
        .into_iter()
        .map(|(seq, model_id)| {
            let members = select
                .query_map([epoch, seq], |row| {
                    Ok(GroupMember {
                        host: row.get::<_, String>(0)?.into(),
                        weight: row.get(1)?,
                        voting_power: row.get(2)?,
                    })
                })?
                .collect::<Result<_, _>>()?;
            Ok(ModelGroup { model_id: model_id.into(), members })
        })
        .collect()
}

/// The epochs before that one, the newest first, as far as a ledger remembers them.
fn past(db: &Connection, effective: EpochIndex) -> Result<Vec<PastEpoch>, StoreError> {
    let epochs: Vec<i64> = db
        .prepare_cached("SELECT epoch FROM epoch WHERE epoch < ?1 ORDER BY epoch DESC LIMIT ?2")?
        .query_map(params![effective.cast_signed(), i64::try_from(MAX_PAST).unwrap_or(0)], |row| {
            row.get(0)
        })?
        .collect::<Result<_, _>>()?;
    let past = |epoch: i64| {
        let (members, groups) = (members(db, epoch)?, model_groups(db, epoch)?);
        Ok(PastEpoch::new(epoch.cast_unsigned(), &members, &groups))
    };
    epochs.into_iter().map(past).collect()
}

fn known_hosts(db: &Connection) -> Result<BTreeSet<Address>, StoreError> {
    Ok(db
        .prepare_cached("SELECT host FROM known_host")?
        .query_map([], |row| Ok(row.get::<_, String>(0)?.into()))?
        .collect::<Result<_, _>>()?)
}

type Standings = BTreeMap<ModelId, BTreeMap<Address, Standing>>;

pub(crate) fn choices(db: &Connection) -> Result<Standings, StoreError> {
    let mut choices = Standings::new();
    let mut select = db.prepare_cached(
        "SELECT model_id, host, kind, delegate_to, since, tx_height, tx_index, path, tx_hash
         FROM choice",
    )?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (model, host): (String, String) = (row.get(0)?, row.get(1)?);
        let origin = match row.get::<_, Option<Height>>(5)? {
            None => None,
            Some(height) => Some(Origin {
                position: Position {
                    height,
                    tx_index: row.get(6)?,
                    path: read_path(&row.get::<_, String>(7)?)?,
                },
                tx_hash: row.get(8)?,
            }),
        };
        let kind: String = row.get(2)?;
        let choice = read_choice(&kind, row.get(3)?)?;
        let standing = Standing { choice, origin, since: row.get(4)? };
        choices.entry(model.into()).or_default().insert(host.into(), standing);
    }
    Ok(choices)
}

/// A message path from its text, such as `1.0.2`; empty for a path without steps.
pub(crate) fn read_path(text: &str) -> Result<MessagePath, StoreError> {
    if text.is_empty() {
        return Ok(MessagePath::default());
    }
    text.split('.')
        .map(u32::from_str)
        .collect::<Result<_, _>>()
        .map(MessagePath)
        .map_err(|_| StoreError::Damaged(format!("message path {text:?}")))
}

/// The columns of [`read_capture`], in its order.
pub(crate) const CAPTURE_COLUMNS: &str = "snapshot_height, capture.model_id, pre_eligible,
    meets_weight_threshold, meets_v_min, meets_reachability, intent_host_count, intent_weight,
    reachable_voting_power, total_network_weight";

pub(crate) fn read_capture(row: &Row<'_>) -> rusqlite::Result<Capture> {
    Ok(Capture {
        snapshot_height: row.get(0)?,
        model_id: row.get::<_, String>(1)?.into(),
        pre_eligible: row.get(2)?,
        meets_weight_threshold: row.get(3)?,
        meets_v_min: row.get(4)?,
        meets_reachability: row.get(5)?,
        intent_host_count: row.get(6)?,
        intent_weight: row.get(7)?,
        reachable_voting_power: row.get(8)?,
        total_network_weight: row.get(9)?,
    })
}

fn newest_captures(db: &Connection) -> Result<BTreeMap<ModelId, Capture>, StoreError> {
    Ok(db
        .prepare_cached(&format!(
            "SELECT {CAPTURE_COLUMNS} FROM newest_capture JOIN capture USING (height, seq)"
        ))?
        .query_map([], read_capture)?
        .map(|capture| capture.map(|capture| (capture.model_id.clone(), capture)))
        .collect::<Result<_, _>>()?)
}

fn work(
    db: &Connection,
    stage: Height,
) -> Result<BTreeMap<ModelId, BTreeMap<Address, Work>>, StoreError> {
    let mut work: BTreeMap<ModelId, BTreeMap<Address, Work>> = BTreeMap::new();
    let mut select = db.prepare_cached(
        "SELECT model_id, address, committed, first_commit, distributed
         FROM ledger_work JOIN model ON model.id = model JOIN host ON host.id = host
         WHERE stage = ?1",
    )?;
    let mut rows = select.query([stage])?;
    while let Some(row) = rows.next()? {
        let (model, host): (String, String) = (row.get(0)?, row.get(1)?);
        let done = Work {
            committed: row.get(2)?,
            first_commit: row.get(3)?,
            distributed: row.get::<_, Option<i64>>(4)?.map(i64::cast_unsigned),
        };
        work.entry(model.into()).or_default().insert(host.into(), done);
    }
    Ok(work)
}

fn frozen(db: &Connection) -> Result<Frozen, StoreError> {
    let mut select = db.prepare_cached("SELECT content FROM frozen WHERE kind = ?1")?;
    let mut content =
        |kind: &str| select.query_row([kind], |row| row.get::<_, String>(0)).optional();
    let mut choices = [None, None, None];
    for (kind, choices) in FROZEN_CHOICES.into_iter().zip(&mut choices) {
        *choices = content(kind)?.map(|text| read_json(kind, &text)).transpose()?;
    }
    let [capture, validation_start, wiped] = choices;
    let terms = content("terms")?.map(|text| read_json("terms", &text)).transpose()?;
    Ok(Frozen { capture, validation_start, wiped, terms: terms.unwrap_or_default() })
}

/// The parameters before the newest change: parameters are kept on change only.
fn former(db: &Connection) -> Result<Option<FormerParams>, StoreError> {
    let Some(newest) = changed_params(db, Height::MAX)? else { return Ok(None) };
    let mut upper = newest;
    // A change of the registered models alone makes a row as well.
    while let Some(lower) = changed_params(db, upper.0)? {
        if lower.1 != upper.1 {
            return Ok(Some(FormerParams { until: upper.0, params: lower.1 }));
        }
        upper = lower;
    }
    Ok(None)
}

/// The newest parameters that were first read below a height.
fn changed_params(db: &Connection, below: Height) -> Result<Option<(Height, Params)>, StoreError> {
    let found: Option<(Height, String)> = db
        .prepare_cached(
            "SELECT height, params FROM params WHERE height < ?1 ORDER BY height DESC LIMIT 1",
        )?
        .query_row([below], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    found.map(|(height, params)| Ok((height, read_json("params", &params)?))).transpose()
}

/// What governance was about to do when it was asked last.
fn plans(db: &Connection) -> Result<Option<Plans>, StoreError> {
    let content: Option<String> = db
        .prepare_cached("SELECT content FROM plans")?
        .query_row([], |row| row.get(0))
        .optional()?;
    content.map(|text| read_json("plans", &text)).transpose()
}

/// The newest event of each kind of trouble, in blocks that the ledger went through.
fn troubles(db: &Connection) -> Result<BTreeMap<String, Trouble>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT height, attributes FROM event JOIN block USING (height)
         WHERE kind = ?1 AND followed = 1 ORDER BY height DESC, seq DESC LIMIT 1",
    )?;
    let mut troubles = BTreeMap::new();
    for kind in TROUBLES {
        let found: Option<(Height, String)> =
            select.query_row([kind], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        if let Some((height, attributes)) = found {
            let attributes = read_json("attributes of an event", &attributes)?;
            troubles.insert(kind.to_owned(), Trouble { height, attributes });
        }
    }
    Ok(troubles)
}

pub(crate) fn charges(db: &Connection, epoch: i64) -> Result<ChargeSnapshot, StoreError> {
    let transfers = db
        .prepare_cached(
            "SELECT model.model_id, a.address, b.address, share_value, share_exponent
             FROM transfer JOIN model ON model.id = model
                 JOIN host a ON a.id = from_host JOIN host b ON b.id = to_host
             WHERE epoch = ?1 ORDER BY seq",
        )?
        .query_map([epoch], |row| {
            Ok(Transfer {
                model_id: row.get::<_, String>(0)?.into(),
                from: row.get::<_, String>(1)?.into(),
                to: row.get::<_, String>(2)?.into(),
                share: Decimal { value: row.get(3)?, exponent: row.get(4)? },
            })
        })?
        .collect::<Result<_, _>>()?;
    let penalties = db
        .prepare_cached(
            "SELECT address, fraction_value, fraction_exponent
             FROM penalty JOIN host ON host.id = host WHERE epoch = ?1 ORDER BY seq",
        )?
        .query_map([epoch], |row| {
            Ok(Penalty {
                host: row.get::<_, String>(0)?.into(),
                fraction: Decimal { value: row.get(1)?, exponent: row.get(2)? },
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(ChargeSnapshot { epoch_index: epoch.cast_unsigned(), transfers, penalties })
}
