//! From a block as the node sent it to facts. Pure: no I/O, no clock.
//!
//! What is used is parsed, the rest is tolerated. A thing that matters and cannot be read is kept
//! as it came in [`BlockFacts::malformed`]; only a block that contradicts itself, or whose header
//! cannot be read, is refused as a whole.

mod attributes;
mod events;
mod malformed;
mod messages;
mod proof;
mod tx;

use std::num::TryFromIntError;

use bootwatch_rules::{BlockFacts, Height};
use jiff::Timestamp;

use crate::chain::body::{
    BlockAnswer, BlockId, BlockMeta, Events, Header, List, NewBlock, Object, ResultsAnswer, Text,
    TxResult,
};
pub(crate) use crate::chain::events::KEPT;
use malformed::Report;
pub(crate) use proof::Proof;

/// Why a block is refused as a whole. It is the node's fault; another answer may be good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Another chain's block.
    #[error("the block is of the chain {found:?}, not {expected:?}")]
    OtherChain {
        /// The configured chain.
        expected: String,
        /// The block's.
        found: String,
    },
    /// Not the height that was asked for, or two parts of different heights.
    #[error("the {part} is of height {found:?}, expected {expected}")]
    Height {
        /// Which part.
        part: &'static str,
        /// What it says.
        found: Option<Height>,
        /// What was asked for.
        expected: Height,
    },
    /// Results are missing or too many.
    #[error("{txs} transactions but {results} results")]
    Results {
        /// Transactions in the block.
        txs: usize,
        /// Results that came with it.
        results: usize,
    },
    /// Transactions are missing, or are not those that the header names.
    #[error("the transactions are not those of the header: {0}")]
    Incomplete(String),
    /// From a node of another dialect, whose attributes are base64 and whose events lie elsewhere.
    #[error(
        "the results have events of the block's beginning and end, as nodes before CometBFT 0.38 \
         write them; use a node of 0.38 or newer"
    )]
    OldNode,
    /// The header cannot be read.
    #[error("the header's {field} cannot be read: {reason}")]
    Header {
        /// Which field.
        field: &'static str,
        /// Why.
        reason: String,
    },
    /// More of something than a block can hold.
    #[error("the block is too large: {0}")]
    TooLarge(#[from] TryFromIntError),
}

/// A block without its transactions, as `blockchain` tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Meta {
    head: Head,
    tx_count: u32,
}

/// What is used of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Head {
    height: Height,
    hash: String,
    parent: String,
    time: Timestamp,
    /// Upper-case hex; empty when the node leaves it out.
    data_hash: String,
    last_results_hash: String,
}

impl Meta {
    /// Reads what `blockchain` tells of a block.
    ///
    /// # Errors
    /// [`DecodeError`] when the header is of another chain, or cannot be read.
    pub(crate) fn read(chain_id: &str, meta: &BlockMeta<'_>) -> Result<Self, DecodeError> {
        let head = Head::read(chain_id, &meta.header, &meta.block_id)?;
        let tx_count = meta.num_txs.0.and_then(|count| u32::try_from(count).ok());
        let tx_count = tx_count.ok_or_else(|| DecodeError::Header {
            field: "num_txs",
            reason: "not a number".to_owned(),
        })?;
        Ok(Self { head, tx_count })
    }

    pub(crate) fn height(&self) -> Height {
        self.head.height
    }

    pub(crate) fn hash(&self) -> &str {
        &self.head.hash
    }

    pub(crate) fn parent(&self) -> &str {
        &self.head.parent
    }

    /// Without transactions there is nothing in the block itself that is worth a request.
    pub(crate) fn is_empty(&self) -> bool {
        self.tx_count == 0
    }

    /// What the header says of the results of the block before it.
    pub(crate) fn claim(&self) -> &str {
        &self.head.last_results_hash
    }

    /// Whether a block that was read is the one that this header is of.
    ///
    /// # Errors
    /// [`DecodeError::Incomplete`] with what differs.
    pub(crate) fn check(&self, facts: &BlockFacts) -> Result<(), DecodeError> {
        if facts.hash != self.head.hash {
            let reason = format!("the block is {}, its header {}", facts.hash, self.head.hash);
            return Err(DecodeError::Incomplete(reason));
        }
        if facts.tx_count != self.tx_count {
            let reason = format!("{} of {}", facts.tx_count, self.tx_count);
            return Err(DecodeError::Incomplete(reason));
        }
        Ok(())
    }
}

/// A block read, with what its neighbours in the chain can prove of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub(crate) facts: BlockFacts,
    pub(crate) proof: Proof,
}

/// Reads a block that was fetched by height.
///
/// # Errors
/// [`DecodeError`] when it is not the block that was asked for or contradicts itself.
pub fn fetched(
    chain_id: &str,
    height: Height,
    block: &BlockAnswer<'_>,
    results: &ResultsAnswer<'_>,
) -> Result<BlockFacts, DecodeError> {
    proven(chain_id, height, block, results).map(|decoded| decoded.facts)
}

/// As [`fetched`], with what can be proven.
pub(crate) fn proven(
    chain_id: &str,
    height: Height,
    block: &BlockAnswer<'_>,
    results: &ResultsAnswer<'_>,
) -> Result<Decoded, DecodeError> {
    of_height("results", results.height.0, height)?;
    of_dialect(results)?;
    let head = Head::read(chain_id, &block.block.header, &block.block_id)?;
    of_height("block", Some(head.height), height)?;
    let txs = &block.block.data.txs.0;
    let proof = Proof::new(&head.last_results_hash, &results.txs_results.0);
    let facts = read(head, txs, &results.txs_results, &results.finalize_block_events)?;
    Ok(Decoded { facts, proof })
}

