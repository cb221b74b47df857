//! From a block as the node sent it to facts. Pure: no I/O, no clock.
//!
//! What is used is parsed, the rest is tolerated. A thing that matters and cannot be read is kept
//! as it came in [`BlockFacts::malformed`]; only a block that contradicts itself, or whose header
//! cannot be read, is refused as a whole.

mod attributes;
mod events;
mod malformed;
mod messages;
mod tx;

use std::num::TryFromIntError;

use bootwatch_rules::{BlockFacts, Height};
use jiff::Timestamp;

use crate::chain::body::{
    Block, BlockAnswer, BlockId, Event, List, NewBlock, Object, ResultsAnswer, TxResult,
};
pub(crate) use events::KEPT;
use malformed::Report;

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
    if results.height.0 != Some(height) {
        let found = results.height.0;
        return Err(DecodeError::Height { part: "results", found, expected: height });
    }
    let facts = read(
        chain_id,
        &block.block,
        &block.block_id,
        &results.txs_results,
        &results.finalize_block_events,
    )?;
    if facts.height != height {
        let found = Some(facts.height);
        return Err(DecodeError::Height { part: "block", found, expected: height });
    }
    Ok(facts)
}

/// Reads a block that came in a frame.
///
/// # Errors
/// [`DecodeError`] when it is of another chain or contradicts itself.
pub fn pushed(chain_id: &str, frame: &NewBlock<'_>) -> Result<BlockFacts, DecodeError> {
    let results = &frame.result_finalize_block;
    read(chain_id, &frame.block, &frame.block_id, &results.tx_results, &results.events)
}

fn read(
    chain_id: &str,
    block: &Block<'_>,
    id: &BlockId<'_>,
    results: &List<Object<TxResult<'_>>>,
    events: &List<Object<Event<'_>>>,
) -> Result<BlockFacts, DecodeError> {
    let header = &block.header;
    if header.chain_id != chain_id {
        let found = header.chain_id.chars().take(64).collect();
        return Err(DecodeError::OtherChain { expected: chain_id.to_owned(), found });
    }
    let height = header.height.0.filter(|height| *height > 0).ok_or_else(|| {
        DecodeError::Header { field: "height", reason: "not a positive number".to_owned() }
    })?;
    let time: Timestamp = header
        .time
        .parse()
        .map_err(|e: jiff::Error| DecodeError::Header { field: "time", reason: e.to_string() })?;
    let hash = hash("hash", id)?;
    if hash.is_empty() {
        let reason = "empty".to_owned();
        return Err(DecodeError::Header { field: "hash", reason });
    }
    let txs = &block.data.txs.0;
    let results = &results.0;
    if txs.len() != results.len() {
        return Err(DecodeError::Results { txs: txs.len(), results: results.len() });
    }
    let mut facts = BlockFacts {
        height,
        hash,
        parent: self::hash("last_block_id", &header.last_block_id)?,
        time,
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
    for ((tx_index, text), result) in (0u32..).zip(txs).zip(results) {
        // A result without a code is one of Go's plain structs, which drop zeros. One that is no
        // number, or no object, says nothing of success: what it did is not counted.
        let code = result.0.as_ref().and_then(|result| match result.code {
            None => Some(0),
            Some(code) => code.0.and_then(|code| u32::try_from(code).ok()),
        });
        if code.is_none() {
            let reason = "its code cannot be read, so it counts as failed".to_owned();
            report.push("tx_result", format!("tx {tx_index}"), reason, String::new());
        }
        let code = code.unwrap_or(u32::MAX);
        tx::read(&mut facts, &mut report, tx_index, text.as_str(), code);
        let events = result.0.as_ref().map_or(&[][..], |result| &result.events.0);
        reader.of_tx(&mut facts, &mut report, tx_index, code, events);
    }
    reader.of_block(&mut facts, &mut report, &events.0);
    facts.malformed = report.finish();
    Ok(facts)
}

/// Hashes are hex, upper-case as Go writes them; empty before the first block.
fn hash(field: &'static str, id: &BlockId<'_>) -> Result<String, DecodeError> {
    let text = id.hash.as_str();
    if text.len() > 128 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(DecodeError::Header { field, reason: "not a hash".to_owned() });
    }
    Ok(text.to_ascii_uppercase())
}

#[cfg(test)]
mod tests;
