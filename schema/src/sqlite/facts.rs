//! What a block says, written as it came.

use bootwatch_rules::{
    BlockFacts, Capture, ChainEvent, ChoiceAction, ChoiceTx, Height, Malformed, StoreCommit,
    WeightDistribution,
};
use rusqlite::{Connection, ErrorCode, params};

use super::{
    names::Names,
    prune::MALFORMED_KEPT,
    values::{Nanos, json},
};
use crate::StoreError;

/// Writes a block's header.
///
/// `followed`: the ledger goes through it. `evidence`: something is kept for ever, so the header is.
pub(crate) fn write_header(
    db: &Connection,
    block: &BlockFacts,
    followed: bool,
    evidence: bool,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO block (height, hash, parent, time, tx_count, followed, evidence)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )
    .and_then(|mut insert| {
        insert.execute(params![
            block.height,
            block.hash,
            block.parent,
            Nanos(block.time),
            block.tx_count,
            followed,
            evidence
        ])
    })
    .map_err(|e| misplaced(e, block.height, "the block"))?;
    Ok(())
}

/// Whether a block's facts are kept for ever one by one. Work is not: it comes in thousands of
/// blocks an epoch, and its rows name their blocks.
pub(crate) fn is_evidence(block: &BlockFacts) -> bool {
    !(block.captures.is_empty()
        && block.choices.is_empty()
        && block.events.is_empty()
        && block.malformed.is_empty())
}

/// Writes a block's facts.
pub(crate) fn write(
    db: &Connection,
    names: &mut Names,
    block: &BlockFacts,
) -> Result<(), StoreError> {
    let height = block.height;
    for (seq, capture) in block.captures.iter().enumerate() {
        write_capture(db, height, seq, capture).map_err(|e| misplaced(e, height, "a capture"))?;
    }
    for (seq, choice) in block.choices.iter().enumerate() {
        write_choice(db, height, seq, choice).map_err(|e| misplaced(e, height, "a choice"))?;
    }
    for event in &block.events {
        write_event(db, height, event)?;
    }
    for commit in &block.commits {
        write_commit(db, names, height, commit)?;
    }
    for distribution in &block.distributions {
        write_distribution(db, names, height, distribution)?;
    }
    write_malformed(db, height, &block.malformed)
}

/// A positional key that is taken means that the same block came twice, or that the decoder gave
/// two things one place: a defect, never to be ignored.
fn misplaced(error: rusqlite::Error, height: Height, what: &str) -> StoreError {
    if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) {
        return StoreError::conflict(height, format!("{what} has no place in it: {error}"));
    }
    if let rusqlite::Error::ToSqlConversionFailure(reason) = &error {
        // The one value that may not fit is the block's time: only a liar names the year 2263.
        return StoreError::conflict(height, format!("{what} has a value out of bounds: {reason}"));
    }
    error.into()
}

fn write_capture(
    db: &Connection,
    height: Height,
    seq: usize,
    capture: &Capture,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO capture (height, seq, snapshot_height, model_id, pre_eligible,
             meets_weight_threshold, meets_v_min, meets_reachability, intent_host_count,
             intent_weight, reachable_voting_power, total_network_weight)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?
    .execute(params![
        height,
        position(seq),
        capture.snapshot_height,
        capture.model_id.as_str(),
        capture.pre_eligible,
        capture.meets_weight_threshold,
        capture.meets_v_min,
        capture.meets_reachability,
        capture.intent_host_count,
        capture.intent_weight,
        capture.reachable_voting_power,
        capture.total_network_weight,
    ])?;
    Ok(())
}

