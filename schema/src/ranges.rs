//! Sets of heights as inclusive ranges: pure arithmetic, no storage.

use bootwatch_rules::Height;

/// An inclusive range, first and last height.
pub(crate) type Range = (Height, Height);

/// The parts of `range` that none of `holes` covers, ascending. `holes` are ascending and disjoint.
pub(crate) fn subtract(range: Range, holes: impl IntoIterator<Item = Range>) -> Vec<Range> {
    let (mut first, last) = range;
    let mut left = Vec::new();
    for (hole_first, hole_last) in holes {
        if first > last || hole_first > last {
            break;
        }
        if hole_last < first {
            continue;
        }
        if hole_first > first {
            left.push((first, hole_first - 1));
        }
        match hole_last.checked_add(1) {
            Some(next) => first = next,
            None => return left,
        }
    }
    if first <= last {
        left.push((first, last));
    }
    left
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set(ranges: &[Range]) -> BTreeSet<Height> {
        ranges.iter().flat_map(|&(first, last)| first..=last).collect()
    }

    proptest! {
        /// The set difference, in maximal ascending ranges.
        #[test]
        fn subtract_is_set_difference(
            first in 0i64..60,
            length in 0i64..40,
            heights in proptest::collection::btree_set(0i64..100, 0..40),
        ) {
            let mut holes: Vec<Range> = Vec::new();
            for height in heights {
                match holes.last_mut() {
                    Some(hole) if hole.1 + 1 == height => hole.1 = height,
                    _ => holes.push((height, height)),
                }
            }
            let range = (first, first + length);
            let left = subtract(range, holes.iter().copied());
            let expected: BTreeSet<_> = set(&[range]).difference(&set(&holes)).copied().collect();
            prop_assert_eq!(set(&left), expected);
            prop_assert!(left.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
        }
    }

    #[test]
    fn subtract_at_the_end_of_heights() {
        assert_eq!(subtract((5, i64::MAX), [(7, i64::MAX)]), vec![(5, 6)]);
        assert_eq!(subtract((9, 5), []), vec![]);
    }
}
