//! Blocks that have come before their turn.

use std::collections::BTreeMap;

use bootwatch_rules::{BlockFacts, Height};
use tokio::time::Instant;

use crate::metrics::BlockSource;

/// How far ahead of the next height a block may be.
pub(crate) const WINDOW: Height = 64;

/// A block that waits for its turn.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) endpoint: usize,
    pub(crate) source: BlockSource,
    pub(crate) facts: Box<BlockFacts>,
    /// When its frame arrived; none for a block that was fetched.
    pub(crate) arrived: Option<Instant>,
}

/// At most [`WINDOW`] blocks from the next height on.
#[derive(Debug, Default)]
pub(crate) struct Reorder {
    blocks: BTreeMap<Height, Waiting>,
}

impl Reorder {
    /// Takes a block unless it is past, too far ahead, or there already.
    pub(crate) fn offer(&mut self, next: Height, block: Waiting) {
        let height = block.facts.height;
        if height >= next && height < next.saturating_add(WINDOW) {
            self.blocks.entry(height).or_insert(block);
        }
    }

    pub(crate) fn has(&self, height: Height) -> bool {
        self.blocks.contains_key(&height)
    }

    /// The block of that height; whatever is below it is dropped.
    pub(crate) fn take(&mut self, height: Height) -> Option<Waiting> {
        while let Some(entry) = self.blocks.first_entry() {
            if *entry.key() >= height {
                break;
            }
            entry.remove();
        }
        self.blocks.remove(&height)
    }

    pub(crate) fn clear(&mut self) {
        self.blocks.clear();
    }
}

#[cfg(test)]
mod tests {
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
        Waiting { endpoint: 0, source: BlockSource::Poll, facts: Box::new(facts), arrived: None }
    }

    #[test]
    fn blocks_wait_within_the_window_only() {
        let mut reorder = Reorder::default();
        for height in [9, 10, 12, 10 + WINDOW - 1, 10 + WINDOW] {
            reorder.offer(10, block(height, "A"));
        }
        let held: Vec<_> = (0..100).filter(|height| reorder.has(*height)).collect();
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
    }
}
