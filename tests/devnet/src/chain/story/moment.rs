//! When a step happens: at a height, or so many blocks from a stage of an epoch.

use std::collections::BTreeMap;

use super::super::clock::Context;
use super::super::wire::EpochParams;

/// A stage of an epoch that a moment can be counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Capture,
    PocStart,
    CommitDeadline,
    ValidationStart,
    ValidationEnd,
    Effective,
}

impl Stage {
    pub(crate) const NAMES: [(&'static str, Self); 6] = [
        ("capture", Self::Capture),
        ("poc_start", Self::PocStart),
        ("commit_deadline", Self::CommitDeadline),
        ("validation_start", Self::ValidationStart),
        ("validation_end", Self::ValidationEnd),
        ("effective", Self::Effective),
    ];
}

/// When a step happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Height(i64),
    /// `offset` blocks after a stage of `epoch`; its capture is the one before its PoC start.
    Stage {
        epoch: u64,
        stage: Stage,
        offset: i64,
    },
}

impl Moment {
    /// Reads `capture-5`, `poc_start` or `effective+2`.
    pub(crate) fn parse(epoch: u64, text: &str) -> Option<Self> {
        let split = text.find(['+', '-']).unwrap_or(text.len());
        let (name, offset) = text.split_at(split);
        let (_, stage) = Stage::NAMES.iter().find(|(known, _)| *known == name.trim())?;
        let offset = match offset {
            "" => 0,
            signed => signed.replace(' ', "").parse().ok()?,
        };
        Some(Self::Stage { epoch, stage: *stage, offset })
    }

    /// The height it means under the live parameters; `None` while its epoch is too far ahead.
    pub(crate) fn height(
        &self,
        params: &EpochParams,
        deploy_window: i64,
        epochs: &BTreeMap<u64, i64>,
    ) -> Option<i64> {
        let (epoch, stage, offset) = match *self {
            Self::Height(height) => return Some(height),
            Self::Stage { epoch, stage, offset } => (epoch, stage, offset),
        };
        let poc_start = match epochs.get(&epoch) {
            Some(&height) => height,
            None => {
                let index = epoch.checked_sub(1)?;
                Context { index, poc_start: *epochs.get(&index)? }.next_poc_start(params)
            }
        };
        let context = Context { index: epoch, poc_start };
        let height = match stage {
            Stage::Capture => poc_start.saturating_sub(deploy_window),
            Stage::PocStart => poc_start,
            Stage::CommitDeadline => context.commit_deadline(params),
            Stage::ValidationStart => context.validation_start(params),
            Stage::ValidationEnd => context.validation_end(params),
            Stage::Effective => context.effective(params),
        };
        height.checked_add(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_with_and_without_offset() {
        let stage = |stage, offset| Some(Moment::Stage { epoch: 2, stage, offset });
        assert_eq!(Moment::parse(2, "capture-5"), stage(Stage::Capture, -5));
        assert_eq!(Moment::parse(2, "effective + 2"), stage(Stage::Effective, 2));
        assert_eq!(Moment::parse(2, "poc_start"), stage(Stage::PocStart, 0));
        assert_eq!(Moment::parse(2, "capture-x"), None);
        assert_eq!(Moment::parse(2, "lunch"), None);
    }
}
