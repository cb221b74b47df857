//! How fast the chain makes blocks, and when a height is to be expected.
//!
//! The mean decides a height's time, but one halt or one absurd timestamp would spoil it. So recent
//! blocks are cut into short runs, each run has its mean, and the median of these means counts: a
//! halt spoils one run only. Whole microseconds throughout.

use jiff::{SignedDuration, Timestamp};

use crate::{Height, ledger::Tick};

/// Blocks in a run, when there are enough of them.
const RUN: usize = 32;
/// Runs that are wanted before runs grow longer than one block.
const RUNS: usize = 9;

/// The measured pace of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Microseconds from block to block.
    interval: i64,
    /// How far that may be off in the long run, in microseconds for each block.
    spread: i64,
    /// How far a single block is off. Blocks stray independently, so that many of them stray by
    /// this times the root of their number, however well the mean is known.
    noise: i64,
}

/// When a height is to be expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Eta {
    /// The most likely time.
    pub at: Timestamp,
    /// Half the width of the interval around it.
    pub error: SignedDuration,
}

impl Pace {
    /// Measures the pace of recent blocks, oldest first. None until two blocks are known whose
    /// times increase. Heights may be missing between two ticks.
    pub fn measure<'t>(ticks: impl IntoIterator<Item = &'t Tick>) -> Option<Self> {
        let ticks: Vec<&Tick> = ticks.into_iter().collect();
        let intervals = ticks.len().checked_sub(1).filter(|count| *count > 0)?;
        let run = (intervals / RUNS).clamp(1, RUN);
        let means = |run: usize| -> Vec<i64> {
            (0..intervals)
                .step_by(run)
                .filter_map(|first| mean(ticks[first], ticks[(first + run).min(intervals)]))
                .collect()
        };
        let interval = quantile(&mut means(run), 1, 2)?;
        // Three of four deviate by no more than this, also when the pace changed half-way.
        let off = |run| {
            let mut off: Vec<i64> = means(run).iter().map(|m| (m - interval).abs()).collect();
            quantile(&mut off, 3, 4)
        };
        // Few blocks say little, however alike they are: hence the second term.
        let count = i64::try_from(intervals).unwrap_or(i64::MAX);
        Some(Self { interval, spread: off(run)? + interval / count / 2, noise: off(1)? })
    }

    /// The time from block to block.
    #[must_use]
    pub fn interval(&self) -> SignedDuration {
        SignedDuration::from_micros(self.interval)
    }

    /// Seconds from block to block, for the JSON form.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.interval().as_secs_f64()
    }

    /// When a block `blocks` after one at `from` is to be expected. None beyond the calendar.
    #[must_use]
    pub fn eta(&self, from: Timestamp, blocks: Height) -> Option<Eta> {
        let wait = self.interval.checked_mul(blocks)?;
        let ahead = blocks.max(0);
        let strayed = self.noise.checked_mul(ahead.isqrt())?;
        let error = self.spread.checked_mul(ahead)?.checked_add(strayed)?;
        let error = error.checked_add(self.interval)?;
        Some(Eta {
            at: from.checked_add(SignedDuration::from_micros(wait)).ok()?,
            error: SignedDuration::from_micros(error),
        })
    }
}

/// Microseconds for each block between two ticks. None when height or time did not increase.
fn mean(first: &Tick, last: &Tick) -> Option<i64> {
    let blocks = last.height.checked_sub(first.height).filter(|blocks| *blocks > 0)?;
    let time = last.time.as_microsecond().checked_sub(first.time.as_microsecond())?;
    Some(time / blocks).filter(|mean| *mean > 0)
}

