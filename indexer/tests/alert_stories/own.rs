//! What is wrong with Bootwatch itself: a running daemon on simulated nodes, over real sockets.
//!
//! The daemon's own incidents, as its database has them, show that it notices and recovers. How long
//! something has to last is minutes; so the Situations that the daemon showed are judged again, with the
//! default thresholds, at times that the test chooses, to the second.

pub(crate) mod endpoints;
mod judge;

use std::time::Duration;

use bootwatch_alerts::Thresholds;
use bootwatch_devnet::{
    Options,
    chain::{Spec, Story as ChainStory, Timing},
};
use bootwatch_mailbox::{Fault, Mailbox, Stage};
use bootwatch_rules::situation::{EndpointState, Situation};
use bootwatch_schema::{
    Ending::{Expired, Met},
    Incident, IncidentState, OrderBook,
    Severity::{Critical, Warning},
    Silence,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use self::judge::{Judge, all, clearing, config, fired, kept, noticed, shows};
use crate::{
    Story,
    bench::{self, Bench, subjects, until},
    proxy::Proxy,
    told::grouped,
};

pub(crate) const STORIES: &[Story] = &[
    Story { alert: "NoHealthyEndpoint", told: a_daemon_without_endpoints_says_that_it_is_blind },
    Story { alert: "IngestStalled", told: blocks_that_are_not_taken_in_are_told },
    Story { alert: "ChainHalted", told: a_halted_chain_is_told_once_and_can_be_silenced },
    Story { alert: "BlocksLost", told: blocks_that_nobody_has_any_more_are_told },
    Story { alert: "ForecastMismatch", told: a_charge_that_contradicts_the_rules_is_told },
    Story { alert: "NotificationsFailing", told: mail_that_does_not_get_through_is_told },
    Story { alert: "DiskLow", told: a_disk_that_is_almost_full_is_told },
];

/// Slow enough for a busy machine to follow.
const PACE: Duration = Duration::from_millis(100);
/// Blocks that a node forgets while the daemon is away.
const LOST: i64 = 20;

// Fails when nobody hears that no block can be had any more, when that is said before a minute has shown
// it or with another last block than the newest stored one, or when it goes on once a node answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_without_endpoints_says_that_it_is_blind() {
    let bench = Bench::start(PACE).await;
    let node = Proxy::start(&bench.node.url()).await;
    let run = bench.run(config(&bench, &[("only", node.url())], "", "")).await;
    run.reaches(5).await;
    node.be_away(true);
    let blind = shows(&run, |s| all(s, EndpointState::Down)).await;
    let kept = noticed(&bench, "NoHealthyEndpoint").await;
    assert_eq!((kept.severity, kept.labels.len()), (Critical, 0));
    let mut judge = Judge::of("NoHealthyEndpoint");
    let told = judge.fires_in(60, &blind, Timestamp::now());
    let (_, newest) = bench.coverage();
    told.says(&format!("no block has been taken in after block {}", grouped(newest)));
    assert!(told.number("only").contains("502"), "{}", told.number("only"));
    node.be_away(false);
    let well = shows(&run, |s| all(s, EndpointState::Up) && !s.stale).await;
    clearing(&bench, "NoHealthyEndpoint").await;
    judge.clears_in(60, &well, Met);
    run.stop().await;
}

// Fails when blocks that are there and cannot be read are not missed, when the last and the newest block
// are not those of database and node, or when it is over before the head is reached.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocks_that_are_not_taken_in_are_told() {
    let bench = Bench::start(Duration::from_millis(500)).await;
    let node = Proxy::start(&bench.node.url()).await;
    // Without frames every block is asked for.
    let plain = bench::without_websocket(node.url()).await;
    let run = bench.run(config(&bench, &[("only", plain)], "", "")).await;
    run.reaches(5).await;
    // Its status goes on, and no block of it can be read.
    node.change(|method, answer| {
        if ["block", "block_results"].contains(&method) {
            *answer = json!({ "jsonrpc": "2.0", "id": answer["id"], "error": {
                "code": -32603, "message": "Internal error", "data": "out of order",
            }});
        }
    });
    let since = shows(&run, |s| s.stale && s.head > s.complete_to + 5).await;
    assert_eq!(fired(&bench, "IngestStalled").await.severity, Critical);
    let trouble = shows(&run, |s| s.stale && s.complete_to >= since.complete_to).await;
    let mut judge = Judge::of("IngestStalled");
    let told = judge.fires_after(120, &trouble, trouble.service.advanced_at.unwrap());
    let (_, last) = bench.coverage();
    assert_eq!(told.number("Last block taken in"), grouped(last));
    assert_eq!(told.number("Newest block told of"), grouped(trouble.head));
    assert!(trouble.head > last && trouble.head <= bench.node.height());
    node.be_honest();
    let well = shows(&run, |s| !s.stale).await;
    clearing(&bench, "IngestStalled").await;
    judge.clears_in(60, &well, Met);
    run.stop().await;
    bench.assert_contiguous();
}

