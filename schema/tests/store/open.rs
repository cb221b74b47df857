//! Opening: every refusal says what to do.

use std::{fs, path::Path};

use bootwatch_schema::{ReadStore, SqliteReader, SqliteStore, StoreError};
use rusqlite::Connection;

use crate::common::{CHAIN, Place};

fn refused(path: &Path) -> (StoreError, StoreError) {
    (SqliteStore::open(path, CHAIN).unwrap_err(), SqliteReader::open(path).unwrap_err())
}

#[test]
fn a_missing_folder_is_not_created() {
    let place = Place::new();
    let path = place.path().join("no/such.db");
    let (writer, reader) = refused(&path);
    assert!(writer.to_string().contains("does not exist; create it (mkdir -p "), "{writer}");
    assert!(reader.to_string().contains("start `bootwatch run` once"), "{reader}");
    assert!(!writer.is_retryable());
}

#[test]
fn a_folder_is_no_database() {
    let place = Place::new();
    let (writer, reader) = refused(place.path().parent().unwrap());
    assert!(writer.to_string().contains("must name a file"), "{writer}");
    assert!(reader.to_string().contains("not a file"), "{reader}");
}

#[test]
fn other_files_are_left_alone() {
    let place = Place::new();
    fs::write(place.path(), "dear diary, ".repeat(1000)).unwrap();
    let (writer, reader) = refused(&place.path());
    assert!(writer.to_string().contains("not an SQLite database"), "{writer}");
    assert!(reader.to_string().contains("not an SQLite database"), "{reader}");
    assert!(fs::read_to_string(place.path()).unwrap().starts_with("dear diary"));

    fs::remove_file(place.path()).unwrap();
    Connection::open(place.path()).unwrap().execute_batch("CREATE TABLE diary (day)").unwrap();
    let (writer, reader) = refused(&place.path());
    assert!(writer.to_string().contains("database of another program"), "{writer}");
    assert!(reader.to_string().contains("database of another program"), "{reader}");
}

#[test]
fn a_file_without_a_table_is_taken() {
    let place = Place::new();
    fs::write(place.path(), "").unwrap();
    let reader = SqliteReader::open(&place.path()).unwrap_err();
    assert!(reader.to_string().contains("start this version's `bootwatch run` once"), "{reader}");
    drop(place.open());
    assert_eq!(SqliteReader::open(&place.path()).unwrap().load().unwrap().chain_id, CHAIN);
}

#[test]
fn a_newer_version_is_refused() {
    let place = Place::new();
    drop(place.open());
    let db = Connection::open(place.path()).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    let (writer, reader) = refused(&place.path());
    assert!(matches!(writer, StoreError::Newer { found: 99, known: ..99, .. }), "{writer}");
    assert!(matches!(reader, StoreError::Newer { found: 99, .. }), "{reader}");
}

#[test]
fn another_chain_is_refused() {
    let place = Place::new();
    drop(place.open());
    let error = SqliteStore::open(&place.path(), "gonka-mainnet").unwrap_err();
    let StoreError::OtherChain { found, expected, .. } = error else { panic!("{error}") };
    assert_eq!((&*found, &*expected), (CHAIN, "gonka-mainnet"));
}

#[test]
fn there_is_one_writer_and_any_number_of_readers() {
    let place = Place::new();
    let writer = place.open();
    let second = SqliteStore::open(&place.path(), CHAIN).unwrap_err();
    assert!(matches!(second, StoreError::Locked { .. }), "{second}");
    let readers: Vec<_> = (0..3).map(|_| SqliteReader::open(&place.path()).unwrap()).collect();
    drop(writer);
    drop(place.open());
    assert!(readers.iter().all(|reader| reader.load().is_ok()));
}
