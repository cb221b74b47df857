//! Which stage of which epoch a height is.
//!
//! The chain keeps no schedule: every block it derives the context anew from the effective epoch
//! and the live parameters, and compares heights for equality (x/inference/types/epoch_context.go).
//! So a change of parameters can move a stage, repeat it, or make the chain miss it.

use std::collections::BTreeMap;

use super::wire::EpochParams;

/// An epoch, seen from a height, under the live parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Context {
    pub(crate) index: u64,
    pub(crate) poc_start: i64,
}

impl Context {
    /// The context of `height` while `effective` is the effective epoch; `None` when the chain can
    /// find none, and then does nothing at the end of any block.
    pub(crate) fn at(
        params: &EpochParams,
        epochs: &BTreeMap<u64, i64>,
        effective: u64,
        height: i64,
    ) -> Option<Self> {
        let this = Self { index: effective, poc_start: *epochs.get(&effective)? };
        let next = Self { index: effective + 1, poc_start: this.next_poc_start(params) };
        if this.effective(params) < height && height < next.poc_start {
            Some(this)
        } else if height <= next.effective(params) {
            Some(next)
        } else {
            None
        }
    }

    /// `offset` blocks into the epoch; epoch 0 has no stages and answers 0.
    fn stage(&self, offset: i64) -> i64 {
        if self.index == 0 { 0 } else { self.poc_start.saturating_add(offset) }
    }

    pub(crate) fn commit_deadline(&self, params: &EpochParams) -> i64 {
        self.stage(params.poc_stage_duration.saturating_add(params.poc_exchange_duration))
    }

    /// The exchange duration is not part of it.
    pub(crate) fn validation_start(&self, params: &EpochParams) -> i64 {
        self.stage(params.poc_stage_duration.saturating_add(params.poc_validation_delay))
    }

    pub(crate) fn validation_end(&self, params: &EpochParams) -> i64 {
        let start = params.poc_stage_duration.saturating_add(params.poc_validation_delay);
        self.stage(start.saturating_add(params.poc_validation_duration))
    }

    pub(crate) fn effective(&self, params: &EpochParams) -> i64 {
        if self.index == 0 {
            return 0;
        }
        self.validation_end(params).saturating_add(params.set_new_validators_delay)
    }

    pub(crate) fn next_poc_start(&self, params: &EpochParams) -> i64 {
        if self.index == 0 {
            params.epoch_length.saturating_sub(params.epoch_shift)
        } else {
            self.poc_start.saturating_add(params.epoch_length)
        }
    }

    /// Where the bootstrap snapshot for the epoch after this one is captured, if it is.
    pub(crate) fn capture(&self, params: &EpochParams, deploy_window: i64) -> Option<i64> {
        (deploy_window > 0).then(|| self.next_poc_start(params).saturating_sub(deploy_window))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mainnet() -> EpochParams {
        EpochParams {
            epoch_length: 15_391,
            epoch_shift: 16_980,
            poc_stage_duration: 35,
            poc_validation_delay: 5,
            poc_validation_duration: 240,
            set_new_validators_delay: 120,
            ..EpochParams::default()
        }
    }

    #[test]
    fn mainnet_heights_of_mid_2026() {
        let params = mainnet();
        let epochs = BTreeMap::from([(359, 5_536_724)]);
        let inference = Context::at(&params, &epochs, 359, 5_551_615).unwrap();
        assert_eq!(inference, Context { index: 359, poc_start: 5_536_724 });
        assert_eq!(inference.capture(&params, 500), Some(5_551_615));
        let next = Context::at(&params, &epochs, 359, 5_552_115).unwrap();
        assert_eq!((next.index, next.poc_start), (360, 5_552_115));
        assert_eq!(next.commit_deadline(&params), 5_552_150);
        assert_eq!(next.validation_start(&params), 5_552_155);
        assert_eq!(next.validation_end(&params), 5_552_395);
        assert_eq!(next.effective(&params), 5_552_515);
    }

    #[test]
    fn past_every_stage_of_the_next_epoch_there_is_no_context() {
        let params = mainnet();
        let epochs = BTreeMap::from([(359, 5_536_724)]);
        assert!(Context::at(&params, &epochs, 359, 5_552_515).is_some());
        assert!(Context::at(&params, &epochs, 359, 5_552_516).is_none());
        assert!(Context::at(&params, &epochs, 360, 5_552_516).is_none(), "no record of 360");
    }

    #[test]
    fn epoch_zero_has_no_stages() {
        let params = mainnet();
        let epochs = BTreeMap::from([(0, 0)]);
        let zero = Context { index: 0, poc_start: 0 };
        assert_eq!(zero.effective(&params), 0);
        assert_eq!(zero.next_poc_start(&params), 15_391 - 16_980);
        assert!(Context::at(&params, &epochs, 0, 5_000_000).is_none());
    }
}
