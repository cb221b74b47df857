//! Where the chain stands in its epoch, and which heights lie ahead.

use std::ops::ControlFlow;

use jiff::{SignedDuration, Timestamp};

use super::{CaptureBlock, Deadline, DeadlineName, DeadlineState, EpochView, Phase};
use crate::{
    Epoch, EpochIndex, Height,
    advice::Calendar,
    clock::{Clock, ClockParams, Stage, StageEvent, Stages},
    ledger::{Ledger, Tick},
    pace::Pace,
};

/// PoC starts to look ahead: what has not come by then does not come with these parameters.
const EPOCHS_AHEAD: usize = 3;

/// The epoch clock in the Situation's form.
pub(super) struct Timetable {
    pub(super) epoch: EpochView,
    pub(super) deadlines: Vec<Deadline>,
    pub(super) calendar: Calendar,
}

impl Timetable {
    pub(super) fn new(ledger: &Ledger, pace: Option<Pace>, head: Height, now: Timestamp) -> Self {
        let block_seconds = pace.map(|pace| pace.seconds());
        let (Some((clock, params)), Some(state), Some(tip)) =
            (ledger.clock(), &ledger.state, ledger.tip)
        else {
            return Self::unknown(block_seconds);
        };
        let ahead = Ahead::of(clock, &params, tip.height);
        let effective = clock.effective.unwrap_or(state.effective);
        let next_poc_start = ahead
            .first(Stage::PocStart)
            .map_or(Stages::of(effective, &params).next_poc_start, |event| event.height);
        let upcoming = ahead
            .first(Stage::ValidationStart)
            .map_or(effective.index.saturating_add(1), |event| event.epoch);
        let origin = origin(tip, pace, head, now);
        let mut deadlines: Vec<Deadline> = DeadlineName::ALL
            .into_iter()
            .map(|name| ahead.deadline(name, upcoming, tip.height))
            .collect();
        for deadline in &mut deadlines {
            let eta = deadline
                .blocks_left
                .and_then(|blocks| pace.and_then(|pace| pace.eta(origin, blocks)));
            deadline.eta = eta.map(|eta| eta.at);
            deadline.eta_error_seconds = eta.map(|eta| eta.error.as_secs_f64());
        }
        let due = |name| {
            let deadline = deadlines.iter().find(|deadline| deadline.name == name)?;
            Some((deadline.epoch, deadline.height?))
        };
        let phase = phase(&clock, &params, tip.height);
        let calendar = Calendar {
            phase,
            capture: due(DeadlineName::Capture),
            commit_deadline: due(DeadlineName::CommitDeadline),
            validation_start: due(DeadlineName::ValidationStart),
            validation_end: due(DeadlineName::ValidationEnd),
        };
        // What does not come stands last.
        deadlines.sort_by_key(|deadline| (deadline.height.is_none(), deadline.height));
        Self {
            epoch: EpochView {
                index: effective.index,
                poc_start: effective.poc_start,
                next_poc_start,
                upcoming,
                phase,
                block_seconds,
                captured: ledger
                    .frozen
                    .capture
                    .as_ref()
                    .map(|taken| CaptureBlock { height: taken.height, epoch: taken.epoch }),
            },
            deadlines,
            calendar,
        }
    }

    fn unknown(block_seconds: Option<f64>) -> Self {
        let deadlines = DeadlineName::ALL
            .into_iter()
            .map(|name| Deadline::without_height(name, 0, DeadlineState::Unknown))
            .collect();
        let epoch = EpochView {
            index: 0,
            poc_start: 0,
            next_poc_start: 0,
            upcoming: 0,
            phase: Phase::Unknown,
            block_seconds,
            captured: None,
        };
        let calendar = Calendar {
            phase: Phase::Unknown,
            capture: None,
            commit_deadline: None,
            validation_start: None,
            validation_end: None,
        };
        Self { epoch, deadlines, calendar }
    }
}

