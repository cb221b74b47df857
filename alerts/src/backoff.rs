//! How long to wait before another attempt.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

/// Waits of growing length, each shortened by a random part, so that many senders that failed
/// together do not come back together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff {
    steps: Vec<Duration>,
}

/// A wait is shortened by up to one part in this many.
const JITTER: u32 = 5;

impl Backoff {
    /// Waits after the first, second, … failure; the last one repeats. No steps mean no waiting.
    #[must_use]
    pub fn new(steps: Vec<Duration>) -> Self {
        Self { steps }
    }

    /// The wait after so many failures in a row, at least 1.
    #[must_use]
    pub fn after(&self, failures: u32) -> Duration {
        let last = self.steps.len().saturating_sub(1);
        let index = usize::try_from(failures.saturating_sub(1)).unwrap_or(last).min(last);
        let full = self.steps.get(index).copied().unwrap_or_default();
        let spread = full / JITTER;
        full - spread.mul_f64(chance())
    }
}

impl Default for Backoff {
    /// 5 s, 30 s, 2 min, 10 min, 30 min.
    fn default() -> Self {
        Self::new([5, 30, 120, 600, 1800].map(Duration::from_secs).into())
    }
}

/// A number from 0 to 1. The standard library seeds every hasher anew; that is random enough to
/// spread attempts.
fn chance() -> f64 {
    let bits = RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(bits >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Fails when a wait is longer than its step, loses more than its jitter, or ends after the
    // last step.
    #[test]
    fn waits_grow_and_stay() {
        let backoff = Backoff::default();
        for (failures, seconds) in [(1, 5), (2, 30), (3, 120), (4, 600), (5, 1800), (99, 1800)] {
            for _ in 0..50 {
                let wait = backoff.after(failures);
                assert!(wait <= Duration::from_secs(seconds), "{failures}: {wait:?}");
                assert!(wait >= Duration::from_secs(seconds) * 4 / 5, "{failures}: {wait:?}");
            }
        }
    }

    // Fails when two senders that failed together come back together.
    #[test]
    fn waits_differ() {
        let backoff = Backoff::default();
        let first = backoff.after(5);
        assert!((0..20).any(|_| backoff.after(5) != first));
    }
}
