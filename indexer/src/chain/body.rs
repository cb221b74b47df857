//! The JSON of blocks and their results, shared by HTTP answers and `NewBlock` frames. Only what is
//! used is declared; everything is borrowed from the text it was read from.

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};

pub use super::{
    events::{Attribute, Event, Events},
    loose::{Int, List, Object, Text},
};

/// A JSON-RPC answer.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub struct Answer<'a, T> {
    /// Given when the request succeeded.
    #[serde(default = "Option::default")]
    pub result: Option<T>,
    /// Given when it did not.
    #[serde(default, borrow)]
    pub error: Option<Fault<'a>>,
}

/// A JSON-RPC error.
#[derive(Debug, Deserialize)]
pub struct Fault<'a> {
    /// Its code.
    #[serde(default)]
    pub code: Int,
    /// The code in words.
    #[serde(default, borrow)]
    pub message: Text<'a>,
    /// The reason in words.
    #[serde(default, borrow)]
    pub data: Text<'a>,
}

impl Fault<'_> {
    /// Message and data, for people; bounded.
    #[must_use]
    pub fn text(&self) -> String {
        let text = format!("{}: {}", self.message.as_str(), self.data.as_str());
        text.chars().take(300).collect()
    }
}

/// The result of `block`.
#[derive(Debug, Deserialize)]
pub struct BlockAnswer<'a> {
    /// The block's own identity.
    #[serde(borrow)]
    pub block_id: BlockId<'a>,
    /// The block.
    #[serde(borrow)]
    pub block: Block<'a>,
}

/// A block's identity; the hash is empty before the first block.
#[derive(Debug, Default, Deserialize)]
pub struct BlockId<'a> {
    /// Upper-case hex.
    #[serde(default, borrow)]
    pub hash: Text<'a>,
}

/// A block.
#[derive(Debug, Deserialize)]
pub struct Block<'a> {
    /// Its header.
    #[serde(borrow)]
    pub header: Header<'a>,
    /// Its transactions.
    #[serde(default, borrow)]
    pub data: BlockData<'a>,
}

/// The part of a header that is used.
#[derive(Debug, Deserialize)]
pub struct Header<'a> {
    /// The chain.
    #[serde(borrow)]
    pub chain_id: Cow<'a, str>,
    /// The height.
    pub height: Int,
    /// RFC 3339, nanoseconds.
    #[serde(borrow)]
    pub time: Cow<'a, str>,
    /// The block before it.
    #[serde(default, borrow)]
    pub last_block_id: BlockId<'a>,
    /// The root over the hashes of its transactions, hex.
    #[serde(default, borrow)]
    pub data_hash: Text<'a>,
    /// The root over the results of the block before it, hex.
    #[serde(default, borrow)]
    pub last_results_hash: Text<'a>,
}

/// A block's transactions.
#[derive(Debug, Default, Deserialize)]
pub struct BlockData<'a> {
    /// Base64, in order of execution; null when there are none.
    #[serde(default, borrow)]
    pub txs: List<Text<'a>>,
}

/// The result of `blockchain`: headers of consecutive blocks, the newest first.
#[derive(Debug, Deserialize)]
pub struct MetasAnswer<'a> {
    /// At most 20.
    #[serde(default, borrow)]
    pub block_metas: List<Object<BlockMeta<'a>>>,
}

/// A block without its transactions.
#[derive(Debug, Deserialize)]
pub struct BlockMeta<'a> {
    /// The block's own identity.
    #[serde(borrow)]
    pub block_id: BlockId<'a>,
    /// Its header.
    #[serde(borrow)]
    pub header: Header<'a>,
    /// How many transactions it has.
    #[serde(default)]
    pub num_txs: Int,
}

/// The result of `block_results`.
#[derive(Debug, Deserialize)]
pub struct ResultsAnswer<'a> {
    /// The height.
    #[serde(default)]
    pub height: Int,
    /// One for each transaction.
    #[serde(default, borrow)]
    pub txs_results: List<Object<TxResult<'a>>>,
    /// The block's own events.
    #[serde(default, borrow)]
    pub finalize_block_events: Events<'a>,
    /// What nodes before 0.38 wrote instead.
    #[serde(default)]
    pub begin_block_events: List<IgnoredAny>,
    /// What nodes before 0.38 wrote instead.
    #[serde(default)]
    pub end_block_events: List<IgnoredAny>,
}

/// The result of one transaction.
#[derive(Debug, Deserialize)]
pub struct TxResult<'a> {
    /// 0 for success; dropped by Go where it is 0 and the type is a plain struct.
    pub code: Option<Int>,
    /// What the messages answered, base64; null when that is nothing.
    #[serde(default, borrow)]
    pub data: Text<'a>,
    /// The gas that was asked for.
    #[serde(default)]
    pub gas_wanted: Int,
    /// The gas that was used.
    #[serde(default)]
    pub gas_used: Int,
    /// Events of the ante handler and, on success, of the messages.
    #[serde(default, borrow)]
    pub events: Events<'a>,
}

impl TxResult<'_> {
    /// 0 for success; none when it cannot be read.
    #[must_use]
    pub fn code(&self) -> Option<u32> {
        match self.code {
            None => Some(0),
            Some(code) => code.0.and_then(|code| u32::try_from(code).ok()),
        }
    }
}

/// What arrives on a subscription: a reply has an empty object for a result.
#[derive(Debug, Deserialize)]
pub struct Delivery<'a> {
    /// The event, if it is one.
    #[serde(default, borrow)]
    pub data: Option<DeliveryData<'a>>,
}

/// The typed part of a delivery.
#[derive(Debug, Deserialize)]
pub struct DeliveryData<'a> {
    /// `tendermint/event/NewBlock`.
    #[serde(default, rename = "type", borrow)]
    pub kind: Text<'a>,
    /// The block with its results.
    #[serde(borrow)]
    pub value: NewBlock<'a>,
}

/// A whole block with its results (CometBFT 0.38 `EventDataNewBlock`).
#[derive(Debug, Deserialize)]
pub struct NewBlock<'a> {
    /// The block.
    #[serde(borrow)]
    pub block: Block<'a>,
    /// Its identity.
    #[serde(borrow)]
    pub block_id: BlockId<'a>,
    /// Its results.
    #[serde(borrow)]
    pub result_finalize_block: FinalizeResult<'a>,
}

/// Results as a frame carries them.
#[derive(Debug, Deserialize)]
pub struct FinalizeResult<'a> {
    /// The block's own events.
    #[serde(default, borrow)]
    pub events: Events<'a>,
    /// One for each transaction.
    #[serde(default, borrow)]
    pub tx_results: List<Object<TxResult<'a>>>,
}
