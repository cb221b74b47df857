//! The heights of one epoch, past or to come, from the records and parameters that were read.

use std::ops::ControlFlow;

use bootwatch_rules::{
    Epoch, EpochIndex, Height, Params,
    clock::{Clock, ClockParams, Stage, StageEvent, Stages},
};
use serde::Serialize;

use super::{EvidenceError, Opened};

/// PoC starts to follow: an epoch that is not formed within two is never formed.
const STARTS: usize = 2;

/// The heights that decide an epoch; null where they cannot be told, and without a capture.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, utoipa::ToSchema)]
pub struct Course {
    /// The epoch.
    pub epoch: EpochIndex,
    /// Intents and delegations for candidates are frozen.
    pub capture: Option<Height>,
    /// PoC starts.
    pub poc_start: Option<Height>,
    /// Last block for store commits.
    pub commit_deadline: Option<Height>,
    /// Delegations and refusals are frozen.
    pub validation_start: Option<Height>,
    /// Charges are fixed, refusals and intents wiped.
    pub validation_end: Option<Height>,
    /// Its group is in force.
    pub effective: Option<Height>,
    /// Why the capture is not known, when it should have been.
    #[serde(skip)]
    pub(super) capture_unknown: bool,
}

impl Course {
    /// The first height that matters: the capture, or PoC start without one.
    pub(super) fn first(&self) -> Option<Height> {
        self.capture.or(self.poc_start)
    }

    /// Follows the clock through an epoch. The record of the epoch before it is the anchor, and
    /// every change of parameters that was read is applied at its height, as the chain did.
    pub(super) fn of(opened: &Opened, epoch: EpochIndex) -> Result<Self, EvidenceError> {
        let previous = match epoch.checked_sub(1) {
            Some(before) => opened.reader.epoch(before)?,
            None => None,
        };
        let own = Self::known_start(opened, epoch)?;
        let mut course = Self { epoch, poc_start: own, ..Self::default() };
        let Some(previous) = previous else {
            let Some(poc_start) = own else { return Err(not_known(opened, epoch)?) };
            let params = opened.params(poc_start)?;
            course.fill(&Stages::of(Epoch { index: epoch, poc_start }, &params));
            let before = poc_start.saturating_sub(params.epoch.epoch_length);
            course.look_up_capture(opened, before, poc_start)?;
            return Ok(course);
        };
        let anchor = Epoch { index: previous.index, poc_start: previous.poc_start };
        let base = previous.first_read;
        // The base may lie between PoC start and the taking effect of the epoch.
        let late = own.filter(|start| *start <= base);
        let mut clock = Clock {
            effective: Some(anchor),
            upcoming: late.map(|poc_start| Epoch { index: epoch, poc_start }),
        };
        let mut starts = 0;
        let mut take = |event: StageEvent| {
            starts += usize::from(event.stage == Stage::PocStart);
            if event.epoch == epoch {
                course.take(event);
            }
            if course.effective.is_some() || event.epoch > epoch || starts > STARTS {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let mut changes = opened.reader.params_between(base.saturating_add(1)..=Height::MAX)?;
        changes.reverse();
        let mut params = opened.params(base)?;
        let mut from = base.saturating_add(1);
        loop {
            let next = changes.pop();
            let to = next.as_ref().map_or(Height::MAX, |(height, _)| height.saturating_sub(1));
            let mut done = false;
            clock.advance(&params, from..=to, |event| {
                let flow = take(event);
                done |= flow.is_break();
                flow
            });
            let Some((height, changed)) = next.filter(|_| !done) else { break };
            (from, params) = (height, ClockParams::from(&changed));
        }
        if let Some(poc_start) = course.poc_start {
            let stages = Stages::of(Epoch { index: epoch, poc_start }, &opened.params(poc_start)?);
            if late.is_some() {
                course.fill(&stages);
            }
            course.commit_deadline = Some(stages.commit_deadline);
            // Without a capture behind the base there may have been one before it.
            let first = Stages::of(anchor, &opened.params(base)?).capture;
            if course.capture.is_none() && first.is_some_and(|height| height <= base) {
                course.look_up_capture(opened, anchor.poc_start, poc_start)?;
            }
        }
        Ok(course)
    }

    fn known_start(opened: &Opened, epoch: EpochIndex) -> Result<Option<Height>, EvidenceError> {
        if let Some(record) = opened.reader.epoch(epoch)? {
            return Ok(Some(record.poc_start));
        }
        let latest = opened.loaded.ledger.state.as_ref().map(|state| state.latest);
        Ok(latest.filter(|latest| latest.index == epoch).map(|latest| latest.poc_start))
    }

    /// A capture from before the base: the daemon looks up the one in force when it starts.
    fn look_up_capture(
        &mut self,
        opened: &Opened,
        after: Height,
        poc_start: Height,
    ) -> Result<(), EvidenceError> {
        let heights = after.saturating_add(1)..=poc_start.saturating_sub(1);
        let found = opened.reader.captures(heights)?;
        self.capture = found.last().map(|capture| capture.block.height);
        self.capture_unknown = self.capture.is_none();
        Ok(())
    }

    fn take(&mut self, event: StageEvent) {
        let place = match event.stage {
            // The last one before the formation is in force.
            Stage::Capture => return self.capture = Some(event.height),
            Stage::PocStart => &mut self.poc_start,
            Stage::ValidationStart => &mut self.validation_start,
            Stage::ValidationEnd => &mut self.validation_end,
            Stage::Effective => &mut self.effective,
        };
        *place = Some(event.height);
    }

    /// What the clock was not followed through, by the parameters at the epoch's PoC start.
    fn fill(&mut self, stages: &Stages) {
        self.commit_deadline.get_or_insert(stages.commit_deadline);
        self.validation_start.get_or_insert(stages.validation_start);
        self.validation_end.get_or_insert(stages.validation_end);
        self.effective.get_or_insert(stages.effective);
    }
}

impl Opened {
    /// The parameters at a height, or the first ones that were read.
    fn params(&self, height: Height) -> Result<ClockParams, EvidenceError> {
        let known: Option<Params> = match self.reader.params_at(height)? {
            Some((_, params)) => Some(params),
            None => {
                let all = self.reader.params_between(height..=Height::MAX)?;
                all.into_iter().next().map(|(_, params)| params)
            }
        };
        known.as_ref().map(ClockParams::from).ok_or_else(|| {
            EvidenceError::NotStored("the chain's parameters have not been read yet".to_owned())
        })
    }
}

fn not_known(opened: &Opened, epoch: EpochIndex) -> Result<EvidenceError, EvidenceError> {
    let text = match opened.reader.epoch_span()? {
        None => "no epoch has been read yet; let the daemon run for a few blocks".to_owned(),
        Some((first, last)) if epoch > last => format!(
            "epoch {epoch} is too far ahead: choices can be followed up to epoch {}; the first \
             that was read is {first}",
            last.saturating_add(1)
        ),
        Some((first, last)) => format!(
            "epoch {epoch} lies before the base: the first epoch that was read is {first}, the \
             last is {last}"
        ),
    };
    Ok(EvidenceError::NotStored(text))
}