// Fails when a halt is not told although no block comes any more, when it is told again after a
// restart, when a silence that was ordered beside the daemon is not heard, when the newest block is not
// the node's, or when it is not over half a minute after the chain goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_halted_chain_is_told_once_and_can_be_silenced() {
    let bench = Bench::start(PACE).await;
    let mailbox = Mailbox::start("127.0.0.1:0").await.unwrap();
    let mail = mail_to(&mailbox);
    let endpoints = [("devnet", bench.node.url())];
    let run = bench.run(config(&bench, &endpoints, &mail, "")).await;
    run.reaches(5).await;
    bench.node.faults().halt_at(Some(bench.node.height() + 1));
    let told = || subjects(&mailbox).iter().filter(|s| s.contains("no new block after")).count();
    until("the mail of the halt", || told() == 1).await;
    assert_eq!(fired(&bench, "ChainHalted").await.severity, Critical);
    let trouble = shows(&run, |s| s.stale && all(s, EndpointState::Up)).await;
    let mut judge = Judge::of("ChainHalted");
    let words = judge.fires_after(120, &trouble, trouble.head_time);
    assert_eq!(words.number("Newest block"), grouped(bench.node.height()));
    run.stop().await;

    let run = bench.run(config(&bench, &endpoints, &mail, "")).await;
    let silence = Silence {
        id: 0,
        matchers: [("alert".to_owned(), "ChainHalted".to_owned())].into(),
        starts_at: Timestamp::UNIX_EPOCH,
        ends_at: Some(Timestamp::now() + SignedDuration::from_hours(1)),
        ends_epoch: None,
        author: "test".into(),
        comment: "planned".into(),
        expired_at: None,
    };
    OrderBook::open(&bench.database()).unwrap().silence(&silence).unwrap();
    kept(&bench, "ChainHalted", |incident| incident.silenced_by == Some(1)).await;
    assert_eq!(told(), 1, "{:?}", subjects(&mailbox));
    bench.node.faults().halt_at(None);
    let well = shows(&run, |s| !s.stale).await;
    clearing(&bench, "ChainHalted").await;
    judge.clears_in(30, &well, Met);
    run.stop().await;
}

// Fails when a hole in the running epoch is not told, with the blocks that the node has pruned.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocks_that_nobody_has_any_more_are_told() {
    let spec = Spec {
        // One epoch runs for all of the story.
        timing: Timing::scaled(2_000),
        ..Spec::new(7, ChainStory::load("quiet").unwrap())
    };
    let begun = spec.timing.until_effective() + 2;
    let bench = Bench::of(Options { block_time: PACE, ..Options::new(spec) }).await;
    let endpoints = [("devnet", bench.node.url())];
    let run = bench.run(config(&bench, &endpoints, "", "")).await;
    run.reaches(begun).await;
    run.stop().await;
    let (_, last) = bench.coverage();
    until("the blocks that are lost", || bench.node.height() > last + LOST).await;
    bench.node.faults().prune_below(last + LOST + 1);
    let run = bench.run(config(&bench, &endpoints, "", "")).await;
    let of_it = |incident: &Incident| incident.window == (last + 1).to_string();
    let lost = kept(&bench, "BlocksLost", of_it).await;
    assert_eq!((lost.severity, lost.state), (Warning, IncidentState::Firing));
    let trouble = shows(&run, |s| s.complete_from == last + LOST + 1).await;
    let told = Judge::of("BlocksLost").tells(&trouble, Timestamp::now());
    let told = told.iter().find(|told| told.number("First") == grouped(last + 1)).unwrap();
    assert_eq!(told.number("Last"), grouped(last + LOST));
    assert_eq!(told.text("headline"), format!("{LOST} blocks are lost"));
    run.stop().await;
}

// Fails when a rule that the chain contradicts goes unnoticed: the node is 0.2.14, and the daemon judges
// by v0.2.16, where a candidate that was not pre-eligible costs nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_charge_that_contradicts_the_rules_is_told() {
    let bench = Bench::start(Duration::from_millis(20)).await;
    let run = bench.run(bench.config_by("v0.2.16")).await;
    shows(&run, |s| s.service.mismatch.is_some()).await;
    let last = bench.node.height() + 2;
    bench.node.faults().halt_at(Some(last));
    let trouble = run.reaches(last).await;
    let found = trouble.service.mismatch.clone().unwrap();
    let of_it = |incident: &Incident| incident.window == found.height.to_string();
    let kept = judge::kept(&bench, "ForecastMismatch", of_it).await;
    assert_eq!((kept.severity, kept.state), (Warning, IncidentState::Firing));
    // The chain fixes charges at validation ends and nowhere else.
    let timing = Timing::default();
    let end = timing.poc_stage + timing.validation_delay + timing.validation;
    assert_eq!((found.height - 1 - end) % timing.epoch_length, 0, "{found:?}");
    let told = Judge::of("ForecastMismatch").fires_at(&trouble, Timestamp::now());
    assert_eq!(told.number("Block"), grouped(found.height));
    assert_eq!(told.number("Rules"), "v0.2.16");
    run.stop().await;
    // By the rules of the node's version it is over, in silence.
    let run = bench.run(bench.config()).await;
    let over = |i: &Incident| of_it(i) && i.state == IncidentState::Resolved;
    assert_eq!(judge::kept(&bench, "ForecastMismatch", over).await.ending, Some(Expired));
    run.stop().await;
}

