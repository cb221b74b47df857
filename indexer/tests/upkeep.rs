//! `bootwatch verify` and `bootwatch backup`, the real binary on real files.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use bootwatch_rules::{BlockFacts, ChainEvent, Height};
use bootwatch_schema::{SqliteStore, Store as _, Unfillable};
use jiff::Timestamp;

fn bootwatch(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootwatch"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BOOTWATCH_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// What it wrote, both streams, when it ended with `code`.
#[track_caller]
fn ends(code: i32, arguments: &[&str]) -> String {
    let output = bootwatch(arguments);
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    text
}

fn block(height: Height) -> BlockFacts {
    BlockFacts {
        height,
        hash: format!("{height:X}"),
        parent: format!("{:X}", height - 1),
        time: Timestamp::from_second(1_787_000_000 + height).unwrap(),
        tx_count: 0,
        captures: vec![],
        choices: vec![],
        commits: vec![],
        distributions: vec![],
        events: vec![ChainEvent {
            seq: 0,
            tx_index: None,
            kind: "epoch_error".into(),
            attributes: vec![("stage".into(), "x".into())],
        }],
        malformed: vec![],
    }
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A database with blocks 10 to 19, open for writing.
    fn store(&self) -> SqliteStore {
        let mut store = SqliteStore::open(&self.path("db"), "gonka-test").unwrap();
        store.keep(&(10..20).map(block).collect::<Vec<_>>()).unwrap();
        store
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn verify_tells_sound_incomplete_and_damaged_apart() {
    let place = Place::new();
    let mut store = place.store();
    let db = place.path("db");
    let verify = ["verify", "--store", text(&db)];
    let said = ends(0, &verify);
    assert!(said.contains("result      sound"), "{said}");
    assert!(said.contains("10..19 (10 blocks)"), "{said}");

    // While the daemon has it open, blocks turn out to be gone.
    let at = Timestamp::from_second(1_787_000_000).unwrap();
    let reason = "pruned\u{1b}[2J everywhere".to_owned();
    store.give_up(&Unfillable { first: 1, last: 9, reason, at }).unwrap();
    let said = ends(1, &verify);
    assert!(said.contains("sound but not complete"), "{said}");
    assert!(said.contains("no endpoint has 9 of its blocks any more"), "{said}");
    assert!(said.contains("--accept-unfillable") && !said.contains('\u{1b}'), "{said}");
    ends(0, &["verify", "--store", text(&db), "--accept-unfillable"]);
    let json = ends(0, &["verify", "--store", text(&db), "--accept-unfillable", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["sound"], &json["complete"]), (&true.into(), &false.into()));
    assert_eq!(json["ranges"][0]["facts"].as_str().unwrap().len(), 64);
    drop(store);

    // The first byte of a page of the table of events, or of its index.
    let mut bytes = fs::read(&db).unwrap();
    let event = bytes.windows(11).position(|window| window == b"epoch_error").unwrap();
    bytes[event / 4096 * 4096] ^= 0xff;
    fs::write(&db, &bytes).unwrap();
    let said = ends(1, &verify);
    assert!(said.contains("damaged     file: ") && said.contains("do this     "), "{said}");
    assert!(said.contains("is damaged: "), "{said}");
}

#[test]
fn a_backup_is_a_database() {
    let place = Place::new();
    let store = place.store();
    let (db, copy) = (place.path("db"), place.path("copy.db"));
    let backup = ["backup", "--store", text(&db), text(&copy)];
    let said = ends(0, &backup);
    assert!(said.contains("gonka-test up to block 19, 10 blocks; checked"), "{said}");
    let facts = |db: &Path| {
        let json = ends(0, &["verify", "--json", "--store", text(db)]);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        json["ranges"].clone()
    };
    assert_eq!(facts(&copy), facts(&db));

    let said = ends(1, &backup);
    assert!(said.contains("--force"), "{said}");
    ends(0, &["backup", "--force", "--store", text(&db), text(&copy)]);
    let nowhere = place.path("no").join("copy.db");
    let said = ends(1, &["backup", "--store", text(&db), text(&nowhere)]);
    assert!(said.contains("mkdir -p"), "{said}");
    drop(store);
}

#[test]
fn a_wrong_command_line_is_usage() {
    let place = Place::new();
    drop(place.store());
    let db = place.path("db");
    ends(2, &["backup", "--store", text(&db)]);
    ends(2, &["verify", "--store", text(&db), "--config", "x"]);
    ends(2, &["verify", "--config", text(&place.path("no.toml"))]);
    let said = ends(1, &["verify", "--store", text(&place.path("no.db"))]);
    assert!(said.contains("there is no such file"), "{said}");

    // A configuration for another chain.
    let config = place.path("bootwatch.toml");
    let toml = format!(
        "[chain]\nchain_id = \"gonka-other\"\n[[endpoint]]\nrpc = \"http://127.0.0.1:1\"\n\
         [store]\npath = {:?}\n",
        text(&db)
    );
    fs::write(&config, toml).unwrap();
    let said = ends(2, &["verify", "--config", text(&config)]);
    assert!(said.contains("\"gonka-test\""), "{said}");
}
