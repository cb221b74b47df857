//! kill -9 in the middle of commits, again and again.

use std::{
    collections::BTreeSet,
    env,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use bootwatch_rules::{
    BlockFacts, ChainEvent, ChoiceAction, ChoiceTx, Height, MessagePath, Observation, Position,
    ledger::Ledger,
};
use bootwatch_schema::{
    Commit, NewMessage, QuietBlock, ReadStore, SqliteReader, SqliteStore, Store,
};

use crate::common::{CHAIN, Place, at, block};

const PATH: &str = "BOOTWATCH_TEST_CRASH_DATABASE";
const EVENTS: u32 = 20;
/// Blocks that are committed in one transaction.
const RUN: usize = 19;

/// A block with a known number of rows in several tables.
fn busy(height: Height) -> BlockFacts {
    let event = |seq| ChainEvent {
        seq,
        tx_index: None,
        kind: "slash_collateral".into(),
        attributes: vec![("participant".into(), "x".repeat(200))],
    };
    let choice = ChoiceTx {
        position: Position { height, tx_index: 0, path: MessagePath(vec![0]) },
        tx_hash: format!("{height:064X}"),
        host: format!("gonka1host{}", height % 7).into(),
        model_id: "m".into(),
        action: if height % 2 == 0 { ChoiceAction::Intent } else { ChoiceAction::Refuse },
        code: 0,
    };
    BlockFacts { choices: vec![choice], events: (0..EVENTS).map(event).collect(), ..block(height) }
}

fn message(height: Height) -> NewMessage {
    NewMessage {
        message_id: height.to_string(),
        incident: height.to_string(),
        parts: vec![],
        channel: "email".into(),
        recipient: "r".into(),
        severity: bootwatch_schema::Severity::Warning,
        subject: "s".into(),
        text: "t".into(),
        html: None,
        created_at: at(0),
        created_height: height,
    }
}

/// The process that is killed: commits for ever, from where the one before it was.
#[test]
#[ignore = "run by `a_killed_writer_leaves_whole_blocks`"]
fn victim() {
    let Some(path) = env::var_os(PATH) else { return };
    let mut store = SqliteStore::open(&PathBuf::from(path), CHAIN).unwrap();
    let mut ledger: Ledger = store.load().unwrap().ledger;
    loop {
        let height = ledger.tip.map_or(1, |tip| tip.height + 1);
        let facts = busy(height);
        let observation = Observation::default();
        let changes = ledger.apply(&facts, Some(&observation));
        store
            .commit(&Commit {
                facts: &facts,
                forecast: None,
                observation: Some(&observation),
                changes: &changes,
                ledger: &ledger,
                incidents: &[],
                messages: &[message(height)],
            })
            .unwrap();
        if height % 5 == 0 {
            // History far below, in the same file.
            store.keep(&[busy(-height * 10), busy(-height * 10 + 1)]).unwrap();
        }
        if height % 3 == 0 {
            // As while catching up: several blocks in one transaction.
            let blocks: Vec<_> = (height + 1..).take(RUN).map(busy).collect();
            let run: Vec<_> =
                blocks.iter().map(|facts| (facts, ledger.apply(facts, None))).collect();
            let run: Vec<_> =
                run.iter().map(|(facts, changes)| QuietBlock { facts, changes }).collect();
            store.commit_run(&run, &ledger).unwrap();
        }
    }
}

/// Fails when a commit is split over two transactions: the kill falls between them sooner or later,
/// and a block is then without some of its rows, or rows without their block.
#[test]
fn a_killed_writer_leaves_whole_blocks() {
    let place = Place::new();
    let mut tip = 0;
    for round in 0..12u64 {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "crash::victim", "--ignored"])
            .env(PATH, place.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Real time: only a real process can be killed in the middle of a real write.
        std::thread::sleep(Duration::from_millis(60 + round * 17 % 90));
        child.kill().unwrap();
        child.wait().unwrap();
        let Ok(reader) = SqliteReader::open(&place.path()) else {
            assert_eq!(tip, 0, "a database that was good cannot be read any more");
            continue;
        };
        let verified = reader.verify().unwrap();
        assert_eq!(verified.damage, vec![], "round {round}");

        let loaded = reader.load().unwrap();
        let now = loaded.ledger.tip.map_or(0, |tip| tip.height);
        assert!(now >= tip, "round {round}: went back from {tip} to {now}");
        tip = now;
        let counts = reader.counts().unwrap();
        assert_eq!(counts.choice_txs, counts.blocks);
        assert_eq!(counts.events, counts.blocks * u64::from(EVENTS));
        let mut replayed = Ledger::default();
        for height in 1..=tip {
            replayed.apply(&busy(height), None);
        }
        assert_eq!(loaded.ledger, replayed);
        // A block that came alone has its message; the others came in runs, whole or not at all.
        let decided = reader.pending("email", at(1), u32::MAX).unwrap();
        let decided: BTreeSet<Height> = decided.iter().map(|m| m.message.created_height).collect();
        let silent: Vec<Height> = (1..=tip).filter(|height| !decided.contains(height)).collect();
        for run in silent.chunk_by(|a, b| a + 1 == *b) {
            assert_eq!(run.len() % RUN, 0, "round {round}: half a run, {run:?} of {tip}");
        }
    }
    assert!(tip > 12, "the victims did not get far enough to be killed while writing: {tip}");
}
