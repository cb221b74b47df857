//! What the chain's state said: parameters, groups, charges, plans, version. Written on change only.

use std::collections::{BTreeMap, BTreeSet};

use bootwatch_rules::{
    ChainState, ChargeSnapshot, Epoch, GroupMember, Height, Member, ModelGroup, ModelId,
    ledger::{CaptureTerms, Ledger},
    plans::Plans,
    reward::Rewards,
};
use rusqlite::{Connection, params};

use super::{facts::position, names::Names, values::json};
use crate::StoreError;

/// What was last written of the chain's state, so that an equal reading costs nothing.
#[derive(Debug, Default)]
pub(crate) struct LastState {
    pub(crate) state: Option<ChainState>,
    pub(crate) charges: Option<ChargeSnapshot>,
    pub(crate) rewards: Option<Rewards>,
    pub(crate) plans: Option<Plans>,
    pub(crate) app_version: Option<String>,
    /// Models that have a newest capture.
    pub(crate) captured: BTreeSet<ModelId>,
    /// Heights of the frozen choices: capture, validation start, wiped.
    pub(crate) frozen: [Option<Height>; 3],
    pub(crate) terms: BTreeMap<ModelId, CaptureTerms>,
}

impl LastState {
    /// Takes over what a commit has written. Unchanged parts are not copied.
    pub(crate) fn follow(&mut self, ledger: &Ledger) {
        if self.state != ledger.state {
            self.state.clone_from(&ledger.state);
        }
        if self.charges != ledger.charges {
            self.charges.clone_from(&ledger.charges);
        }
        if self.rewards != ledger.rewards {
            self.rewards.clone_from(&ledger.rewards);
        }
        if self.plans != ledger.plans {
            self.plans.clone_from(&ledger.plans);
        }
        if self.app_version != ledger.app_version {
            self.app_version.clone_from(&ledger.app_version);
        }
        if !self.captured.iter().eq(ledger.captures.keys()) {
            self.captured = ledger.captures.keys().cloned().collect();
        }
        let frozen = &ledger.frozen;
        self.frozen = [&frozen.capture, &frozen.validation_start, &frozen.wiped]
            .map(|choices| choices.as_ref().map(|choices| choices.height));
        if self.terms != frozen.terms {
            self.terms.clone_from(&frozen.terms);
        }
    }
}

/// Writes what differs from the last reading.
pub(crate) fn write(
    db: &Connection,
    names: &mut Names,
    last: &LastState,
    height: Height,
    ledger: &Ledger,
) -> Result<(), StoreError> {
    if let Some(state) = &ledger.state
        && last.state.as_ref() != Some(state)
    {
        write_state(db, names, last.state.as_ref(), height, state)?;
    }
    if let Some(charges) = &ledger.charges
        && last.charges.as_ref() != Some(charges)
    {
        write_charges(db, names, height, charges)?;
    }
    if let Some(rewards) = &ledger.rewards
        && last.rewards.as_ref() != Some(rewards)
    {
        write_rewards(db, names, rewards)?;
    }
    if let Some(plans) = &ledger.plans
        && last.plans.as_ref() != Some(plans)
    {
        write_plans(db, plans)?;
    }
    if let Some(version) = &ledger.app_version
        && last.app_version.as_ref() != Some(version)
    {
        db.prepare_cached("INSERT INTO app_version (height, version) VALUES (?1, ?2)")?
            .execute(params![height, version])?;
    }
    Ok(())
}

fn write_state(
    db: &Connection,
    names: &mut Names,
    last: Option<&ChainState>,
    height: Height,
    state: &ChainState,
) -> Result<(), StoreError> {
    let same_params = last.is_some_and(|last| {
        last.params == state.params && last.governance_models == state.governance_models
    });
    if !same_params {
        db.prepare_cached(
            "INSERT OR REPLACE INTO params (height, params, governance_models)
             VALUES (?1, ?2, ?3)",
        )?
        .execute(params![
            height,
            json(&state.params)?,
            json(&state.governance_models)?
        ])?;
    }

    let Epoch { index, poc_start } = state.effective;
    let epoch = index.cast_signed();
    db.prepare_cached(
        "INSERT INTO epoch (epoch, poc_start, first_read, last_read) VALUES (?1, ?2, ?3, ?3)
         ON CONFLICT (epoch) DO UPDATE SET poc_start = ?2, last_read = ?3",
    )?
    .execute(params![epoch, poc_start, state.height])?;

    // Row by row against the last reading of the same epoch: an exclusion is one row.
    let last = last.filter(|last| last.effective.index == index);
    write_members(db, names, epoch, last.map(|l| &*l.members), &state.members)?;
    write_groups(db, names, epoch, last.map(|l| &*l.model_groups), &state.model_groups)
}

