//! The node's state and the making of blocks.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;
use tendermint_proto::v0_38::abci::ResponseFinalizeBlock;
use tendermint_proto::v0_38::types::{Block, BlockId, Header};

use super::StartError;
use super::block::{self, Proposed, Tip};
use super::go_json::{self, Hex};
use super::identity::Identity;
use super::journal::{Entry, Journal};
use super::mempool::Mempool;
use super::store::Store;
use crate::abci::response;
use crate::chain::Chain;

/// Everything that requests read. The producer thread is the only writer of blocks.
pub(crate) struct Core {
    pub(crate) identity: Identity,
    /// `tcp://127.0.0.1:26657`, as `status` reports it.
    pub(crate) rpc_address: String,
    pub(crate) app_state: Box<RawValue>,
    chain: Mutex<Chain>,
    store: RwLock<Store>,
    mempool: Mutex<Mempool>,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl Core {
    pub(crate) fn new(
        chain: Chain,
        genesis_time: Timestamp,
        store: Store,
        rpc_address: String,
    ) -> Core {
        let app_state = serde_json::value::to_raw_value(&chain.genesis_state())
            .expect("the genesis state is JSON");
        Core {
            identity: Identity::new(chain.chain_id(), genesis_time),
            rpc_address,
            app_state,
            chain: Mutex::new(chain),
            store: RwLock::new(store),
            mempool: Mutex::default(),
        }
    }

    pub(crate) fn chain(&self) -> MutexGuard<'_, Chain> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn store(&self) -> RwLockReadGuard<'_, Store> {
        self.store.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn mempool(&self) -> MutexGuard<'_, Mempool> {
        self.mempool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A block that was made.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) block: Block,
    pub(crate) block_id: BlockId,
    pub(crate) results: ResponseFinalizeBlock,
}

impl Made {
    pub(crate) fn header(&self) -> &Header {
        self.block.header.as_ref().expect("a block that was made has a header")
    }
}

/// Makes one block after the other. It owns what only the producer touches.
#[derive(Debug)]
pub(crate) struct Producer {
    tip: Tip,
    /// When the validator voted for the tip; the time of the next block.
    voted: Timestamp,
    journal: Option<Journal>,
}

impl Producer {
    /// A producer at genesis, or after the blocks that `journal` holds.
    ///
    /// # Errors
    ///
    /// [`StartError::Journal`] when a replayed block differs from what was written.
    pub(crate) fn new(
        core: &Core,
        journal: Option<Journal>,
        replay: Vec<Entry>,
        path: Option<&Path>,
    ) -> Result<Producer, StartError> {
        let genesis_time = core.identity.genesis_time;
        let app_hash = core.chain().app_hash();
        let mut producer = Producer { tip: Tip::genesis(app_hash), voted: genesis_time, journal };
        for entry in replay {
            let external = entry.txs;
            let (proposed, results) = producer.next(core, external);
            let hash = Hex(&proposed.block_id.hash);
            if go_json::to_string(&hash).trim_matches('"') != entry.hash {
                let path = path.map(Path::to_path_buf).unwrap_or_default();
                let height = proposed.header().height;
                return Err(StartError::JournalDiffers { path, height });
            }
            producer.finish(core, &proposed, &results, entry.voted);
        }
        Ok(producer)
    }

    /// Makes the next block, writes it down and stores it; gives it for subscribers.
    ///
    /// # Errors
    ///
    /// When the journal cannot be written; the block is then not part of the chain.
    pub(crate) fn step(&mut self, core: &Core, now: Timestamp) -> Result<Made, std::io::Error> {
        let external = core.mempool().take();
        let (proposed, results) = self.next(core, external.clone());
        // CometBFT never lets a vote's time stand still or run back (`consensus/state.go voteTime`).
        let voted = now.max(self.voted + SignedDuration::from_millis(1));
        if let Some(journal) = &mut self.journal {
            journal.append(&proposed.block_id.hash, voted, &external)?;
        }
        self.finish(core, &proposed, &results, voted);
        Ok(Made { block: proposed.block, block_id: proposed.block_id, results })
    }

    /// The next block and its results: the script's transactions, then `external` ones.
    fn next(&self, core: &Core, external: Vec<Vec<u8>>) -> (Proposed, ResponseFinalizeBlock) {
        let mut chain = core.chain();
        let height = self.tip.height + 1;
        let mut txs = chain.proposal(height);
        txs.extend(external);
        let proposed = block::propose(&core.identity, &self.tip, self.voted, txs);
        let txs = proposed.block.data.as_ref().map_or(&[][..], |data| &data.txs);
        let executed = chain.execute(height, proposed.time, txs);
        (proposed, response::finalize_block(executed))
    }

    fn finish(
        &mut self,
        core: &Core,
        proposed: &Proposed,
        results: &ResponseFinalizeBlock,
        voted: Timestamp,
    ) {
        let height = proposed.header().height;
        let seen = block::commit(&core.identity, height, &proposed.block_id, voted);
        let txs = proposed.block.data.as_ref().map_or(&[][..], |data| &data.txs);
        for (tx, result) in txs.iter().zip(&results.tx_results) {
            if result.code != 0 {
                core.mempool().forget(tx);
            }
        }
        core.store.write().unwrap_or_else(PoisonError::into_inner).push(proposed, seen, results);
        self.tip = Tip::after(proposed, results);
        self.voted = voted;
    }

    /// The journal, to be closed after a clean stop.
    pub(crate) fn into_journal(self) -> Option<Journal> {
        self.journal
    }
}
