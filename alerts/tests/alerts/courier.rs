//! The courier's patience, on tokio's paused clock and with a scripted channel.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use bootwatch_alerts::{
    channel::{Channel, SendError},
    courier::{self, CourierPolicy},
};
use bootwatch_schema::{Delivery, NewMessage, PendingMessage, Severity};
use jiff::{SignedDuration, Timestamp};
use tokio::{sync::Notify, task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::outbox::{Memory, message};

type Reply = Result<(), SendError>;

/// Answers from a script, then yes; notes when it was asked for what.
#[derive(Clone, Default)]
struct Scripted {
    replies: Arc<Mutex<VecDeque<Reply>>>,
    asked: Arc<Mutex<Vec<(Duration, String)>>>,
    hang: bool,
    began: Option<Instant>,
}

impl Channel for Scripted {
    fn name(&self) -> &str {
        "email"
    }

    async fn send(&self, message: &PendingMessage) -> Reply {
        let at = self.began.expect("began").elapsed();
        self.asked.lock().unwrap().push((at, message.message.message_id.clone()));
        if self.hang {
            std::future::pending::<()>().await;
        }
        self.replies.lock().unwrap().pop_front().unwrap_or(Ok(()))
    }
}

struct Bench {
    outbox: Memory,
    channel: Scripted,
    wake: Arc<Notify>,
    stop: CancellationToken,
    epoch: Timestamp,
    task: JoinHandle<()>,
}

fn start(outbox: Memory, replies: impl IntoIterator<Item = Reply>, hang: bool) -> Bench {
    let began = Instant::now();
    let epoch = epoch();
    let channel = Scripted {
        replies: Arc::new(Mutex::new(replies.into_iter().collect())),
        hang,
        began: Some(began),
        ..Scripted::default()
    };
    let (wake, stop) = (Arc::new(Notify::new()), CancellationToken::new());
    let clock = move || epoch + SignedDuration::try_from(began.elapsed()).unwrap();
    let task = tokio::spawn(courier::run_with_clock(
        outbox.clone(),
        channel.clone(),
        CourierPolicy::default(),
        wake.clone(),
        stop.clone(),
        clock,
    ));
    Bench { outbox, channel, wake, stop, epoch, task }
}

fn epoch() -> Timestamp {
    "2026-08-13T00:00:00Z".parse().unwrap()
}

impl Bench {
    fn asked(&self) -> Vec<(u64, String)> {
        let asked = self.channel.asked.lock().unwrap();
        asked.iter().map(|(at, id)| (at.as_secs(), id.clone())).collect()
    }

    async fn pass(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

fn later() -> Reply {
    Err(SendError::Later("451 greylisted".into()))
}

fn down() -> Reply {
    Err(SendError::Unavailable("connection refused".into()))
}

// Fails when a message that is put off is given up, retried at once, or retried too late.
#[tokio::test(start_paused = true)]
async fn a_message_that_is_put_off_comes_again_with_growing_waits() {
    let outbox = Memory::default();
    outbox.put(message("a", "i", "x@y.z", epoch()));
    let bench = start(outbox, [later(), later(), later()], false);
    bench.pass(200).await;
    let times: Vec<u64> = bench.asked().iter().map(|(at, _)| *at).collect();
    assert_eq!(times.len(), 4, "{times:?}");
    // Waits of 5, 30 and 120 s, shortened by up to a fifth, then the next look every 5 s.
    for (pair, wait) in times.windows(2).zip([5, 30, 120]) {
        let waited = pair[1] - pair[0];
        assert!(waited >= wait * 4 / 5 && waited <= wait + 5, "{times:?}");
    }
    assert!(matches!(bench.outbox.entry(0).end, Some(Delivery::Delivered { .. })));
    bench.end().await;
}

// Fails when something critical waits for half an hour after a long outage, its own or the channel's, or
// when what is not critical is tried as often.
#[tokio::test(start_paused = true)]
async fn what_is_critical_is_tried_every_two_minutes() {
    for reply in [later, down] {
        for (severity, longest) in [(Severity::Critical, 125), (Severity::Warning, 1_805)] {
            let outbox = Memory::default();
            outbox.put(NewMessage { severity, ..message("a", "i", "x@y.z", epoch()) });
            let bench = start(outbox, (0..8).map(|_| reply()), false);
            bench.pass(3 * 3_600).await;
            let times: Vec<u64> = bench.asked().iter().map(|(at, _)| *at).collect();
            let waits: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let most = waits.iter().max().copied().unwrap_or(0);
            assert!(most <= longest && most * 2 > longest, "{severity:?}: {waits:?}");
            bench.end().await;
        }
    }
}

// Fails when an outage costs an attempt per message, blames the messages, or does not drain in
// order once it is over.
#[tokio::test(start_paused = true)]
async fn an_outage_is_probed_by_one_message_and_drained_in_order() {
    let outbox = Memory::default();
    for id in ["a", "b", "c"] {
        outbox.put(message(id, id, "x@y.z", epoch()));
    }
    let bench = start(outbox, [down(), down(), down()], false);
    bench.pass(3).await;
    assert_eq!(bench.asked().len(), 1, "one probe for all");
    bench.pass(300).await;
    let ids: Vec<String> = bench.asked().into_iter().map(|(_, id)| id).collect();
    assert_eq!(ids, ["a", "a", "a", "a", "b", "c"]);
    assert_eq!(bench.outbox.waiting(), 0);
    assert_eq!(bench.outbox.entry(1).pending.attempts, 1);
    bench.end().await;
}

// Fails when a fresh message has to sit out half an hour of a channel's punishment.
#[tokio::test(start_paused = true)]
async fn a_fresh_message_shortens_the_wait_for_a_broken_channel() {
    let outbox = Memory::default();
    outbox.put(message("a", "i", "x@y.z", epoch()));
    let bench = start(outbox, (0..5).map(|_| down()), false);
    bench.pass(1200).await;
    let before = bench.asked().len();
    assert_eq!(before, 5);
    let now = bench.epoch + SignedDuration::from_secs(1200);
    bench.outbox.put(message("b", "j", "x@y.z", now));
    bench.wake.notify_one();
    bench.pass(31).await;
    assert_eq!(bench.outbox.waiting(), 0, "{:?}", bench.asked());
    bench.end().await;
}

// Fails when the end of an incident overtakes its beginning, or one recipient's trouble delays
// another's mail.
#[tokio::test(start_paused = true)]
async fn order_holds_within_an_incident_and_recipient_only() {
    let outbox = Memory::default();
    outbox.put(message("begin", "i", "slow@y.z", epoch()));
    outbox.put(message("end", "i", "slow@y.z", epoch()));
    outbox.put(message("other", "i", "quick@y.z", epoch()));
    let bench = start(outbox, [later()], false);
    bench.pass(1).await;
    let ids = |bench: &Bench| bench.asked().into_iter().map(|(_, id)| id).collect::<Vec<_>>();
    assert_eq!(ids(&bench), ["begin", "other"]);
    bench.pass(60).await;
    assert_eq!(ids(&bench), ["begin", "other", "begin", "end"]);
    bench.end().await;
}

// Fails when a refusal is repeated, or a broken record makes a delivered mail go out again.
#[tokio::test(start_paused = true)]
async fn nothing_is_sent_while_results_are_not_recorded() {
    let outbox = Memory::default();
    *outbox.broken.lock().unwrap() = 4;
    outbox.put(message("a", "i", "x@y.z", epoch()));
    outbox.put(message("b", "j", "x@y.z", epoch()));
    let refused = Err(SendError::Refused("550 no".into()));
    let bench = start(outbox, [refused], false);
    bench.pass(120).await;
    assert_eq!(bench.asked().len(), 2, "{:?}", bench.asked());
    assert!(matches!(bench.outbox.entry(0).end, Some(Delivery::Rejected { .. })));
    assert!(matches!(bench.outbox.entry(1).end, Some(Delivery::Delivered { .. })));
    bench.end().await;
}

// Fails when a message is retried for ever.
#[tokio::test(start_paused = true)]
async fn a_message_is_given_up_after_days() {
    let outbox = Memory::default();
    let old = epoch() - SignedDuration::from_hours(5 * 24 + 1);
    outbox.put(message("a", "i", "x@y.z", old));
    let bench = start(outbox, (0..8).map(|_| later()), false);
    bench.pass(1).await;
    assert!(bench.outbox.entry(0).end.is_none(), "one attempt is not enough, however old it is");
    bench.pass(3 * 3600).await;
    assert_eq!(bench.asked().len(), 8);
    let Some(Delivery::Rejected { error, .. }) = bench.outbox.entry(0).end else { panic!() };
    assert!(error.contains("given up") && error.contains("451"), "{error}");
    bench.end().await;
}

// Fails when a hanging attempt keeps the daemon from stopping, or costs the message.
#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_a_hanging_attempt_only_a_short_grace() {
    let outbox = Memory::default();
    outbox.put(message("a", "i", "x@y.z", epoch()));
    let bench = start(outbox, [], true);
    bench.pass(1).await;
    let stopped = Instant::now();
    let outbox = bench.outbox.clone();
    bench.end().await;
    assert!(stopped.elapsed() <= Duration::from_secs(4), "{:?}", stopped.elapsed());
    assert_eq!(outbox.waiting(), 1);
}

// Fails when a pause that the other side asked for is cut short, even by a fresh message.
#[tokio::test(start_paused = true)]
async fn a_pause_is_honoured() {
    let outbox = Memory::default();
    outbox.put(message("a", "i", "x@y.z", epoch()));
    let pause = Duration::from_secs(300);
    let bench = start(outbox, [Err(SendError::Throttled { text: "429".into(), pause })], false);
    bench.pass(100).await;
    bench.outbox.put(message("b", "j", "x@y.z", epoch()));
    bench.wake.notify_one();
    bench.pass(199).await;
    assert_eq!(bench.asked().len(), 1, "{:?}", bench.asked());
    bench.pass(10).await;
    assert_eq!(bench.outbox.waiting(), 0);
    assert!(bench.outbox.troubles().is_empty(), "a pause is no trouble");
    bench.end().await;
}

// Fails when nobody hears that a recipient is refused, or hears it before it is so.
#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_by_the_others() {
    let outbox = Memory::default();
    outbox.put(message("a", "i", "x@y.z", epoch()));
    outbox.put(message("b", "j", "good@y.z", epoch()));
    let bench = start(outbox, [Err(SendError::Refused("550 no such mailbox".into()))], false);
    bench.pass(1).await;
    let troubles = bench.outbox.troubles();
    assert_eq!(troubles.len(), 1);
    assert_eq!(troubles[0].recipient, "x@y.z");
    assert_eq!(troubles[0].error, "550 no such mailbox");
    bench.end().await;
}
