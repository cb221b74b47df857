//! The heights of a story, by the lengths that its chain is made with and the chain's public
//! description. Plain sums: nothing here is asked of the code under test.

use bootwatch_devnet::chain::Timing;

/// Seconds from one block to the next: a minute of waiting is two blocks.
pub(crate) const BLOCK: i64 = 30;

/// Lengths with room between all stages.
pub(crate) const TIMING: Timing = Timing {
    epoch_length: 100,
    deploy_window: 30,
    poc_stage: 12,
    poc_exchange: 3,
    validation_delay: 5,
    validation: 10,
    set_new_validators: 5,
};

/// PoC of an epoch starts; that of epoch 1 in the first block.
pub(crate) const fn poc_start(epoch: i64) -> i64 {
    1 + (epoch - 1) * TIMING.epoch_length
}

/// What counts for a candidate in an epoch is captured before its PoC starts.
pub(crate) const fn capture(epoch: i64) -> i64 {
    poc_start(epoch) - TIMING.deploy_window
}

/// The last block for commits.
pub(crate) const fn commit_deadline(epoch: i64) -> i64 {
    poc_start(epoch) + TIMING.poc_stage + TIMING.poc_exchange
}

/// Delegations and refusals are frozen.
pub(crate) const fn validation_start(epoch: i64) -> i64 {
    poc_start(epoch) + TIMING.poc_stage + TIMING.validation_delay
}

/// The epoch is formed, its charges are fixed, refusals and intents are wiped.
pub(crate) const fn validation_end(epoch: i64) -> i64 {
    validation_start(epoch) + TIMING.validation
}

/// The epoch is the running one from here on.
pub(crate) const fn effective(epoch: i64) -> i64 {
    validation_end(epoch) + TIMING.set_new_validators
}
