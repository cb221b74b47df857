//! Whether the database is what it says it is.

use rusqlite::Connection;

use super::{load, reader::SqliteReader};
use crate::{StoreError, Verification};

/// Problems named; more are counted.
const NAMED: usize = 100;

/// Rules that no row may break: what is wrong, and a query for the rows that are, as text.
const RULES: &[(&str, &str)] = &[
    (
        "coverage: ranges overlap or touch",
        "SELECT format('%d..%d', a.first, a.last) FROM coverage a, coverage b
         WHERE a.first < b.first AND b.first <= a.last + 1",
    ),
    (
        "unfillable: heights are given up twice, or stored after all",
        "SELECT format('%d..%d', u.first, u.last) FROM unfillable u
         WHERE EXISTS (SELECT 1 FROM coverage c WHERE c.first <= u.last AND c.last >= u.first)
            OR EXISTS (SELECT 1 FROM unfillable v
                       WHERE v.first > u.first AND v.first <= u.last)",
    ),
    (
        "block: a covered height has no header, though headers are complete from there",
        "SELECT format('%d..%d: %d of %d', from_, last, found, last - from_ + 1) FROM (
             SELECT from_, last,
                 (SELECT count(*) FROM block WHERE height BETWEEN from_ AND last) AS found
             FROM (SELECT max(first, complete) AS from_, last FROM coverage, headers))
         WHERE from_ <= last AND found <> last - from_ + 1",
    ),
    (
        "block: a header of a height that is not covered",
        "SELECT height FROM block WHERE NOT EXISTS (
             SELECT 1 FROM coverage WHERE first <= height AND last >= height)",
    ),
    (
        "block: does not follow the block before it",
        "SELECT b.height FROM block b JOIN block a ON a.height = b.height - 1
         WHERE b.parent <> a.hash",
    ),
    (
        "coverage: the hashes at a range's ends are not those of its blocks",
        "SELECT format('%d..%d', first, last) FROM coverage
         WHERE EXISTS (SELECT 1 FROM block b WHERE b.height = first AND b.parent <> coverage.parent)
            OR EXISTS (SELECT 1 FROM block b WHERE b.height = last AND b.hash <> coverage.hash)",
    ),
    (
        "facts: without the header of their block",
        "SELECT DISTINCT format('%s %d', kind, height) FROM (
             SELECT 'capture' AS kind, height FROM capture
             UNION ALL SELECT 'choice_tx', height FROM choice_tx
             UNION ALL SELECT 'event', height FROM event
             UNION ALL SELECT 'choice_change', height FROM choice_change
             UNION ALL SELECT 'wipe', height FROM wipe
             UNION ALL SELECT 'charge', height FROM charge)
         WHERE height NOT IN (SELECT height FROM block WHERE evidence = 1)",
    ),
    (
        "outbox: a waiting message has no body",
        "SELECT message_id FROM outbox
         WHERE state = 'pending' AND id NOT IN (SELECT message FROM body)",
    ),
    (
        "ledger: its last block is not the end of a range",
        "SELECT tip FROM ledger WHERE tip <> (SELECT max(last) FROM coverage)",
    ),
];

impl SqliteReader {
    /// Checks the whole database: pages, references, coverage against headers and facts, the chain
    /// of hashes where headers are kept, and that the ledger can be read. Takes seconds on a year
    /// of mainnet; the daemon may go on meanwhile.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read at all; damage is in the answer.
    pub fn verify(&self) -> Result<Verification, StoreError> {
        self.view(verify)
    }
}

fn verify(db: &Connection) -> Result<Verification, StoreError> {
    let mut found = Verification::default();
    let mut select = db.prepare("PRAGMA integrity_check(100)")?;
    for line in select.query_map([], |row| row.get::<_, String>(0))? {
        let line = line?;
        if line != "ok" {
            note(&mut found, "file", &line);
        }
    }
    let mut select = db.prepare("PRAGMA foreign_key_check")?;
    let broken = select.query_map([], |row| {
        Ok(format!("{} names a missing {}", row.get::<_, String>(0)?, row.get::<_, String>(2)?))
    })?;
    for line in broken {
        note(&mut found, "reference", &line?);
    }
    for (rule, sql) in RULES {
        let mut select = db.prepare(sql)?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let place = match row.get_ref(0)? {
                rusqlite::types::ValueRef::Integer(height) => height.to_string(),
                other => String::from_utf8_lossy(other.as_bytes().unwrap_or_default()).into_owned(),
            };
            note(&mut found, rule, &place);
        }
    }
    if let Err(error) = load::load(db) {
        note(&mut found, "ledger", &error.to_string());
    }
    let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0));
    found.blocks = count("SELECT ifnull(sum(last - first + 1), 0) FROM coverage")?.unsigned_abs();
    found.headers = count("SELECT count(*) FROM block")?.unsigned_abs();
    Ok(found)
}

fn note(found: &mut Verification, rule: &str, place: &str) {
    found.damages += 1;
    if found.damage.len() < NAMED {
        found.damage.push(format!("{rule}: {place}"));
    }
}
