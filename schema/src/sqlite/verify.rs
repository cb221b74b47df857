//! Whether the database is what it says it is.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    thread,
};

use bootwatch_rules::{Address, Choice, Height, ModelId, ledger::Choices};
use rusqlite::{Connection, types::ValueRef};

use super::{coverage, digest, load, open, query, reader::SqliteReader};
use crate::{Damage, StoreError, Verification, ranges};

/// Problems named; more are counted.
const NAMED: usize = 100;
/// In KiB when negative: the indexes of a large file are looked up at random.
const CACHE: i64 = -65_536;

const RESTORE: &str = "stop the daemon and put back a copy made by `bootwatch backup`; without one, \
                       move the file away and let the daemon begin anew";
const REPORT: &str = "keep a copy of the file and report this as a defect; to go on, put back a \
                      copy made by `bootwatch backup`, or move the file away and begin anew";

/// A rule that no row may break.
struct Rule {
    /// What is wrong with rows that do.
    what: &'static str,
    /// Names them, as text or as heights.
    rows: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        what: "coverage: ranges overlap or touch",
        rows: "SELECT format('%d..%d', first, last) FROM (
                   SELECT first, last, lead(first) OVER (ORDER BY first) AS next FROM coverage)
               WHERE next <= last + 1",
    },
    Rule {
        what: "unfillable: heights are given up twice, or stored after all",
        rows: "SELECT format('%d..%d', u.first, u.last) FROM unfillable u
               WHERE EXISTS (SELECT 1 FROM coverage c WHERE c.first <= u.last AND c.last >= u.first)
                  OR EXISTS (SELECT 1 FROM unfillable v
                             WHERE v.first > u.first AND v.first <= u.last)",
    },
    Rule {
        what: "block: a covered height has no header, though headers are complete from there",
        rows: "SELECT format('%d..%d: %d of %d', from_, last, found, last - from_ + 1) FROM (
                   SELECT from_, last,
                       (SELECT count(*) FROM block WHERE height BETWEEN from_ AND last) AS found
                   FROM (SELECT max(first, complete) AS from_, last FROM coverage, headers))
               WHERE from_ <= last AND found <> last - from_ + 1",
    },
    Rule {
        what: "block: a header of a height that is not covered",
        rows: "SELECT height FROM block WHERE height > ifnull((
                   SELECT last FROM coverage WHERE first <= height ORDER BY first DESC LIMIT 1),
                   height - 1)",
    },
    Rule {
        what: "block: does not follow the block before it",
        rows: "SELECT b.height FROM block b JOIN block a ON a.height = b.height - 1
               WHERE b.parent <> a.hash",
    },
    Rule {
        what: "coverage: the hashes at a range's ends are not those of its blocks",
        rows: "SELECT format('%d..%d', first, last) FROM coverage
               WHERE EXISTS (SELECT 1 FROM block b
                             WHERE b.height = first AND b.parent <> coverage.parent)
                  OR EXISTS (SELECT 1 FROM block b
                             WHERE b.height = last AND b.hash <> coverage.hash)",
    },
    Rule {
        what: "facts: without the header of their block",
        rows: "SELECT format('%s %d', kind, height) FROM (
                   SELECT DISTINCT 'capture' AS kind, height FROM capture
                   UNION ALL SELECT DISTINCT 'choice_tx', height FROM choice_tx
                   UNION ALL SELECT DISTINCT 'event', height FROM event
                   UNION ALL SELECT DISTINCT 'choice_change', height FROM choice_change
                   UNION ALL SELECT 'wipe', height FROM wipe
                   UNION ALL SELECT 'charge', height FROM charge) fact
               WHERE NOT EXISTS (
                   SELECT 1 FROM block b WHERE b.height = fact.height AND b.evidence = 1)",
    },
    Rule {
        what: "choice: the transaction that made it is not stored",
        rows: "SELECT format('%s for %s', host, model_id) FROM choice c
               WHERE tx_height IS NOT NULL AND NOT EXISTS (
                   SELECT 1 FROM choice_tx t WHERE t.height = c.tx_height
                       AND t.tx_index = c.tx_index AND t.path = c.path AND t.tx_hash = c.tx_hash)",
    },
    Rule {
        what: "group: of an epoch that was not read",
        rows: "SELECT DISTINCT format('epoch %d', epoch) FROM (
                   SELECT epoch FROM member UNION SELECT epoch FROM model_group
                   UNION SELECT epoch FROM group_member)
               WHERE epoch NOT IN (SELECT epoch FROM epoch)",
    },
    Rule {
        what: "outbox: a waiting message has no body",
        rows: "SELECT message_id FROM outbox
               WHERE state = 'pending' AND id NOT IN (SELECT message FROM body)",
    },
    Rule {
        what: "ledger: its last block is not the end of a range",
        rows: "SELECT tip FROM ledger WHERE tip <> (SELECT max(last) FROM coverage)",
    },
];

