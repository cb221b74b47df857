//! Sets of heights as disjoint ranges: pure arithmetic.

use std::collections::BTreeMap;

use bootwatch_rules::Height;

/// First and last height, both included.
pub(crate) type Range = (Height, Height);

/// A set of heights, kept as maximal ranges.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Ranges(BTreeMap<Height, Height>);

impl Ranges {
    /// All of them, ascending.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = Range> + '_ {
        self.0.iter().map(|(first, last)| (*first, *last))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many heights.
    pub(crate) fn count(&self) -> u64 {
        let length = |(first, last): Range| last.abs_diff(first).saturating_add(1);
        self.iter().map(length).fold(0, u64::saturating_add)
    }

    /// The range that a height lies in.
    pub(crate) fn holding(&self, height: Height) -> Option<Range> {
        let (first, last) = self.0.range(..=height).next_back()?;
        (*last >= height).then_some((*first, *last))
    }

    /// Adds a range; nothing when it ends before it begins.
    pub(crate) fn insert(&mut self, (mut first, mut last): Range) {
        if last < first {
            return;
        }
        // Whatever overlaps it or touches it becomes part of it.
        while let Some((below_first, below_last)) =
            self.0.range(..=last.saturating_add(1)).next_back().map(|(f, l)| (*f, *l))
            && below_last.saturating_add(1) >= first
        {
            self.0.remove(&below_first);
            (first, last) = (first.min(below_first), last.max(below_last));
        }
        self.0.insert(first, last);
    }

    /// Removes a range.
    pub(crate) fn remove(&mut self, (first, last): Range) {
        if last < first {
            return;
        }
        while let Some((held_first, held_last)) =
            self.0.range(..=last).next_back().map(|(f, l)| (*f, *l))
            && held_last >= first
        {
            self.0.remove(&held_first);
            if held_first < first {
                self.0.insert(held_first, first - 1);
            }
            if held_last > last {
                self.0.insert(last + 1, held_last);
            }
        }
    }

    /// Removes all heights of another set.
    pub(crate) fn remove_all(&mut self, other: &Self) {
        other.iter().for_each(|range| self.remove(range));
    }

    /// Only the heights of a range.
    pub(crate) fn within(&self, (first, last): Range) -> Self {
        let mut part = self.clone();
        part.remove((Height::MIN, first.saturating_sub(1)));
        part.remove((last.saturating_add(1), Height::MAX));
        part
    }
}

impl FromIterator<Range> for Ranges {
    fn from_iter<I: IntoIterator<Item = Range>>(ranges: I) -> Self {
        let mut set = Self::default();
        ranges.into_iter().for_each(|range| set.insert(range));
        set
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    pub(crate) fn heights(ranges: &Ranges) -> BTreeSet<Height> {
        ranges.iter().flat_map(|(first, last)| first..=last).collect()
    }

    pub(crate) fn ranges() -> impl Strategy<Value = Ranges> {
        proptest::collection::vec((0i64..80, 0i64..12), 0..8)
            .prop_map(|all| all.into_iter().map(|(first, n)| (first, first + n - 1)).collect())
    }

    proptest! {
        /// Against a plain set of heights; and ranges stay maximal: none touches the next.
        #[test]
        fn they_are_sets_of_heights(a in ranges(), b in ranges(), first in 0i64..80, n in 0i64..30) {
            let range = (first, first + n - 1);
            let plain: BTreeSet<_> = (first..first + n).collect();
            let mut added = a.clone();
            added.insert(range);
            prop_assert_eq!(heights(&added), heights(&a).union(&plain).copied().collect::<BTreeSet<_>>());
            let mut left = a.clone();
            left.remove_all(&b);
            prop_assert_eq!(heights(&left), heights(&a).difference(&heights(&b)).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(left.count(), heights(&left).len() as u64);
            let part = a.within(range);
            prop_assert_eq!(heights(&part), heights(&a).intersection(&plain).copied().collect::<BTreeSet<_>>());
            for set in [&added, &left, &part] {
                let all: Vec<_> = set.iter().collect();
                prop_assert!(all.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0), "{:?}", all);
            }
            for height in 0..100 {
                prop_assert_eq!(a.holding(height).is_some(), heights(&a).contains(&height));
            }
        }
    }

    #[test]
    fn the_ends_of_all_heights_do_not_overflow() {
        let mut all: Ranges = [(Height::MIN, -5), (7, Height::MAX)].into_iter().collect();
        all.insert((-4, 6));
        assert_eq!(all.iter().collect::<Vec<_>>(), [(Height::MIN, Height::MAX)]);
        assert_eq!(all.within((3, 4)).iter().collect::<Vec<_>>(), [(3, 4)]);
        all.remove((Height::MIN, Height::MAX));
        assert!(all.is_empty());
    }
}
