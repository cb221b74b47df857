//! Blocks on their way into the database.

use std::time::Duration;

use jiff::Timestamp;
use prometheus::{GaugeVec, Histogram, IntCounterVec, IntGaugeVec, Registry};

use super::{
    Metrics,
    registry::{counters, gauges, histogram, int_gauges},
};
use crate::decode::KEPT;

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

/// What has a label of its own besides the kept events; all else is `other`.
const COUNTED: &[&str] = &["bootstrap_model_preeligibility", "choice", "store_commit"];
const STATEMENTS: [&str; 3] = ["projection", "network_weight", "forecast"];

#[derive(Debug)]
pub(super) struct Ingest {
    blocks: IntCounterVec,
    events: IntCounterVec,
    decode_failures: IntCounterVec,
    delay: Histogram,
    tip: Histogram,
    commit: Histogram,
    rule_mismatches: IntCounterVec,
    blocks_left: IntGaugeVec,
    block_rate: GaugeVec,
}

impl Ingest {
    pub(super) fn new(r: &Registry) -> Self {
        let ingest = Self {
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
            rule_mismatches: counters(
                r,
                "bootwatch_rule_mismatches_total",
                "Statements of Bootwatch that the chain contradicted afterwards: its rules are wrong there.",
                &["statement"],
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
        };
        ingest.initialise();
        ingest
    }

    /// Known label values exist from the start, so that a rate over them sees the first event.
    fn initialise(&self) {
        for source in BlockSource::ALL {
            self.blocks.with_label_values(&[source.as_str()]);
        }
        for event in KEPT.iter().chain(COUNTED).chain(&["other"]) {
            self.events.with_label_values(&[event]);
        }
        for kind in ["bootstrap_model_preeligibility", "tx", "other"] {
            self.decode_failures.with_label_values(&[kind]);
        }
        for statement in STATEMENTS {
            self.rule_mismatches.with_label_values(&[statement]);
        }
        for lane in ["catch_up", "history"] {
            self.blocks_left.with_label_values(&[lane]);
            self.block_rate.with_label_values(&[lane]);
        }
    }
}

impl Metrics {
    /// A block has been stored.
    pub fn block_stored(&self, source: BlockSource) {
        self.ingest.blocks.with_label_values(&[source.as_str()]).inc();
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
        self.ingest.blocks_left.with_label_values(&[lane]).set(left);
        self.ingest.block_rate.with_label_values(&[lane]).set(rate);
    }

    /// Blocks of history have been stored.
    pub fn history_stored(&self, blocks: u64) {
        self.ingest.blocks.with_label_values(&[BlockSource::History.as_str()]).inc_by(blocks);
    }

    /// The transaction of a block took this long.
    pub fn committed(&self, took: Duration) {
        self.ingest.commit.observe(took.as_secs_f64());
    }

    /// A block at the tip was stored this long after its own time. A clock that is ahead of ours
    /// counts as 0.
    pub fn delayed(&self, block_time: Timestamp, now: Timestamp) {
        let seconds = now.duration_since(block_time).as_secs_f64();
        self.ingest.delay.observe(seconds.max(0.0));
    }

    /// Events of a kind (the chain's own name, `choice` or `store_commit`) have been stored.
    pub fn events(&self, kind: &str, count: u64) {
        self.ingest.events.with_label_values(&[event_label(kind)]).inc_by(count);
    }

    /// Something in a block could not be read.
    pub fn undecodable(&self, what: &str) {
        let what = if what == "tx" { what } else { event_label(what) };
        self.ingest.decode_failures.with_label_values(&[what]).inc();
    }

    /// A block at the tip was visible this long after its frame had arrived.
    pub fn visible(&self, took: Duration) {
        self.ingest.tip.observe(took.as_secs_f64());
    }

    /// The chain contradicted a statement: `projection` (a capture), `network_weight` (the total in
    /// it) or `forecast` (the charges).
    pub fn rule_mismatch(&self, statement: &'static str) {
        self.ingest.rule_mismatches.with_label_values(&[statement]).inc();
    }
}

fn event_label(kind: &str) -> &str {
    if KEPT.contains(&kind) || COUNTED.contains(&kind) { kind } else { "other" }
}