impl SqliteReader {
    /// Checks the whole database: pages and columns, references, coverage against headers and
    /// facts, the chain of hashes where headers are kept, and the ledger against a replay of its
    /// history; and gives the digests of every stored range and of the ledger.
    ///
    /// Takes a second on a year of mainnet. The daemon may go on meanwhile: each check sees one
    /// state of the database, and only while one lasts, the writer's log cannot shrink.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked at all; damage is in the answer.
    pub fn verify(&self) -> Result<Verification, StoreError> {
        let db = self.db();
        db.pragma_update(None, "cache_size", CACHE)?;
        let path = db.path().map(PathBuf::from);
        // The pages are more work than all the rest, so they have a thread and a connection of their
        // own.
        let mut found = Verification::default();
        let (mut damage, damages) = thread::scope(|scope| {
            let file = scope.spawn(|| check_file(path.as_deref()));
            let mut checks = Checks::on(db);
            // Not one view for all: a reader that stays for long keeps the writer's log from
            // shrinking.
            checks.run("reference", REPORT, references);
            for rule in RULES {
                checks.run(rule.what, REPORT, |db, note| named(db, rule.rows, note));
            }
            checks.run("ledger", REPORT, replay);
            checks.run("content", RESTORE, |db, _| summary(db, &mut found));
            match file.join() {
                Ok((mut damage, damages)) => {
                    damage.extend(checks.damage);
                    (damage, damages + checks.damages)
                }
                Err(panic) => std::panic::resume_unwind(panic),
            }
        });
        damage.truncate(NAMED);
        (found.damage, found.damages) = (damage, damages);
        Ok(found)
    }
}

/// Pages, records, indexes, columns: the first damages, and how many there are.
fn check_file(path: Option<&Path>) -> (Vec<Damage>, u64) {
    let Some(path) = path else { return (Vec::new(), 0) };
    match open::checker(path) {
        Ok(db) => {
            let mut checks = Checks::on(&db);
            checks.run("file", RESTORE, pages);
            (checks.damage, checks.damages)
        }
        Err(error) => {
            let (what, place) = ("file".to_owned(), error.to_string());
            (vec![Damage { what, place, remedy: RESTORE.to_owned() }], 1)
        }
    }
}

/// Runs checks one after the other; one that cannot be carried out is damage itself.
struct Checks<'a> {
    db: &'a Connection,
    damage: Vec<Damage>,
    damages: u64,
}

impl<'a> Checks<'a> {
    fn on(db: &'a Connection) -> Self {
        Self { db, damage: Vec::new(), damages: 0 }
    }

    fn run(
        &mut self,
        what: &str,
        remedy: &str,
        check: impl FnOnce(&Connection, &mut dyn FnMut(String)) -> Result<(), StoreError>,
    ) {
        let Self { db, damage, damages } = self;
        let mut note = |place: String| {
            *damages += 1;
            if damage.len() < NAMED {
                let (what, remedy) = (what.to_owned(), remedy.to_owned());
                damage.push(Damage { what, place, remedy });
            }
        };
        let outcome = db
            .unchecked_transaction()
            .map_err(StoreError::from)
            .and_then(|tx| check(&tx, &mut note));
        if let Err(error) = outcome {
            note(error.to_string());
        }
    }
}