// Fails when mail that waits goes unnoticed, when the number that wait is not that of the messages that
// were decided, or when it is not over five minutes after they went out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_that_does_not_get_through_is_told() {
    let bench = Bench::start(PACE).await;
    let mailbox = Mailbox::start("127.0.0.1:0").await.unwrap();
    mailbox.inject(Fault::reply(Stage::Rcpt, "451 4.7.1 not now"));
    let node = Proxy::start(&bench.node.url()).await;
    let endpoints = [("good", bench.node.url()), ("other", node.url())];
    // One message, and no other.
    let mail = format!("{}alerts = [\"EndpointDown\"]\n", mail_to(&mailbox));
    let run = bench.run(config(&bench, &endpoints, &mail, "")).await;
    run.reaches(5).await;
    node.be_away(true);
    let kept = fired(&bench, "NotificationsFailing").await;
    let labels = [("channel".to_owned(), "email".to_owned())];
    assert_eq!((kept.severity, kept.labels), (Critical, labels.into()));
    let waits = |s: &Situation| s.service.channels.iter().any(|channel| channel.waiting > 0);
    let trouble = shows(&run, waits).await;
    let down = fired(&bench, "EndpointDown").await;
    let mut judge = Judge::of("NotificationsFailing");
    let told = judge.fires_after(600, &trouble, down.told["email:me@example.org"].at);
    assert_eq!(told.number("Waiting"), "1");
    assert_eq!(mailbox.mails().len(), 0);
    mailbox.calm();
    until("the mail", || mailbox.mails().len() == 1).await;
    let well = shows(&run, |s| s.service.channels.iter().all(|channel| channel.waiting == 0)).await;
    clearing(&bench, "NotificationsFailing").await;
    judge.clears_in(300, &well, Met);
    run.stop().await;
}

// Fails when little room passes for enough, when the room is not what the system says, or when it is over
// before there is a quarter more than the limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_almost_full_is_told() {
    let bench = Bench::start(PACE).await;
    let endpoints = [("devnet", bench.node.url())];
    let run = bench.run(config(&bench, &endpoints, "", "disk_low_mb = \"1000000000\"\n")).await;
    assert_eq!(fired(&bench, "DiskLow").await.severity, Warning);
    let shown = shows(&run, |s| s.service.disk_free.is_some()).await;
    run.stop().await;
    let disk = rustix::fs::statvfs(bench.database()).unwrap();
    let (free, shown_free) = (disk.f_bavail * disk.f_frsize, shown.service.disk_free.unwrap());
    // Others write on it at the same time.
    assert!(free.abs_diff(shown_free) < free / 10 + 1_000_000_000, "{free}, {shown_free}");
    let megabytes = i64::try_from(shown_free / 1_000_000).unwrap();
    let with = |free: i64| {
        let mut situation = (*shown).clone();
        situation.service.disk_free = Some(u64::try_from(free).unwrap() * 1_000_000);
        situation
    };
    let low = u64::try_from(megabytes).unwrap() + 1;
    let mut judge =
        Judge::with("DiskLow", Thresholds { disk_low_mb: low, ..Thresholds::default() });
    let enough = with(megabytes + 1);
    assert_eq!(judge.state(&enough, Timestamp::now()), None);
    let told = judge.fires_at(&shown, Timestamp::now());
    assert_eq!(told.number("Free"), format!("{} MB", grouped(megabytes)));
    let almost = with((megabytes + 1) * 5 / 4 - 1);
    let later = Timestamp::now() + SignedDuration::from_hours(1);
    assert_eq!(judge.state(&almost, later), Some(IncidentState::Firing));
    assert_eq!(
        judge.state(&almost, later + SignedDuration::from_hours(1)),
        Some(IncidentState::Firing)
    );
    judge.clears_in(60, &with((megabytes + 1) * 5 / 4 + 1), Met);
}

fn mail_to(mailbox: &Mailbox) -> String {
    format!(
        "[email]\nsmtp = \"{}\"\ntls = \"none\"\nfrom = \"b@example.org\"\nto = [\"me@example.org\"]\n",
        mailbox.address()
    )
}
