//! Blocks that the ledger went through and that wait to be committed together.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bootwatch_rules::{
    BlockFacts,
    ledger::{Changes, Ledger},
};

use super::weight::weight;

/// Bounds of one transaction while catching up: blocks, bytes of their facts, and the time from the
/// first block on.
const BLOCKS: usize = 512;
const BYTES: usize = 4 << 20;
const AGE: Duration = Duration::from_millis(100);

/// Consecutive quiet blocks.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    pub(crate) blocks: Vec<(BlockFacts, Changes)>,
    bytes: usize,
    since: Option<Instant>,
    /// The ledger before the first of them.
    before: Option<Arc<Ledger>>,
}

impl Pending {
    /// A quiet block is about to be taken in by this ledger.
    pub(crate) fn begin(&mut self, ledger: &Arc<Ledger>) {
        self.before.get_or_insert_with(|| Arc::clone(ledger));
    }

    pub(crate) fn push(&mut self, facts: BlockFacts, changes: Changes) {
        self.bytes = self.bytes.saturating_add(weight(&facts));
        self.since.get_or_insert_with(Instant::now);
        self.blocks.push((facts, changes));
    }

    /// The ledger after the last of them, for when it has gone further already. None without a
    /// block.
    pub(crate) fn replay(&self) -> Option<Ledger> {
        let mut ledger = self.before.as_deref()?.clone();
        self.blocks.first()?;
        for (facts, _) in &self.blocks {
            ledger.apply(facts, None);
        }
        Some(ledger)
    }

    /// Whether it is time to commit.
    pub(crate) fn is_full(&self) -> bool {
        self.blocks.len() >= BLOCKS
            || self.bytes >= BYTES
            || self.since.is_some_and(|since| since.elapsed() >= AGE)
    }

    pub(crate) fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}
