//! The ladder: how early a deadline is spoken of, and how loudly.

use bootwatch_rules::Height;
use bootwatch_schema::Severity;
use jiff::SignedDuration;

/// A step of the ladder towards a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    /// Reached when so much time or less is left.
    pub within: SignedDuration,
    /// Reached when so many blocks or fewer are left; counts while no time can be estimated.
    pub blocks: Height,
    /// How urgent it is from here on.
    pub severity: Severity,
}

/// Steps towards a deadline: each comes later and is at least as urgent as the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder(Vec<Rung>);

/// Why a ladder is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LadderError {
    /// There would be nothing to wait for.
    #[error("a ladder needs at least one rung, such as 6 h before the deadline")]
    Empty,
    /// A rung that is never reached or reached at once.
    #[error("rung {rung}: the time and the blocks left must be above zero")]
    NotAhead {
        /// Counted from 1.
        rung: usize,
    },
    /// A rung that does not come after the one before it, or is less urgent.
    #[error(
        "rung {rung} must be nearer to the deadline than the one before it, and not less urgent"
    )]
    Order {
        /// Counted from 1.
        rung: usize,
    },
}

impl Ladder {
    /// A ladder from its rungs, the earliest first.
    ///
    /// # Errors
    /// [`LadderError`] names the rung that is wrong.
    pub fn new(rungs: Vec<Rung>) -> Result<Self, LadderError> {
        if rungs.is_empty() {
            return Err(LadderError::Empty);
        }
        for (rung, r) in (1..).zip(&rungs) {
            if r.within <= SignedDuration::ZERO || r.blocks <= 0 {
                return Err(LadderError::NotAhead { rung });
            }
        }
        for (rung, pair) in (2..).zip(rungs.windows(2)) {
            let (early, late) = (pair[0], pair[1]);
            if late.within >= early.within
                || late.blocks >= early.blocks
                || late.severity < early.severity
            {
                return Err(LadderError::Order { rung });
            }
        }
        Ok(Self(rungs))
    }

    /// The step that is reached when so much is left: how many rungs lie behind, 0 before the
    /// first. The time decides when it is known.
    #[must_use]
    pub fn step(&self, time_left: Option<SignedDuration>, blocks_left: Height) -> u32 {
        let reached = |rung: &&Rung| match time_left {
            Some(left) => left <= rung.within,
            None => blocks_left <= rung.blocks,
        };
        self.0.iter().take_while(reached).map(|_| 1).sum()
    }

    /// How urgent a step is; step 0 is as urgent as step 1.
    #[must_use]
    pub fn severity(&self, step: u32) -> Severity {
        let index = usize::try_from(step.saturating_sub(1)).unwrap_or(usize::MAX);
        self.0.get(index).or(self.0.last()).map_or(Severity::Critical, |rung| rung.severity)
    }
}

impl Default for Ladder {
    /// 24 h, 6 h, 2 h and 30 min. The blocks are those times at 5.335 s a block, the mean that was
    /// measured on mainnet from June to August 2026.
    fn default() -> Self {
        let rung = |minutes, blocks, severity| Rung {
            within: SignedDuration::from_mins(minutes),
            blocks,
            severity,
        };
        Self(vec![
            rung(24 * 60, 16_194, Severity::Info),
            rung(6 * 60, 4_048, Severity::Warning),
            rung(2 * 60, 1_349, Severity::Critical),
            rung(30, 337, Severity::Critical),
        ])
    }
}
