//! The live members of the effective root group and their weights: W and T of every rule.

use std::{
    cmp::Reverse,
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    sync::OnceLock,
};

use crate::{Address, Weight};

/// Live members with their weight, checked once so that no later sum can overflow.
#[derive(Debug, Clone)]
pub struct Network<'a> {
    members: Vec<(&'a Address, Weight)>,
    index: HashMap<&'a Address, usize, BuildHasherDefault<AddressHasher>>,
    /// The same by the place of the text: most addresses that are looked up are clones of the
    /// members' (see [`crate::ledger::Ledger::share_addresses`]), and found without reading them.
    clones: HashMap<usize, usize, BuildHasherDefault<AddressHasher>>,
    total: Weight,
    /// The members' places, the heaviest first; ordered when it is first asked for.
    by_weight: OnceLock<Vec<usize>>,
}

/// Mixes the end of an address, because every choice of every model is looked up at every block.
/// Sixteen characters of bech32 have 80 bits of the key's hash and the checksum. The standard
/// hasher's defence against chosen keys would buy little here: the keys are members, and one
/// becomes a member only by serving with weight.
#[derive(Debug, Default)]
pub(crate) struct AddressHasher(u64);

impl AddressHasher {
    fn mix(&mut self, word: u64) {
        // The multiplier of FxHash: odd, with bits set all over.
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Hasher for AddressHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes[bytes.len().saturating_sub(16)..].as_chunks::<8>();
        words.iter().for_each(|word| self.mix(u64::from_le_bytes(*word)));
        rest.iter().for_each(|byte| self.mix(u64::from(*byte)));
    }

    /// The end of a text; there is only one.
    fn write_u8(&mut self, _: u8) {}

    fn write_usize(&mut self, place: usize) {
        self.mix(place as u64);
    }

    fn finish(&self) -> u64 {
        // The product's high bits are the well-mixed ones; the table uses both ends.
        self.0 ^ (self.0 >> 32)
    }
}

/// Why a list of members is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// The chain has no negative weight, so this was misread.
    #[error("host {host:?} has the negative weight {weight}")]
    NegativeWeight {
        /// Its place in the list, from 0.
        place: usize,
        /// The host.
        host: Address,
        /// Its weight.
        weight: Weight,
    },
    /// A group has each member once.
    #[error("host {host:?} is listed twice")]
    DuplicateHost {
        /// The place of the second mention, from 0.
        place: usize,
        /// The host.
        host: Address,
    },
    /// The chain counts in 64 bits.
    #[error("with host {host:?} the weights add up to more than a 64-bit integer holds")]
    WeightOverflow {
        /// The place at which it overflows, from 0.
        place: usize,
        /// The host there.
        host: Address,
    },
}

impl<'a> Network<'a> {
    /// The network of these live members, in any order.
    ///
    /// # Errors
    /// [`NetworkError`] names the member that cannot be.
    pub fn new(
        members: impl IntoIterator<Item = (&'a Address, Weight)>,
    ) -> Result<Self, NetworkError> {
        let members: Vec<_> = members.into_iter().collect();
        let mut index =
            HashMap::with_capacity_and_hasher(members.len(), BuildHasherDefault::default());
        let mut clones = HashMap::with_capacity_and_hasher(members.len(), Default::default());
        let mut total: Weight = 0;
        for (place, &(host, weight)) in members.iter().enumerate() {
            let host = || host.clone();
            if weight < 0 {
                return Err(NetworkError::NegativeWeight { place, host: host(), weight });
            }
            total = total
                .checked_add(weight)
                .ok_or_else(|| NetworkError::WeightOverflow { place, host: host() })?;
            if index.insert(members[place].0, place).is_some() {
                return Err(NetworkError::DuplicateHost { place, host: host() });
            }
            clones.insert(members[place].0.place_of_text(), place);
        }
        Ok(Self { members, index, clones, total, by_weight: OnceLock::new() })
    }

    /// T: the weight of all members.
    #[must_use]
    pub fn total(&self) -> Weight {
        self.total
    }

    /// W of a host; none when it is no live member.
    #[must_use]
    pub fn weight(&self, host: &Address) -> Option<Weight> {
        self.position(host).map(|at| self.members[at].1)
    }

    /// Whether the host is a live member, with or without weight.
    #[must_use]
    pub fn contains(&self, host: &Address) -> bool {
        self.position(host).is_some()
    }

    /// The members as they were given.
    pub fn members(&self) -> impl ExactSizeIterator<Item = (&'a Address, Weight)> + '_ {
        self.members.iter().copied()
    }

    /// The member's place and weight.
    pub(crate) fn seat(&self, host: &Address) -> Option<(usize, Weight)> {
        self.position(host).map(|at| (at, self.members[at].1))
    }

    /// The member at a place.
    pub(crate) fn member(&self, at: usize) -> (&'a Address, Weight) {
        self.members[at]
    }

    /// The member's place among [`Network::members`].
    pub(crate) fn position(&self, host: &Address) -> Option<usize> {
        let clone = self.clones.get(&host.place_of_text());
        clone.or_else(|| self.index.get(host)).copied()
    }

    /// The members' places, the heaviest first and equals in their order.
    pub(crate) fn by_weight(&self) -> &[usize] {
        self.by_weight.get_or_init(|| {
            let mut places: Vec<_> = (0..self.members.len()).collect();
            places.sort_by_key(|at| Reverse(self.members[*at].1));
            places
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_members_are_named() {
        let (a, b) = (Address::from("a"), Address::from("b"));
        let error = |members: &[(&Address, Weight)]| {
            Network::new(members.iter().map(|(host, weight)| {
                // The loop's own borrow is shorter than the addresses'.
                (if **host == a { &a } else { &b }, *weight)
            }))
            .map(|network| network.total())
        };
        assert_eq!(error(&[]), Ok(0));
        assert_eq!(error(&[(&a, 1), (&b, 2)]), Ok(3));
        assert_eq!(
            error(&[(&a, 1), (&b, -2)]),
            Err(NetworkError::NegativeWeight { place: 1, host: b.clone(), weight: -2 })
        );
        assert_eq!(
            error(&[(&a, 1), (&a, 1)]),
            Err(NetworkError::DuplicateHost { place: 1, host: a.clone() })
        );
        assert_eq!(
            error(&[(&a, i64::MAX), (&b, 1)]),
            Err(NetworkError::WeightOverflow { place: 1, host: b.clone() })
        );
    }
}
