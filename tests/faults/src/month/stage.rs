//! The chain of a month.

use std::fmt::Write as _;

use bootwatch_devnet::Recording;
use bootwatch_devnet::chain::{Spec, Story, Timing};
use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::OnceCell;

use crate::chains::{GENESIS, Stage, StageError};

/// Blocks of an epoch, so that each of its stages has some.
const EPOCH: i64 = 72;
/// Between blocks.
const INTERVAL: SignedDuration = SignedDuration::from_secs(5);
/// Now and then a block takes longer.
const SLOW: SignedDuration = SignedDuration::from_secs(40);
/// Hosts that are watched, and that do as the seed has it: most choose, some unwisely, some not.
const WATCHED: usize = 6;
/// Heavy hosts to whom others like to delegate; now and then the chain removes one.
const HEAVY: usize = 4;
/// Hosts in all.
const HOSTS: usize = 24;

impl Stage {
    /// The chain of a seed's month.
    pub(crate) fn month(seed: u64, epochs: u64) -> Result<Self, StageError> {
        let mut rng = Rng::with_seed(seed ^ 0x006d_6f6e_7468);
        let epochs = epochs.max(2);
        let timing = Timing::scaled(EPOCH);
        let mut spec = Spec::new(seed, Story::parse("month", &story(&mut rng, epochs))?);
        spec.chain_id = "gonka-month".to_owned();
        spec.timing = timing;
        spec.dkg_event_bytes = 4 << 10;
        // From the inference phase of the first epoch on, to that of the last.
        let first = EPOCH + timing.until_effective() + 4;
        let length = i64::try_from(epochs).unwrap_or(i64::MAX).saturating_mul(EPOCH);
        let last = first.saturating_add(length);
        // Every state: the oracle asks for any of them.
        spec.state_history = usize::try_from(last).unwrap_or_default().saturating_add(8);
        let slow = rng.i64(40..60);
        let times = |height| if height % slow == 0 { SLOW } else { INTERVAL };
        let chain = Recording::make(spec, Timestamp::from_second(GENESIS)?, last, times)?;
        let hosts = chain.inspect(|chain| chain.hosts());
        let watched = hosts.into_iter().filter(|host| host.name.starts_with("own-")).collect();
        let (impostor, stranger) = (chain.clone(), chain.clone());
        Ok(Self { chain, impostor, stranger, first, last, watched, expected: OnceCell::new() })
    }
}

/// Who there is, and whom the chain removes.
fn story(rng: &mut Rng, epochs: u64) -> String {
    let mut text = format!(
        "name = \"month\"\nshows = \"A month of choices, with delegates that are removed from the \
         epoch.\"\nhosts = {HOSTS}\n"
    );
    for number in 1..=WATCHED {
        let weight = rng.i64(3_000..12_000);
        let _ = write!(text, "[[host]]\nname = \"own-{number}\"\nweight = {weight}\n");
    }
    for number in 1..=HEAVY {
        let weight = 14_000 + 500 * number;
        let _ = write!(text, "[[host]]\nname = \"heavy-{number}\"\nweight = {weight}\n");
    }
    for epoch in 2..epochs {
        if rng.u8(..3) == 0 {
            let (host, before) = (rng.usize(1..=HEAVY), rng.i64(2..30));
            let _ = write!(
                text,
                "[[step]]\nepoch = {epoch}\nat = \"poc_start-{before}\"\ndo = \"exclude\"\nhost = \
                 \"heavy-{host}\"\nreason = \"downtime\"\n"
            );
        }
    }
    text
}
