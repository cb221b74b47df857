use proptest::prelude::*;

use super::*;
use crate::ingest::ranges::tests::{heights, ranges};

fn set(heights: impl IntoIterator<Item = Height>) -> Ranges {
    heights.into_iter().map(|height| (height, height)).collect()
}

fn depth() -> impl Strategy<Value = Depth> {
    prop_oneof![
        Just(Depth::Configured(History::Recent)),
        Just(Depth::Configured(History::Full)),
        (0i64..100).prop_map(|height| Depth::Configured(History::From(height))),
        (1i64..60, 0i64..40).prop_map(|(first, n)| Depth::Only((first, first + n))),
    ]
}

fn epochs() -> impl Strategy<Value = Option<Epochs>> {
    proptest::option::of((-20i64..100, 1i64..30, -2i64..35).prop_map(|(start, length, window)| {
        Epochs { poc_start: start, length, deploy_window: window }
    }))
}

proptest! {
    /// Whatever is stored, lost and refused: what is to be fetched is exactly what is wanted and
    /// can be had, each height once; and what is given up is never stored or to be had.
    #[test]
    fn missing_is_what_is_wanted_and_can_be_had(
        stored in ranges(), unfillable in ranges(), refused in ranges(),
        lowest in 0i64..60, top in 1i64..100,
        epochs in epochs(), depth in depth(),
        absent in proptest::collection::btree_set(0i64..100, 0..6),
    ) {
        let mut unfillable = unfillable;
        unfillable.remove_all(&stored);
        let ground = Ground {
            stored: &stored, unfillable: &unfillable, refused: &refused,
            lowest, top, epochs, depth, absent: &absent,
        };
        let missing = ground.missing();
        let mut seen = BTreeSet::new();
        for (lane, ranges) in &missing {
            for height in heights(ranges) {
                prop_assert!(seen.insert(height), "{} is in two lanes, at last {:?}", height, lane);
            }
        }
        let can_be_had = |height: &Height| {
            *height >= lowest.max(1) && *height <= top
                && stored.holding(*height).is_none() && refused.holding(*height).is_none()
        };
        let wanted: BTreeSet<Height> =
            Lane::ALL.iter().flat_map(|lane| heights(&ground.wanted(*lane))).collect();
        let expected: BTreeSet<Height> = wanted.iter().copied().filter(can_be_had).collect();
        prop_assert_eq!(&seen, &expected);
        prop_assert!(missing.windows(2).all(|pair| pair[0].0 < pair[1].0));
        if depth == Depth::Configured(History::Full) {
            prop_assert_eq!(seen, (1..=top).filter(can_be_had).collect::<BTreeSet<_>>());
        }
        for height in heights(&ground.pruned()) {
            prop_assert!(height < lowest && height <= top && height >= 1);
            prop_assert!(stored.holding(height).is_none() && unfillable.holding(height).is_none());
        }
        // The next run is the uppermost of the most wanted lane, and nothing else is under way.
        if let Some((lane, run)) = next_run(&missing, &Ranges::default()) {
            prop_assert_eq!(lane, missing[0].0);
            prop_assert_eq!(run.1, *heights(&missing[0].1).last().unwrap());
            let half = set([run.1]);
            let then = next_run(&missing, &half);
            prop_assert!(then.is_none_or(|(_, other)| other.1 != run.1));
        } else {
            prop_assert!(missing.is_empty());
        }
    }

    /// The window is cut into runs of what is neither claimed nor held, each height once.
    #[test]
    fn runs_are_what_is_free(
        claimed in ranges(), held in ranges(), first in 0i64..50, n in 0i64..60, length in 1i64..20,
    ) {
        let window = (first, first + n - 1);
        let runs = runs(window, &claimed, |height| held.holding(height).is_some(), length);
        let mut free: Ranges = [window].into_iter().collect();
        free.remove_all(&claimed);
        free.remove_all(&held);
        let all: Vec<Height> = runs.iter().flat_map(|(first, last)| *first..=*last).collect();
        prop_assert_eq!(&all, &heights(&free).into_iter().collect::<Vec<_>>());
        prop_assert!(runs.iter().all(|(first, last)| last - first < length));
    }
}

#[test]
fn this_epoch_comes_before_the_previous_and_captures_before_the_rest() {
    let epochs = Epochs { poc_start: 50_000, length: 10_000, deploy_window: 500 };
    let (stored, none) = ([(52_000, 53_000)].into_iter().collect(), Ranges::default());
    let mut ground = Ground {
        stored: &stored,
        unfillable: &none,
        refused: &none,
        lowest: 5_000,
        top: 53_000,
        epochs: Some(epochs),
        depth: Depth::Configured(History::Full),
        absent: &BTreeSet::new(),
    };
    let lanes = |ground: &Ground<'_>| -> Vec<(Lane, Vec<Range>)> {
        ground.missing().iter().map(|(lane, all)| (*lane, all.iter().collect())).collect()
    };
    let captures = vec![(9_500, 9_500), (19_500, 19_500), (29_500, 29_500), (39_500, 39_500)];
    assert_eq!(
        lanes(&ground),
        [
            (Lane::Epoch, vec![(50_000, 51_999)]),
            (Lane::Previous, vec![(40_000, 49_999)]),
            (Lane::Capture, captures),
            (
                Lane::Rest,
                vec![
                    (5_000, 9_499),
                    (9_501, 19_499),
                    (19_501, 29_499),
                    (29_501, 39_499),
                    (39_501, 39_999)
                ]
            ),
        ]
    );
    assert_eq!(ground.pruned().iter().collect::<Vec<_>>(), [(1, 4_999)]);
    let first = next_run(&ground.missing(), &none).unwrap();
    assert_eq!(first, (Lane::Epoch, (51_999 - LONGEST_RUN + 1, 51_999)));

    // Three times no capture where one was expected: the ones below are not looked for. The next
    // one that was there begins the count anew.
    ground.depth = Depth::Configured(History::Recent);
    let absent = BTreeSet::from([39_500, 29_500, 19_500]);
    ground.absent = &absent;
    let last = lanes(&ground).pop().unwrap();
    assert_eq!(last, (Lane::Capture, vec![(29_500, 29_500), (39_500, 39_500)]));
    assert_eq!(ground.pruned().iter().count(), 0, "the previous epoch is all there");
}

#[test]
fn runs_fit_what_may_run() {
    assert_eq!(run_length((1, 16_200), 8), LONGEST_RUN);
    assert_eq!(run_length((1, 160), 8), 10);
    assert_eq!(run_length((7, 7), 8), SHORTEST_RUN);
    assert_eq!(run_length((7, 6), 0), SHORTEST_RUN);
}
