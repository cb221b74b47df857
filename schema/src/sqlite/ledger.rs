//! What the ledger became, written so that it comes back equal.

use std::collections::BTreeSet;

use bootwatch_rules::{
    Address, BlockFacts, Choice, Height, ModelId, Observation,
    ledger::{Cause, Changes, ChoiceChange, Ledger, Standing},
};
use rusqlite::{Connection, params};

use super::{
    facts::position,
    names::Names,
    state::{self, LastState},
    values::{choice_columns, json},
};
use crate::{QuietBlock, StoreError};

/// The kinds of frozen choices, in the order of [`LastState::frozen`].
pub(crate) const FROZEN_CHOICES: [&str; 3] = ["capture", "validation_start", "wiped"];

/// Writes the ledger after a run of blocks, of which [quiet](Changes::is_quiet) changes came. What
/// such a block touches is brought to the ledger's last word on it, so the words in between need
/// not be known: nobody could have read them.
pub(crate) fn write_run(
    db: &Connection,
    names: &mut Names,
    run: &[QuietBlock<'_>],
    ledger: &Ledger,
) -> Result<(), StoreError> {
    let Some(last) = run.last() else { return Ok(()) };
    for quiet in run {
        write_choices(db, quiet.facts.height, quiet.changes, ledger)?;
    }
    follow_work(db, names, run.iter().map(|quiet| quiet.facts), ledger)?;
    write_place(db, last.facts.height, ledger, 0)
}

/// Whether something happened to the ledger in its last block that has no place among the facts and
/// that a claim may rest on, or that a replay begins with: a wipe, a correction, charges, choices
/// frozen, a state read.
pub(crate) fn is_evidence(observation: Option<&Observation>, changes: &Changes) -> bool {
    changes.wiped
        || changes.froze
        || changes.choices.iter().any(|c| matches!(c.cause, Cause::Base | Cause::Reconciled))
        || observation.is_some_and(|read| read.charges.is_some() || read.state.is_some())
}

/// Writes the ledger after `block`, as far as the block and its observation can have changed it.
pub(crate) fn write(
    db: &Connection,
    names: &mut Names,
    last: &LastState,
    block: &BlockFacts,
    changes: &Changes,
    ledger: &Ledger,
) -> Result<(), StoreError> {
    write_choices(db, block.height, changes, ledger)?;
    write_work(db, names, block, changes, ledger)?;
    write_newest_captures(db, block, last, ledger)?;
    write_frozen(db, last, ledger)?;
    state::write(db, names, last, block.height, ledger)?;
    let reconciled = changes.choices.iter().filter(|c| c.cause == Cause::Reconciled).count();
    write_place(db, block.height, ledger, position(reconciled))
}

/// Brings every choice that the changes touch to what the ledger says now: the last word, whatever
/// the way to it.
fn write_choices(
    db: &Connection,
    height: Height,
    changes: &Changes,
    ledger: &Ledger,
) -> Result<(), StoreError> {
    for change in &changes.choices {
        match ledger.choice(&change.host, &change.model_id) {
            Some(standing) => write_standing(db, change, standing)?,
            None => {
                db.prepare_cached("DELETE FROM choice WHERE model_id = ?1 AND host = ?2")?
                    .execute([change.model_id.as_str(), change.host.as_str()])?;
            }
        }
    }
    let unexplained = changes.choices.iter().filter_map(|change| match change.cause {
        Cause::Base => Some(("base", change)),
        Cause::Reconciled => Some(("reconciled", change)),
        Cause::Tx(_) | Cause::Wipe => None,
    });
    for (seq, (cause, change)) in unexplained.enumerate() {
        write_change(db, height, seq, cause, change)?;
    }
    if changes.wiped {
        db.prepare_cached("INSERT INTO wipe (height) VALUES (?1)")?.execute([height])?;
    }
    for host in &changes.new_hosts {
        // A host can become known again after its choices were in doubt.
        db.prepare_cached("INSERT OR REPLACE INTO known_host (host, since) VALUES (?1, ?2)")?
            .execute(params![host.as_str(), height])?;
    }
    Ok(())
}

fn write_standing(
    db: &Connection,
    change: &ChoiceChange,
    standing: &Standing,
) -> Result<(), StoreError> {
    let (kind, delegate_to) = choice_columns(&standing.choice);
    let origin = standing.origin.as_ref();
    db.prepare_cached(
        "INSERT OR REPLACE INTO choice (model_id, host, kind, delegate_to, since,
             tx_height, tx_index, path, tx_hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        change.model_id.as_str(),
        change.host.as_str(),
        kind,
        delegate_to,
        standing.since,
        origin.map(|o| o.position.height),
        origin.map(|o| o.position.tx_index),
        origin.map(|o| o.position.path.to_string()),
        origin.map(|o| o.tx_hash.as_str()),
    ])?;
    Ok(())
}

fn write_change(
    db: &Connection,
    height: Height,
    seq: usize,
    cause: &str,
    change: &ChoiceChange,
) -> Result<(), StoreError> {
    let columns = |choice: Option<&Choice>| match choice.map(choice_columns) {
        Some((kind, delegate_to)) => (Some(kind), delegate_to.map(str::to_owned)),
        None => (None, None),
    };
    let (before_kind, before_delegate) = columns(change.before.as_ref());
    let (after_kind, after_delegate) = columns(change.after.as_ref().map(|s| &s.choice));
    db.prepare_cached(
        "INSERT INTO choice_change (height, seq, cause, host, model_id,
             before_kind, before_delegate, after_kind, after_delegate)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        height,
        position(seq),
        cause,
        change.host.as_str(),
        change.model_id.as_str(),
        before_kind,
        before_delegate,
        after_kind,
        after_delegate,
    ])?;
    Ok(())
}

