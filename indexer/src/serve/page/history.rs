//! The past: captures, what was said against what happened, and lines over time.

use std::collections::{BTreeMap, BTreeSet};

use bootwatch_rules::{ModelId, forecast::Outcome, situation::Gap};

use super::{
    chart::Chart,
    pieces::{Certainty, Moment, Sight},
};
use crate::{
    chronicle::{CaptureRecord, Chronicle, ForecastRecord},
    report::{
        range,
        words::{clean, count, percent},
    },
};

/// Captures and forecasts in the tables; the lines go further back.
const ROWS: usize = 20;

/// The section.
pub(super) struct History {
    /// Newest first.
    pub(super) captures: Vec<CaptureRow>,
    /// How many older ones there are.
    pub(super) before: usize,
    /// Newest first.
    pub(super) said: Vec<SaidRow>,
    /// How many more there are, of the last epochs.
    pub(super) said_before: usize,
    pub(super) lines: Vec<ModelLines>,
    pub(super) snapshot: Certainty,
    pub(super) fixed: Certainty,
}

/// A capture of one model.
pub(super) struct CaptureRow {
    pub(super) at: Moment,
    pub(super) block: String,
    pub(super) epoch: String,
    pub(super) model: String,
    pub(super) passed: bool,
    /// `2 of 3` for hosts, weight and reach.
    pub(super) checks: Vec<(String, bool)>,
}

/// What was said of a host's charge, and what the chain took.
pub(super) struct SaidRow {
    pub(super) epoch: u64,
    pub(super) host: String,
    pub(super) said: String,
    pub(super) happened: String,
    pub(super) outcome: &'static str,
    pub(super) wrong: bool,
}

/// A model over time.
pub(super) struct ModelLines {
    pub(super) model: String,
    pub(super) charts: Vec<(&'static str, Chart)>,
}

impl History {
    pub(super) fn new(chronicle: &Chronicle, sight: &Sight<'_>) -> Self {
        Self {
            captures: newest(&chronicle.captures).map(|record| capture(record, sight)).collect(),
            before: chronicle.captures_before + chronicle.captures.len().saturating_sub(ROWS),
            said: newest(&chronicle.forecasts).map(|record| said(record, sight)).collect(),
            said_before: chronicle.forecasts.len().saturating_sub(ROWS),
            lines: lines(chronicle),
            snapshot: Certainty::SNAPSHOT,
            fixed: Certainty::FINAL,
        }
    }
}

fn newest<T>(records: &[T]) -> impl Iterator<Item = &T> {
    records.iter().rev().take(ROWS)
}

fn capture(record: &CaptureRecord, sight: &Sight<'_>) -> CaptureRow {
    let capture = &record.capture;
    let check = |have: i64, met: bool, gap: Option<Gap>| {
        let need = gap
            .and_then(|gap| gap.need)
            .map_or_else(String::new, |need| format!(" of {}", count(need)));
        (format!("{}{need}", count(have)), met)
    };
    let gaps = record.gaps.as_ref();
    CaptureRow {
        at: sight.moment(record.at),
        block: count(capture.snapshot_height),
        epoch: record.epoch.map_or_else(|| "-".to_owned(), |epoch| epoch.to_string()),
        model: clean(capture.model_id.as_str()),
        passed: capture.pre_eligible,
        checks: vec![
            check(capture.intent_host_count, capture.meets_v_min, gaps.map(|gaps| gaps.hosts)),
            check(
                capture.intent_weight,
                capture.meets_weight_threshold,
                gaps.map(|gaps| gaps.weight),
            ),
            check(
                capture.reachable_voting_power,
                capture.meets_reachability,
                gaps.map(|gaps| gaps.reach),
            ),
        ],
    }
}

fn said(record: &ForecastRecord, sight: &Sight<'_>) -> SaidRow {
    let kept = &record.kept;
    SaidRow {
        epoch: record.epoch,
        host: sight.name(record.host.as_str()),
        said: range(&kept.range),
        happened: kept
            .stored
            .map_or_else(|| "not read yet".to_owned(), |stored| percent(&stored.to_string())),
        outcome: match kept.outcome {
            Some(Outcome::Right) => "right",
            Some(Outcome::Wrong) => "wrong",
            None => "open",
        },
        wrong: kept.outcome == Some(Outcome::Wrong),
    }
}

/// Weight and reach of each model over its captures, votes of each group over epochs.
fn lines(chronicle: &Chronicle) -> Vec<ModelLines> {
    type Points = Vec<(i64, Option<i64>)>;
    let mut points: BTreeMap<&ModelId, [Points; 3]> = BTreeMap::new();
    for record in &chronicle.captures {
        let [weight, reach, _] = points.entry(&record.capture.model_id).or_default();
        let gaps = record.gaps.as_ref();
        weight.push((record.capture.intent_weight, gaps.and_then(|gaps| gaps.weight.need)));
        reach.push((record.capture.reachable_voting_power, gaps.and_then(|gaps| gaps.reach.need)));
    }
    for record in &chronicle.groups {
        let [_, _, votes] = points.entry(&record.model).or_default();
        votes.push((record.margin.votes.have, record.margin.votes.need));
    }
    const NAMES: [(&str, &str); 3] = [
        ("intent weight at captures", "weight"),
        ("reach at captures", "reach"),
        ("votes of the group by epoch", "votes"),
    ];
    let models: BTreeSet<_> = points.keys().copied().collect();
    models
        .into_iter()
        .filter_map(|model| {
            let charts: Vec<_> = points
                .get(model)?
                .iter()
                .zip(NAMES)
                .filter_map(|(points, (name, what))| {
                    let model = clean(model.as_str());
                    Some((name, Chart::new(&format!("{what} of {model}"), points)?))
                })
                .collect();
            (!charts.is_empty()).then(|| ModelLines { model: clean(model.as_str()), charts })
        })
        .collect()
}