/// Reads a block of which the header says that it has no transactions.
///
/// # Errors
/// [`DecodeError`] when the results are of another block, or of transactions.
pub(crate) fn empty(meta: &Meta, results: &ResultsAnswer<'_>) -> Result<Decoded, DecodeError> {
    of_height("results", results.height.0, meta.height())?;
    of_dialect(results)?;
    let proof = Proof::new(meta.claim(), &results.txs_results.0);
    let events = &results.finalize_block_events;
    let facts = read(meta.head.clone(), &[], &results.txs_results, events)?;
    Ok(Decoded { facts, proof })
}

fn of_height(
    part: &'static str,
    found: Option<Height>,
    expected: Height,
) -> Result<(), DecodeError> {
    if found == Some(expected) {
        return Ok(());
    }
    Err(DecodeError::Height { part, found, expected })
}

fn of_dialect(results: &ResultsAnswer<'_>) -> Result<(), DecodeError> {
    let old = [&results.begin_block_events, &results.end_block_events];
    if old.iter().any(|events| !events.0.is_empty()) {
        return Err(DecodeError::OldNode);
    }
    Ok(())
}

/// Reads a block that came in a frame.
///
/// # Errors
/// [`DecodeError`] when it is of another chain or contradicts itself.
pub(crate) fn pushed(chain_id: &str, frame: &NewBlock<'_>) -> Result<Decoded, DecodeError> {
    let results = &frame.result_finalize_block;
    let head = Head::read(chain_id, &frame.block.header, &frame.block_id)?;
    let proof = Proof::new(&head.last_results_hash, &results.tx_results.0);
    let facts = read(head, &frame.block.data.txs.0, &results.tx_results, &results.events)?;
    Ok(Decoded { facts, proof })
}

impl Head {
    fn read(chain_id: &str, header: &Header<'_>, id: &BlockId<'_>) -> Result<Self, DecodeError> {
        if header.chain_id != chain_id {
            let found = header.chain_id.chars().take(64).collect();
            return Err(DecodeError::OtherChain { expected: chain_id.to_owned(), found });
        }
        let height = header.height.0.filter(|height| *height > 0).ok_or_else(|| {
            DecodeError::Header { field: "height", reason: "not a positive number".to_owned() }
        })?;
        let time: Timestamp = header.time.parse().map_err(|e: jiff::Error| {
            DecodeError::Header { field: "time", reason: e.to_string() }
        })?;
        let hash = hash("hash", &id.hash)?;
        if hash.is_empty() {
            let reason = "empty".to_owned();
            return Err(DecodeError::Header { field: "hash", reason });
        }
        Ok(Self {
            height,
            hash,
            parent: self::hash("last_block_id", &header.last_block_id.hash)?,
            time,
            data_hash: self::hash("data_hash", &header.data_hash)?,
            last_results_hash: self::hash("last_results_hash", &header.last_results_hash)?,
        })
    }
}

fn read(
    head: Head,
    txs: &[Text<'_>],
    results: &List<Object<TxResult<'_>>>,
    events: &Events<'_>,
) -> Result<BlockFacts, DecodeError> {
    let results = &results.0;
    if txs.len() != results.len() {
        return Err(DecodeError::Results { txs: txs.len(), results: results.len() });
    }
    let mut facts = BlockFacts {
        height: head.height,
        hash: head.hash,
        parent: head.parent,
        time: head.time,
        tx_count: u32::try_from(txs.len())?,
        captures: Vec::new(),
        choices: Vec::new(),
        commits: Vec::new(),
        distributions: Vec::new(),
        events: Vec::new(),
        malformed: Vec::new(),
    };
    let mut report = Report::default();
    let mut reader = events::Reader::default();
    let mut hashes = Vec::with_capacity(txs.len());
    for ((tx_index, text), result) in (0u32..).zip(txs).zip(results) {
        // A result without a code is one of Go's plain structs, which drop zeros. One that is no
        // number, or no object, says nothing of success: what it did is not counted.
        let code = result.0.as_ref().and_then(|result| result.code());
        if code.is_none() {
            let reason = "its code cannot be read, so it counts as failed".to_owned();
            report.push("tx_result", format!("tx {tx_index}"), reason, String::new());
        }
        let code = code.unwrap_or(u32::MAX);
        hashes.extend(tx::read(&mut facts, &mut report, tx_index, text.as_str(), code));
        if let Some(result) = &result.0 {
            reader.of_tx(&mut facts, &mut report, tx_index, code, &result.events);
        }
    }
    // A transaction that is not even base64 has no hash to hold against the header's.
    if hashes.len() == txs.len() {
        proof::check_data(&hashes, &head.data_hash).map_err(DecodeError::Incomplete)?;
    }
    reader.of_block(&mut facts, &mut report, events);
    facts.malformed = report.finish();
    Ok(facts)
}

/// Hashes are hex, upper-case as Go writes them; empty before the first block.
fn hash(field: &'static str, text: &Text<'_>) -> Result<String, DecodeError> {
    let text = text.as_str();
    if text.len() > 128 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(DecodeError::Header { field, reason: "not a hash".to_owned() });
    }
    Ok(text.to_ascii_uppercase())
}

#[cfg(test)]
mod tests;
