//! The Situation as gauges.

mod chain;
mod data;
mod deadlines;
mod delegates;
mod endpoints;
mod hosts;
mod models;
mod plans;

use bootwatch_rules::{Fraction, situation::Situation};
use prometheus::proto::MetricFamily;

use super::{families::Families, seconds};

/// Watched hosts beyond this many get no series of their own, only a count.
const HOSTS: usize = 64;
/// Models beyond this many get none: `poc_params` is governed, yet a bound is a bound.
const MODELS: usize = 64;

/// All gauges of a Situation; before the first one, only that there is none.
pub(super) fn families(situation: Option<&Situation>) -> Vec<MetricFamily> {
    let mut out = Families::default();
    out.gauge(
        "bootwatch_situation_known",
        "1 once a block has been taken in and judged; everything about the chain is absent before.",
        &[],
        flag(situation.is_some()),
    );
    if let Some(situation) = situation {
        chain::families(&mut out, situation);
        data::families(&mut out, situation);
        deadlines::families(&mut out, &situation.deadlines);
        if let Some(plans) = &situation.plans {
            plans::families(&mut out, plans);
        }
        for model in situation.models.iter().take(MODELS) {
            models::families(&mut out, model);
        }
        hosts::families(&mut out, &situation.hosts);
        for endpoint in &situation.endpoints {
            endpoints::families(&mut out, endpoint);
        }
    }
    out.into_vec()
}

/// A fraction as a float, for Prometheus only.
fn ratio(fraction: Fraction) -> f64 {
    wide(fraction.numerator()) / wide(fraction.denominator())
}

/// ngonka as GNK.
fn coins(ngonka: u64) -> f64 {
    count(ngonka) / 1e9
}

fn flag(value: bool) -> f64 {
    f64::from(u8::from(value))
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus has no other numbers")]
fn number(value: i64) -> f64 {
    value as f64
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus has no other numbers")]
fn count(value: u64) -> f64 {
    value as f64
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus has no other numbers")]
fn wide(value: i128) -> f64 {
    value as f64
}

fn size(value: usize) -> f64 {
    count(u64::try_from(value).unwrap_or(u64::MAX))
}
