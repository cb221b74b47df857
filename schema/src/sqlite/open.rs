//! Opening the file: the checks that come before the first row, and the settings.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, config::DbConfig};
use rusqlite_migration::{M, Migrations};

use crate::StoreError;

/// "BwCh" in the file's header: it is ours. The first migration writes it.
const APPLICATION_ID: i64 = 0x4277_4368;
/// Older SQLite corrupts a WAL database in which two connections checkpoint
/// (the WAL-reset bug, fixed in 3.51.3).
const SQLITE_MIN: i32 = 3_051_003;

/// The right to be the only writer, for as long as this lives.
pub(crate) struct WriteLock(File);

impl Drop for WriteLock {
    fn drop(&mut self) {
        // Closing alone would not do while a child process that is just being started still has a
        // copy of the descriptor. A failure leaves it to the end of the process.
        let _ = self.0.unlock();
    }
}

static STEPS: &[M<'static>] = &[
    M::up(include_str!("../../migrations/0001_facts_ledger_outbox.sql")),
    M::up(include_str!("../../migrations/0002_forecasts_rewards.sql")),
    M::up(include_str!("../../migrations/0003_work_of_the_ledger.sql")),
    M::up(include_str!("../../migrations/0004_incident_life_and_orders.sql")),
    M::up(include_str!("../../migrations/0005_outbox_severity.sql")),
    M::up(include_str!("../../migrations/0006_plans.sql")),
    M::up(include_str!("../../migrations/0007_service.sql")),
    M::up(include_str!("../../migrations/0008_parts_of_messages.sql")),
];
static MIGRATIONS: LazyLock<Migrations<'static>> = LazyLock::new(|| Migrations::from_slice(STEPS));

/// The schema version this program writes.
pub(crate) fn newest_version() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// The schema version of an open database.
pub(crate) fn version(db: &Connection) -> Result<i64, StoreError> {
    Ok(db.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Opens the file for the writer: creates it when it is missing, brings it to the newest version,
/// binds it to the chain.
pub(crate) fn writer(path: &Path, chain_id: &str) -> Result<(Connection, WriteLock), StoreError> {
    let lock = lock(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags).map_err(|e| cannot_open(path, &e))?;
    check_library(path)?;
    let version = check_ours(&db, path)?;
    let journal = settings(&db).map_err(|e| cannot_open(path, &e))?;
    if journal != "wal" {
        return Err(StoreError::Open {
            path: path.display().to_string(),
            reason: "its file system cannot hold a write-ahead log; use a local one".into(),
        });
    }
    if version < newest_version() {
        MIGRATIONS.to_latest(&mut db).map_err(|e| StoreError::Open {
            path: path.display().to_string(),
            reason: format!("it cannot be brought to schema version {}: {e}", newest_version()),
        })?;
    }
    bind(&mut db, path, chain_id)?;
    Ok((db, lock))
}

/// Opens the file for reading only, whether or not a daemon writes to it.
pub(crate) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let open_error = |reason: String| StoreError::Open { path: path.display().to_string(), reason };
    match path.metadata() {
        Ok(meta) if meta.is_file() => {}
        Ok(_) => return Err(open_error("it is not a file; check [store] path".into())),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            return Err(open_error(
                "there is no such file; start `bootwatch run` once, or check [store] path".into(),
            ));
        }
        Err(e) => return Err(open_error(e.to_string())),
    }
    check_library(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(|e| cannot_open(path, &e))?;
    db.busy_timeout(BUSY).map_err(|e| cannot_open(path, &e))?;
    let version = check_ours(&db, path)?;
    if version < newest_version() {
        return Err(open_error(format!(
            "it has schema version {version}, this bootwatch reads {}; \
             start this version's `bootwatch run` once, it brings the file up to date",
            newest_version()
        )));
    }
    db.pragma_update(None, "cache_size", -2048).map_err(|e| cannot_open(path, &e))?;
    Ok(db)
}

/// Opens a file that a reader has open for the check of its pages: SQLite does not know what the
/// tables demand of their columns on a connection that may not write. This one may and does not.
pub(crate) fn checker(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(|e| cannot_open(path, &e))?;
    db.busy_timeout(BUSY)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    db.pragma_update(None, "query_only", true)?;
    Ok(db)
}

/// Opens the file for the few short writes that people order beside the daemon. It takes no lock of
/// its own: SQLite lets one writer wait for the other.
pub(crate) fn orders(path: &Path) -> Result<Connection, StoreError> {
    // The reader's checks: there is a database, it is ours, and of this version.
    drop(reader(path)?);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(|e| cannot_open(path, &e))?;
    db.busy_timeout(BUSY).map_err(|e| cannot_open(path, &e))?;
    db.pragma_update(None, "synchronous", "FULL").map_err(|e| cannot_open(path, &e))?;
    // The daemon's connection keeps the log short; this one leaves it alone.
    db.pragma_update(None, "wal_autocheckpoint", 0).map_err(|e| cannot_open(path, &e))?;
    Ok(db)
}

/// How long a call waits for another connection's lock.
const BUSY: std::time::Duration = std::time::Duration::from_secs(5);

/// Makes the settings; gives the journal mode that is in force, which a file system without shared
/// memory keeps from being WAL.
fn settings(db: &Connection) -> rusqlite::Result<String> {
    db.busy_timeout(BUSY)?;
    let journal = db.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    // Every commit survives a power cut: an outbox that has told somebody must not forget it.
    db.pragma_update(None, "synchronous", "FULL")?;
    // Keys are positional, and `verify` checks the references offline.
    db.pragma_update(None, "foreign_keys", false)?;
    // 4096 pages of 4 KiB: few checkpoints, and a WAL of about 16 MiB.
    db.pragma_update(None, "wal_autocheckpoint", 4096)?;
    db.pragma_update(None, "journal_size_limit", 32 * 1024 * 1024)?;
    // In KiB when negative. The whole process stays under 48 MB.
    db.pragma_update(None, "cache_size", -8192)?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.set_prepared_statement_cache_capacity(96);
    Ok(journal)
}

/// Takes the lock that makes this process the only writer. The lock file stays when the process
/// ends, the lock does not: a crash needs no cleaning up.
fn lock(path: &Path) -> Result<WriteLock, StoreError> {
    let open_error = |reason: String| StoreError::Open { path: path.display().to_string(), reason };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        return Err(open_error(format!(
            "the folder {0} does not exist; create it (mkdir -p {0}) or change [store] path",
            folder.display()
        )));
    }
    if path.is_dir() {
        return Err(open_error("it is a folder; [store] path must name a file".into()));
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).open(&name).map_err(|e| {
            open_error(format!(
                "cannot write {}: {e}; give this user the right to write to the folder, \
                 or change [store] path",
                name.display()
            ))
        })?;
    match file.try_lock() {
        Ok(()) => Ok(WriteLock(file)),
        Err(TryLockError::WouldBlock) => {
            Err(StoreError::Locked { path: path.display().to_string() })
        }
        Err(TryLockError::Error(e)) => Err(open_error(format!(
            "cannot lock {}: {e}; put the database on a local file system",
            name.display()
        ))),
    }
}

