//! From which endpoint blocks are taken: the fresh one that answers fastest; between equals the one
//! that the configuration names first. A change for the better waits until it has lasted, a change
//! away from one that fails does not.

use std::time::Duration;

use tokio::time::Instant;

/// For how long another must be better before it is taken.
const LASTING: Duration = Duration::from_secs(30);
/// A difference that is no reason: within this, or within a factor of two, both are as fast.
const ALIKE: Duration = Duration::from_millis(100);

/// How good an endpoint is, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// At the tip, and it has everything.
    Whole,
    /// At the tip, without results of past blocks.
    HeadOnly,
    /// Behind the others.
    Behind,
    /// Not to be used.
    Unusable,
}

/// What the choice is made from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) rank: Rank,
    /// Of its answers, smoothed.
    pub(super) latency: Option<Duration>,
}

/// The choice as it stands.
#[derive(Debug, Default)]
pub(super) struct Selection {
    current: Option<usize>,
    /// Another that would be better, and since when.
    rival: Option<(usize, Instant)>,
}

impl Selection {
    pub(super) fn current(&self) -> Option<usize> {
        self.current
    }

    /// Chooses among the candidates, in the order of the configuration.
    pub(super) fn choose(&mut self, candidates: &[Candidate], now: Instant) -> Option<usize> {
        let best = best(candidates);
        let rank = |index: usize| candidates.get(index).map_or(Rank::Unusable, |c| c.rank);
        let (Some(best), Some(current)) = (best, self.current) else {
            self.take(best);
            return best;
        };
        if best == current {
            self.rival = None;
        } else if rank(best) < rank(current) {
            self.take(Some(best));
        } else {
            match self.rival {
                Some((rival, since)) if rival == best => {
                    if now >= since + LASTING {
                        self.take(Some(best));
                    }
                }
                _ => self.rival = Some((best, now)),
            }
        }
        self.current
    }

    fn take(&mut self, chosen: Option<usize>) {
        self.current = chosen;
        self.rival = None;
    }
}

fn best(candidates: &[Candidate]) -> Option<usize> {
    let rank = candidates.iter().map(|c| c.rank).min().filter(|rank| *rank != Rank::Unusable)?;
    let mut best: Option<(usize, Option<Duration>)> = None;
    for (index, candidate) in candidates.iter().enumerate().filter(|(_, c)| c.rank == rank) {
        if best.is_none_or(|(_, latency)| is_much_faster(candidate.latency, latency)) {
            best = Some((index, candidate.latency));
        }
    }
    best.map(|(index, _)| index)
}

/// One whose latency is not known yet is neither.
fn is_much_faster(one: Option<Duration>, other: Option<Duration>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return false };
    one * 2 < other && one + ALIKE < other
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidate(rank: Rank, millis: u64) -> Candidate {
        Candidate { rank, latency: Some(Duration::from_millis(millis)) }
    }

    #[test]
    fn failing_is_left_at_once_and_better_must_last() {
        let mut now = Instant::now();
        let mut selection = Selection::default();
        let (fast, slow) = (candidate(Rank::Whole, 20), candidate(Rank::Whole, 900));
        let gone = candidate(Rank::Unusable, 20);
        assert_eq!(selection.choose(&[gone, gone], now), None);
        assert_eq!(selection.choose(&[gone, slow], now), Some(1));
        // The first came back: it is better, and must stay so.
        assert_eq!(selection.choose(&[fast, slow], now), Some(1));
        now += LASTING / 2;
        assert_eq!(selection.choose(&[gone, slow], now), Some(1));
        assert_eq!(selection.choose(&[fast, slow], now), Some(1), "it counts from here");
        now += LASTING / 2;
        assert_eq!(selection.choose(&[fast, slow], now), Some(1));
        now += LASTING / 2;
        assert_eq!(selection.choose(&[fast, slow], now), Some(0));
        let behind = candidate(Rank::Behind, 20);
        assert_eq!(selection.choose(&[behind, slow], now), Some(1), "freshness goes first");
        assert_eq!(selection.choose(&[gone, behind], now), Some(1));
        let head_only = candidate(Rank::HeadOnly, 20);
        assert_eq!(selection.choose(&[head_only, behind], now), Some(0));
    }

    #[test]
    fn between_equals_the_order_of_the_configuration_decides() {
        let now = Instant::now();
        let near = [candidate(Rank::Whole, 90), candidate(Rank::Whole, 10)];
        assert_eq!(Selection::default().choose(&near, now), Some(0));
        let unknown = Candidate { rank: Rank::Whole, latency: None };
        assert_eq!(Selection::default().choose(&[unknown, near[1]], now), Some(0));
        let far = [candidate(Rank::Whole, 500), candidate(Rank::Whole, 10)];
        assert_eq!(Selection::default().choose(&far, now), Some(1));
    }

    fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
        let rank = prop_oneof![
            Just(Rank::Whole),
            Just(Rank::HeadOnly),
            Just(Rank::Behind),
            Just(Rank::Unusable)
        ];
        proptest::collection::vec((rank, 1u64..2000).prop_map(|(r, ms)| candidate(r, ms)), 3)
    }

    proptest! {
        /// Whatever happens: nothing unusable is chosen, nothing usable is passed over for nothing,
        /// a better rank wins at once, and between equals at most one change in LASTING.
        #[test]
        fn it_is_never_wrong_and_never_flaps(
            steps in proptest::collection::vec((candidates(), 0u64..20), 1..80)
        ) {
            let mut now = Instant::now();
            let mut selection = Selection::default();
            let mut last_equal_change: Option<Instant> = None;
            for (candidates, seconds) in steps {
                now += Duration::from_secs(seconds);
                let before = selection.current();
                let chosen = selection.choose(&candidates, now);
                let best = candidates.iter().map(|c| c.rank).min().unwrap();
                match chosen {
                    None => prop_assert_eq!(best, Rank::Unusable),
                    Some(index) => prop_assert_eq!(candidates[index].rank, best),
                }
                if let (Some(before), Some(after)) = (before, chosen)
                    && before != after
                    && candidates[before].rank == candidates[after].rank
                {
                    if let Some(last) = last_equal_change {
                        prop_assert!(now - last >= LASTING);
                    }
                    last_equal_change = Some(now);
                }
            }
        }
    }
}
