//! Inside SQLite: statements are watched so that the process dies at a chosen one, and writes fail
//! when the disk is to be full or broken.
//!
//! Both are SQLite's own interfaces, set up before the first connection is opened: an automatic
//! extension adds a trace to every connection, and a copy of the default VFS passes everything on
//! but writes. What the daemon sees is what a real disk and a real `kill -9` make it see.

#![allow(unsafe_code, reason = "SQLite's C interface")]

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use rusqlite::ffi;

use super::Disk;
use crate::crash::{CrashPoint, Phase};

static CRASH: OnceLock<CrashPoint> = OnceLock::new();
static DISK: AtomicU8 = AtomicU8::new(0);
/// Statements so far.
static STATEMENTS: AtomicU64 = AtomicU64::new(0);
/// Transactions that write, so far; there is one writer.
static TRANSACTIONS: AtomicU64 = AtomicU64::new(0);
/// Rows written in this one, by statements.
static ROWS: AtomicU64 = AtomicU64::new(0);
static IN_TRANSACTION: AtomicBool = AtomicBool::new(false);
static IN_COMMIT: AtomicBool = AtomicBool::new(false);
/// Writes to files in this commit.
static WRITES: AtomicU64 = AtomicU64::new(0);

/// Begins to watch. Before the first connection.
pub(crate) fn watch(crash: Option<CrashPoint>, disk: Disk) {
    if let Some(crash) = crash {
        let _ = CRASH.set(crash);
    }
    set_disk(disk);
    // SAFETY: both are called once, before any connection exists, with functions that live as long
    // as the process.
    unsafe {
        ffi::sqlite3_auto_extension(Some(opened));
        register_vfs();
    }
}

/// Changes what happens to writes from now on.
pub(crate) fn set_disk(disk: Disk) {
    let code = match disk {
        Disk::Sound => 0,
        Disk::Full => 1,
        Disk::Broken => 2,
    };
    DISK.store(code, Ordering::SeqCst);
}

/// Kills this process, as nobody can prevent.
fn die() -> ! {
    // SAFETY: no memory is involved.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    loop {
        std::thread::park();
    }
}

/// Dies when this is the place.
fn reached(phase: Phase, number: u64) {
    if CRASH.get().is_some_and(|crash| crash.phase == phase && number >= crash.number) {
        die();
    }
}

// --- statements ---------------------------------------------------------------------------------

/// SQLite calls it for every connection that is opened.
unsafe extern "C" fn opened(
    db: *mut ffi::sqlite3,
    _: *mut *mut c_char,
    _: *const ffi::sqlite3_api_routines,
) -> c_int {
    let events = ffi::SQLITE_TRACE_STMT | ffi::SQLITE_TRACE_PROFILE;
    // SAFETY: the connection is the one that is being opened.
    unsafe { ffi::sqlite3_trace_v2(db, events, Some(traced), ptr::null_mut()) }
}

/// SQLite calls it when a statement begins and when it has ended.
unsafe extern "C" fn traced(
    event: c_uint,
    _: *mut c_void,
    statement: *mut c_void,
    _: *mut c_void,
) -> c_int {
    // SAFETY: the third argument of both events is the statement.
    let sql = unsafe { ffi::sqlite3_sql(statement.cast()) };
    if sql.is_null() {
        return 0;
    }
    // SAFETY: SQLite's text of the statement, valid while the statement is.
    let sql = unsafe { CStr::from_ptr(sql) }.to_bytes();
    if event == ffi::SQLITE_TRACE_STMT {
        begins(sql)
    } else {
        ended(sql)
    }
    0
}

fn begins(sql: &[u8]) {
    reached(Phase::Statement, STATEMENTS.fetch_add(1, Ordering::SeqCst) + 1);
    if sql.starts_with(b"BEGIN IMMEDIATE") {
        let number = TRANSACTIONS.fetch_add(1, Ordering::SeqCst) + 1;
        reached(Phase::BeforeBegin, number);
        ROWS.store(0, Ordering::SeqCst);
        IN_TRANSACTION.store(true, Ordering::SeqCst);
    } else if sql == b"COMMIT" && IN_TRANSACTION.load(Ordering::SeqCst) {
        reached(Phase::BeforeCommit, TRANSACTIONS.load(Ordering::SeqCst));
        WRITES.store(0, Ordering::SeqCst);
        IN_COMMIT.store(true, Ordering::SeqCst);
    }
}

fn ended(sql: &[u8]) {
    if !IN_TRANSACTION.load(Ordering::SeqCst) {
        return;
    }
    let number = TRANSACTIONS.load(Ordering::SeqCst);
    if sql == b"COMMIT" {
        IN_COMMIT.store(false, Ordering::SeqCst);
        IN_TRANSACTION.store(false, Ordering::SeqCst);
        reached(Phase::AfterCommit, number);
    } else if sql == b"ROLLBACK" {
        IN_COMMIT.store(false, Ordering::SeqCst);
        IN_TRANSACTION.store(false, Ordering::SeqCst);
    } else if [&b"INSERT"[..], b"UPDATE", b"DELETE"].iter().any(|verb| sql.starts_with(verb)) {
        let rows = ROWS.fetch_add(1, Ordering::SeqCst) + 1;
        if rows == 1 {
            reached(Phase::FirstRow, number);
        }
        // Each transaction of a block has at least three.
        if rows == 2 + number % 2 {
            reached(Phase::Middle, number);
        }
    }
}

