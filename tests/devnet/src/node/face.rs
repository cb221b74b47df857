//! What one address of a chain shows. A chain may have several, each with its own subscribers, its
//! own faults, and a head of its own.

use std::sync::{Arc, RwLockReadGuard};

use super::bus::Bus;
use super::core::Core;
use super::faults::{Faults, Standing};
use super::store::{Store, Stored};
use crate::chain::QueryAnswer;
use tendermint_proto::v0_38::types::Commit;

/// An address.
#[derive(Debug)]
pub(crate) struct Face {
    core: Arc<Core>,
    pub(crate) bus: Bus,
    pub(crate) faults: Faults,
}

impl Face {
    pub(crate) fn new(core: Arc<Core>) -> Face {
        Face { core, bus: Bus::default(), faults: Faults::new() }
    }

    /// The node that answers the next request: behind one address there may be many.
    pub(crate) fn view(&self) -> View {
        let Standing { core, head, base, late } = self.faults.standing();
        View { core: core.unwrap_or_else(|| Arc::clone(&self.core)), head, base, late }
    }
}

/// A chain as one node has it.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) core: Arc<Core>,
    /// Nothing above is shown.
    head: i64,
    /// Nothing below is shown.
    base: i64,
    /// How many of the newest blocks have no results yet.
    late: i64,
}

impl View {
    /// The blocks it has.
    pub(crate) fn store(&self) -> Shown<'_> {
        let store = self.core.store();
        let head = self.head.min(store.height());
        let base = store.base().max(self.base.min(head));
        Shown { store, head, base }
    }

    /// The newest block whose results it has.
    pub(crate) fn executed(&self) -> i64 {
        (self.store().height() - self.late).max(0)
    }

    /// `abci_query`.
    pub(crate) fn query(&self, path: &str, data: &[u8], height: i64) -> QueryAnswer {
        let executed = self.executed();
        self.core.chain().query_behind(path, data, height, executed)
    }
}

/// The blocks of a [`View`].
#[derive(Debug)]
pub(crate) struct Shown<'a> {
    store: RwLockReadGuard<'a, Store>,
    head: i64,
    base: i64,
}

impl Shown<'_> {
    /// The lowest height, 0 before the first block.
    pub(crate) fn base(&self) -> i64 {
        self.base
    }

    /// The last height, 0 before the first block.
    pub(crate) fn height(&self) -> i64 {
        self.head
    }

    fn has(&self, height: i64) -> bool {
        (self.base..=self.head).contains(&height)
    }

    pub(crate) fn get(&self, height: i64) -> Option<Arc<Stored>> {
        self.store.get(height).filter(|_| self.has(height))
    }

    pub(crate) fn by_hash(&self, hash: &[u8]) -> Option<Arc<Stored>> {
        self.store.by_hash(hash).filter(|stored| self.has(stored.height))
    }

    /// Where a transaction was included last.
    pub(crate) fn by_tx(&self, hash: &[u8]) -> Option<(i64, u32)> {
        self.store.by_tx(hash).filter(|(height, _)| self.has(*height))
    }

    /// All blocks, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Stored>> {
        self.store.iter().filter(|stored| self.has(stored.height))
    }

    /// The commit seen for the last block.
    pub(crate) fn seen_commit(&self) -> Commit {
        match self.store.get(self.head + 1) {
            Some(next) => next.block().last_commit.unwrap_or_default(),
            None => self.store.seen_commit(),
        }
    }
}
