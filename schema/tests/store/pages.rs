//! Long lists in pieces, held against the lists themselves.

use bootwatch_rules::Height;
use bootwatch_schema::{Place as Cursor, Placed, Slice, SqliteReader, StoreError};
use proptest::prelude::*;

use crate::{
    chain::{FIRST, Step, chain},
    common::Place,
    evidence::play,
};

/// All pieces of a list, one after the other, with the text of a cursor between them.
fn walk<T>(
    heights: (Height, Height),
    limit: u32,
    page: impl Fn(&Slice) -> Result<Vec<Placed<T>>, StoreError>,
) -> Vec<T> {
    let mut slice = Slice { heights: heights.0..=heights.1, before: None, limit };
    let mut all = Vec::new();
    loop {
        let piece = page(&slice).unwrap();
        assert!(piece.len() <= usize::try_from(limit).unwrap(), "more than was asked for");
        let Some((place, _)) = piece.last() else { return all };
        slice.before = Some(place.to_string().parse::<Cursor>().unwrap());
        all.extend(piece.into_iter().map(|(place, dated)| {
            assert_eq!(place.height, dated.block.height);
            dated.fact
        }));
    }
}

/// What the blocks say, the newest first.
fn newest_first<T: Clone>(
    steps: &[Step],
    heights: (Height, Height),
    list: impl Fn(&Step) -> Vec<T>,
) -> Vec<T> {
    let within = steps.iter().filter(|step| (heights.0..=heights.1).contains(&step.facts.height));
    let mut all: Vec<T> = within.flat_map(list).collect();
    all.reverse();
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    // Fails when a record is left out or comes twice where two pieces meet, when a filter or a
    // range lets another one in, or when the order is not that of the chain backwards.
    #[test]
    fn pieces_are_the_whole_list(
        steps in chain(40),
        limit in 1_u32..7,
        from in FIRST - 1..FIRST + 20,
        length in 0_i64..60,
    ) {
        let place = Place::new();
        play(&place, &steps);
        let reader = SqliteReader::open(&place.path()).unwrap();
        let heights = (from, from + length);

        let captures = newest_first(&steps, heights, |step| step.facts.captures.clone());
        prop_assert_eq!(&walk(heights, limit, |s| reader.captures_page(None, s)), &captures);
        for model in captures.iter().map(|capture| &capture.model_id) {
            let of_model: Vec<_> = captures.iter().filter(|c| c.model_id == *model).cloned().collect();
            prop_assert_eq!(walk(heights, limit, |s| reader.captures_page(Some(model), s)), of_model);
        }

        let choices = newest_first(&steps, heights, |step| step.facts.choices.clone());
        prop_assert_eq!(&walk(heights, limit, |s| reader.choices_page(None, None, s)), &choices);
        if let Some(one) = choices.first() {
            let mut of_host = choices.clone();
            of_host.retain(|tx| tx.host == one.host);
            let found = walk(heights, limit, |s| reader.choices_page(Some(&one.host), None, s));
            prop_assert_eq!(&found, &of_host);
            of_host.retain(|tx| tx.model_id == one.model_id);
            let (host, model) = (Some(&one.host), Some(&one.model_id));
            prop_assert_eq!(walk(heights, limit, |s| reader.choices_page(host, model, s)), of_host);
        }

        let events = newest_first(&steps, heights, |step| step.facts.events.clone());
        prop_assert_eq!(&walk(heights, limit, |s| reader.events_page(None, s)), &events);
        if let Some(one) = events.first() {
            let of_kind: Vec<_> = events.iter().filter(|e| e.kind == one.kind).cloned().collect();
            let found = walk(heights, limit, |s| reader.events_page(Some(&one.kind), s));
            prop_assert_eq!(found, of_kind);
        }
    }
}

#[test]
fn what_is_no_cursor_is_refused() {
    for text in ["", "12", "-", "a-1", "12-", "12-x", "12-1-1", "99999999999999999999-1", "1--1"] {
        assert!(text.parse::<Cursor>().is_err(), "{text:?}");
    }
}
