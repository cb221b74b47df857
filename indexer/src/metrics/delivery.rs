//! Messages on their way to people.

use bootwatch_alerts::channel::SendError;
use jiff::Timestamp;
use prometheus::{Gauge, GaugeVec, Histogram, IntCounter, IntCounterVec, IntGaugeVec, Registry};

use super::{
    Metrics,
    registry::{counter, counters, gauge, gauges, histogram, int_gauges},
    seconds,
};

#[derive(Debug)]
pub(super) struct Delivery {
    notifications: IntCounterVec,
    notification_failures: IntCounterVec,
    lost: IntCounterVec,
    queue: IntGaugeVec,
    oldest: GaugeVec,
    last_success: GaugeVec,
    delivery: Histogram,
    heartbeat: Gauge,
    heartbeat_failures: IntCounter,
}

impl Delivery {
    pub(super) fn new(r: &Registry) -> Self {
        Self {
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
            heartbeat: gauge(
                r,
                "bootwatch_heartbeat_last_success_timestamp_seconds",
                "When the heartbeat's address was last reached; 0 before the first time and without one.",
            ),
            heartbeat_failures: counter(
                r,
                "bootwatch_heartbeat_failures_total",
                "Signs of life that could not be given, after all attempts.",
            ),
        }
    }
}

impl Metrics {
    /// A message was accepted, this long after it was decided.
    pub fn delivered(&self, channel: &str, decided: Timestamp, now: Timestamp) {
        self.delivery.notifications.with_label_values(&[channel]).inc();
        self.delivery.last_success.with_label_values(&[channel]).set(seconds(now));
        self.delivery.delivery.observe(now.duration_since(decided).as_secs_f64().max(0.0));
    }

    /// An attempt to deliver failed.
    pub fn delivery_failed(&self, channel: &str, reason: &'static str) {
        self.delivery.notification_failures.with_label_values(&[channel, reason]).inc();
    }

    /// A channel of the configuration: its series exist from now on, at 0.
    pub fn channel(&self, channel: &str) {
        self.delivery.notifications.with_label_values(&[channel]);
        self.delivery.last_success.with_label_values(&[channel]);
        for reason in SendError::REASONS {
            self.delivery.notification_failures.with_label_values(&[channel, reason]);
        }
        for reason in ["undeliverable", "gave_way"] {
            self.delivery.lost.with_label_values(&[channel, reason]);
        }
    }

    /// A message of a channel will not be tried again.
    pub fn undeliverable(&self, channel: &str) {
        self.delivery.lost.with_label_values(&[channel, "undeliverable"]).inc();
    }

    /// Messages of a channel gave way, because too many wait.
    pub fn gave_way(&self, channel: &str, count: u64) {
        self.delivery.lost.with_label_values(&[channel, "gave_way"]).inc_by(count);
    }

    /// Messages that wait, and the time of the oldest.
    pub fn backlog(&self, channel: &str, length: u64, oldest: Option<Timestamp>) {
        self.delivery
            .queue
            .with_label_values(&[channel])
            .set(i64::try_from(length).unwrap_or(i64::MAX));
        self.delivery.oldest.with_label_values(&[channel]).set(oldest.map_or(0.0, seconds));
    }

    /// The heartbeat's address was reached, or not.
    pub fn heartbeat(&self, reached: bool, now: Timestamp) {
        match reached {
            true => self.delivery.heartbeat.set(seconds(now)),
            false => self.delivery.heartbeat_failures.inc(),
        }
    }
}
