//! What is fetched next: pure arithmetic over heights.
//!
//! Missing is what is wanted, less what is stored, less what no endpoint has. The tip always goes
//! first; below it, history goes downwards in lanes.

use std::collections::BTreeSet;

use bootwatch_rules::{ChainState, Height, ledger::Ledger};
use bootwatch_schema::Loaded;

use super::{
    coverage::Coverage,
    ranges::{Range, Ranges},
};
use crate::config::History;

/// Blocks in a run, at most: with the header after it, five full answers of headers.
pub(crate) const LONGEST_RUN: Height = 99;
const SHORTEST_RUN: Height = 5;
/// Past captures that are looked up, at most.
const CAPTURES: usize = 1000;
/// So many heights in a row at which a capture was expected and none was: the parameters were
/// others then, and no height below can be told.
const ABSENT: usize = 3;

/// How long the runs should be into which a window is cut: long enough to spare requests, short
/// enough that all that may run have one.
pub(crate) fn run_length((first, last): Range, capacity: usize) -> Height {
    let shares = Height::try_from(capacity.saturating_mul(2)).unwrap_or(Height::MAX).max(1);
    let length = last.saturating_sub(first).saturating_add(1);
    (length / shares).clamp(SHORTEST_RUN, LONGEST_RUN)
}

/// What of a window is neither claimed nor held, in runs of at most so many blocks, ascending.
pub(crate) fn runs(
    window: Range,
    claimed: &Ranges,
    held: impl Fn(Height) -> bool,
    length: Height,
) -> Vec<Range> {
    let mut free: Ranges = [window].into_iter().collect();
    free.remove_all(claimed);
    let mut runs: Vec<Range> = Vec::new();
    for (first, last) in free.iter() {
        let mut open = false;
        for height in first..=last {
            if held(height) {
                open = false;
            } else if let Some(run) =
                runs.last_mut().filter(|run| open && run.1 - run.0 + 1 < length)
            {
                run.1 = height;
            } else {
                runs.push((height, height));
                open = true;
            }
        }
    }
    runs
}

/// The part of history that a block is wanted for, the most wanted first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Lane {
    /// It had been given up, and an endpoint has it after all.
    Hole,
    /// The running epoch.
    Epoch,
    /// The epoch before.
    Previous,
    /// A past capture.
    Capture,
    /// The rest, as far as it was asked for.
    Rest,
}

impl Lane {
    const ALL: [Self; 5] = [Self::Hole, Self::Epoch, Self::Previous, Self::Capture, Self::Rest];
}

/// Where epochs begin, by the newest parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Epochs {
    /// PoC start of the effective epoch.
    pub(crate) poc_start: Height,
    /// Blocks of an epoch, at least 1.
    pub(crate) length: Height,
    /// Blocks from a capture to PoC start; 0 or less means no captures.
    pub(crate) deploy_window: Height,
}

impl Epochs {
    /// None before the chain's state was read.
    pub(crate) fn of(ledger: &Ledger) -> Option<Self> {
        ledger.state.as_ref().and_then(Self::of_state)
    }

    /// None when the chain's parameters give no epochs.
    pub(crate) fn of_state(state: &ChainState) -> Option<Self> {
        let length = state.params.epoch.epoch_length;
        let window = state.params.delegation.as_ref().map_or(0, |d| d.deploy_window);
        (length > 0).then_some(Self {
            poc_start: state.effective.poc_start,
            length,
            deploy_window: window,
        })
    }

    /// Where the epoch before the effective one began, at least 1.
    pub(crate) fn previous(self) -> Height {
        self.poc_start.saturating_sub(self.length).max(1)
    }

    /// Heights from `top` down at which captures were, if the parameters were the same then.
    pub(crate) fn captures(self, top: Height) -> impl Iterator<Item = Height> {
        let newest = self
            .poc_start
            .saturating_add(self.length.saturating_mul(2))
            .saturating_sub(self.deploy_window);
        let heights = std::iter::successors(Some(newest), move |at| at.checked_sub(self.length));
        let some = self.deploy_window > 0;
        heights.take_while(move |at| some && *at > 0).filter(move |at| *at <= top).take(CAPTURES)
    }
}

/// How far down history is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// As configured.
    Configured(History),
    /// These heights and nothing else.
    Only(Range),
}

/// Everything that decides what is fetched next.
#[derive(Debug)]
pub(crate) struct Ground<'a> {
    pub(crate) stored: &'a Ranges,
    pub(crate) unfillable: &'a Ranges,
    /// What every endpoint has refused lately, although one said that it has it.
    pub(crate) refused: &'a Ranges,
    /// The lowest height that an endpoint has.
    pub(crate) lowest: Height,
    /// The highest height that history may fill.
    pub(crate) top: Height,
    pub(crate) epochs: Option<Epochs>,
    pub(crate) depth: Depth,
    /// Heights at which a capture was expected and none was.
    pub(crate) absent: &'a BTreeSet<Height>,
}

