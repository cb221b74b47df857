//! Transactions that wait for a block (`mempool/clist_mempool.go`).

use std::collections::{HashSet, VecDeque};

use super::merkle::{self, Hash};

/// `mempool.size`.
const MAX_TXS: usize = 5_000;
/// `mempool.max_txs_bytes`.
const MAX_BYTES: usize = 1_073_741_824;
/// `mempool.max_tx_bytes`.
const MAX_TX_BYTES: usize = 1_048_576;
/// `mempool.cache_size`.
const CACHE: usize = 10_000;

/// Why a transaction is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MempoolError {
    #[error("tx too large. Max size is {MAX_TX_BYTES}, but got {0}")]
    TooLarge(usize),
    #[error(
        "mempool is full: number of txs {0} (max: {MAX_TXS}), total txs bytes {1} (max: {MAX_BYTES})"
    )]
    Full(usize, usize),
    #[error("tx already exists in cache")]
    InCache,
}

/// Waiting transactions in order of arrival, and a memory of recent ones.
#[derive(Debug, Default)]
pub(crate) struct Mempool {
    waiting: VecDeque<Vec<u8>>,
    bytes: usize,
    seen: HashSet<Hash>,
    seen_order: VecDeque<Hash>,
}

impl Mempool {
    /// Remembers `tx`, or says why it will not be considered.
    pub(crate) fn admit(&mut self, tx: &[u8]) -> Result<(), MempoolError> {
        if tx.len() > MAX_TX_BYTES {
            return Err(MempoolError::TooLarge(tx.len()));
        }
        if self.waiting.len() >= MAX_TXS || self.bytes + tx.len() > MAX_BYTES {
            return Err(MempoolError::Full(self.waiting.len(), self.bytes));
        }
        let hash = merkle::sha256(tx);
        if !self.seen.insert(hash) {
            return Err(MempoolError::InCache);
        }
        self.seen_order.push_back(hash);
        if self.seen_order.len() > CACHE
            && let Some(oldest) = self.seen_order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        Ok(())
    }

    /// Queues an admitted transaction that passed `CheckTx`.
    pub(crate) fn push(&mut self, tx: Vec<u8>) {
        self.bytes += tx.len();
        self.waiting.push_back(tx);
    }

    /// Forgets a transaction that failed, so that it may be sent again.
    pub(crate) fn forget(&mut self, tx: &[u8]) {
        let hash = merkle::sha256(tx);
        self.seen.remove(&hash);
        self.seen_order.retain(|seen| *seen != hash);
    }

    /// Takes all that wait.
    pub(crate) fn take(&mut self) -> Vec<Vec<u8>> {
        self.bytes = 0;
        std::mem::take(&mut self.waiting).into()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.waiting.iter()
    }
}
