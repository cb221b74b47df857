//! The epoch clock: which block does what, from the chain's current epoch and live parameters.
//!
//! Everything is anchored on an epoch record that the chain itself holds; `epoch_shift` takes part
//! only in the chain's own formula for epoch 0, because on mainnet earlier epochs had another
//! length. Parameters are read anew in every block, as the chain does, so a change by governance
//! moves what lies ahead and nothing else. Heights saturate instead of overflowing.

mod vector;

use std::ops::{ControlFlow, RangeInclusive};

use serde::{Deserialize, Serialize};

pub use self::vector::{ClockError, evaluate};
use crate::{Epoch, EpochIndex, EpochParams, Height, Params};

/// The parameters that decide heights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClockParams {
    /// Lengths of the stages.
    pub epoch: EpochParams,
    /// Blocks between capture and PoC start; 0 or less means no capture.
    pub deploy_window: Height,
}

impl From<&Params> for ClockParams {
    fn from(params: &Params) -> Self {
        Self {
            epoch: params.epoch,
            deploy_window: params.delegation.as_ref().map_or(0, |d| d.deploy_window),
        }
    }
}

/// The heights of one epoch's stages under given parameters
/// (`x/inference/types/epoch_params.go`, `epoch_context.go`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Stages {
    /// The epoch.
    pub epoch: EpochIndex,
    /// PoC starts; the epoch's record appears.
    pub poc_start: Height,
    /// First block in which a store commit counts.
    pub commit_open: Height,
    /// Nodes stop taking new work.
    pub generation_wind_down: Height,
    /// Generation ends.
    pub generation_end: Height,
    /// Last block in which a store commit counts.
    pub commit_deadline: Height,
    /// Delegations and refusals are frozen; the exchange duration is not part of it.
    pub validation_start: Height,
    /// Votes should be in.
    pub validation_wind_down: Height,
    /// The epoch is formed, charges are fixed, refusals and intents wiped.
    pub validation_end: Height,
    /// The epoch becomes the effective one.
    pub effective: Height,
    /// Rewards of the previous epoch can be claimed.
    pub claim_money: Height,
    /// The new validator set signs blocks.
    pub validators_active: Height,
    /// Inferences must be validated by then.
    pub inference_validation_cutoff: Height,
    /// Choices for candidates of the next epoch are captured; none without a deploy window.
    pub capture: Option<Height>,
    /// PoC of the next epoch starts.
    pub next_poc_start: Height,
}

impl Stages {
    /// The stages of `epoch`. For the chain's epoch 0 there is no PoC and the chain answers 0 for
    /// all of its stages.
    #[must_use]
    pub fn of(epoch: Epoch, params: &ClockParams) -> Self {
        let lengths = &params.epoch;
        let genesis = epoch.index == 0;
        let at = |offset: Height| {
            if genesis { 0 } else { epoch.poc_start.saturating_add(offset) }
        };
        let generation_end = lengths.poc_stage_duration;
        let validation_start = generation_end.saturating_add(lengths.poc_validation_delay);
        let validation_end = validation_start.saturating_add(lengths.poc_validation_duration);
        let effective = validation_end.saturating_add(lengths.set_new_validators_delay);
        let next_poc_start = if genesis {
            lengths.epoch_length.saturating_sub(lengths.epoch_shift)
        } else {
            epoch.poc_start.saturating_add(lengths.epoch_length)
        };
        Self {
            epoch: epoch.index,
            poc_start: at(0),
            commit_open: at(1),
            generation_wind_down: at(four_fifths(lengths.poc_stage_duration)),
            generation_end: at(generation_end),
            commit_deadline: at(generation_end.saturating_add(lengths.poc_exchange_duration)),
            validation_start: at(validation_start),
            validation_wind_down: at(
                validation_start.saturating_add(four_fifths(lengths.poc_validation_duration))
            ),
            validation_end: at(validation_end),
            effective: at(effective),
            claim_money: at(effective.saturating_add(1)),
            validators_active: at(effective.saturating_add(2)),
            inference_validation_cutoff: next_poc_start
                .saturating_sub(lengths.inference_validation_cutoff),
            capture: (params.deploy_window > 0)
                .then(|| next_poc_start.saturating_sub(params.deploy_window)),
            next_poc_start,
        }
    }

    /// The epoch after this one, by these parameters.
    #[must_use]
    pub fn next_epoch(&self) -> Epoch {
        Epoch { index: self.epoch.saturating_add(1), poc_start: self.next_poc_start }
    }
}

/// The chain's `int(0.8 · duration)`, without its float.
fn four_fifths(duration: Height) -> Height {
    duration / 5 * 4 + duration % 5 * 4 / 5
}

/// What the end of a block does, in the order in which the chain does it within one block.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The upcoming epoch is formed; refusals and intents are wiped.
    ValidationEnd,
    /// The upcoming epoch becomes the effective one.
    Effective,
    /// The upcoming epoch's record appears.
    PocStart,
    /// Choices for candidates are captured.
    Capture,
    /// Delegations and refusals are frozen.
    ValidationStart,
}

