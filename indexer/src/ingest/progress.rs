//! How far a long piece of work is: done, left, rate, and when it will be over.

use std::{
    collections::VecDeque,
    fmt,
    time::{Duration, Instant},
};

use bootwatch_rules::situation::ProgressView;
use jiff::{SignedDuration, Timestamp};

/// The rate is measured over this long.
const WINDOW: Duration = Duration::from_secs(60);
/// Time between two samples of it.
const SAMPLE: Duration = Duration::from_millis(500);
/// How often it is worth a line in the log.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// How far it is.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    done: u64,
    left: u64,
    /// When how much was done, oldest first.
    samples: VecDeque<(Instant, u64)>,
    logged: Instant,
}

impl Default for Progress {
    fn default() -> Self {
        let now = Instant::now();
        Self { done: 0, left: 0, samples: VecDeque::from([(now, 0)]), logged: now }
    }
}

impl Progress {
    /// So many blocks more are done, so many are left.
    pub(crate) fn add(&mut self, blocks: u64, left: u64) {
        self.done = self.done.saturating_add(blocks);
        self.left = left;
        let now = Instant::now();
        if self.samples.back().is_none_or(|(at, _)| now.duration_since(*at) >= SAMPLE) {
            self.samples.push_back((now, self.done));
        }
        while self.samples.len() > 2
            && self.samples.front().is_some_and(|(at, _)| now.duration_since(*at) > WINDOW)
        {
            self.samples.pop_front();
        }
    }

    pub(crate) fn done(&self) -> u64 {
        self.done
    }

    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// Blocks a second, over the last minute.
    #[expect(clippy::cast_precision_loss, reason = "blocks of a minute")]
    pub(crate) fn rate(&self) -> f64 {
        let Some((began, before)) = self.samples.front() else { return 0.0 };
        let seconds = began.elapsed().as_secs_f64();
        if seconds < 0.01 { 0.0 } else { (self.done - before) as f64 / seconds }
    }

    /// The time that is left at this rate; none while nothing moves.
    pub(crate) fn remaining(&self) -> Option<Duration> {
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let seconds = self.left as f64 / self.rate();
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// `100.0 blocks/s, ready in 3s`.
    pub(crate) fn pace(&self) -> String {
        let rate = format!("{:.1} blocks/s", self.rate());
        match self.remaining() {
            Some(left) => {
                let left = SignedDuration::from_secs(left.as_secs().try_into().unwrap_or(i64::MAX));
                format!("{rate}, ready in {left:#}")
            }
            None => rate,
        }
    }

    /// Whether it is time for a line in the log; once it was, not again for a while.
    pub(crate) fn is_due(&mut self) -> bool {
        let due = self.logged.elapsed() >= LOG_EVERY;
        if due {
            self.logged = Instant::now();
        }
        due
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate, rounded for people"
    )]
    pub(crate) fn view(&self, now: Timestamp) -> ProgressView {
        let eta = self.remaining().and_then(|left| SignedDuration::try_from(left).ok());
        ProgressView {
            done: self.done,
            left: self.left,
            per_minute: (self.rate() * 60.0).round() as u64,
            eta: eta.and_then(|left| now.checked_add(left).ok()),
        }
    }
}

/// `1200 blocks done, 300 left, 100.0 blocks/s, ready in 3s`.
impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} blocks done, {} left, {}", self.done, self.left, self.pace())
    }
}