fn write_choice(
    db: &Connection,
    height: Height,
    seq: usize,
    choice: &ChoiceTx,
) -> rusqlite::Result<()> {
    let (action, delegate_to) = match &choice.action {
        ChoiceAction::Delegate { delegate_to } => ("delegate", Some(delegate_to.as_str())),
        ChoiceAction::Clear => ("clear", None),
        ChoiceAction::Refuse => ("refuse", None),
        ChoiceAction::Intent => ("intent", None),
    };
    db.prepare_cached(
        "INSERT INTO choice_tx
             (height, seq, tx_index, path, tx_hash, host, model_id, action, delegate_to, code)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        height,
        position(seq),
        choice.position.tx_index,
        choice.position.path.to_string(),
        choice.tx_hash,
        choice.host.as_str(),
        choice.model_id.as_str(),
        action,
        delegate_to,
        choice.code,
    ])?;
    Ok(())
}

fn write_event(db: &Connection, height: Height, event: &ChainEvent) -> Result<(), StoreError> {
    let attributes = json(&event.attributes)?;
    db.prepare_cached(
        "INSERT INTO event (height, seq, tx_index, kind, attributes) VALUES (?1, ?2, ?3, ?4, ?5)",
    )
    .and_then(|mut insert| {
        insert.execute(params![height, event.seq, event.tx_index, event.kind, attributes])
    })
    .map_err(|e| misplaced(e, height, "an event"))?;
    Ok(())
}

/// Adds a commit to its stage. Claimed nonces only grow, so the order of blocks does not matter.
fn write_commit(
    db: &Connection,
    names: &mut Names,
    height: Height,
    commit: &StoreCommit,
) -> Result<(), StoreError> {
    let (model, host) = (names.model(db, &commit.model_id)?, names.host(db, &commit.host)?);
    db.prepare_cached(
        "INSERT INTO work (stage, model, host, committed, first_commit, last_commit)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5)
         ON CONFLICT (stage, model, host) DO UPDATE SET
             committed = max(?4, ifnull(committed, 0)),
             first_commit = min(?5, ifnull(first_commit, ?5)),
             last_commit = max(?5, ifnull(last_commit, ?5))",
    )?
    .execute(params![commit.stage, model, host, commit.count, height])?;
    Ok(())
}

/// The last distribution of a stage counts. Blocks may arrive in any order, so "last" is by height;
/// in one block the facts are in the order of execution.
fn write_distribution(
    db: &Connection,
    names: &mut Names,
    height: Height,
    distribution: &WeightDistribution,
) -> Result<(), StoreError> {
    let model = names.model(db, &distribution.model_id)?;
    let host = names.host(db, &distribution.host)?;
    db.prepare_cached(
        "INSERT INTO work (stage, model, host, distributed, last_distribution)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (stage, model, host) DO UPDATE SET
             distributed = iif(?5 >= ifnull(last_distribution, ?5), ?4, distributed),
             last_distribution = max(?5, ifnull(last_distribution, ?5))",
    )?
    .execute(params![
        distribution.stage,
        model,
        host,
        distribution.weight.cast_signed(),
        height,
    ])?;
    Ok(())
}

/// Keeps the newest and counts all: ids go on where they stopped, and the greatest id is the count.
fn write_malformed(
    db: &Connection,
    height: Height,
    malformed: &[Malformed],
) -> Result<(), StoreError> {
    if malformed.is_empty() {
        return Ok(());
    }
    let before: i64 = db
        .prepare_cached("SELECT ifnull(max(id), 0) FROM malformed")?
        .query_row([], |r| r.get(0))?;
    let after = before.saturating_add(position(malformed.len()));
    let oldest_kept = after.saturating_sub(MALFORMED_KEPT);
    let mut insert = db.prepare_cached(
        "INSERT INTO malformed (id, height, what, place, reason, raw)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (id, thing) in (before + 1..).zip(malformed).filter(|(id, _)| *id > oldest_kept) {
        insert.execute(params![id, height, thing.what, thing.place, thing.reason, thing.raw])?;
    }
    db.prepare_cached("DELETE FROM malformed WHERE id <= ?1")?.execute([oldest_kept])?;
    Ok(())
}

/// The place of a thing in a list, as SQLite has it; no list in memory is longer.
pub(crate) fn position(seq: usize) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}
