//! OpenMetrics, written by the encoder of `prometheus-client`: this only hands it what there is.

use std::fmt;

use prometheus::proto::{Metric, MetricFamily, MetricType};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text},
    metrics::MetricType as Kind,
    registry::Registry,
};

/// Writes the families, and the end mark.
///
/// # Errors
/// Never in practice: memory takes everything.
pub(super) fn write(families: Vec<MetricFamily>, out: &mut Vec<u8>) -> Result<(), String> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Gathered(families)));
    let mut text = String::with_capacity(out.capacity());
    text::encode(&mut text, &registry).map_err(|error| error.to_string())?;
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

/// Families as they were gathered for one scrape.
struct Gathered(Vec<MetricFamily>);

impl fmt::Debug for Gathered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gathered").field(&self.0.len()).finish()
    }
}

impl Collector for Gathered {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for family in &self.0 {
            // The encoder adds the suffix of counters itself.
            let name = family.name().strip_suffix("_total").unwrap_or(family.name());
            let kind = match family.get_field_type() {
                MetricType::COUNTER => Kind::Counter,
                MetricType::HISTOGRAM => Kind::Histogram,
                _ => Kind::Gauge,
            };
            let mut written = encoder.encode_descriptor(name, family.help(), None, kind)?;
            for metric in family.get_metric() {
                let pairs = metric.get_label().iter();
                let labels: Vec<_> = pairs.map(|pair| (pair.name(), pair.value())).collect();
                if labels.is_empty() {
                    value(&mut written, metric, kind)?;
                } else {
                    value(&mut written.encode_family(&labels)?, metric, kind)?;
                }
            }
        }
        Ok(())
    }
}

fn value(out: &mut MetricEncoder<'_>, metric: &Metric, kind: Kind) -> fmt::Result {
    match kind {
        Kind::Counter => {
            out.encode_counter::<NoLabelSet, f64, f64>(&metric.get_counter().get_value(), None)
        }
        Kind::Histogram => {
            let histogram = metric.get_histogram();
            let (mut buckets, mut below) = (Vec::new(), 0);
            for bucket in histogram.get_bucket() {
                // Theirs are cumulative, the encoder's are not.
                buckets.push((bucket.upper_bound(), bucket.cumulative_count() - below));
                below = bucket.cumulative_count();
            }
            let count = histogram.get_sample_count();
            buckets.push((f64::INFINITY, count - below));
            out.encode_histogram::<NoLabelSet>(histogram.get_sample_sum(), count, &buckets, None)
        }
        _ => out.encode_gauge(&metric.get_gauge().get_value()),
    }
}