/// From when on blocks are counted. Nobody has told of a block after the tip, so in a halt the next
/// one is still to come; while catching up, the tip's own time is the right start.
pub(super) fn origin(tip: Tick, pace: Option<Pace>, head: Height, now: Timestamp) -> Timestamp {
    let interval = pace.map_or(SignedDuration::ZERO, |pace| pace.interval());
    match now.checked_sub(interval) {
        Ok(earliest) if head <= tip.height => tip.time.max(earliest),
        _ => tip.time,
    }
}

/// The stages after a height, each at its next occurrence.
struct Ahead {
    events: Vec<StageEvent>,
    commit_deadline: Option<(EpochIndex, Height)>,
    stuck: bool,
    captures: bool,
}

impl Ahead {
    fn of(mut clock: Clock, params: &ClockParams, tip: Height) -> Self {
        let running = clock.upcoming.map(|epoch| commit_deadline(epoch, params));
        let mut events: Vec<StageEvent> = Vec::new();
        let mut epochs = 0;
        let stuck = clock.advance(params, tip.saturating_add(1)..=Height::MAX, |event| {
            epochs += usize::from(event.stage == Stage::PocStart);
            if !events.iter().any(|known| known.stage == event.stage) {
                events.push(event);
            }
            // All five stages, or long enough to know that a missing one does not come.
            if events.len() == 5 || epochs > EPOCHS_AHEAD {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        let next = events.iter().find(|event| event.stage == Stage::PocStart).map(|event| {
            commit_deadline(Epoch { index: event.epoch, poc_start: event.height }, params)
        });
        Self {
            commit_deadline: running.filter(|(_, height)| *height > tip).or(next),
            events,
            stuck: stuck.is_some(),
            captures: params.deploy_window > 0,
        }
    }

    fn first(&self, stage: Stage) -> Option<StageEvent> {
        self.events.iter().find(|event| event.stage == stage).copied()
    }

    fn deadline(&self, name: DeadlineName, upcoming: EpochIndex, tip: Height) -> Deadline {
        let found = match name {
            DeadlineName::CommitDeadline => self.commit_deadline,
            DeadlineName::Capture => self.at(Stage::Capture),
            DeadlineName::PocStart => self.at(Stage::PocStart),
            DeadlineName::ValidationStart => self.at(Stage::ValidationStart),
            DeadlineName::ValidationEnd => self.at(Stage::ValidationEnd),
        };
        let Some((epoch, height)) = found else {
            // A chain that is stuck resumes with other parameters, which nobody knows yet; but
            // without a deploy window there is no capture, stuck or not.
            let absent = !self.stuck || (name == DeadlineName::Capture && !self.captures);
            let state = if absent { DeadlineState::Absent } else { DeadlineState::Unknown };
            return Deadline::without_height(name, upcoming, state);
        };
        Deadline {
            height: Some(height),
            blocks_left: Some(height.saturating_sub(tip)),
            ..Deadline::without_height(name, epoch, DeadlineState::Ahead)
        }
    }

    fn at(&self, stage: Stage) -> Option<(EpochIndex, Height)> {
        self.first(stage).map(|event| (event.epoch, event.height))
    }
}

fn commit_deadline(epoch: Epoch, params: &ClockParams) -> (EpochIndex, Height) {
    (epoch.index, Stages::of(epoch, params).commit_deadline)
}

impl Deadline {
    fn without_height(name: DeadlineName, epoch: EpochIndex, state: DeadlineState) -> Self {
        Self {
            name,
            epoch,
            height: None,
            blocks_left: None,
            eta: None,
            eta_error_seconds: None,
            state,
        }
    }
}

fn phase(clock: &Clock, params: &ClockParams, tip: Height) -> Phase {
    // The tip's own end was already executed: only the next block tells whether the chain works.
    if clock.context(params, tip.saturating_add(1)).is_none() {
        return Phase::Unknown;
    }
    let Some(upcoming) = clock.upcoming else { return Phase::Inference };
    let stages = Stages::of(upcoming, params);
    if tip < stages.commit_deadline {
        Phase::PocGenerate
    } else if tip < stages.validation_start {
        Phase::PocExchange
    } else if tip < stages.validation_end {
        Phase::PocValidate
    } else {
        Phase::Formed
    }
}