/// One stage reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StageEvent {
    /// The block at whose end it happens.
    pub height: Height,
    /// What happens.
    #[serde(rename = "what")]
    pub stage: Stage,
    /// The epoch it belongs to; for a capture, the epoch it counts for.
    pub epoch: EpochIndex,
}

/// The chain's own epoch records, as far as the clock turns on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// The effective epoch. None when the chain's index points to an epoch that has no record:
    /// then the end of every block returns early, for good.
    pub effective: Option<Epoch>,
    /// The record of the epoch after it, between PoC start and effective.
    pub upcoming: Option<Epoch>,
}

impl Clock {
    /// The clock as the chain's two epoch records have it.
    #[must_use]
    pub fn new(effective: Epoch, latest: Epoch) -> Self {
        let upcoming = (effective.index.checked_add(1) == Some(latest.index)).then_some(latest);
        Self { effective: Some(effective), upcoming }
    }

    /// The epoch that the chain works in at `height`
    /// (`NewEpochContextFromEffectiveEpoch`): the effective one between its `effective` height
    /// and the next PoC start, otherwise the next one by *present* parameters, whatever its
    /// record says. None when the height fits neither: the end of the block then does nothing,
    /// until parameters change.
    #[must_use]
    pub fn context(&self, params: &ClockParams, height: Height) -> Option<Epoch> {
        let effective = self.effective?;
        let stages = Stages::of(effective, params);
        if stages.effective < height && height < stages.next_poc_start {
            return Some(effective);
        }
        let next = stages.next_epoch();
        (height <= Stages::of(next, params).effective).then_some(next)
    }

    /// Executes the end of the block `height`, in the order of `EndBlock` in
    /// `x/inference/module/module.go`. False when the chain finds no epoch.
    pub fn end_block(
        &mut self,
        params: &ClockParams,
        height: Height,
        mut reached: impl FnMut(StageEvent),
    ) -> bool {
        let (Some(current), Some(context)) = (self.effective, self.context(params, height)) else {
            return false;
        };
        let stages = Stages::of(context, params);
        // Epoch 0 runs no PoC; the chain's own getters answer 0 there, which no block has.
        let poc = context.index != 0;
        // The stages use records, not the context: without one they log an error and return.
        if let Some(upcoming) = self.upcoming
            && poc
            && height == stages.validation_end
        {
            reached(StageEvent { height, stage: Stage::ValidationEnd, epoch: upcoming.index });
        }
        if poc && height == stages.effective {
            // The index moves on even when the record is missing.
            self.effective = self.upcoming.take();
            if let Some(epoch) = self.effective {
                reached(StageEvent { height, stage: Stage::Effective, epoch: epoch.index });
            }
        }
        if poc && height == stages.poc_start {
            let upcoming = Epoch { index: current.index.saturating_add(1), poc_start: height };
            self.upcoming = Some(upcoming);
            reached(StageEvent { height, stage: Stage::PocStart, epoch: upcoming.index });
        }
        if stages.capture == Some(height) {
            let epoch = context.index.saturating_add(1);
            reached(StageEvent { height, stage: Stage::Capture, epoch });
        }
        if let Some(upcoming) = self.upcoming
            && poc
            && height == stages.validation_start
        {
            reached(StageEvent { height, stage: Stage::ValidationStart, epoch: upcoming.index });
        }
        true
    }

    /// Executes the ends of all blocks of `range` under constant parameters, jumping over those
    /// that do nothing, and stops early when `reached` breaks. The first height at which the
    /// chain finds no epoch, if there is one.
    pub fn advance(
        &mut self,
        params: &ClockParams,
        range: RangeInclusive<Height>,
        mut reached: impl FnMut(StageEvent) -> ControlFlow<()>,
    ) -> Option<Height> {
        let mut stuck = None;
        let mut next = (range.start() <= range.end()).then_some(*range.start());
        while let Some(height) = next {
            let mut flow = ControlFlow::Continue(());
            let found = self.end_block(params, height, |event| {
                if flow.is_continue() {
                    flow = reached(event);
                }
            });
            if !found && stuck.is_none() {
                stuck = Some(height);
            }
            // Without an effective epoch nothing will ever happen again.
            if flow.is_break() || (!found && self.effective.is_none()) {
                break;
            }
            next = self.next_turn(params, height).filter(|h| h <= range.end());
        }
        stuck
    }

    /// The first height after `height` at which the end of a block can do anything or the context
    /// changes. Between two turns nothing happens, which is what makes long ranges cheap.
    fn next_turn(&self, params: &ClockParams, height: Height) -> Option<Height> {
        let Some(effective) = self.effective else { return height.checked_add(1) };
        let own = Stages::of(effective, params);
        let next = Stages::of(own.next_epoch(), params);
        [own, next]
            .iter()
            .flat_map(|stages| {
                [
                    Some(stages.poc_start),
                    Some(stages.validation_start),
                    Some(stages.validation_end),
                    Some(stages.effective),
                    Some(stages.effective.saturating_add(1)),
                    Some(stages.next_poc_start),
                    stages.capture,
                ]
            })
            .flatten()
            .filter(|turn| *turn > height)
            .min()
    }
}
