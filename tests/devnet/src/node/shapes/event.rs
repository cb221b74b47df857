//! Websocket events (`types/events.go`): a registered type wrapped in its name.

use serde::Serialize;
use tendermint_proto::v0_38::abci;

use super::{Block, BlockId, FinalizeBlock, Header, PlainEvents, PlainTxResult};
use crate::node::go_json::{Base64, Int, is_zero};

/// The envelope that `libs/json` puts around an interface value.
#[derive(Serialize)]
pub(crate) struct Typed<T> {
    r#type: &'static str,
    value: T,
}

impl<T> Typed<T> {
    pub(crate) fn new(name: &'static str, value: T) -> Typed<T> {
        Typed { r#type: name, value }
    }
}

#[derive(Serialize)]
pub(crate) struct NewBlock<'a> {
    pub(crate) block: Block<'a>,
    pub(crate) block_id: BlockId<'a>,
    pub(crate) result_finalize_block: FinalizeBlock<'a>,
}

#[derive(Serialize)]
pub(crate) struct NewBlockHeader<'a> {
    pub(crate) header: Header<'a>,
}

#[derive(Serialize)]
pub(crate) struct NewBlockEvents<'a> {
    pub(crate) height: Int<i64>,
    pub(crate) events: PlainEvents<'a>,
    pub(crate) num_txs: Int<usize>,
}

#[derive(Serialize)]
struct TxResult<'a> {
    height: Int<i64>,
    #[serde(skip_serializing_if = "is_zero")]
    index: u32,
    #[serde(skip_serializing_if = "Base64::is_empty")]
    tx: Base64<'a>,
    result: PlainTxResult<'a>,
}

#[derive(Serialize)]
pub(crate) struct Tx<'a> {
    #[serde(rename = "TxResult")]
    tx_result: TxResult<'a>,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(
        height: i64,
        index: u32,
        tx: &'a [u8],
        result: &'a abci::ExecTxResult,
    ) -> Tx<'a> {
        Tx {
            tx_result: TxResult {
                height: Int(height),
                index,
                tx: Base64(tx),
                result: result.into(),
            },
        }
    }
}
