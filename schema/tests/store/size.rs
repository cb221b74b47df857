//! How large the file becomes: under 50 MB in a year of mainnet. `cargo bench -p bootwatch-schema
//! --bench year` runs the whole year.

use bootwatch_rules::ledger::Ledger;
use bootwatch_schema::{SqliteReader, Store as _};
use rusqlite::Connection;

use crate::common::Place;

#[path = "../../benches/workload/mainnet.rs"]
mod mainnet;

use mainnet::{HEADERS, YEAR, block, epoch, take};

/// Measures what an epoch adds once the bounded tables are full, adds the headers of a day, and
/// multiplies. At this writing: 93 KB an epoch, a third of it work and a quarter events; 161 bytes a
/// header; 41 MB for the year.
#[test]
fn a_year_of_mainnet_stays_under_50_mb() {
    let place = Place::new();
    let mut store = place.open();
    let mut ledger = Ledger::default();
    let mut height = 1_000_000;
    let mut sizes = Vec::new();
    for index in 0..24 {
        for (facts, observation) in epoch(index, height) {
            take(&mut store, &mut ledger, &facts, observation.as_ref());
            height = facts.height + 1;
        }
        sizes.push(pages(&place));
    }
    let full = 16; // epochs until the bodies of settled mails have reached their bound
    let grown = sizes[sizes.len() - 1] - sizes[full - 1];
    let epoch = grown / i64::try_from(sizes.len() - full).unwrap();

    let before = pages(&place);
    let plain: Vec<_> = (998_000..1_000_000).map(block).collect();
    store.keep(&plain).unwrap();
    let header = (pages(&place) - before) / 2_000;

    let year = sizes[full - 1] + epoch * (YEAR - i64::try_from(full).unwrap()) + header * HEADERS;
    println!("{epoch} bytes an epoch, {header} a header, {} MB a year", year / 1_000_000);
    assert!(year < 50_000_000, "{epoch} bytes an epoch, {header} a header, {year} a year");
    assert_eq!(SqliteReader::open(&place.path()).unwrap().verify().unwrap().damages, 0);
}

/// The size of the pages in use; what is free will be used again.
fn pages(place: &Place) -> i64 {
    let db = Connection::open(place.path()).unwrap();
    let pragma = |name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    (pragma("page_count") - pragma("freelist_count")) * pragma("page_size")
}