impl Ground<'_> {
    /// What can be fetched, lane by lane; no height is in two of them.
    pub(crate) fn missing(&self) -> Vec<(Lane, Ranges)> {
        let mut taken = Ranges::default();
        let mut lanes = Vec::new();
        for lane in Lane::ALL {
            let mut missing = self.wanted(lane).within((self.lowest.max(1), self.top));
            for not in [self.stored, self.refused, &taken] {
                missing.remove_all(not);
            }
            missing.iter().for_each(|range| taken.insert(range));
            if !missing.is_empty() {
                lanes.push((lane, missing));
            }
        }
        lanes
    }

    /// What is wanted and lies below everything that an endpoint has. Past captures are not among
    /// it: whoever wants to know that they are missing asks for all of history.
    pub(crate) fn pruned(&self) -> Ranges {
        let mut pruned = Ranges::default();
        for lane in [Lane::Epoch, Lane::Previous, Lane::Rest] {
            self.wanted(lane).iter().for_each(|range| pruned.insert(range));
        }
        let mut pruned = pruned.within((1, self.top.min(self.lowest.saturating_sub(1))));
        pruned.remove_all(self.stored);
        pruned.remove_all(self.unfillable);
        pruned
    }

    /// What is wanted and was given up, or would have to be.
    pub(crate) fn lost(&self) -> Ranges {
        let mut lost = self.wanted(Lane::Hole);
        self.pruned().iter().for_each(|range| lost.insert(range));
        lost
    }

    /// Everything that a lane is for, stored or not.
    fn wanted(&self, lane: Lane) -> Ranges {
        let history = match self.depth {
            Depth::Configured(history) => history,
            Depth::Only(range) => {
                return match lane {
                    Lane::Hole => self.unfillable.within(range),
                    Lane::Rest => [range].into_iter().collect(),
                    _ => Ranges::default(),
                };
            }
        };
        match (lane, self.epochs) {
            (Lane::Hole, _) => self.unfillable.clone(),
            (Lane::Epoch, Some(epochs)) => {
                [(epochs.poc_start.max(1), self.top)].into_iter().collect()
            }
            (Lane::Previous, Some(epochs)) => {
                [(epochs.previous(), epochs.poc_start.saturating_sub(1))].into_iter().collect()
            }
            (Lane::Capture, Some(epochs)) => self.captures(epochs),
            (Lane::Rest, _) => match history {
                History::Recent => Ranges::default(),
                History::Full => [(1, self.top)].into_iter().collect(),
                History::From(height) => [(height.max(1), self.top)].into_iter().collect(),
            },
            (Lane::Epoch | Lane::Previous | Lane::Capture, None) => Ranges::default(),
        }
    }

    fn captures(&self, epochs: Epochs) -> Ranges {
        let mut absent = 0;
        let known = |height: &Height| {
            absent = if self.absent.contains(height) { absent + 1 } else { 0 };
            absent < ABSENT
        };
        epochs.captures(self.top).take_while(known).map(|height| (height, height)).collect()
    }
}

/// How many blocks of history are wanted and can be had, as a database has it, the looking up of past
/// captures aside.
pub(crate) fn left(loaded: &Loaded, history: History) -> u64 {
    let sets = Coverage::from(&loaded.coverage);
    let (stored, unfillable) = (sets.stored(), sets.unfillable());
    let ground = Ground {
        stored: &stored,
        unfillable: &unfillable,
        refused: &unfillable,
        lowest: loaded.service.endpoints.iter().filter_map(|e| e.earliest).min().unwrap_or(1),
        top: stored.iter().next_back().map_or(0, |(_, last)| last),
        epochs: Epochs::of(&loaded.ledger),
        depth: Depth::Configured(history),
        absent: &BTreeSet::new(),
    };
    let lanes = ground.missing();
    lanes.iter().filter(|(lane, _)| *lane != Lane::Capture).map(|(_, all)| all.count()).sum()
}

/// The run to fetch next: the uppermost part of the first lane that has anything left.
pub(crate) fn next_run(missing: &[(Lane, Ranges)], claimed: &Ranges) -> Option<(Lane, Range)> {
    missing.iter().find_map(|(lane, ranges)| {
        let mut free = ranges.clone();
        free.remove_all(claimed);
        let (first, last) = free.iter().next_back()?;
        Some((*lane, (first.max(last.saturating_sub(LONGEST_RUN - 1)), last)))
    })
}

#[cfg(test)]
mod tests;