// --- files --------------------------------------------------------------------------------------

/// A file's methods with the write replaced, and the methods that it came with. The replacement is
/// the first field: SQLite sees only that.
#[repr(C)]
struct Methods {
    ours: ffi::sqlite3_io_methods,
    theirs: *const ffi::sqlite3_io_methods,
}

// SAFETY: it is written once, before anybody else sees it, and points to SQLite's constants.
unsafe impl Sync for Methods {}
// SAFETY: as above.
unsafe impl Send for Methods {}

static KNOWN: Mutex<Vec<&'static Methods>> = Mutex::new(Vec::new());
static OPEN: OnceLock<Open> = OnceLock::new();

type Open = unsafe extern "C" fn(
    *mut ffi::sqlite3_vfs,
    ffi::sqlite3_filename,
    *mut ffi::sqlite3_file,
    c_int,
    *mut c_int,
) -> c_int;

/// Makes a copy of the default VFS the default one, with files that may refuse to be written.
///
/// # Safety
/// Before the first connection.
unsafe fn register_vfs() {
    // SAFETY: no name asks for the default one, which lives as long as the process.
    let default = unsafe { ffi::sqlite3_vfs_find(ptr::null()) };
    if default.is_null() {
        return;
    }
    // SAFETY: it is not null; a copy of a VFS is a VFS.
    let mut vfs = unsafe { *default };
    let Some(open) = vfs.xOpen else { return };
    let _ = OPEN.set(open);
    vfs.pNext = ptr::null_mut();
    vfs.zName = c"faulty".as_ptr();
    vfs.xOpen = Some(open_file);
    // SAFETY: it is leaked, so it lives as long as the process.
    unsafe { ffi::sqlite3_vfs_register(Box::leak(Box::new(vfs)), 1) };
}

unsafe extern "C" fn open_file(
    vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    let Some(open) = OPEN.get() else { return ffi::SQLITE_CANTOPEN };
    // SAFETY: the arguments are SQLite's own.
    let outcome = unsafe { open(vfs, name, file, flags, out) };
    // SAFETY: the file was just opened into this place.
    let theirs = unsafe { (*file).pMethods };
    if outcome == ffi::SQLITE_OK && !theirs.is_null() {
        // SAFETY: methods of an open file are a constant of SQLite's.
        unsafe { (*file).pMethods = &raw const replaced(theirs).ours };
    }
    outcome
}

/// The methods in place of `theirs`.
///
/// # Safety
/// `theirs` are methods that live as long as the process.
unsafe fn replaced(theirs: *const ffi::sqlite3_io_methods) -> &'static Methods {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(methods) = known.iter().find(|methods| methods.theirs == theirs) {
        return methods;
    }
    // SAFETY: by the caller.
    let mut ours = unsafe { *theirs };
    ours.xWrite = Some(write);
    let methods = Box::leak(Box::new(Methods { ours, theirs }));
    known.push(methods);
    methods
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: files with this method were opened above, with a `Methods` in that place.
    let theirs = unsafe { (*(*file).pMethods.cast::<Methods>()).theirs };
    // SAFETY: a constant of SQLite's.
    let Some(write) = (unsafe { (*theirs).xWrite }) else { return ffi::SQLITE_IOERR_WRITE };
    let error = match DISK.load(Ordering::SeqCst) {
        0 => None,
        1 => Some(ffi::SQLITE_FULL),
        _ => Some(ffi::SQLITE_IOERR_WRITE),
    };
    if let Some(error) = error {
        failed();
        // Some of it may have been written, as on a real disk.
        // SAFETY: less than the caller's own bytes.
        unsafe { write(file, bytes, length / 2, offset) };
        return error;
    }
    if IN_COMMIT.load(Ordering::SeqCst) && WRITES.fetch_add(1, Ordering::SeqCst) == 1 {
        let number = TRANSACTIONS.load(Ordering::SeqCst);
        if CRASH.get().is_some_and(|c| c.phase == Phase::InLog && number >= c.number) {
            // SAFETY: as above.
            unsafe { write(file, bytes, length / 2, offset) };
            die();
        }
    }
    // SAFETY: the arguments are SQLite's own.
    unsafe { write(file, bytes, length, offset) }
}

/// Tells the harness, once for each process, that a write failed.
fn failed() {
    static TOLD: AtomicBool = AtomicBool::new(false);
    if !TOLD.swap(true, Ordering::SeqCst) {
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), "disk failed");
    }
}
