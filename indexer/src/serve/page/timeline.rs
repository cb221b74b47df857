//! The deadlines, and the current epoch as a line with its stations. Not to scale: on mainnet validation is a fiftieth of
//! an epoch, and it is what matters. Between two stations the place is in proportion.

use bootwatch_rules::{
    Height,
    situation::{DeadlineName, DeadlineState, Phase, Situation},
};

use super::pieces::{Countdown, Moment, Sight};
use crate::report::{
    Report, name, phase,
    words::{count, span},
};

/// Width of the drawing. Each station has an equal part of it and stands in the middle, as its words
/// below do.
const WIDTH: i64 = 1200;

/// The line.
pub(super) struct Timeline {
    pub(super) epoch: u64,
    pub(super) phase: &'static str,
    pub(super) here: String,
    /// Where we are.
    pub(super) x: i64,
    /// Where the line begins and ends.
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) stations: Vec<Station>,
}

/// A height of the epoch.
pub(super) struct Station {
    pub(super) name: &'static str,
    pub(super) height: Height,
    /// It lies behind.
    pub(super) passed: bool,
    /// It freezes choices.
    pub(super) freezes: bool,
    pub(super) x: i64,
}

impl Station {
    pub(super) fn block(&self) -> String {
        count(self.height)
    }
}

impl Timeline {
    /// None while the clock cannot be read.
    pub(super) fn new(s: &Situation) -> Option<Self> {
        if s.epoch.phase == Phase::Unknown || s.epoch.next_poc_start <= 0 {
            return None;
        }
        let (next, tip) = (s.epoch.next_poc_start, s.complete_to);
        // From PoC start until the new group is in force the effective epoch is still the old one,
        // and this round began between the two.
        let began = match s.epoch.phase {
            Phase::Inference => s.epoch.poc_start,
            _ => s.epoch.poc_start + (next - s.epoch.poc_start) / 2,
        };
        let length = next - began;
        let mut heights = vec![("PoC start", began, false)];
        heights.extend(s.deadlines.iter().filter_map(|deadline| {
            let height = deadline.height?;
            // What comes after the next PoC start comes in every round at the same place.
            let height = if height > next { height - length } else { height };
            let freezes =
                matches!(deadline.name, DeadlineName::Capture | DeadlineName::ValidationStart);
            (height > began && height < next).then(|| (name(deadline.name), height, freezes))
        }));
        heights.push(("next PoC start", next, false));
        heights.sort_by_key(|(_, height, _)| *height);
        let part = WIDTH / i64::try_from(heights.len()).ok()?.max(1);
        let place = |index: usize| part * i64::try_from(index).unwrap_or(0) + part / 2;
        let stations: Vec<Station> = heights
            .iter()
            .enumerate()
            .map(|(index, (name, height, freezes))| Station {
                name,
                height: *height,
                passed: *height <= tip,
                freezes: *freezes,
                x: place(index),
            })
            .collect();
        Some(Self {
            first: stations.first()?.x,
            last: stations.last()?.x,
            epoch: s.epoch.index,
            phase: phase(s.epoch.phase),
            here: count(tip),
            x: here(&stations, tip),
            stations,
        })
    }
}

/// A deadline.
pub(super) struct DueRow {
    pub(super) name: &'static str,
    pub(super) meaning: &'static str,
    pub(super) epoch: String,
    pub(super) left: Option<Countdown>,
    pub(super) error: Option<String>,
    /// In place of the time left.
    pub(super) words: String,
    pub(super) at: Option<Moment>,
    pub(super) block: Option<String>,
    pub(super) blocks: String,
}

/// The deadlines, each with its words in the report.
pub(super) fn dues(s: &Situation, report: &Report, sight: &Sight<'_>) -> Vec<DueRow> {
    let rows = s.deadlines.iter().zip(&report.deadlines);
    rows.map(|(deadline, words)| {
        let eta = deadline.eta.filter(|_| deadline.state == DeadlineState::Ahead);
        DueRow {
            name: words.name,
            meaning: words.meaning,
            epoch: words.epoch.clone(),
            left: eta.map(|eta| sight.countdown(eta)),
            error: eta.and(deadline.eta_error_seconds).map(span),
            words: words.left.clone(),
            at: eta.map(|eta| sight.moment(eta)),
            block: deadline.height.map(count),
            blocks: words.blocks.clone(),
        }
    })
    .collect()
}

fn here(stations: &[Station], tip: Height) -> i64 {
    let behind = stations.iter().rfind(|station| station.passed);
    let ahead = stations.iter().find(|station| !station.passed);
    match (behind, ahead) {
        (Some(a), Some(b)) => {
            let whole = (b.height - a.height).max(1);
            a.x + (b.x - a.x) * (tip - a.height).clamp(0, whole) / whole
        }
        (Some(only), None) | (None, Some(only)) => only.x,
        (None, None) => 0,
    }
}
