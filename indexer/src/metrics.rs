//! What Prometheus sees. Two parts: counters and histograms of what this process did, and gauges of
//! the newest [`Situation`], which are built from it when they are asked for. So a scrape shows one
//! Situation, never a mixture of two; a label value that vanished from it is gone; and publishing a
//! block costs a pointer.
//!
//! Conventions: prefix `bootwatch_`, base units in the name, instants instead of time left, labels
//! only from the configuration, from governance (models) or from lists in this room.

mod families;
mod process;
mod situation;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use bootwatch_alerts::channel::SendError;
use bootwatch_rules::situation::Situation;
use jiff::Timestamp;
use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec,
    IntGauge, IntGaugeVec, Opts, Registry, TextEncoder, core::Collector,
};

use crate::decode::KEPT;

/// The content type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How a block came to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockSource {
    /// A websocket frame.
    Websocket,
    /// Fetched at the tip.
    Poll,
    /// Fetched to close a gap.
    Backfill,
    /// Fetched from below where the ledger began.
    History,
}

impl BlockSource {
    const ALL: [Self; 4] = [Self::Websocket, Self::Poll, Self::Backfill, Self::History];

    /// The word for it in labels and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Websocket => "ws",
            Self::Poll => "poll",
            Self::Backfill => "backfill",
            Self::History => "history",
        }
    }
}

/// Why a websocket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disconnect {
    /// No data for too long.
    Idle,
    /// The node closed it.
    Closed,
    /// The node said that we are too slow.
    SlowClient,
    /// Anything else.
    Error,
}

impl Disconnect {
    const ALL: [Self; 4] = [Self::Idle, Self::Closed, Self::SlowClient, Self::Error];

    /// The word for it in labels and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Closed => "closed",
            Self::SlowClient => "slow_client",
            Self::Error => "error",
        }
    }
}

/// What has a label of its own besides the kept events; all else is `other`.
const COUNTED: &[&str] = &["bootstrap_model_preeligibility", "choice", "store_commit"];

