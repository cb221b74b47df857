//! How long an epoch and its stages last.

/// Lengths in blocks. The stages follow PoC start, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From one PoC start to the next.
    pub epoch_length: i64,
    /// How long before PoC start the bootstrap snapshot is captured; 0 or less: never.
    pub deploy_window: i64,
    /// How long hosts compute.
    pub poc_stage: i64,
    /// How long commits are still taken after that.
    pub poc_exchange: i64,
    /// From the end of computing to validation start.
    pub validation_delay: i64,
    /// How long validators vote.
    pub validation: i64,
    /// From validation end to the block in which the new epoch becomes effective.
    pub set_new_validators: i64,
}

impl Timing {
    /// Mainnet in mid-2026: 15,391 blocks, capture 500 blocks before PoC start.
    #[must_use]
    pub fn mainnet() -> Self {
        Self {
            epoch_length: 15_391,
            deploy_window: 500,
            poc_stage: 35,
            poc_exchange: 0,
            validation_delay: 5,
            validation: 240,
            set_new_validators: 120,
        }
    }

    /// Mainnet's proportions for an epoch of `epoch_length` blocks, with minima that leave every
    /// stage at least a few blocks; from about 30 blocks on, the inference phase stays the longest.
    #[must_use]
    pub fn scaled(epoch_length: i64) -> Self {
        let mainnet = Self::mainnet();
        let share = |blocks: i64, least: i64| {
            (blocks.saturating_mul(epoch_length) / mainnet.epoch_length)
                .clamp(least, blocks.max(least))
        };
        Self {
            epoch_length,
            deploy_window: share(mainnet.deploy_window, 6),
            poc_stage: share(mainnet.poc_stage, 4),
            poc_exchange: mainnet.poc_exchange,
            validation_delay: share(mainnet.validation_delay, 1),
            validation: share(mainnet.validation, 5),
            set_new_validators: share(mainnet.set_new_validators, 3),
        }
    }

    /// The same with another deploy window.
    #[must_use]
    pub fn with_deploy_window(self, deploy_window: i64) -> Self {
        Self { deploy_window, ..self }
    }

    /// From PoC start to the block in which the epoch becomes effective.
    #[must_use]
    pub fn until_effective(&self) -> i64 {
        self.poc_stage + self.validation_delay + self.validation + self.set_new_validators
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self::scaled(60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mainnets_own_length_gives_mainnets_stages() {
        assert_eq!(Timing::scaled(15_391), Timing::mainnet());
    }

    #[test]
    fn short_epochs_keep_room_for_every_stage() {
        for length in [20, 40, 60, 120, 1_000] {
            let timing = Timing::scaled(length);
            assert!(timing.until_effective() + 2 <= length, "{timing:?}");
            assert!(timing.deploy_window >= 6 && timing.poc_stage >= 4 && timing.validation >= 5);
        }
    }
}
