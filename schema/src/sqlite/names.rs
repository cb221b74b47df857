//! Hosts and models as small numbers, for the tables with many rows.

use std::collections::HashMap;

use bootwatch_rules::{Address, ModelId};
use rusqlite::{Connection, OptionalExtension};

use crate::StoreError;

/// Names are remembered up to this many of a kind; the chain has a few hundred, but nothing stops
/// anybody from making more.
const REMEMBERED: usize = 4096;

/// The numbers of names that were used lately. Numbers that were given inside a transaction that
/// then failed are wrong: forget all of them.
#[derive(Debug, Default)]
pub(crate) struct Names {
    hosts: HashMap<Address, i64>,
    models: HashMap<ModelId, i64>,
}

impl Names {
    pub(crate) fn host(&mut self, db: &Connection, host: &Address) -> Result<i64, StoreError> {
        if let Some(&id) = self.hosts.get(host) {
            return Ok(id);
        }
        let id = intern(
            db,
            host.as_str(),
            "SELECT id FROM host WHERE address = ?1",
            "INSERT INTO host (address) VALUES (?1)",
        )?;
        remember(&mut self.hosts, host.clone(), id);
        Ok(id)
    }

    pub(crate) fn model(&mut self, db: &Connection, model: &ModelId) -> Result<i64, StoreError> {
        if let Some(&id) = self.models.get(model) {
            return Ok(id);
        }
        let id = intern(
            db,
            model.as_str(),
            "SELECT id FROM model WHERE model_id = ?1",
            "INSERT INTO model (model_id) VALUES (?1)",
        )?;
        remember(&mut self.models, model.clone(), id);
        Ok(id)
    }

    pub(crate) fn forget(&mut self) {
        self.hosts.clear();
        self.models.clear();
    }
}

fn intern(db: &Connection, name: &str, select: &str, insert: &str) -> Result<i64, StoreError> {
    let known = db.prepare_cached(select)?.query_row([name], |row| row.get(0)).optional()?;
    match known {
        Some(id) => Ok(id),
        None => Ok(db.prepare_cached(insert)?.insert([name])?),
    }
}

fn remember<K: std::hash::Hash + Eq>(names: &mut HashMap<K, i64>, name: K, id: i64) {
    if names.len() >= REMEMBERED {
        names.clear();
    }
    names.insert(name, id);
}
