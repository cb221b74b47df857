//! When blocks are due by the daemon's clock, when that runs faster than the machine's.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// The time of the chain, as it passes in the daemon's world.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    rate: u32,
    origin: Timestamp,
    /// Time stands until the daemon has begun.
    began: Option<Instant>,
}

impl Pace {
    pub(super) fn new(rate: u32, origin: Timestamp) -> Self {
        Self { rate, origin, began: None }
    }

    /// Whether it runs faster.
    pub(super) fn is_fast(self) -> bool {
        self.rate > 1
    }

    /// Time passes from now on; true the first time.
    pub(super) fn begin(&mut self) -> bool {
        let first = self.is_fast() && self.began.is_none();
        self.began.get_or_insert_with(Instant::now);
        first
    }

    /// What the chain's clock shows.
    pub(super) fn now(self) -> Timestamp {
        let passed = self.began.map_or(Duration::ZERO, |began| began.elapsed());
        let passed = SignedDuration::try_from(passed * self.rate).unwrap_or_default();
        self.origin.saturating_add(passed).unwrap_or(self.origin)
    }

    /// When its clock shows that time.
    pub(super) fn at(self, time: Timestamp) -> Instant {
        let ahead = time.duration_since(self.origin).unsigned_abs() / self.rate;
        self.began.unwrap_or_else(Instant::now) + ahead
    }
}
