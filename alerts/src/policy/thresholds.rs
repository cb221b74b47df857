//! From when on something is worth a word.

use bootwatch_rules::{EpochIndex, Height};
use jiff::SignedDuration;

/// The numbers that alerts compare with. Each is a key of `[alerts]` in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thresholds {
    /// `ingest_stalled_after`: no block was taken in for so long.
    pub ingest_stalled_after: SignedDuration,
    /// `chain_halted_after`: no endpoint has shown a new block for so long.
    pub chain_halted_after: SignedDuration,
    /// `endpoint_down_after`: an endpoint does not answer for so long.
    pub endpoint_down_after: SignedDuration,
    /// `endpoint_lagging_after`: an endpoint is behind the others for so long.
    pub endpoint_lagging_after: SignedDuration,
    /// `delivery_failing_after`: a message waits for so long.
    pub delivery_failing_after: SignedDuration,
    /// `disk_low_mb`: so many million bytes are free on the database's disk.
    pub disk_low_mb: u64,
    /// `gap_within`: a candidate's gap is told when its capture is nearer than that.
    pub gap_within: SignedDuration,
    /// `group_margin_percent`: an active model's group can lose less than that part of the votes
    /// it needs. It clears a quarter above.
    pub group_margin_percent: u32,
    /// `penalty_start_epochs`: a model begins to cost within so many epochs.
    pub penalty_start_epochs: EpochIndex,
    /// `upgrade_within`: an upgrade of the chain comes within so long.
    pub upgrade_within: SignedDuration,
    /// `commit_blocks`: so many blocks before the commit deadline, a host without a commit is told.
    pub commit_blocks: Height,
    /// `delegate_share_percent`: a delegate holds that part of its group's voting power.
    pub delegate_share_percent: u32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            ingest_stalled_after: SignedDuration::from_mins(2),
            chain_halted_after: SignedDuration::from_mins(2),
            endpoint_down_after: SignedDuration::from_mins(3),
            endpoint_lagging_after: SignedDuration::from_mins(5),
            delivery_failing_after: SignedDuration::from_mins(10),
            disk_low_mb: 1_000,
            gap_within: SignedDuration::from_hours(6),
            group_margin_percent: 5,
            penalty_start_epochs: 2,
            upgrade_within: SignedDuration::from_hours(24),
            commit_blocks: 20,
            delegate_share_percent: 29,
        }
    }
}