/// Every metric of this process.
pub struct Metrics {
    registry: Registry,
    newest: RwLock<Option<Arc<Situation>>>,
    blocks: IntCounterVec,
    events: IntCounterVec,
    decode_failures: IntCounterVec,
    delay: Histogram,
    tip: Histogram,
    commit: Histogram,
    connects: IntCounterVec,
    disconnects: IntCounterVec,
    last_message: GaugeVec,
    mismatches: IntCounterVec,
    requests: IntCounterVec,
    failures: IntCounterVec,
    durations: HistogramVec,
    rule_mismatches: IntCounterVec,
    notifications: IntCounterVec,
    notification_failures: IntCounterVec,
    lost: IntCounterVec,
    queue: IntGaugeVec,
    oldest: GaugeVec,
    last_success: GaugeVec,
    delivery: Histogram,
    database: IntGauge,
    wal: IntGauge,
    busy: IntCounter,
    blocks_left: IntGaugeVec,
    block_rate: GaugeVec,
    evaluations: IntCounter,
    last_evaluation: Gauge,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// A registry of its own; nothing is shared with another instance in the process. The series
    /// of the given endpoints exist from the start, at 0.
    #[must_use]
    pub fn new<'a>(endpoints: impl IntoIterator<Item = &'a str>) -> Self {
        let registry = Registry::new();
        let r = &registry;
        let metrics = Self {
            newest: RwLock::new(None),
            blocks: counters(
                r,
                "bootwatch_ingest_blocks_total",
                "Blocks stored, by the way they came: websocket, polling at the tip, back-filling a gap, or history.",
                &["source"],
            ),
            events: counters(
                r,
                "bootwatch_ingest_events_total",
                "Chain events, choices and store commits stored, by kind.",
                &["event"],
            ),
            decode_failures: counters(
                r,
                "bootwatch_ingest_event_decode_failures_total",
                "Things in blocks that should have been readable and were not; each is stored as it came.",
                &["event"],
            ),
            delay: histogram(
                r,
                "bootwatch_ingest_delay_seconds",
                "From a block's own time to its commit in the database, at the tip.",
                &[0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0, 300.0],
            ),
            tip: histogram(
                r,
                "bootwatch_ingest_tip_latency_seconds",
                "From the arrival of a websocket frame with the next block to its Situation being visible.",
                &[0.001, 0.002, 0.005, 0.01, 0.015, 0.03, 0.06, 0.1, 0.25, 0.5, 1.0, 5.0],
            ),
            commit: histogram(
                r,
                "bootwatch_ingest_commit_duration_seconds",
                "Duration of one database transaction with a block.",
                &[0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0],
            ),
            connects: counters(
                r,
                "bootwatch_ws_connects_total",
                "Websocket subscriptions established.",
                &["endpoint"],
            ),
            disconnects: counters(
                r,
                "bootwatch_ws_disconnects_total",
                "Websocket subscriptions ended, by reason.",
                &["endpoint", "reason"],
            ),
            last_message: gauges(
                r,
                "bootwatch_endpoint_last_message_timestamp_seconds",
                "When the endpoint last sent anything of use.",
                &["endpoint"],
            ),
            mismatches: counters(
                r,
                "bootwatch_endpoint_mismatches_total",
                "Blocks of an endpoint that did not link to those already stored.",
                &["endpoint"],
            ),
            requests: counters(
                r,
                "bootwatch_rpc_requests_total",
                "RPC requests sent.",
                &["endpoint", "method"],
            ),
            failures: counters(
                r,
                "bootwatch_rpc_request_failures_total",
                "RPC requests without a usable answer, by reason.",
                &["endpoint", "method", "reason"],
            ),
            durations: histograms(
                r,
                "bootwatch_rpc_request_duration_seconds",
                "Duration of RPC requests.",
                &["method"],
                &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0],
            ),
            rule_mismatches: counters(
                r,
                "bootwatch_rule_mismatches_total",
                "Statements of Bootwatch that the chain contradicted afterwards: its rules are wrong there.",
                &["statement"],
            ),
            notifications: counters(
                r,
                "bootwatch_notifications_total",
                "Messages accepted by the other side.",
                &["channel"],
            ),
            notification_failures: counters(
                r,
                "bootwatch_notification_failures_total",
                "Attempts to deliver a message that failed, by reason.",
                &["channel", "reason"],
            ),
            lost: counters(
                r,
                "bootwatch_notifications_lost_total",
                "Messages that will not be delivered: undeliverable (refused, or tried for days), or because they gave way in a full outbox.",
                &["channel", "reason"],
            ),
            queue: int_gauges(
                r,
                "bootwatch_notification_queue_length",
                "Messages that wait for delivery.",
                &["channel"],
            ),
            oldest: gauges(
                r,
                "bootwatch_notification_oldest_pending_timestamp_seconds",
                "When the oldest message that waits was decided; 0 when none waits.",
                &["channel"],
            ),
            last_success: gauges(
                r,
                "bootwatch_notification_last_success_timestamp_seconds",
                "When a message was last accepted; 0 before the first.",
                &["channel"],
            ),
            delivery: histogram(
                r,
                "bootwatch_notification_delivery_seconds",
                "From the decision for a message to its acceptance.",
                &[0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0, 86400.0],
            ),
            database: int_gauge(r, "bootwatch_db_size_bytes", "Size of the database file."),
            wal: int_gauge(
                r,
                "bootwatch_db_wal_size_bytes",
                "Size of the database's write-ahead log.",
            ),
            busy: counter(
                r,
                "bootwatch_db_busy_total",
                "Transactions that had to wait for another process.",
            ),
            blocks_left: int_gauges(
                r,
                "bootwatch_ingest_blocks_left",
                "Blocks that are still wanted: up to the head (catch_up), and below the ledger (history).",
                &["lane"],
            ),
            block_rate: gauges(
                r,
                "bootwatch_ingest_blocks_per_second",
                "Blocks stored a second, lately; 0 while nothing is left.",
                &["lane"],
            ),
            evaluations: counter(
                r,
                "bootwatch_alert_evaluations_total",
                "Times the alerts were evaluated.",
            ),
            last_evaluation: gauge(
                r,
                "bootwatch_alert_last_evaluation_timestamp_seconds",
                "When the alerts were last evaluated.",
            ),
            registry,
        };
        metrics.initialise(endpoints);
        metrics
    }

    /// Known label values exist from the start, so that a rate over them sees the first event.
    fn initialise<'a>(&self, endpoints: impl IntoIterator<Item = &'a str>) {
        for source in BlockSource::ALL {
            self.blocks.with_label_values(&[source.as_str()]);
        }
        for event in KEPT.iter().chain(COUNTED).chain(&["other"]) {
            self.events.with_label_values(&[event]);
        }
        for kind in ["bootstrap_model_preeligibility", "tx", "other"] {
            self.decode_failures.with_label_values(&[kind]);
        }
        self.catch_up(0, 0.0);
        self.history(0, 0.0);
        for statement in ["projection", "network_weight", "forecast"] {
            self.rule_mismatches.with_label_values(&[statement]);
        }
        for endpoint in endpoints {
            self.connects.with_label_values(&[endpoint]);
            for reason in Disconnect::ALL {
                self.disconnects.with_label_values(&[endpoint, reason.as_str()]);
            }
            self.mismatches.with_label_values(&[endpoint]);
            self.last_message.with_label_values(&[endpoint]);
        }
        process::register(&self.registry);
    }

    /// A block has been stored.
    pub fn block_stored(&self, source: BlockSource) {
        self.blocks.with_label_values(&[source.as_str()]).inc();
    }

    /// What is left on the way to the head.
    pub fn catch_up(&self, left: u64, rate: f64) {
        self.lane("catch_up", left, rate);
    }

    /// What is left of history.
    pub fn history(&self, left: u64, rate: f64) {
        self.lane("history", left, rate);
    }

    fn lane(&self, lane: &str, left: u64, rate: f64) {
        let left = i64::try_from(left).unwrap_or(i64::MAX);
        self.blocks_left.with_label_values(&[lane]).set(left);
        self.block_rate.with_label_values(&[lane]).set(rate);
    }

    /// Blocks of history have been stored.
    pub fn history_stored(&self, blocks: u64) {
        self.blocks.with_label_values(&[BlockSource::History.as_str()]).inc_by(blocks);
    }

    /// The transaction of a block took this long.
    pub fn committed(&self, took: Duration) {
        self.commit.observe(took.as_secs_f64());
    }

    /// A block at the tip was stored this long after its own time. A clock that is ahead of ours
    /// counts as 0.
    pub fn delayed(&self, block_time: Timestamp, now: Timestamp) {
        let seconds = now.duration_since(block_time).as_secs_f64();
        self.delay.observe(seconds.max(0.0));
    }

    /// Events of a kind (the chain's own name, `choice` or `store_commit`) have been stored.
    pub fn events(&self, kind: &str, count: u64) {
        self.events.with_label_values(&[event_label(kind)]).inc_by(count);
    }

    /// Something in a block could not be read.
    pub fn undecodable(&self, what: &str) {
        let what = if what == "tx" { what } else { event_label(what) };
        self.decode_failures.with_label_values(&[what]).inc();
    }

    /// A block at the tip was visible this long after its frame had arrived.
    pub fn visible(&self, took: Duration) {
        self.tip.observe(took.as_secs_f64());
    }

    /// A websocket subscription stands.
    pub fn ws_connected(&self, endpoint: &str) {
        self.connects.with_label_values(&[endpoint]).inc();
    }

    /// A websocket subscription ended.
    pub fn ws_disconnected(&self, endpoint: &str, reason: Disconnect) {
        self.disconnects.with_label_values(&[endpoint, reason.as_str()]).inc();
    }

    /// An endpoint sent something of use.
    pub fn endpoint_message(&self, endpoint: &str, now: Timestamp) {
        self.last_message.with_label_values(&[endpoint]).set(seconds(now));
    }

    /// A block of an endpoint does not link to ours.
    pub fn endpoint_mismatch(&self, endpoint: &str) {
        self.mismatches.with_label_values(&[endpoint]).inc();
    }

    /// An RPC request was answered, or failed for the given reason.
    pub fn rpc(
        &self,
        endpoint: &str,
        method: &'static str,
        took: Duration,
        failure: Option<&'static str>,
    ) {
        self.requests.with_label_values(&[endpoint, method]).inc();
        self.durations.with_label_values(&[method]).observe(took.as_secs_f64());
        if let Some(reason) = failure {
            self.failures.with_label_values(&[endpoint, method, reason]).inc();
        }
    }

    /// An RPC request was answered, and the answer is of no use for the given reason.
    pub fn rpc_refused(&self, endpoint: &str, method: &'static str, reason: &'static str) {
        self.failures.with_label_values(&[endpoint, method, reason]).inc();
    }

    /// The chain contradicted a statement: `projection` (a capture), `network_weight` (the total in
    /// it) or `forecast` (the charges).
    pub fn rule_mismatch(&self, statement: &'static str) {
        self.rule_mismatches.with_label_values(&[statement]).inc();
    }

    /// A message was accepted, this long after it was decided.
    pub fn delivered(&self, channel: &str, decided: Timestamp, now: Timestamp) {
        self.notifications.with_label_values(&[channel]).inc();
        self.last_success.with_label_values(&[channel]).set(seconds(now));
        self.delivery.observe(now.duration_since(decided).as_secs_f64().max(0.0));
    }

    /// An attempt to deliver failed.
    pub fn delivery_failed(&self, channel: &str, reason: &'static str) {
        self.notification_failures.with_label_values(&[channel, reason]).inc();
    }

    /// A channel of the configuration: its series exist from now on, at 0.
    pub fn channel(&self, channel: &str) {
        self.notifications.with_label_values(&[channel]);
        self.last_success.with_label_values(&[channel]);
        for reason in SendError::REASONS {
            self.notification_failures.with_label_values(&[channel, reason]);
        }
        for reason in ["undeliverable", "gave_way"] {
            self.lost.with_label_values(&[channel, reason]);
        }
    }

    /// A message of a channel will not be tried again.
    pub fn undeliverable(&self, channel: &str) {
        self.lost.with_label_values(&[channel, "undeliverable"]).inc();
    }

    /// Messages of a channel gave way, because too many wait.
    pub fn gave_way(&self, channel: &str, count: u64) {
        self.lost.with_label_values(&[channel, "gave_way"]).inc_by(count);
    }

    /// Messages that wait, and the time of the oldest.
    pub fn backlog(&self, channel: &str, length: u64, oldest: Option<Timestamp>) {
        self.queue.with_label_values(&[channel]).set(i64::try_from(length).unwrap_or(i64::MAX));
        self.oldest.with_label_values(&[channel]).set(oldest.map_or(0.0, seconds));
    }

    /// Sizes of the database's files, in bytes.
    pub fn database_size(&self, database: u64, wal: u64) {
        self.database.set(i64::try_from(database).unwrap_or(i64::MAX));
        self.wal.set(i64::try_from(wal).unwrap_or(i64::MAX));
    }

    /// A transaction had to wait for another process.
    pub fn database_busy(&self) {
        self.busy.inc();
    }

    /// The alerts have been evaluated.
    pub fn evaluated(&self, now: Timestamp) {
        self.evaluations.inc();
        self.last_evaluation.set(seconds(now));
    }

    /// Publishes a Situation: the next scrape shows it, and nothing of the one before.
    pub fn update(&self, situation: &Arc<Situation>) {
        *self.newest.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(situation));
    }

    /// Everything in Prometheus' text format ([`CONTENT_TYPE`]). Reads memory and `/proc/self`.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        let newest = self.newest.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut families = self.registry.gather();
        families.extend(situation::families(newest.as_deref()));
        let mut text = Vec::with_capacity(64 * 1024);
        // Writing to memory cannot fail; a family without series would be refused, and none is.
        if let Err(error) = TextEncoder::new().encode(&families, &mut text) {
            tracing::error!(%error, "metrics cannot be written");
        }
        text
    }
}

