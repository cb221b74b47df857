//! What a simulated chain is made from.

use super::story::{Story, StoryError};
use super::timing::Timing;

/// Everything that decides how a chain runs; two chains of the same spec that execute the same
/// blocks are the same.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Decides addresses, weights and what hosts do when no story tells them.
    pub seed: u64,
    /// The chain's name.
    pub chain_id: String,
    /// Who does what, and when.
    pub story: Story,
    /// Lengths of the epoch and its stages at genesis; governance may change them.
    pub timing: Timing,
    /// How many hosts, unless the story names more; `None` leaves it to the story.
    pub hosts: Option<usize>,
    /// Which rules the chain follows, as the version it reports.
    pub version: Version,
    /// How many past states answer queries.
    pub state_history: usize,
    /// About how many bytes of events the block at validation end carries for the DKG.
    pub dkg_event_bytes: usize,
    /// How many bytes an event without meaning adds to every block, so that a slow reader falls
    /// behind; none at 0.
    pub ballast_bytes: usize,
    /// The most of a host's weight that a capture counts, while every record of the chain still
    /// shows all of it. Not known to happen: it is what a later version's "trusted weight" would
    /// look like from outside if it reached the captures.
    pub counted_weight: Option<i64>,
}

impl Spec {
    /// A chain of `seed` and `story` with the defaults for the rest.
    #[must_use]
    pub fn new(seed: u64, story: Story) -> Self {
        Self {
            seed,
            chain_id: "gonka-devnet".to_owned(),
            timing: Timing::default(),
            hosts: None,
            version: story.version.unwrap_or_default(),
            state_history: 1_000,
            dkg_event_bytes: 2 * 1024 * 1024,
            ballast_bytes: 0,
            counted_weight: None,
            story,
        }
    }

    /// Refuses what could not run.
    pub(crate) fn check(&self) -> Result<(), SpecError> {
        // CometBFT refuses longer ones in the genesis document (types/genesis.go, MaxChainIDLen).
        if self.chain_id.is_empty() || self.chain_id.len() > 50 {
            return Err(SpecError::ChainId(self.chain_id.clone()));
        }
        let timing = &self.timing;
        let stages = [
            ("poc_stage", timing.poc_stage, 1),
            ("poc_exchange", timing.poc_exchange, 0),
            ("validation_delay", timing.validation_delay, 0),
            ("validation", timing.validation, 1),
            ("set_new_validators", timing.set_new_validators, 1),
        ];
        for (name, blocks, least) in stages {
            if !(least..=1_000_000).contains(&blocks) {
                return Err(SpecError::Stage { name, blocks, least });
            }
        }
        let least = timing.until_effective() + 2;
        if timing.epoch_length < least || timing.epoch_length > 100_000_000 {
            return Err(SpecError::EpochLength { blocks: timing.epoch_length, least });
        }
        if self.hosts.is_some_and(|hosts| hosts == 0 || hosts > 20_000) {
            return Err(SpecError::Hosts(self.hosts.unwrap_or_default()));
        }
        Ok(())
    }
}

/// The chain's version, which decides its rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Version {
    /// Penalties act on consensus weight; votes need more than two thirds.
    V0_2_12,
    /// Penalties act on rewards and are stored under key 0x6c.
    #[default]
    V0_2_14,
    /// Bootstrap penalties only for models that were pre-eligible, and only for known hosts.
    V0_2_16,
}

impl Version {
    /// What the node reports, such as `0.2.14`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V0_2_12 => "0.2.12",
            Self::V0_2_14 => "0.2.14",
            Self::V0_2_16 => "0.2.16",
        }
    }

    /// Reads `0.2.14` or `v0.2.14`.
    ///
    /// # Errors
    /// When no rules are known for it.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        match text.strip_prefix('v').unwrap_or(text) {
            "0.2.12" | "0.2.13" => Ok(Self::V0_2_12),
            "0.2.14" | "0.2.15" => Ok(Self::V0_2_14),
            "0.2.16" => Ok(Self::V0_2_16),
            _ => Err(SpecError::Version(text.to_owned())),
        }
    }
}

/// Why a chain cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// The chain id is empty or longer than CometBFT allows.
    #[error("chain id {0:?}: it needs 1 to 50 bytes")]
    ChainId(String),
    /// A stage without room.
    #[error("{name} = {blocks}: it needs {least} to 1000000 blocks")]
    Stage {
        /// Which stage.
        name: &'static str,
        /// Its length.
        blocks: i64,
        /// The shortest that works.
        least: i64,
    },
    /// The stages do not fit into the epoch.
    #[error("epoch_length = {blocks}: the stages need at least {least} blocks (at most 100000000)")]
    EpochLength {
        /// The length asked for.
        blocks: i64,
        /// The shortest that works.
        least: i64,
    },
    /// Too few or too many hosts.
    #[error("{0} hosts: it needs 1 to 20000")]
    Hosts(usize),
    /// An unknown version.
    #[error("version {0:?}: known are 0.2.12, 0.2.14 and 0.2.16")]
    Version(String),
    /// A story that contradicts itself or the spec.
    #[error(transparent)]
    Story(#[from] StoryError),
}