fn write_members(
    db: &Connection,
    names: &mut Names,
    epoch: i64,
    last: Option<&[Member]>,
    members: &[Member],
) -> Result<(), StoreError> {
    for (seq, member) in members.iter().enumerate() {
        if last.and_then(|last| last.get(seq)) == Some(member) {
            continue;
        }
        let host = names.host(db, &member.host)?;
        db.prepare_cached(
            "INSERT OR REPLACE INTO member
                 (epoch, seq, host, weight, excluded_reason, excluded_height)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            epoch,
            position(seq),
            host,
            member.weight,
            member.excluded.as_ref().map(|e| e.reason.as_str()),
            member.excluded.as_ref().map(|e| e.height),
        ])?;
    }
    db.prepare_cached("DELETE FROM member WHERE epoch = ?1 AND seq >= ?2")?
        .execute([epoch, position(members.len())])?;
    Ok(())
}

fn write_groups(
    db: &Connection,
    names: &mut Names,
    epoch: i64,
    last: Option<&[ModelGroup]>,
    groups: &[ModelGroup],
) -> Result<(), StoreError> {
    for (seq, group) in groups.iter().enumerate() {
        let last = last.and_then(|last| last.get(seq));
        if last == Some(group) {
            continue;
        }
        let model = names.model(db, &group.model_id)?;
        db.prepare_cached(
            "INSERT OR REPLACE INTO model_group (epoch, seq, model) VALUES (?1, ?2, ?3)",
        )?
        .execute([epoch, position(seq), model])?;
        let last = last.map(|last| &*last.members);
        write_group_members(db, names, epoch, position(seq), last, &group.members)?;
    }
    let count = position(groups.len());
    db.prepare_cached("DELETE FROM model_group WHERE epoch = ?1 AND seq >= ?2")?
        .execute([epoch, count])?;
    db.prepare_cached("DELETE FROM group_member WHERE epoch = ?1 AND group_seq >= ?2")?
        .execute([epoch, count])?;
    Ok(())
}

fn write_group_members(
    db: &Connection,
    names: &mut Names,
    epoch: i64,
    group: i64,
    last: Option<&[GroupMember]>,
    members: &[GroupMember],
) -> Result<(), StoreError> {
    for (seq, member) in members.iter().enumerate() {
        if last.and_then(|last| last.get(seq)) == Some(member) {
            continue;
        }
        let host = names.host(db, &member.host)?;
        db.prepare_cached(
            "INSERT OR REPLACE INTO group_member
                 (epoch, group_seq, seq, host, weight, voting_power)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            epoch,
            group,
            position(seq),
            host,
            member.weight,
            member.voting_power
        ])?;
    }
    db.prepare_cached(
        "DELETE FROM group_member WHERE epoch = ?1 AND group_seq = ?2 AND seq >= ?3",
    )?
    .execute([epoch, group, position(members.len())])?;
    Ok(())
}

/// Replaces the charges of their epoch: a later reading is the better one.
fn write_charges(
    db: &Connection,
    names: &mut Names,
    height: Height,
    charges: &ChargeSnapshot,
) -> Result<(), StoreError> {
    let epoch = charges.epoch_index.cast_signed();
    db.prepare_cached("INSERT OR REPLACE INTO charge (epoch, height) VALUES (?1, ?2)")?
        .execute([epoch, height])?;
    db.prepare_cached("DELETE FROM transfer WHERE epoch = ?1")?.execute([epoch])?;
    db.prepare_cached("DELETE FROM penalty WHERE epoch = ?1")?.execute([epoch])?;
    for (seq, transfer) in charges.transfers.iter().enumerate() {
        let model = names.model(db, &transfer.model_id)?;
        let (from, to) = (names.host(db, &transfer.from)?, names.host(db, &transfer.to)?);
        db.prepare_cached(
            "INSERT INTO transfer
                 (epoch, seq, model, from_host, to_host, share_value, share_exponent)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            epoch,
            position(seq),
            model,
            from,
            to,
            transfer.share.value,
            transfer.share.exponent
        ])?;
    }
    for (seq, penalty) in charges.penalties.iter().enumerate() {
        let host = names.host(db, &penalty.host)?;
        db.prepare_cached(
            "INSERT INTO penalty (epoch, seq, host, fraction_value, fraction_exponent)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            epoch,
            position(seq),
            host,
            penalty.fraction.value,
            penalty.fraction.exponent
        ])?;
    }
    Ok(())
}

/// Replaces the estimates of their epoch.
fn write_rewards(db: &Connection, names: &mut Names, rewards: &Rewards) -> Result<(), StoreError> {
    let epoch = rewards.epoch.cast_signed();
    db.prepare_cached("INSERT OR REPLACE INTO reward (epoch, read_at) VALUES (?1, ?2)")?
        .execute([epoch, rewards.read_at])?;
    db.prepare_cached("DELETE FROM host_reward WHERE epoch = ?1")?.execute([epoch])?;
    for (host, reward) in &rewards.hosts {
        let host = names.host(db, host)?;
        db.prepare_cached(
            "INSERT INTO host_reward (epoch, host, estimate, before_charges)
             VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            epoch,
            host,
            reward.estimate.cast_signed(),
            reward.before_charges.map(u64::cast_signed)
        ])?;
    }
    Ok(())
}

/// Replaces what was read before: nobody asks what governance once was about to do.
fn write_plans(db: &Connection, plans: &Plans) -> Result<(), StoreError> {
    db.prepare_cached("INSERT OR REPLACE INTO plans (one, content) VALUES (1, ?1)")?
        .execute([json(plans)?])?;
    Ok(())
}