fn event_label(kind: &str) -> &str {
    if KEPT.contains(&kind) || COUNTED.contains(&kind) { kind } else { "other" }
}

#[expect(clippy::cast_precision_loss, reason = "exact to a microsecond until the year 2255")]
fn seconds(at: Timestamp) -> f64 {
    at.as_microsecond() as f64 / 1e6
}

fn register<C: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> C {
    let collector = made.expect("names and labels of metrics are valid literals");
    registry.register(Box::new(collector.clone())).expect("names of metrics are distinct literals");
    collector
}

fn counter(registry: &Registry, name: &str, help: &str) -> IntCounter {
    register(registry, IntCounter::new(name, help))
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    register(registry, IntCounterVec::new(Opts::new(name, help), labels))
}

fn gauge(registry: &Registry, name: &str, help: &str) -> Gauge {
    register(registry, Gauge::new(name, help))
}

fn int_gauge(registry: &Registry, name: &str, help: &str) -> IntGauge {
    register(registry, IntGauge::new(name, help))
}

fn gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
    register(registry, GaugeVec::new(Opts::new(name, help), labels))
}

fn int_gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    register(registry, IntGaugeVec::new(Opts::new(name, help), labels))
}

fn histogram(registry: &Registry, name: &str, help: &str, buckets: &[f64]) -> Histogram {
    let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
    register(registry, Histogram::with_opts(options))
}

fn histograms(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
    buckets: &[f64],
) -> HistogramVec {
    let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
    register(registry, HistogramVec::new(options, labels))
}
