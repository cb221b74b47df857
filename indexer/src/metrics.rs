//! What Prometheus sees. Two parts: counters and histograms of what this process did, and gauges of
//! the newest [`Situation`], which are built from it when they are asked for. So a scrape shows one
//! Situation, never a mixture of two; a label value that vanished from it is gone; and publishing a
//! block costs a pointer.
//!
//! Conventions: prefix `bootwatch_`, base units in the name, instants instead of time left, labels
//! only from the configuration, from governance (models) or from lists in this room.

mod alerting;
mod delivery;
mod endpoints;
mod families;
mod ingest;
mod openmetrics;
mod process;
mod registry;
mod situation;
mod storage;
#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock};

use bootwatch_rules::situation::Situation;
use jiff::Timestamp;
use prometheus::{Encoder, Registry, TextEncoder, proto::MetricFamily};

use self::{
    alerting::Alerting, delivery::Delivery, endpoints::Endpoints, ingest::Ingest, storage::Storage,
};

pub use self::{endpoints::Disconnect, ingest::BlockSource};

/// A text form of the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' own, which everything reads.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// The form that an `Accept` header asks for: OpenMetrics where it is named, as Prometheus does.
    #[must_use]
    pub fn accepted(accept: &str) -> Self {
        let named = |range: &str| {
            let mut parts = range.split(';').map(str::trim);
            let wanted = parts.next() == Some("application/openmetrics-text");
            wanted && !parts.any(|part| matches!(part, "q=0" | "q=0.0"))
        };
        if accept.split(',').any(named) { Self::OpenMetrics } else { Self::Text }
    }

    /// Its content type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Every metric of this process.
pub struct Metrics {
    registry: Registry,
    newest: RwLock<Option<Arc<Situation>>>,
    ingest: Ingest,
    endpoints: Endpoints,
    delivery: Delivery,
    storage: Storage,
    alerting: Alerting,
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
        process::register(&registry);
        Self {
            newest: RwLock::new(None),
            ingest: Ingest::new(&registry),
            endpoints: Endpoints::new(&registry, endpoints),
            delivery: Delivery::new(&registry),
            storage: Storage::new(&registry),
            alerting: Alerting::new(&registry),
            registry,
        }
    }

    /// Publishes a Situation: the next scrape shows it, and nothing of the one before.
    pub fn update(&self, situation: &Arc<Situation>) {
        *self.newest.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(situation));
    }

    /// Everything in Prometheus' own text form.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        self.exposition(Format::Text)
    }

    /// Everything in a text form. Reads memory and `/proc/self`.
    #[must_use]
    pub fn exposition(&self, format: Format) -> Vec<u8> {
        let families = self.families();
        let mut text = Vec::with_capacity(64 * 1024);
        // Writing to memory cannot fail; a family without series would be refused, and none is.
        let written = match format {
            Format::Text => {
                TextEncoder::new().encode(&families, &mut text).map_err(|error| error.to_string())
            }
            Format::OpenMetrics => openmetrics::write(families, &mut text),
        };
        if let Err(error) = written {
            tracing::error!(%error, "metrics cannot be written");
        }
        text
    }

    fn families(&self) -> Vec<MetricFamily> {
        let newest = self.newest.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut families = self.registry.gather();
        families.extend(situation::families(newest.as_deref()));
        families
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact to a microsecond until the year 2255")]
fn seconds(at: Timestamp) -> f64 {
    at.as_microsecond() as f64 / 1e6
}
