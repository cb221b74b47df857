//! The chains that schedules run on, made ahead of time, and what is expected of each.

use std::sync::Arc;

use bootwatch_devnet::chain::{HostInfo, Spec, Story, Timing};
use bootwatch_devnet::{Recording, StartError};
use bootwatch_rules::Height;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::OnceCell;

use crate::account::Account;

/// Chains there are.
pub(crate) const CHAINS: usize = 6;
/// The time of genesis: any fixed moment will do, the daemon's clock starts from it too.
pub(crate) const GENESIS: i64 = 1_767_225_600;
/// Between blocks, as their headers have it; the daemon's clock keeps up with them.
const INTERVAL: SignedDuration = SignedDuration::from_secs(5);
/// Once in a while a chain stands still for this long.
const HALT: SignedDuration = SignedDuration::from_hours(2);
/// Hosts that the daemon watches.
const WATCHED: usize = 3;

/// A chain with its surroundings.
#[derive(Debug)]
pub(crate) struct Stage {
    /// The chain itself.
    pub(crate) chain: Recording,
    /// Another chain of the same name.
    pub(crate) impostor: Recording,
    /// A chain of another name.
    pub(crate) stranger: Recording,
    /// The block the daemon begins at.
    pub(crate) first: Height,
    /// The block it has to reach.
    pub(crate) last: Height,
    pub(crate) watched: Vec<HostInfo>,
    /// What a run without faults leaves; made by the first schedule that asks.
    pub(crate) expected: OnceCell<Arc<Account>>,
}

/// What distinguishes a chain.
struct Outline {
    story: &'static str,
    seed: u64,
    epoch_length: i64,
    first: Height,
    blocks: Height,
}

const fn outline(
    story: &'static str,
    seed: u64,
    epoch_length: i64,
    first: Height,
    blocks: Height,
) -> Outline {
    Outline { story, seed, epoch_length, first, blocks }
}

/// Two or three epochs each: from before a capture, from within a stage, from genesis on.
const OUTLINES: [Outline; CHAINS] = [
    outline("default", 1, 30, 37, 80),
    outline("default", 2, 40, 3, 90),
    outline("default", 3, 50, 45, 95),
    outline("moved-capture", 4, 30, 22, 90),
    outline("misses-then-passes", 5, 40, 38, 85),
    outline("default", 6, 30, 65, 70),
];

impl Stage {
    /// Makes the chain of that number.
    pub(crate) fn make(number: usize) -> Result<Self, StageError> {
        let Outline { story, seed, epoch_length, first, blocks } = OUTLINES[number % CHAINS];
        let last = first + blocks;
        let record = |seed, chain_id: &str| {
            let mut spec = Spec::new(seed, Story::load(story)?);
            spec.chain_id = chain_id.to_owned();
            spec.timing = Timing::scaled(epoch_length);
            // A key generation of megabytes would be most of the work.
            spec.dkg_event_bytes = 16 << 10;
            let genesis = Timestamp::from_second(GENESIS)?;
            let times = |height| if height % 53 == 52 { HALT } else { INTERVAL };
            Ok::<_, StageError>(Recording::make(spec, genesis, last, times)?)
        };
        let chain = record(seed, "gonka-faults")?;
        let watched = chain.inspect(|chain| chain.hosts()).into_iter().take(WATCHED).collect();
        Ok(Self {
            impostor: record(seed + 100, "gonka-faults")?,
            stranger: record(seed, "gonka-elsewhere")?,
            chain,
            first,
            last,
            watched,
            expected: OnceCell::new(),
        })
    }
}

/// Why a chain cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StageError {
    #[error(transparent)]
    Story(#[from] bootwatch_devnet::chain::StoryError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Time(#[from] jiff::Error),
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    // Fails when anything but the specification goes into a block: two runs would then not be on the
    // same chain, and no seed would reproduce.
    #[test]
    fn the_same_chain_is_made_again() {
        let (one, two) = (Stage::make(0).unwrap(), Stage::make(0).unwrap());
        for height in [1, one.first, one.last] {
            assert_eq!(one.chain.hash(height), two.chain.hash(height));
            assert_ne!(one.chain.hash(height), one.impostor.hash(height));
        }
    }
}
