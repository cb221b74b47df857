//! How fast mail goes out: `cargo bench -p bootwatch-alerts --bench mail`.
//!
//! The real store, courier and email channel against a mail server on loopback. First one message
//! at a time, from its commit in the database to the server's 250; then a full outbox of 10,000,
//! with the memory that draining it takes. Each delivery is on disk before the next begins, so a
//! disk's flush is the floor: it is measured beside. Prints the figures beside their goals; machines differ,
//! so it judges nothing.

use std::{
    fs,
    io::Write as _,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bootwatch_alerts::{
    channel::email::{Email, EmailSettings, NAME, Tls},
    courier::{self, CourierPolicy, OutboxError},
};
use bootwatch_mailbox::Mailbox;
use bootwatch_schema::{
    Delivery, NewMessage, PendingMessage, ReadStore, Severity, SqliteStore, Store,
};
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

const SINGLE: usize = 300;
const QUEUED: u64 = 10_000;
/// Messages put into the outbox at a time.
const LOT: u64 = 100;

#[derive(Clone)]
struct Outbox(Arc<Mutex<SqliteStore>>);

impl Outbox {
    fn store<T>(&self, work: impl FnOnce(&mut SqliteStore) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl courier::Outbox for Outbox {
    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<PendingMessage>, OutboxError> {
        Ok(self.store(|store| store.pending(NAME, now, limit))?)
    }

    async fn settle(&self, deliveries: Vec<Delivery>) -> Result<(), OutboxError> {
        Ok(self.store(|store| store.settle(&deliveries))?)
    }
}

fn message(id: u64) -> NewMessage {
    NewMessage {
        message_id: format!("{id:032x}"),
        incident: format!("{id:032x}"),
        parts: vec![],
        channel: NAME.into(),
        recipient: "ops@example.org".into(),
        severity: Severity::Warning,
        subject: "[WARNING] my-gpu-1: no choice for DeepSeek-V4-Flash-0731, 52 min left".into(),
        // The sizes of a usual mail.
        text: "What happens, by when, what it costs. ".repeat(30),
        html: Some("<p>What happens, by when, what it costs.</p>".repeat(130)),
        created_at: Timestamp::now(),
        created_height: 1,
    }
}

/// Resident memory in MiB: now (`VmRSS`), or at its highest (`VmHWM`).
fn resident(which: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line =
        status.lines().find_map(|line| line.strip_prefix(which)?.strip_prefix(':')).unwrap_or("0");
    let kib: f64 = line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0.0);
    kib / 1024.0
}

/// The mean time of a small write that is flushed to the disk.
fn flush(dir: &Path) -> Duration {
    const TIMES: u32 = 50;
    let mut file = fs::File::create(dir.join("flush")).expect("a file");
    let began = Instant::now();
    for _ in 0..TIMES {
        file.write_all(&[0; 4096]).and_then(|()| file.sync_data()).expect("a write");
    }
    began.elapsed() / TIMES
}

#[tokio::main]
async fn main() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let store = SqliteStore::open(&dir.path().join("mail.db"), "bench").expect("a store");
    let outbox = Outbox(Arc::new(Mutex::new(store)));
    let mailbox = Mailbox::start("127.0.0.1:0").await.expect("a mail server");
    let email = Email::new(EmailSettings {
        host: "127.0.0.1".into(),
        port: mailbox.address().port(),
        tls: Tls::None,
        extra_roots: None,
        from: "Bootwatch <bootwatch@example.org>".into(),
        to: vec!["ops@example.org".into()],
        username: None,
        password: None,
        timeout: Duration::from_secs(60),
    })
    .expect("an account");
    let (wake, stop) = (Arc::new(Notify::new()), CancellationToken::new());
    let run = courier::run(
        outbox.clone(),
        email,
        CourierPolicy::default(),
        Arc::clone(&wake),
        stop.clone(),
    );
    let courier = tokio::spawn(run);

    let mut taken = Vec::with_capacity(SINGLE);
    for id in 0..SINGLE as u64 {
        outbox.store(|store| store.post(&[message(id)])).expect("a commit");
        let committed = Instant::now();
        wake.notify_one();
        mailbox.next().await.expect("a mail");
        taken.push(committed.elapsed());
    }
    taken.sort();
    let at = |share: usize| taken[(taken.len() * share / 100).min(taken.len() - 1)];
    println!("from commit to the server's 250, {SINGLE} messages one at a time");
    println!("  p50 {:>9.1?}", at(50));
    println!("  p99 {:>9.1?}    goal 2 s", at(99));

    println!("  one flush of this disk {:>9.1?}", flush(dir.path()));

    let goal = mailbox.received() + QUEUED;
    // As many wait as the outbox takes; in lots, so that this process never holds them all.
    for lot in 0..QUEUED / LOT {
        let messages: Vec<_> = (0..LOT).map(|n| message(1_000_000 + lot * LOT + n)).collect();
        outbox.store(|store| store.post(&messages)).expect("a commit");
    }
    // The courier may have looked already.
    let waiting = goal - mailbox.received();
    let (before, began) = (resident("VmRSS"), Instant::now());
    wake.notify_one();
    while mailbox.received() < goal {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("{waiting} queued messages, drained in {seconds:.1} s");
    // The mail server of this process keeps 1,024 of them, about 10 MiB.
    println!("  rate {:>8.0} /s    goal 100 /s", waiting as f64 / seconds);
    println!("  memory {before:.1} MiB before, {:.1} MiB at most", resident("VmHWM"));
    stop.cancel();
    let _ = courier.await;
}
