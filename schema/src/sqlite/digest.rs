//! One number for what is stored, equal for equal chains: how two databases are compared.
//!
//! Facts are encoded column by column from queries that name no row id, no time of writing and no
//! state that was read, in an order that the chain gives. So the digest does not know in which order
//! or in which lots blocks came, how often the process was restarted, in what order names were met,
//! or which headers have been pruned since.

use std::ops::RangeInclusive;

use bootwatch_rules::{Height, ledger::Ledger};
use rusqlite::{Connection, Params, named_params, types::ValueRef};
use sha2::{Digest as _, Sha256};

use super::{load, prune, reader::SqliteReader};
use crate::{Digest, LedgerDigest, StoreError};

/// What is hashed of a range of heights, `:first` to `:last`, one section after the other. A change
/// here changes every digest there is: say so in the changelog.
const FACTS: &[(&str, &str)] = &[
    (
        "covered",
        "SELECT max(first, :first), min(last, :last) FROM coverage
         WHERE first <= :last AND last >= :first ORDER BY first",
    ),
    // Headers of blocks with a fact: these stay for ever. Other headers come and go.
    (
        "block",
        "SELECT height, hash, parent, time, tx_count FROM block
         WHERE height BETWEEN :first AND :last AND evidence = 1
           AND (EXISTS (SELECT 1 FROM capture c WHERE c.height = block.height)
             OR EXISTS (SELECT 1 FROM choice_tx c WHERE c.height = block.height)
             OR EXISTS (SELECT 1 FROM event e WHERE e.height = block.height))
         ORDER BY height",
    ),
    (
        "capture",
        "SELECT height, seq, snapshot_height, model_id, pre_eligible, meets_weight_threshold,
             meets_v_min, meets_reachability, intent_host_count, intent_weight,
             reachable_voting_power, total_network_weight
         FROM capture WHERE height BETWEEN :first AND :last ORDER BY height, seq",
    ),
    (
        "choice_tx",
        "SELECT height, seq, tx_index, path, tx_hash, host, model_id, action, delegate_to, code
         FROM choice_tx WHERE height BETWEEN :first AND :last ORDER BY height, seq",
    ),
    (
        "event",
        "SELECT height, seq, tx_index, kind, attributes
         FROM event WHERE height BETWEEN :first AND :last ORDER BY height, seq",
    ),
    // By the names, not by the numbers that this database gave them.
    (
        "work",
        "SELECT stage, model_id, address, committed, first_commit, last_commit, distributed,
             last_distribution
         FROM work CROSS JOIN model ON model.id = work.model CROSS JOIN host ON host.id = work.host
         WHERE stage BETWEEN :first AND :last ORDER BY stage, model_id, address",
    ),
];

/// Every header that is still here, from `:first` on.
const HEADERS: &str = "SELECT height, hash, parent, time, tx_count FROM block
     WHERE height BETWEEN :first AND :last ORDER BY height";

impl SqliteReader {
    /// The digest of what is stored of `heights`; see [`Digest`] for what is in it.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn digest(&self, heights: RangeInclusive<Height>) -> Result<Digest, StoreError> {
        self.view(|db| of_range(db, *heights.start(), *heights.end()))
    }

    /// The digest of the ledger at its tip, see [`LedgerDigest`]; none before its first block.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn ledger_digest(&self) -> Result<Option<LedgerDigest>, StoreError> {
        self.view(|db| of_ledger(db, &load::load(db)?.ledger))
    }
}

pub(super) fn of_range(db: &Connection, first: Height, last: Height) -> Result<Digest, StoreError> {
    let range = named_params! { ":first": first, ":last": last };
    let chain: String = db
        .prepare_cached("SELECT ifnull((SELECT chain_id FROM chain), '')")?
        .query_row([], |row| row.get(0))?;
    let blocks: i64 = db
        .prepare_cached(
            "SELECT ifnull(sum(min(last, :last) - max(first, :first) + 1), 0) FROM coverage
             WHERE first <= :last AND last >= :first",
        )?
        .query_row(range, |row| row.get(0))?;
    let mut facts = Hash::new(&chain);
    let mut rows = 0;
    for (section, select) in FACTS {
        rows += facts.rows(db, section, select, range)?;
    }
    let headers_from = first.max(prune::complete_headers(db)?);
    let mut headers = Hash::new(&chain);
    let kept = named_params! { ":first": headers_from, ":last": last };
    rows += headers.rows(db, "header", HEADERS, kept)?;
    Ok(Digest {
        first,
        last,
        blocks: blocks.unsigned_abs(),
        rows,
        facts: facts.finish(),
        headers_from,
        headers: headers.finish(),
    })
}

/// `ledger`: as it was loaded.
pub(super) fn of_ledger(
    db: &Connection,
    ledger: &Ledger,
) -> Result<Option<LedgerDigest>, StoreError> {
    let Some(tip) = ledger.tip else { return Ok(None) };
    let wipes: Vec<Height> = db
        .prepare_cached("SELECT height FROM wipe ORDER BY height")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let state = ledger.state.as_ref().map(|state| {
        let clock = ledger.clock().map(|(clock, _)| (clock.effective, clock.upcoming));
        // Not the height at which it was read.
        (clock, &state.params, &state.governance_models, &state.members, &state.model_groups)
    });
    Ok(Some(LedgerDigest {
        tip: tip.height,
        choices: json_digest(&ledger.standing())?,
        state: json_digest(&(state, &ledger.charges, &ledger.app_version))?,
        memory: json_digest(&(
            wipes,
            &ledger.captures,
            &ledger.frozen,
            ledger.stage,
            &ledger.work,
        ))?,
    }))
}

/// Maps of the rules are ordered, and no number is a float, so equal values are equal text.
fn json_digest(value: &impl serde::Serialize) -> Result<String, StoreError> {
    let text = super::values::json(value)?;
    Ok(hex::encode(Sha256::digest(text)))
}

/// SHA-256 over rows: every value is preceded by its type, every text by its length, every section
/// by its name and followed by the number of its rows, so that no two contents are the same bytes.
struct Hash(Sha256);

impl Hash {
    fn new(chain: &str) -> Self {
        let mut hash = Self(Sha256::new());
        hash.text(chain.as_bytes());
        hash
    }

    fn rows(
        &mut self,
        db: &Connection,
        section: &str,
        select: &str,
        range: impl Params,
    ) -> Result<u64, StoreError> {
        self.text(section.as_bytes());
        let mut select = db.prepare_cached(select)?;
        let columns = select.column_count();
        let mut rows = select.query(range)?;
        let mut count: u64 = 0;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                self.value(row.get_ref(column)?);
            }
            count += 1;
        }
        self.0.update(count.to_be_bytes());
        Ok(count)
    }

    fn value(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => self.0.update([0]),
            ValueRef::Integer(number) => {
                self.0.update([1]);
                self.0.update(number.to_be_bytes());
            }
            ValueRef::Text(text) => {
                self.0.update([2]);
                self.text(text);
            }
            // No column of a strict table here is of these types; damage can be anything.
            ValueRef::Real(number) => {
                self.0.update([3]);
                self.0.update(number.to_bits().to_be_bytes());
            }
            ValueRef::Blob(bytes) => {
                self.0.update([4]);
                self.text(bytes);
            }
        }
    }

    fn text(&mut self, text: &[u8]) {
        self.0.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.0.update(text);
    }

    fn finish(self) -> String {
        hex::encode(self.0.finalize())
    }
}