/// Pages, records, indexes, and what each table demands of its columns.
fn pages(db: &Connection, note: &mut dyn FnMut(String)) -> Result<(), StoreError> {
    db.pragma_update(None, "cache_size", CACHE)?;
    let mut select = db.prepare(&format!("PRAGMA integrity_check({NAMED})"))?;
    for line in select.query_map([], |row| row.get::<_, String>(0))? {
        let line = line?;
        if line != "ok" {
            note(line);
        }
    }
    Ok(())
}

fn references(db: &Connection, note: &mut dyn FnMut(String)) -> Result<(), StoreError> {
    let mut select = db.prepare("PRAGMA foreign_key_check")?;
    let broken = select.query_map([], |row| {
        Ok(format!("{} names a missing {}", row.get::<_, String>(0)?, row.get::<_, String>(2)?))
    })?;
    for line in broken {
        note(line?);
    }
    Ok(())
}

fn named(db: &Connection, rows: &str, note: &mut dyn FnMut(String)) -> Result<(), StoreError> {
    let mut select = db.prepare(rows)?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        note(match row.get_ref(0)? {
            ValueRef::Integer(height) => height.to_string(),
            other => String::from_utf8_lossy(other.as_bytes().unwrap_or_default()).into_owned(),
        });
    }
    Ok(())
}

/// The ledger can be read, and its choices are what the base, the transactions, the wipes and the
/// corrections lead to.
fn replay(db: &Connection, note: &mut dyn FnMut(String)) -> Result<(), StoreError> {
    let ledger = load::load(db)?.ledger;
    let Some(tip) = ledger.tip else { return Ok(()) };
    let (stand, replayed) = (ledger.standing(), query::replay(db, tip.height)?);
    if stand == replayed {
        return Ok(());
    }
    let pairs = |choices: &Choices| -> BTreeSet<(ModelId, Address)> {
        let models = choices.iter();
        models.flat_map(|(m, hosts)| hosts.keys().map(|h| (m.clone(), h.clone()))).collect()
    };
    for (model, host) in pairs(&stand).union(&pairs(&replayed)) {
        let of = |choices: &Choices| choices.get(model).and_then(|hosts| hosts.get(host)).cloned();
        let (stands, follows) = (of(&stand), of(&replayed));
        if stands != follows {
            let (stands, follows) = (word(stands.as_ref()), word(follows.as_ref()));
            note(format!("{host} for {model}: {stands} stands, its history leads to {follows}"));
        }
    }
    Ok(())
}

fn word(choice: Option<&Choice>) -> String {
    match choice {
        None => "no choice".to_owned(),
        Some(Choice::Delegate { delegate_to }) => format!("a delegation to {delegate_to}"),
        Some(Choice::Refuse) => "a refusal".to_owned(),
        Some(Choice::Intent) => "an intent".to_owned(),
    }
}

/// What is there, for whoever compares or has to know what is not.
fn summary(db: &Connection, found: &mut Verification) -> Result<(), StoreError> {
    let coverage = coverage::load(db)?;
    found.schema_version = open::version(db)?;
    for &(first, last) in &coverage.stored {
        // What cannot be read was found by the checks.
        if let Ok(digest) = digest::of_range(db, first, last) {
            found.blocks += digest.blocks;
            found.rows += digest.rows;
            found.ranges.push(digest);
        }
    }
    found.missing = missing(&coverage.stored, &coverage.unfillable);
    found.unfillable = coverage.unfillable;
    found.headers =
        db.query_row("SELECT count(*) FROM block", [], |row| row.get::<_, i64>(0))?.unsigned_abs();
    if let Ok(loaded) = load::load(db) {
        found.ledger = digest::of_ledger(db, &loaded.ledger)?;
        found.chain_id = loaded.chain_id;
    }
    Ok(())
}

/// Heights between the first and the last stored one that are neither stored nor given up.
fn missing(stored: &[(Height, Height)], given_up: &[crate::Unfillable]) -> Vec<(Height, Height)> {
    let (Some(first), Some(last)) = (stored.first(), stored.last()) else { return Vec::new() };
    ranges::subtract((first.0, last.1), stored.iter().copied())
        .into_iter()
        .flat_map(|gap| {
            ranges::subtract(gap, given_up.iter().map(|range| (range.first, range.last)))
        })
        .collect()
}
