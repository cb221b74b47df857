//! Replays over what a database no longer has: pruned headers, and holes.

use std::{path::PathBuf, time::Duration};

use bootwatch_mailbox::Mailbox;
use bootwatch_schema::{ReadStore as _, SqliteReader};
use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::Value;

use crate::{
    bench::Bench,
    orders::{binary, ends, parsed, said, text},
};

/// A configuration with mail, as a file beside the database.
fn configured(bench: &Bench, mailbox: &Mailbox) -> (PathBuf, String) {
    let text = text(bench, mailbox, "127.0.0.1:0".parse().unwrap(), "");
    let file = bench.database().parent().unwrap().join("bootwatch.toml");
    std::fs::write(&file, &text).unwrap();
    (file, text)
}

async fn replay(file: &std::path::Path, from: i64, to: i64) -> Value {
    let (from, to) = (from.to_string(), to.to_string());
    let range = ["alerts", "replay", "--json", "--from", &from, "--to", &to];
    let output = ends(binary(file, &range)).await;
    assert!(output.status.success(), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn notes(replay: &Value) -> String {
    replay["not_replayed"].to_string()
}

/// Where each message was decided and what it says, without the time that is left.
fn messages(replay: &Value) -> Vec<(i64, String)> {
    let messages = replay["messages"].as_array().unwrap().iter();
    messages
        .map(|message| {
            let subject = message["subject"].as_str().unwrap();
            let said = subject.rsplit_once(", ").map_or(subject, |(said, _)| said);
            (message["height"].as_i64().unwrap(), said.to_owned())
        })
        .collect()
}

// Fails when blocks whose headers were pruned are passed over, told of at other heights or by times
// out of order, or when it is not said that their times are estimates.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pruned_headers_change_no_decision() {
    let bench = Bench::start(Duration::from_millis(20)).await;
    let mailbox = Mailbox::start("127.0.0.1:0").await.unwrap();
    let (file, text) = configured(&bench, &mailbox);
    let run = bench.run(parsed(&text)).await;
    let first = run.reaches(1).await.complete_to;
    let last = run.reaches(first + 2 * bench.epoch_length()).await.complete_to;
    run.stop().await;
    let first = SqliteReader::open(&bench.database()).unwrap().first_followed().unwrap().unwrap();
    let whole = replay(&file, first, last).await;
    assert_eq!(whole["estimated_times"], 0);
    assert!(messages(&whole).len() > 5, "{:?}", messages(&whole));

    // As the store does it, a day of mainnet later: headers without evidence go.
    let db = Connection::open(bench.database()).unwrap();
    let pruned =
        db.execute("DELETE FROM block WHERE height < ?1 AND evidence = 0", [last - 5]).unwrap();
    db.execute("UPDATE headers SET complete = ?1", [last - 5]).unwrap();
    drop(db);
    assert!(pruned > 20, "{pruned} headers went");
    let again = replay(&file, first, last).await;
    assert_eq!(again["judged"].as_i64(), Some(last - first + 1));
    assert!(again["estimated_times"].as_u64().unwrap() > 20, "{}", again["estimated_times"]);
    assert!(notes(&again).contains("their headers are no longer kept"), "{}", notes(&again));
    assert_eq!(messages(&again), messages(&whole));
    let times: Vec<Timestamp> = again["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["at"].as_str().unwrap().parse().unwrap())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
}

// Fails when a hole ends the replay or is not told, when something is decided in it, or when what a
// deadline in it came to is claimed to be known.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hole_is_told_and_nothing_is_claimed_of_it() {
    let bench = Bench::pruning(Duration::from_millis(40), 40).await;
    let mailbox = Mailbox::start("127.0.0.1:0").await.unwrap();
    let (file, text) = configured(&bench, &mailbox);
    let run = bench.run(parsed(&text)).await;
    let stopped = run.reaches(bench.epoch_length() / 2).await.complete_to;
    run.stop().await;
    // A capture and a validation start lie in the hole.
    while bench.node.height() < stopped + bench.epoch_length() + 40 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let run = bench.run(parsed(&text)).await;
    let last = run.reaches(bench.node.height() + bench.epoch_length()).await.complete_to;
    run.stop().await;
    let reader = SqliteReader::open(&bench.database()).unwrap();
    let first = reader.first_followed().unwrap().unwrap();
    // A slow machine may lose more than the one hole.
    let stored: Vec<(i64, i64)> = reader.load().unwrap().coverage.stored;
    let stored = stored.into_iter().filter(|range| range.1 >= first).collect::<Vec<_>>();
    let holes: Vec<(i64, i64)> =
        stored.windows(2).map(|pair| (pair[0].1 + 1, pair[1].0 - 1)).collect();
    let (from, to) = *holes.iter().find(|hole| hole.0 > stopped).expect("a hole");
    let lost: i64 = holes.iter().map(|hole| hole.1 - hole.0 + 1).sum();

    let replayed = replay(&file, first, last).await;
    let told = notes(&replayed);
    for (from, to) in &holes {
        assert!(told.contains(&format!("blocks {from} to {to}: not stored")), "{told}");
    }
    assert_eq!(replayed["judged"].as_i64(), Some(last - first + 1 - lost));
    let said = messages(&replayed);
    assert!(said.iter().all(|(height, _)| !(from..=to).contains(height)), "{said:?}");
    assert!(said.iter().any(|(height, _)| *height > to), "it goes on behind the hole: {said:?}");
    // The first look behind the hole cannot tell how anything in it ended.
    let of_the_hole = said.iter().filter(|(height, _)| *height == to + 1);
    for (_, subject) in of_the_hole {
        assert!(!subject.contains("settled") && !subject.contains(" missed for "), "{subject}");
    }
    // From within the hole, and only the hole.
    let within = replay(&file, from + 3, last).await;
    let told = notes(&within);
    assert!(told.contains(&format!("blocks {} to {to}: not stored", from + 3)), "{told}");
    let nothing = replay(&file, from, to).await;
    assert_eq!((&nothing["judged"], messages(&nothing)), (&0.into(), vec![]));
}