fn check_library(path: &Path) -> Result<(), StoreError> {
    if rusqlite::version_number() < SQLITE_MIN {
        return Err(StoreError::Open {
            path: path.display().to_string(),
            reason: format!(
                "this program was built with SQLite {}, which can corrupt it; \
                 build it with the bundled one",
                rusqlite::version()
            ),
        });
    }
    Ok(())
}

/// Refuses what another program or a newer version wrote; gives the file's schema version.
fn check_ours(db: &Connection, path: &Path) -> Result<i64, StoreError> {
    let pragma = |name: &str| {
        db.pragma_query_value(None, name, |row| row.get::<_, i64>(0))
            .map_err(|e| cannot_open(path, &e))
    };
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    if application != APPLICATION_ID {
        // A new file, or one that a crash left before its first migration, holds nothing at all.
        let tables: i64 = db
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(|e| cannot_open(path, &e))?;
        if application != 0 || version != 0 || tables != 0 {
            return Err(StoreError::Open {
                path: path.display().to_string(),
                reason: "it is a database of another program; change [store] path".into(),
            });
        }
    }
    if version > newest_version() {
        return Err(StoreError::Newer {
            path: path.display().to_string(),
            found: version,
            known: newest_version(),
        });
    }
    Ok(version)
}

/// Binds a new database to the chain, or checks that it is bound to it.
fn bind(db: &mut Connection, path: &Path, chain_id: &str) -> Result<(), StoreError> {
    let found: Option<String> =
        db.query_row("SELECT chain_id FROM chain", [], |row| row.get(0)).optional()?;
    match found {
        None => {
            db.execute("INSERT INTO chain (one, chain_id) VALUES (1, ?1)", [chain_id])?;
            Ok(())
        }
        Some(found) if found == chain_id => Ok(()),
        Some(found) => Err(StoreError::OtherChain {
            path: path.display().to_string(),
            found,
            expected: chain_id.to_owned(),
        }),
    }
}

fn cannot_open(path: &Path, error: &rusqlite::Error) -> StoreError {
    let reason = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => {
            "it is not an SQLite database; change [store] path".to_owned()
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => format!(
            "{error}; give this user the right to write to the file and its folder, \
             or change [store] path"
        ),
        Some(ErrorCode::CannotOpen) => {
            format!("{error}; run this as the user of the daemon, who may write to its folder")
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            format!("{error}; another program holds it open, close that first")
        }
        Some(ErrorCode::DiskFull) => format!("{error}; make room on its disk"),
        Some(ErrorCode::DatabaseCorrupt) => {
            format!("{error}; restore it from a backup, or move it away to begin anew")
        }
        _ => error.to_string(),
    };
    StoreError::Open { path: path.display().to_string(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_well_formed() {
        MIGRATIONS.validate().unwrap();
    }

    /// A file of every earlier version opens, keeps what it has, and can be read.
    #[test]
    fn an_older_file_is_brought_up_to_date() {
        let folder = tempfile::tempdir().unwrap();
        for version in 1..STEPS.len() {
            let path = folder.path().join(format!("{version}.db"));
            let mut db = Connection::open(&path).unwrap();
            MIGRATIONS.to_version(&mut db, version).unwrap();
            db.execute("INSERT INTO wipe (height) VALUES (7)", []).unwrap();
            drop(db);
            let error = reader(&path).unwrap_err().to_string();
            assert!(error.contains("brings the file up to date"), "{error}");
            let (db, _lock) = writer(&path, "gonka-test").unwrap();
            assert_eq!(check_ours(&db, &path).unwrap(), newest_version());
            let kept: i64 = db.query_row("SELECT height FROM wipe", [], |row| row.get(0)).unwrap();
            assert_eq!(kept, 7);
            crate::sqlite::load::load(&reader(&path).unwrap()).unwrap();
        }
    }
}
