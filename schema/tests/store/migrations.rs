//! Databases of every released version become what a new one is, and keep what is in them.
//!
//! `fixtures/vN.sql` is a database of schema version N with rows in every table, as text. Each is
//! tested; when a version is released, its fixture is written once and never changed:
//!
//! ```sh
//! cargo test -p bootwatch-schema --test store -- --ignored write_the_fixture
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use bootwatch_rules::{ChainState, ledger::Ledger};
use bootwatch_schema::{OrderBook, ReadStore as _, SqliteReader, SqliteStore};
use rusqlite::{Connection, types::Value};

use crate::{
    common::{CHAIN, Place},
    sample,
};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

type Rows = BTreeSet<Vec<String>>;

/// Text that is equal for equal schemas.
fn schema(db: &Connection) -> BTreeMap<String, String> {
    db.prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

fn tables(db: &Connection) -> Vec<String> {
    db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY rowid")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

fn columns(db: &Connection, table: &str) -> Vec<String> {
    db.prepare("SELECT name FROM pragma_table_info(?1)")
        .unwrap()
        .query_map([table], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

fn rows(db: &Connection, table: &str, columns: &[String]) -> Rows {
    let select = format!("SELECT {} FROM {table}", columns.join(", "));
    let mut select = db.prepare(&select).unwrap();
    let mut rows = select.query([]).unwrap();
    let mut found = Rows::new();
    while let Some(row) = rows.next().unwrap() {
        let row = (0..columns.len()).map(|n| literal(&row.get::<_, Value>(n).unwrap())).collect();
        assert!(found.insert(row), "{table} has a row twice");
    }
    found
}

fn literal(value: &Value) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => format!("'{}'", text.replace('\'', "''")),
        other => panic!("no column is of this type: {other:?}"),
    }
}

/// Columns that a migration took away on purpose, with the version that did.
const DROPPED: &[(&str, &str)] = &[("work", "followed")];

/// Versions that came together with the next one: no program ever left a database there.
const NEVER_ALONE: &[i64] = &[4];

/// Columns whose values a migration wrote anew, in another form: a list of those who were told is
/// now what each was told, see `outbox::incidents_of_the_first_version_are_read`.
const REWRITTEN: &[(&str, &str)] = &[("incident", "told")];

#[test]
fn every_released_version_becomes_the_newest() {
    let fresh = Place::new();
    drop(fresh.open());
    let fresh = Connection::open(fresh.path()).unwrap();
    let expected = schema(&fresh);
    let newest: i64 = fresh.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    let mut versions = BTreeSet::new();
    for entry in fs::read_dir(fixtures()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let version: i64 =
            name.strip_prefix('v').unwrap().strip_suffix(".sql").unwrap().parse().unwrap();
        versions.insert(version);
        let place = Place::new();
        let db = Connection::open(place.path()).unwrap();
        db.execute_batch(&fs::read_to_string(&path).unwrap()).unwrap();
        let found: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(found, version, "{name}");
        let old: BTreeMap<String, Vec<String>> =
            tables(&db).into_iter().map(|table| (table.clone(), columns(&db, &table))).collect();
        let kept = |table: &str| -> Vec<String> {
            let gone = |column: &str| {
                DROPPED.contains(&(table, column)) || REWRITTEN.contains(&(table, column))
            };
            old[table].iter().filter(|column| !gone(column)).cloned().collect()
        };
        let before: Vec<(String, Rows)> =
            old.keys().map(|table| (table.clone(), rows(&db, table, &kept(table)))).collect();
        for (table, rows) in &before {
            assert!(!rows.is_empty(), "{name} has no row in {table}");
        }
        drop(db);

        let store = SqliteStore::open(&place.path(), CHAIN).unwrap();
        let db = Connection::open(place.path()).unwrap();
        assert_eq!(schema(&db), expected, "{name}");
        for (table, rows_before) in before {
            assert_eq!(rows(&db, &table, &kept(&table)), rows_before, "{name}: {table}");
        }
        let loaded = store.load().unwrap();
        let (found, expected) = (loaded.ledger, sample_ledger());
        assert_eq!((found.tip, &found.ticks), (expected.tip, &expected.ticks), "{name}");
        assert_eq!(found.standing(), expected.standing(), "{name}");
        assert_eq!(found.known_hosts, expected.known_hosts, "{name}");
        assert_eq!((found.stage, found.work), (expected.stage, expected.work), "{name}");
        assert_eq!(found.captures, expected.captures, "{name}");
        assert_eq!(found.charges, expected.charges, "{name}");
        let members =
            |state: Option<ChainState>| state.map(|state| (state.members, state.model_groups));
        assert_eq!(members(found.state), members(expected.state), "{name}");
        let verified = SqliteReader::open(&place.path()).unwrap().verify().unwrap();
        assert_eq!(verified.damage, vec![], "{name}");
    }
    let landed = (1..=newest).filter(|version| !NEVER_ALONE.contains(version));
    assert_eq!(versions, landed.collect(), "a fixture for every version; see above");
}

/// The ledger that the fixtures were written with.
fn sample_ledger() -> Ledger {
    let mut ledger = Ledger::default();
    for step in sample::steps() {
        ledger.apply(&step.facts, step.observation.as_ref());
    }
    ledger
}

/// Writes the fixture of the newest version, unless there is one.
#[test]
#[ignore = "run once for every version that is released"]
fn write_the_fixture() {
    let place = Place::new();
    sample::fill(&mut place.open());
    sample::order(&mut OrderBook::open(&place.path()).unwrap());
    let db = Connection::open(place.path()).unwrap();
    let pragma = |name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    let version = pragma("user_version");
    let path = fixtures().join(format!("v{version}.sql"));
    let mut text = format!("-- A database of schema version {version}, as it was released.\n");
    writeln!(text, "PRAGMA application_id = {};", pragma("application_id")).unwrap();
    writeln!(text, "PRAGMA user_version = {version};").unwrap();
    // Tables come in their own order, not in that of what they refer to.
    writeln!(text, "PRAGMA foreign_keys = OFF;").unwrap();
    // SQLite makes its own tables.
    let mut select = db
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%'")
        .unwrap();
    for sql in select.query_map([], |row| row.get::<_, String>(0)).unwrap() {
        writeln!(text, "{};", sql.unwrap()).unwrap();
    }
    for table in tables(&db) {
        for row in rows(&db, &table, &columns(&db, &table)) {
            writeln!(text, "INSERT INTO {table} VALUES ({});", row.join(", ")).unwrap();
        }
    }
    fs::create_dir_all(fixtures()).unwrap();
    let mut file = fs::File::create_new(&path).unwrap();
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
}
