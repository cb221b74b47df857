//! Blocks that have come before their turn.

use std::collections::BTreeMap;

use bootwatch_rules::{BlockFacts, Height};
use tokio::time::Instant;

use super::weight::weight;
use crate::{decode::Proof, metrics::BlockSource};

/// How far ahead of the next height a block may be.
pub(crate) const WINDOW: Height = 2048;
/// Bytes that all of them may take; the next one is taken whatever it weighs.
pub(crate) const BYTES: usize = 24 << 20;

/// A block that waits for its turn.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) endpoint: usize,
    pub(crate) source: BlockSource,
    pub(crate) facts: Box<BlockFacts>,
    /// Of a frame: one that was fetched is proven with its run.
    pub(crate) proof: Option<Proof>,
    /// When its frame arrived; none for a block that was fetched.
    pub(crate) arrived: Option<Instant>,
}

/// Blocks from the next height on, bounded by [`WINDOW`] and [`BYTES`].
#[derive(Debug, Default)]
pub(crate) struct Reorder {
    blocks: BTreeMap<Height, Waiting>,
    bytes: usize,
}

impl Reorder {
    /// Takes a block unless it is past, too far ahead, too much, or there already. What is not
    /// taken is fetched when its turn comes.
    pub(crate) fn offer(&mut self, next: Height, block: Waiting) {
        let height = block.facts.height;
        let weight = weight(&block.facts);
        let fits = height == next || self.bytes.saturating_add(weight) <= BYTES;
        if fits && height >= next && height < next.saturating_add(WINDOW) && !self.has(height) {
            self.bytes = self.bytes.saturating_add(weight);
            self.blocks.insert(height, block);
        }
    }

    pub(crate) fn has(&self, height: Height) -> bool {
        self.blocks.contains_key(&height)
    }

    /// Whether there is room for more than the next block.
    pub(crate) fn has_room(&self) -> bool {
        self.bytes < BYTES / 2
    }

    /// The block of that height; whatever is below it is dropped.
    pub(crate) fn take(&mut self, height: Height) -> Option<Waiting> {
        while let Some(entry) = self.blocks.first_entry() {
            if *entry.key() > height {
                return None;
            }
            let block = entry.remove();
            self.bytes = self.bytes.saturating_sub(weight(&block.facts));
            if block.facts.height == height {
                return Some(block);
            }
        }
        None
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use bootwatch_rules::Malformed;
    use jiff::Timestamp;

    use super::*;

    fn block(height: Height, hash: &str) -> Waiting {
        let facts = BlockFacts {
            height,
            hash: hash.into(),
            parent: String::new(),
            time: Timestamp::UNIX_EPOCH,
            tx_count: 0,
            captures: Vec::new(),
            choices: Vec::new(),
            commits: Vec::new(),
            distributions: Vec::new(),
            events: Vec::new(),
            malformed: Vec::new(),
        };
        Waiting {
            endpoint: 0,
            source: BlockSource::Poll,
            facts: Box::new(facts),
            proof: None,
            arrived: None,
        }
    }

    fn heavy(height: Height) -> Waiting {
        let mut block = block(height, "H");
        block.facts.malformed.push(Malformed {
            what: "tx".into(),
            place: "tx 0".into(),
            reason: String::new(),
            raw: "x".repeat(BYTES / 2),
        });
        block
    }

    #[test]
    fn blocks_wait_within_the_window_only() {
        let mut reorder = Reorder::default();
        for height in [9, 10, 12, 10 + WINDOW - 1, 10 + WINDOW] {
            reorder.offer(10, block(height, "A"));
        }
        let held: Vec<_> = (0..2 * WINDOW).filter(|height| reorder.has(*height)).collect();
        assert_eq!(held, [10, 12, 10 + WINDOW - 1]);
    }

    #[test]
    fn the_first_of_two_stays_and_the_past_is_dropped() {
        let mut reorder = Reorder::default();
        reorder.offer(10, block(10, "A"));
        reorder.offer(10, block(10, "B"));
        reorder.offer(10, block(11, "C"));
        assert_eq!(reorder.take(11).unwrap().facts.hash, "C");
        assert!(!reorder.has(10));
        assert!(reorder.take(11).is_none());
        assert_eq!(reorder.bytes, 0);
    }

    #[test]
    fn bytes_are_bounded_and_the_next_block_always_fits() {
        let mut reorder = Reorder::default();
        assert!(reorder.has_room());
        reorder.offer(10, heavy(12));
        assert!(!reorder.has_room());
        reorder.offer(10, heavy(13));
        assert!(!reorder.has(13), "it would be too much");
        reorder.offer(10, heavy(10));
        assert!(reorder.has(10) && reorder.has(12));
        assert!(reorder.take(10).is_some() && reorder.take(11).is_none());
        assert!(reorder.take(12).is_some());
        assert_eq!(reorder.bytes, 0);
    }
}
