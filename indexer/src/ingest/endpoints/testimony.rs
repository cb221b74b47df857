//! What the endpoints say of the same heights, held against each other and against what is stored.

use std::collections::BTreeMap;

use bootwatch_rules::Height;
use jiff::Timestamp;

/// Heights that are remembered: at the tip, more than 20 minutes of the chain.
const KEPT: usize = 256;

/// A stored block, as far as it is needed to know the chain again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// Its height.
    pub(crate) height: Height,
    /// Its hash, upper-case hex.
    pub(crate) hash: String,
    /// Its time.
    pub(crate) time: Timestamp,
}

/// Two usable endpoints show different blocks of one height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Disagreement {
    /// The lowest height at which it was seen.
    pub(crate) height: Height,
    /// Who says what: the endpoint's place in the configuration, and the hash.
    pub(crate) sides: Vec<(usize, String)>,
}

/// The memory.
#[derive(Debug, Default)]
pub(super) struct Testimony {
    stored: BTreeMap<Height, Known>,
    said: BTreeMap<Height, BTreeMap<usize, String>>,
}

impl Testimony {
    /// A block was stored.
    pub(super) fn stored(&mut self, block: Known) {
        self.stored.insert(block.height, block);
        trim(&mut self.stored);
    }

    /// An endpoint said which block it has at a height. What it says last holds; one that says
    /// something else than before is another node now, and what the earlier one said is nothing
    /// anybody still stands by.
    pub(super) fn said(&mut self, endpoint: usize, height: Height, hash: &str) {
        if !hash.is_empty() {
            let before = self.said.get(&height).and_then(|said| said.get(&endpoint));
            if before.is_some_and(|before| before != hash) {
                self.forget(endpoint);
            }
            self.said.entry(height).or_default().insert(endpoint, hash.to_owned());
            trim(&mut self.said);
        }
    }

    /// What an endpoint said does not count any more.
    pub(super) fn forget(&mut self, endpoint: usize) {
        self.said.retain(|_, by_endpoint| {
            by_endpoint.remove(&endpoint);
            !by_endpoint.is_empty()
        });
    }

    /// The newest stored block of a range.
    pub(super) fn known_within(&self, first: Height, last: Height) -> Option<&Known> {
        let mut range = self.stored.range(first..=last.max(first));
        range.next_back().map(|(_, known)| known).filter(|known| known.height <= last)
    }

    /// The oldest stored block of a range that is still remembered.
    pub(super) fn oldest_within(&self, first: Height, last: Height) -> Option<&Known> {
        let mut range = self.stored.range(first..=last.max(first));
        range.next().map(|(_, known)| known).filter(|known| known.height <= last)
    }

    /// Such a block is stored.
    pub(super) fn confirms(&self, height: Height, hash: &str) -> bool {
        self.stored.get(&height).is_some_and(|known| known.hash == hash)
    }

    /// An endpoint that counts has said the same.
    pub(super) fn supported(
        &self,
        height: Height,
        hash: &str,
        counts: impl Fn(usize) -> bool,
    ) -> bool {
        let said = self.said.get(&height).into_iter().flatten();
        said.into_iter().any(|(index, said)| counts(*index) && said == hash)
    }

    /// The stored block that such a claim contradicts.
    pub(super) fn contradicted(&self, height: Height, hash: &str) -> Option<&Known> {
        self.stored.get(&height).filter(|known| !hash.is_empty() && known.hash != hash)
    }

    /// A block whose time does not fit between those that are stored: time only grows along a chain
    /// (CometBFT's BFT time), so it is of another one.
    pub(super) fn out_of_time(&self, height: Height, time: Timestamp) -> Option<&Known> {
        let before = self.stored.range(..height).next_back().map(|(_, known)| known);
        let after = self.stored.range(height.saturating_add(1)..).next().map(|(_, known)| known);
        before
            .filter(|known| known.time >= time)
            .or_else(|| after.filter(|known| known.time <= time))
    }

    /// A height of a range for which others have said which block they have.
    pub(super) fn common(&self, endpoint: usize, first: Height, last: Height) -> Option<Height> {
        let mut range = self.said.range(first..=last.max(first)).rev();
        range
            .find(|(height, said)| **height <= last && said.keys().any(|other| *other != endpoint))
            .map(|(height, _)| *height)
    }

    /// The lowest height at which endpoints that count differ.
    pub(super) fn disagreement(&self, counts: impl Fn(usize) -> bool) -> Option<Disagreement> {
        let (height, said) = self.said.iter().find(|(_, said)| {
            let mut counting = said.iter().filter(|(index, _)| counts(**index));
            let first = counting.next();
            counting.any(|(_, hash)| first.is_some_and(|(_, other)| hash != other))
        })?;
        let counting = said.iter().filter(|(index, _)| counts(**index));
        let sides = counting.map(|(index, hash)| (*index, hash.clone())).collect();
        Some(Disagreement { height: *height, sides })
    }
}

