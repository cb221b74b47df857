//! The database after a year of mainnet: `cargo bench -p bootwatch-schema --bench year`.
//!
//! Every block in which something happens goes through the store as the daemon commits it, at about
//! twice the volume that was measured on mainnet, and then a day of blocks in which nothing happens:
//! older ones of these leave no trace. Prints the size by table, beside the goal of 50 MB.
//!
//! `YEAR_EPOCHS` sets another number of epochs; the size is that of the year only without it.

use std::{env, path::Path, time::Instant};

use bootwatch_rules::ledger::Ledger;
use bootwatch_schema::{SqliteReader, SqliteStore};
use rusqlite::Connection;

#[path = "workload/mainnet.rs"]
mod mainnet;

use mainnet::{HEADERS, YEAR, block, epoch, take};

const GOAL_MB: f64 = 50.0;

fn main() {
    let epochs = env::var("YEAR_EPOCHS").ok().and_then(|n| n.parse().ok()).unwrap_or(YEAR);
    // In memory where the system has such a file system: the size does not depend on it.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }
        .expect("a temporary folder");
    let path = folder.path().join("bootwatch.db");
    let mut store = SqliteStore::open(&path, "gonka-mainnet").expect("a new database");
    let mut ledger = Ledger::default();
    let began = Instant::now();
    let mut height = 1_000_000;
    let mut blocks = 0_u64;
    for index in 0..epochs {
        for (facts, observation) in epoch(index, height) {
            take(&mut store, &mut ledger, &facts, observation.as_ref());
            height = facts.height + 1;
            blocks += 1;
        }
    }
    for height in height..height + HEADERS + 512 {
        take(&mut store, &mut ledger, &block(height), None);
        blocks += 1;
    }
    println!(
        "{epochs} epochs, {blocks} blocks committed in {:.0} s",
        began.elapsed().as_secs_f64()
    );

    let db = Connection::open(&path).expect("the database opens");
    let pragma = |name| db.pragma_query_value(None, name, |row| row.get::<_, f64>(0)).expect(name);
    let mut sizes = db
        .prepare(
            "SELECT name, sum(pgsize) / 1e6, (SELECT tbl_name FROM sqlite_schema s WHERE s.name = d.name)
             FROM dbstat d GROUP BY name ORDER BY 2 DESC",
        )
        .expect("SQLite has dbstat");
    let sizes = sizes
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, f64>(1)?)))
        .expect("sizes");
    println!("{:<24} {:>8}", "table or index", "MB");
    for size in sizes {
        let (name, megabytes) = size.expect("a size");
        if megabytes >= 0.05 {
            println!("{name:<24} {megabytes:>8.2}");
        }
    }
    let free = pragma("freelist_count") * pragma("page_size") / 1e6;
    let total = pragma("page_count") * pragma("page_size") / 1e6;
    println!("{:<24} {free:>8.2}", "(free pages)");
    println!("{:<24} {total:>8.2}   goal: under {GOAL_MB}", "the file");

    let began = Instant::now();
    let verified = SqliteReader::open(&path).and_then(|r| r.verify()).expect("it can be verified");
    let (rows, seconds) = (verified.rows, began.elapsed().as_secs_f64());
    println!("verify: {} damages, {rows} rows in {seconds:.1} s", verified.damages);
}
