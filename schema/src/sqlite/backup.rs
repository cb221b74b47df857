//! A copy of the database while the daemon goes on writing.
//!
//! `VACUUM INTO` reads one state of the database from start to end. SQLite's backup API would begin
//! anew whenever another connection commits, and this is always another connection: the writer's
//! belongs to the daemon.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use rusqlite::ErrorCode;

use super::{coverage, reader::SqliteReader};
use crate::{Backup, ReadStore as _, StoreError};

/// Files that SQLite keeps beside a database; it would apply one that is left to the copy.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

impl SqliteReader {
    /// Writes a copy to `path`: one state of the database, compact, checked, and complete on the
    /// disk before it has that name. `replace`: a file that is there may go.
    ///
    /// # Errors
    /// [`StoreError::Backup`] says what to do; nothing was put at `path` then.
    pub fn backup(&self, path: &Path, replace: bool) -> Result<Backup, StoreError> {
        let refused =
            |reason: String| StoreError::Backup { path: path.display().to_string(), reason };
        self.check_target(path, replace).map_err(refused)?;
        let partial = Partial::create(path).map_err(refused)?;
        let outcome = self.copy_into(&partial).and_then(|backup| {
            // Again: the copy may have taken a while.
            self.check_target(path, replace)?;
            partial.rename(path)?;
            Ok(backup)
        });
        outcome.map_err(|reason| {
            partial.discard();
            refused(reason)
        })
    }

    fn check_target(&self, path: &Path, replace: bool) -> Result<(), String> {
        let folder = folder(path);
        if !folder.is_dir() {
            let folder = folder.display();
            return Err(format!(
                "the folder {folder} does not exist; create it (mkdir -p {folder})"
            ));
        }
        if path.is_dir() {
            return Err("it is a folder; name a file in it".into());
        }
        let own = self.db().path().and_then(|own| fs::canonicalize(own).ok());
        if own.is_some() && own == fs::canonicalize(path).ok() {
            return Err("it is the database itself; name another file".into());
        }
        if !replace && path.symlink_metadata().is_ok() {
            return Err(
                "there is a file already; name another one, or replace it with --force".into()
            );
        }
        for companion in COMPANIONS {
            let beside = beside(path, companion);
            if beside.exists() {
                let beside = beside.display();
                return Err(format!(
                    "{beside} belongs to a database that was there, and would spoil the copy; \
                     close whatever uses it and remove it, or name another file"
                ));
            }
        }
        Ok(())
    }

    fn copy_into(&self, partial: &Partial) -> Result<Backup, String> {
        let name =
            partial.path.to_str().ok_or("SQLite needs a path in UTF-8; name another file")?;
        self.db().execute("VACUUM INTO ?1", [name]).map_err(|error| explain(&error, self))?;
        partial.file.sync_all().map_err(|error| unwritten(&error))?;
        let bytes = partial.file.metadata().map_err(|error| unwritten(&error))?.len();
        let unreadable = |error: StoreError| format!("the copy cannot be read back: {error}");
        let copy = Self::open(&partial.path).map_err(unreadable)?;
        let verdict: String = copy
            .db()
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(|error| unreadable(error.into()))?;
        if verdict != "ok" {
            return Err(format!("the copy is damaged: {verdict}; see `bootwatch verify`"));
        }
        let loaded = copy.load().map_err(unreadable)?;
        let newest = coverage::newest(copy.db()).map_err(unreadable)?;
        Ok(Backup {
            bytes,
            chain_id: loaded.chain_id,
            height: newest.map(|(height, _)| height),
            blocks: loaded
                .coverage
                .stored
                .iter()
                .map(|(first, last)| last.abs_diff(*first) + 1)
                .sum(),
        })
    }
}

/// The copy while it is written, under a name of its own in the same folder.
struct Partial {
    path: PathBuf,
    /// Holds a lock that tells a copy in progress from one that a crash left.
    file: File,
}

impl Partial {
    /// Only its owner may read it: mails with names of hosts are in it.
    fn create(target: &Path) -> Result<Self, String> {
        let path = beside(target, ".partial");
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|error| match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => format!(
                "cannot write to its folder ({error}); run this as a user who may, or name a file \
                 elsewhere"
            ),
            _ => unwritten(&error),
        })?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err("another backup to it is under way; wait for its end".into());
            }
            Err(TryLockError::Error(error)) => return Err(unwritten(&error)),
        }
        // SQLite writes to an empty file only; a crash may have left some of an older copy.
        file.set_len(0).map_err(|error| unwritten(&error))?;
        Ok(Self { path, file })
    }

    fn rename(&self, target: &Path) -> Result<(), String> {
        fs::rename(&self.path, target)
            // The name is on the disk only when the folder is.
            .and_then(|()| File::open(folder(target))?.sync_all())
            .map_err(|error| unwritten(&error))
    }

    fn discard(&self) {
        // What remains is found and used by the next backup.
        let _ = fs::remove_file(&self.path);
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn unwritten(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            format!("{error}; make room, or name a file on another disk")
        }
        _ => format!("cannot be written: {error}"),
    }
}

fn explain(error: &rusqlite::Error, reader: &SqliteReader) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            let pragma =
                |name| reader.db().pragma_query_value(None, name, |row| row.get::<_, i64>(0));
            let bytes = pragma("page_count").unwrap_or(0) * pragma("page_size").unwrap_or(0);
            format!(
                "no room for it: the database has {} MB; make room, or name a file on another disk",
                bytes / 1_000_000 + 1
            )
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            format!("the database cannot be read ({error}); see `bootwatch verify`")
        }
        _ => format!("the copy failed: {error}"),
    }
}
