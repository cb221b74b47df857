//! What endpoints were asked, and how they answered.

use std::time::Duration;

use jiff::Timestamp;
use prometheus::{GaugeVec, HistogramVec, IntCounterVec, Registry};

use super::{
    Metrics,
    registry::{counters, gauges, histograms},
    seconds,
};

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

#[derive(Debug)]
pub(super) struct Endpoints {
    connects: IntCounterVec,
    disconnects: IntCounterVec,
    last_message: GaugeVec,
    mismatches: IntCounterVec,
    requests: IntCounterVec,
    failures: IntCounterVec,
    durations: HistogramVec,
}

impl Endpoints {
    /// The series of the given endpoints exist from the start.
    pub(super) fn new<'a>(r: &Registry, names: impl IntoIterator<Item = &'a str>) -> Self {
        let endpoints = Self {
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
        };
        for name in names {
            endpoints.connects.with_label_values(&[name]);
            for reason in Disconnect::ALL {
                endpoints.disconnects.with_label_values(&[name, reason.as_str()]);
            }
            endpoints.mismatches.with_label_values(&[name]);
            endpoints.last_message.with_label_values(&[name]);
        }
        endpoints
    }
}

impl Metrics {
    /// A websocket subscription stands.
    pub fn ws_connected(&self, endpoint: &str) {
        self.endpoints.connects.with_label_values(&[endpoint]).inc();
    }

    /// A websocket subscription ended.
    pub fn ws_disconnected(&self, endpoint: &str, reason: Disconnect) {
        self.endpoints.disconnects.with_label_values(&[endpoint, reason.as_str()]).inc();
    }

    /// An endpoint sent something of use.
    pub fn endpoint_message(&self, endpoint: &str, now: Timestamp) {
        self.endpoints.last_message.with_label_values(&[endpoint]).set(seconds(now));
    }

    /// A block of an endpoint does not link to ours.
    pub fn endpoint_mismatch(&self, endpoint: &str) {
        self.endpoints.mismatches.with_label_values(&[endpoint]).inc();
    }

    /// An RPC request was answered, or failed for the given reason.
    pub fn rpc(
        &self,
        endpoint: &str,
        method: &'static str,
        took: Duration,
        failure: Option<&'static str>,
    ) {
        self.endpoints.requests.with_label_values(&[endpoint, method]).inc();
        self.endpoints.durations.with_label_values(&[method]).observe(took.as_secs_f64());
        if let Some(reason) = failure {
            self.endpoints.failures.with_label_values(&[endpoint, method, reason]).inc();
        }
    }

    /// An RPC request was answered, and the answer is of no use for the given reason.
    pub fn rpc_refused(&self, endpoint: &str, method: &'static str, reason: &'static str) {
        self.endpoints.failures.with_label_values(&[endpoint, method, reason]).inc();
    }
}
