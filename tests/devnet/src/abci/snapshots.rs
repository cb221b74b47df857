//! State sync: a snapshot is the blocks that made the state, and is restored by executing them.

use std::collections::VecDeque;
use std::num::NonZeroU64;

use prost::Message;
use prost::bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};
use tendermint_proto::v0_38::abci::{
    RequestFinalizeBlock, Snapshot, response_apply_snapshot_chunk::Result as Applied,
    response_offer_snapshot::Result as Offered,
};

use crate::chain::Chain;
use crate::node::timestamp;

/// The only format there is.
const FORMAT: u32 = 1;
/// Snapshots that are kept: a peer loads one some seconds after it was told of it.
const KEPT: usize = 10;

/// What an application offers to peers that begin, and what it takes from them.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    /// Taken at multiples of it; never without it.
    every: Option<NonZeroU64>,
    /// Every block so far: what execution read of its `FinalizeBlock`, length-delimited.
    blocks: BytesMut,
    /// The newest last.
    taken: VecDeque<(Snapshot, Bytes)>,
    /// The hash of the snapshot that was accepted.
    awaited: Option<Bytes>,
}

impl Snapshots {
    /// Takes one every so many blocks.
    pub(super) fn every(blocks: Option<NonZeroU64>) -> Snapshots {
        Snapshots { every: blocks, ..Snapshots::default() }
    }

    /// Notes a block that was executed.
    pub(super) fn record(&mut self, block: &RequestFinalizeBlock) {
        if self.every.is_none() {
            return;
        }
        let read = RequestFinalizeBlock {
            txs: block.txs.clone(),
            height: block.height,
            time: block.time,
            ..RequestFinalizeBlock::default()
        };
        self.blocks.extend(read.encode_length_delimited_to_vec());
    }

    /// Takes a snapshot when it is time for one.
    pub(super) fn committed(&mut self, height: i64) {
        let Ok(height) = u64::try_from(height) else { return };
        if self.every.is_none_or(|every| height % every != 0) {
            return;
        }
        let blocks = self.blocks.clone().freeze();
        let snapshot = Snapshot {
            height,
            format: FORMAT,
            chunks: 1,
            hash: hash(&blocks),
            metadata: Bytes::new(),
        };
        self.taken.push_back((snapshot, blocks));
        if self.taken.len() > KEPT {
            self.taken.pop_front();
        }
    }

    /// What there is.
    pub(super) fn list(&self) -> Vec<Snapshot> {
        self.taken.iter().map(|(snapshot, _)| snapshot.clone()).collect()
    }

    /// The content of a snapshot; empty when it is not there any more.
    pub(super) fn load(&self, height: u64) -> Bytes {
        let found = self.taken.iter().find(|(snapshot, _)| snapshot.height == height);
        found.map(|(_, blocks)| blocks.clone()).unwrap_or_default()
    }

    /// Accepts a snapshot that can be read.
    pub(super) fn offer(&mut self, snapshot: Option<Snapshot>) -> Offered {
        match snapshot {
            Some(offered) if offered.format == FORMAT && offered.chunks == 1 => {
                self.awaited = Some(offered.hash);
                Offered::Accept
            }
            Some(_) => Offered::RejectFormat,
            None => Offered::Reject,
        }
    }

    /// Brings a chain that is before its first block to where the snapshot was taken.
    pub(super) fn apply(&mut self, blocks: Bytes, chain: &mut Chain) -> Applied {
        if self.awaited.take() != Some(hash(&blocks)) || chain.height() != 0 {
            return Applied::RejectSnapshot;
        }
        self.blocks = BytesMut::from(&blocks[..]);
        let mut rest = blocks;
        while !rest.is_empty() {
            let Ok(block) = RequestFinalizeBlock::decode_length_delimited(&mut rest) else {
                return Applied::Abort;
            };
            let txs: Vec<Vec<u8>> = block.txs.iter().map(|tx| tx.to_vec()).collect();
            chain.execute(block.height, timestamp(block.time), &txs);
        }
        Applied::Accept
    }
}

fn hash(blocks: &[u8]) -> Bytes {
    Bytes::copy_from_slice(&Sha256::digest(blocks))
}