/// The value below which `part / whole` of the values lie.
fn quantile(values: &mut [i64], part: usize, whole: usize) -> Option<i64> {
    let place = values.len() * part / whole;
    values.get(place)?;
    Some(*values.select_nth_unstable(place).1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ticks(intervals_ms: impl IntoIterator<Item = i64>) -> Vec<Tick> {
        let mut time = Timestamp::from_millisecond(1_770_000_000_000).unwrap();
        let mut ticks = vec![Tick { height: 100, time }];
        for (height, ms) in (101..).zip(intervals_ms) {
            time += SignedDuration::from_millis(ms);
            ticks.push(Tick { height, time });
        }
        ticks
    }

    #[test]
    fn nothing_is_known_before_two_blocks() {
        assert_eq!(Pace::measure(&[]), None);
        assert_eq!(Pace::measure(&ticks([])), None);
        assert_eq!(Pace::measure(&ticks([0])), None, "time stood still");
        assert_eq!(Pace::measure(&ticks([-5])), None, "time ran backwards");
        let pace = Pace::measure(&ticks([5000])).unwrap();
        assert_eq!(pace.interval(), SignedDuration::from_millis(5000));
        // One interval says little about the next thousand blocks.
        let eta = pace.eta(Timestamp::UNIX_EPOCH, 1000).unwrap();
        assert!(eta.error > SignedDuration::from_secs(2000));
    }

    #[test]
    fn halts_and_absurd_times_do_not_move_it() {
        let steady = ticks((0..1000).map(|i| 5000 + i % 7 * 100));
        let usual = Pace::measure(&steady).unwrap();
        let halted = ticks((0..1000).map(|i| match i {
            300 => 3_600_000,
            700 => -86_400_000,
            701 => 86_400_000,
            _ => 5000 + i % 7 * 100,
        }));
        let pace = Pace::measure(&halted).unwrap();
        assert!((pace.interval - usual.interval).abs() < 20_000, "{pace:?} against {usual:?}");
        // The mean of all would be off by almost four seconds a block.
        assert!(pace.interval < 5_400_000);
    }

    #[test]
    fn missing_heights_count_as_blocks() {
        let mut all = ticks((0..100).map(|_| 5000));
        all.drain(20..60);
        assert_eq!(Pace::measure(&all).unwrap().interval(), SignedDuration::from_secs(5));
    }

    #[test]
    fn the_error_covers_a_chain_that_changes_its_pace() {
        // Half the window at 5 s, half at 6 s: both continuations must lie inside the error.
        let all = ticks((0..1000).map(|i| if i < 500 { 5000 } else { 6000 }));
        let pace = Pace::measure(&all).unwrap();
        let eta = pace.eta(Timestamp::UNIX_EPOCH, 500).unwrap();
        for interval in [5000, 6000] {
            let real = Timestamp::from_millisecond(interval * 500).unwrap();
            assert!(eta.at.duration_since(real).abs() <= eta.error, "{eta:?} misses {real}");
        }
    }

    proptest! {
        /// Whatever the ticks, nothing overflows, and the interval lies between the extremes.
        #[test]
        fn it_never_panics_and_stays_within_the_extremes(
            all in prop::collection::vec((0..i64::MAX, -377_705_023_201_i64..253_402_207_200), 0..80),
            blocks in any::<i64>(),
        ) {
            let all: Vec<Tick> = all
                .into_iter()
                .map(|(height, s)| Tick { height, time: Timestamp::from_second(s).unwrap() })
                .collect();
            if let Some(pace) = Pace::measure(&all) {
                prop_assert!(pace.interval > 0 && pace.spread >= 0);
                let _ = pace.eta(Timestamp::UNIX_EPOCH, blocks);
            }
        }

        #[test]
        fn a_noisy_chain_is_met_within_the_error(
            noise in prop::collection::vec(-1500_i64..1500, 600),
            blocks in 1_usize..400,
        ) {
            let all = ticks(noise.iter().map(|ms| 5300 + ms));
            let (past, ahead) = all.split_at(all.len() - blocks);
            prop_assume!(past.len() > 100);
            let pace = Pace::measure(past).unwrap();
            let from = past.last().unwrap();
            let eta = pace.eta(from.time, i64::try_from(blocks).unwrap()).unwrap();
            let off = eta.at.duration_since(ahead.last().unwrap().time).abs();
            // Three times the stated error is far out for a sum of independent blocks.
            prop_assert!(off <= eta.error * 3, "off by {off:?}, stated {:?}", eta.error);
        }
    }
}