/// Writes what a block did to the work of the ledger's stage.
fn write_work(
    db: &Connection,
    names: &mut Names,
    block: &BlockFacts,
    changes: &Changes,
    ledger: &Ledger,
) -> Result<(), StoreError> {
    if changes.stage_began {
        // What was claimed for the stage before it began does not count.
        db.prepare_cached("DELETE FROM ledger_work")?.execute([])?;
    }
    follow_work(db, names, [block], ledger)
}

/// Writes the ledger's own account of the work that blocks touch: the ledger may have begun in the
/// middle of the stage.
fn follow_work<'b>(
    db: &Connection,
    names: &mut Names,
    blocks: impl IntoIterator<Item = &'b BlockFacts>,
    ledger: &Ledger,
) -> Result<(), StoreError> {
    let mut touched: BTreeSet<(&ModelId, &Address)> = BTreeSet::new();
    for block in blocks {
        let commits = block.commits.iter().map(|c| (c.stage, &c.model_id, &c.host));
        let distributions = block.distributions.iter().map(|d| (d.stage, &d.model_id, &d.host));
        let of_stage = commits.chain(distributions).filter(|of| ledger.stage == Some(of.0));
        touched.extend(of_stage.map(|(_, model_id, host)| (model_id, host)));
    }
    for (model_id, host) in touched {
        let Some(work) = ledger.work.get(model_id).and_then(|hosts| hosts.get(host)) else {
            continue;
        };
        let (model, host) = (names.model(db, model_id)?, names.host(db, host)?);
        db.prepare_cached(
            "INSERT OR REPLACE INTO ledger_work
                 (model, host, stage, committed, first_commit, distributed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            model,
            host,
            ledger.stage,
            work.committed,
            work.first_commit,
            work.distributed.map(u64::cast_signed),
        ])?;
    }
    Ok(())
}

/// Writes what the block froze. A block freezes each kind at most once, so the height tells.
fn write_frozen(db: &Connection, last: &LastState, ledger: &Ledger) -> Result<(), StoreError> {
    let put = |kind: &str, content: String| -> Result<(), StoreError> {
        db.prepare_cached("INSERT OR REPLACE INTO frozen (kind, content) VALUES (?1, ?2)")?
            .execute([kind, &content])?;
        Ok(())
    };
    let frozen = &ledger.frozen;
    let choices = [&frozen.capture, &frozen.validation_start, &frozen.wiped];
    for ((kind, choices), written) in FROZEN_CHOICES.into_iter().zip(choices).zip(last.frozen) {
        if let Some(choices) = choices
            && Some(choices.height) != written
        {
            put(kind, json(choices)?)?;
        }
    }
    if frozen.terms != last.terms {
        put("terms", json(&frozen.terms)?)?;
    }
    Ok(())
}

/// Points each model to its newest capture. Only a block with captures can change that.
fn write_newest_captures(
    db: &Connection,
    block: &BlockFacts,
    last: &LastState,
    ledger: &Ledger,
) -> Result<(), StoreError> {
    let gone: Vec<&ModelId> =
        last.captured.iter().filter(|model| !ledger.captures.contains_key(*model)).collect();
    for model in gone {
        db.prepare_cached("DELETE FROM newest_capture WHERE model_id = ?1")?
            .execute([model.as_str()])?;
    }
    for (seq, capture) in block.captures.iter().enumerate() {
        if ledger.captures.get(&capture.model_id) == Some(capture) {
            db.prepare_cached(
                "INSERT OR REPLACE INTO newest_capture (model_id, height, seq)
                 VALUES (?1, ?2, ?3)",
            )?
            .execute(params![
                capture.model_id.as_str(),
                block.height,
                position(seq)
            ])?;
        }
    }
    Ok(())
}

fn write_place(
    db: &Connection,
    height: Height,
    ledger: &Ledger,
    reconciled: i64,
) -> Result<(), StoreError> {
    let state = ledger.state.as_ref();
    db.prepare_cached(
        "INSERT INTO ledger (one, tip, ticks, stage, state_height, effective_epoch,
             effective_start, latest_epoch, latest_start, params_height, app_version,
             charges_epoch, reconciled)
         VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,
             iif(?4 IS NULL, NULL, (SELECT max(height) FROM params)), ?9, ?10, ?11)
         ON CONFLICT (one) DO UPDATE SET
             tip = excluded.tip, ticks = excluded.ticks, stage = excluded.stage,
             state_height = excluded.state_height, effective_epoch = excluded.effective_epoch,
             effective_start = excluded.effective_start, latest_epoch = excluded.latest_epoch,
             latest_start = excluded.latest_start, params_height = excluded.params_height,
             app_version = excluded.app_version, charges_epoch = excluded.charges_epoch,
             reconciled = reconciled + excluded.reconciled",
    )?
    .execute(params![
        height,
        position(ledger.ticks.len()),
        ledger.stage,
        state.map(|s| s.height),
        state.map(|s| s.effective.index.cast_signed()),
        state.map(|s| s.effective.poc_start),
        state.map(|s| s.latest.index.cast_signed()),
        state.map(|s| s.latest.poc_start),
        ledger.app_version,
        ledger.charges.as_ref().map(|c| c.epoch_index.cast_signed()),
        reconciled,
    ])?;
    Ok(())
}