fn trim<T>(heights: &mut BTreeMap<Height, T>) {
    while heights.len() > KEPT {
        heights.pop_first();
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + seconds.seconds()
    }

    fn known(height: Height) -> Known {
        Known { height, hash: format!("H{height}"), time: at(height * 5) }
    }

    fn all(_: usize) -> bool {
        true
    }

    #[test]
    fn only_endpoints_that_count_can_disagree() {
        let mut testimony = Testimony::default();
        testimony.said(0, 10, "A");
        testimony.said(1, 10, "A");
        testimony.said(1, 11, "X");
        testimony.said(2, 11, "Y");
        testimony.said(2, 12, "");
        let sides = vec![(1, "X".to_owned()), (2, "Y".to_owned())];
        assert_eq!(testimony.disagreement(all), Some(Disagreement { height: 11, sides }));
        assert_eq!(testimony.disagreement(|index| index != 2), None);
        testimony.said(2, 11, "X");
        assert_eq!(testimony.disagreement(all), None, "it changed its mind");
        testimony.said(0, 11, "Z");
        testimony.forget(0);
        assert_eq!(testimony.disagreement(all), None);
    }

    // Fails when each height that another node behind the URL spoke of has to be cleared up by itself.
    #[test]
    fn one_that_changed_its_mind_takes_everything_back() {
        let mut testimony = Testimony::default();
        for height in 10..20 {
            testimony.said(0, height, &format!("H{height}"));
            testimony.said(1, height, &format!("X{height}"));
        }
        assert_eq!(testimony.disagreement(all).map(|differ| differ.height), Some(10));
        testimony.said(1, 10, "H10");
        assert_eq!(testimony.disagreement(all), None);
        testimony.said(1, 25, "X25");
        testimony.said(0, 25, "H25");
        assert_eq!(testimony.disagreement(all).map(|differ| differ.height), Some(25));
    }

    #[test]
    fn claims_are_held_against_what_is_stored() {
        let mut testimony = Testimony::default();
        assert_eq!(testimony.contradicted(5, "A"), None);
        for height in 100..=110 {
            testimony.stored(known(height));
        }
        assert_eq!(testimony.contradicted(105, "H105"), None);
        assert_eq!(testimony.contradicted(105, "X"), Some(&known(105)));
        assert_eq!(testimony.contradicted(111, "X"), None);
        assert_eq!(testimony.contradicted(105, ""), None, "nothing was said");
        assert_eq!(testimony.known_within(90, 105), Some(&known(105)));
        assert_eq!(testimony.known_within(120, 130), None);
        assert_eq!(testimony.known_within(120, 105), None);
        assert_eq!(testimony.oldest_within(90, 105), Some(&known(100)));
        assert_eq!(testimony.oldest_within(106, 105), None);
        assert!(testimony.confirms(105, "H105") && !testimony.confirms(105, "X"));
    }

    #[test]
    fn time_tells_a_chain_that_was_started_anew() {
        let mut testimony = Testimony::default();
        assert_eq!(testimony.out_of_time(7, at(1)), None);
        for height in 100..=110 {
            testimony.stored(known(height));
        }
        assert_eq!(testimony.out_of_time(90, at(450)), None, "a node that lags");
        assert_eq!(testimony.out_of_time(111, at(555)), None);
        assert_eq!(testimony.out_of_time(90, at(600)), Some(&known(100)), "lower, and later");
        assert_eq!(testimony.out_of_time(200, at(540)), Some(&known(110)), "higher, and earlier");
    }

    #[test]
    fn a_height_in_common_is_one_that_another_spoke_of() {
        let mut testimony = Testimony::default();
        testimony.said(0, 10, "A");
        testimony.said(1, 12, "B");
        assert_eq!(testimony.common(1, 1, 20), Some(10));
        assert_eq!(testimony.common(0, 1, 20), Some(12));
        assert_eq!(testimony.common(0, 1, 11), None);
        assert_eq!(testimony.common(0, 13, 11), None);
    }

    proptest! {
        /// Memory is bounded, and as long as all say the same nobody disagrees.
        #[test]
        fn honest_endpoints_never_disagree(said in proptest::collection::vec((0usize..4, 0i64..2000), 0..600)) {
            let mut testimony = Testimony::default();
            for (endpoint, height) in said {
                testimony.said(endpoint, height, &format!("H{height}"));
                testimony.stored(known(height));
            }
            prop_assert_eq!(testimony.disagreement(all), None);
            prop_assert!(testimony.said.len() <= KEPT && testimony.stored.len() <= KEPT);
        }

        /// One lie is found, whoever tells it and wherever, if another spoke of that height.
        #[test]
        fn a_lie_is_found(liar in 0usize..3, height in 0i64..200, others in proptest::collection::vec((0usize..3, 0i64..200), 1..300)) {
            let mut testimony = Testimony::default();
            let mut witnessed = false;
            for (endpoint, at) in others {
                if endpoint != liar {
                    testimony.said(endpoint, at, &format!("H{at}"));
                    witnessed |= at == height;
                }
            }
            testimony.said(liar, height, "lie");
            let found = testimony.disagreement(all);
            prop_assert_eq!(found.is_some(), witnessed);
            if let Some(found) = found {
                prop_assert_eq!(found.height, height);
                prop_assert!(found.sides.contains(&(liar, "lie".to_owned())));
            }
        }
    }
}
