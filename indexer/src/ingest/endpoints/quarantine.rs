//! How long an endpoint is left alone that lies or lags: longer each time, until it has behaved.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

/// The first time; jitter adds up to as much again.
const SHORTEST: Duration = Duration::from_secs(30);
/// With jitter, at most ten minutes.
const LONGEST: Duration = Duration::from_secs(300);
/// After so long without another reason, the next time is a first time.
const FORGIVEN: Duration = Duration::from_secs(600);

/// The record of one endpoint.
#[derive(Debug)]
pub(super) struct Quarantine {
    delays: ExponentialBackoff,
    until: Option<Instant>,
}

impl Default for Quarantine {
    fn default() -> Self {
        Self { delays: delays(), until: None }
    }
}

impl Quarantine {
    /// Begins one. One that runs goes on: what several requests found at the same time is one reason.
    pub(super) fn begin(&mut self, now: Instant) {
        if self.until(now).is_some() {
            return;
        }
        let forgiven = self.until.is_some_and(|until| now >= until + FORGIVEN);
        if forgiven {
            self.delays = delays();
        }
        self.until = Some(now + self.delays.next().unwrap_or(LONGEST));
    }

    /// When it ends; none when it is over.
    pub(super) fn until(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|until| now < *until)
    }
}

fn delays() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(SHORTEST)
        .with_max_delay(LONGEST)
        .with_jitter()
        .without_max_times()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_longer_until_it_was_forgiven() {
        let mut now = Instant::now();
        let mut quarantine = Quarantine::default();
        assert_eq!(quarantine.until(now), None);
        for least in [30, 60, 120, 240, 300, 300, 300] {
            quarantine.begin(now);
            let length = quarantine.until(now).unwrap() - now;
            quarantine.begin(now);
            assert_eq!(quarantine.until(now), Some(now + length), "it runs already");
            let least = Duration::from_secs(least);
            assert!(length >= least && length <= least * 2, "{length:?} for {least:?}");
            assert!(length <= Duration::from_secs(600));
            now += length;
            assert_eq!(quarantine.until(now), None, "it is over");
        }
        now += FORGIVEN - Duration::from_secs(1);
        quarantine.begin(now);
        assert!(quarantine.until(now).unwrap() - now >= LONGEST, "not forgiven yet");
        now = quarantine.until(now).unwrap() + FORGIVEN;
        quarantine.begin(now);
        assert!(quarantine.until(now).unwrap() - now <= SHORTEST * 2);
    }
}
