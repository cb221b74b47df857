//! The blocks a node keeps: encoded, large ones compressed, old ones pruned.

use std::collections::{HashMap, VecDeque};
use std::io::Read;
use std::num::NonZeroU64;
use std::sync::Arc;

use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};
use prost::Message;
use tendermint_proto::v0_38::abci::ResponseFinalizeBlock;
use tendermint_proto::v0_38::types::{Block, BlockId, Commit, Header};

use super::block::Proposed;
use super::merkle::{self, Hash};

/// Encodings above this are compressed: events repeat themselves, and a key-generation block has
/// megabytes of them.
const COMPRESS_ABOVE: usize = 1024;

/// One kept block.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) height: i64,
    pub(crate) block_id: BlockId,
    /// The size of the block's encoding.
    pub(crate) size: usize,
    pub(crate) num_txs: usize,
    block: Packed,
    results: Packed,
}

impl Stored {
    pub(crate) fn block(&self) -> Block {
        Block::decode(&*self.block.bytes()).expect("the store holds what it encoded")
    }

    pub(crate) fn header(&self) -> Header {
        self.block().header.unwrap_or_default()
    }

    pub(crate) fn results(&self) -> ResponseFinalizeBlock {
        ResponseFinalizeBlock::decode(&*self.results.bytes())
            .expect("the store holds what it encoded")
    }
}

/// Blocks from a base to the tip, without holes.
#[derive(Debug, Default)]
pub(crate) struct Store {
    blocks: VecDeque<Arc<Stored>>,
    by_hash: HashMap<Vec<u8>, i64>,
    /// The commit seen for the last block, which the next one will carry.
    seen_commit: Commit,
    by_tx: HashMap<Hash, (i64, u32)>,
    retain: Option<NonZeroU64>,
}

impl Store {
    /// A store that keeps the last `retain` blocks, or all.
    pub(crate) fn new(retain: Option<NonZeroU64>) -> Store {
        Store { retain, ..Store::default() }
    }

    /// Adds the block after the tip and prunes.
    pub(crate) fn push(
        &mut self,
        proposed: &Proposed,
        seen_commit: Commit,
        results: &ResponseFinalizeBlock,
    ) {
        let header = proposed.header();
        let txs = proposed.block.data.as_ref().map_or(&[][..], |data| &data.txs);
        for (index, tx) in (0..).zip(txs) {
            self.by_tx.insert(merkle::sha256(tx), (header.height, index));
        }
        self.by_hash.insert(proposed.block_id.hash.clone(), header.height);
        self.blocks.push_back(Arc::new(Stored {
            height: header.height,
            block_id: proposed.block_id.clone(),
            size: proposed.bytes.len(),
            num_txs: txs.len(),
            block: Packed::new(&proposed.bytes),
            results: Packed::new(&results.encode_to_vec()),
        }));
        self.seen_commit = seen_commit;
        while self.retain.is_some_and(|retain| self.blocks.len() as u64 > retain.get()) {
            self.prune_one();
        }
    }

    fn prune_one(&mut self) {
        let Some(pruned) = self.blocks.pop_front() else { return };
        self.by_hash.remove(&pruned.block_id.hash);
        if pruned.num_txs == 0 {
            return;
        }
        for tx in pruned.block().data.unwrap_or_default().txs {
            let hash = merkle::sha256(&tx);
            // A transaction may have been included again later; only its last place is indexed.
            if self.by_tx(&hash).is_some_and(|(height, _)| height == pruned.height) {
                self.by_tx.remove(&hash);
            }
        }
    }

    /// The lowest kept height, 0 before the first block.
    pub(crate) fn base(&self) -> i64 {
        self.blocks.front().map_or(0, |stored| stored.height)
    }

    /// The last height, 0 before the first block.
    pub(crate) fn height(&self) -> i64 {
        self.blocks.back().map_or(0, |stored| stored.height)
    }

    /// The commit seen for the last block.
    pub(crate) fn seen_commit(&self) -> Commit {
        self.seen_commit.clone()
    }

    pub(crate) fn get(&self, height: i64) -> Option<Arc<Stored>> {
        let index = usize::try_from(height.checked_sub(self.base())?).ok()?;
        self.blocks.get(index).cloned()
    }

    pub(crate) fn by_hash(&self, hash: &[u8]) -> Option<Arc<Stored>> {
        self.by_hash.get(hash).and_then(|height| self.get(*height))
    }

    /// Where a transaction was included last.
    pub(crate) fn by_tx(&self, hash: &[u8]) -> Option<(i64, u32)> {
        self.by_tx.get(hash).copied()
    }

    /// All kept blocks, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Stored>> {
        self.blocks.iter()
    }
}

/// Bytes, compressed when they are many.
#[derive(Debug)]
enum Packed {
    Plain(Box<[u8]>),
    Deflated(Box<[u8]>),
}

impl Packed {
    fn new(bytes: &[u8]) -> Packed {
        if bytes.len() <= COMPRESS_ABOVE {
            return Packed::Plain(bytes.into());
        }
        let mut deflated = Vec::new();
        DeflateEncoder::new(bytes, Compression::fast())
            .read_to_end(&mut deflated)
            .expect("reading from memory does not fail");
        Packed::Deflated(deflated.into())
    }

    fn bytes(&self) -> std::borrow::Cow<'_, [u8]> {
        match self {
            Packed::Plain(bytes) => (&**bytes).into(),
            Packed::Deflated(deflated) => {
                let mut bytes = Vec::new();
                DeflateDecoder::new(&**deflated)
                    .read_to_end(&mut bytes)
                    .expect("the store inflates what it deflated");
                bytes.into()
            }
        }
    }
}
