//! What passes through ABCI: results, events, queries, transactions.

use serde::{Serialize, Serializer};
use tendermint_proto::v0_38::abci;

use crate::node::go_json::{Base64, Hex, Int, is_zero};

/// An attribute, through jsonpb.
#[derive(Serialize)]
struct Attribute<'a> {
    key: &'a str,
    value: &'a str,
    index: bool,
}

impl<'a> From<&'a abci::EventAttribute> for Attribute<'a> {
    fn from(attribute: &'a abci::EventAttribute) -> Attribute<'a> {
        Attribute { key: &attribute.key, value: &attribute.value, index: attribute.index }
    }
}

/// Attributes, written without an intermediate list: a key-generation block has many.
#[derive(Clone, Copy)]
struct Attributes<'a>(&'a [abci::EventAttribute]);

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Attribute::from))
    }
}

impl Attributes<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// An event inside jsonpb: every field.
#[derive(Serialize)]
struct FullEvent<'a> {
    r#type: &'a str,
    attributes: Attributes<'a>,
}

/// An event as a plain struct: `omitempty`.
#[derive(Serialize)]
struct PlainEvent<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    r#type: &'a str,
    #[serde(skip_serializing_if = "Attributes::is_empty")]
    attributes: Attributes<'a>,
}

/// Events inside jsonpb: `[]` when there are none.
#[derive(Clone, Copy)]
struct FullEvents<'a>(&'a [abci::Event]);

impl Serialize for FullEvents<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|event| FullEvent {
            r#type: &event.r#type,
            attributes: Attributes(&event.attributes),
        }))
    }
}

/// Events in plain structs: `null` when there are none and the field is not left out.
#[derive(Clone, Copy)]
pub(crate) struct PlainEvents<'a>(pub(crate) &'a [abci::Event]);

impl PlainEvents<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for PlainEvents<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_empty() {
            return serializer.serialize_none();
        }
        serializer.collect_seq(self.0.iter().map(|event| PlainEvent {
            r#type: &event.r#type,
            attributes: Attributes(&event.attributes),
        }))
    }
}

/// A transaction's result through jsonpb. `ResponseCheckTx` has the same fields.
#[derive(Serialize)]
pub(crate) struct FullTxResult<'a> {
    code: u32,
    data: Base64<'a>,
    log: &'a str,
    info: &'a str,
    gas_wanted: Int<i64>,
    gas_used: Int<i64>,
    events: FullEvents<'a>,
    codespace: &'a str,
}

impl<'a> From<&'a abci::ExecTxResult> for FullTxResult<'a> {
    fn from(result: &'a abci::ExecTxResult) -> FullTxResult<'a> {
        FullTxResult {
            code: result.code,
            data: Base64(&result.data),
            log: &result.log,
            info: &result.info,
            gas_wanted: Int(result.gas_wanted),
            gas_used: Int(result.gas_used),
            events: FullEvents(&result.events),
            codespace: &result.codespace,
        }
    }
}

/// Results of all transactions: `null` when the block has none.
#[derive(Clone, Copy)]
pub(crate) struct FullTxResults<'a>(pub(crate) &'a [abci::ExecTxResult]);

impl FullTxResults<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for FullTxResults<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_empty() {
            return serializer.serialize_none();
        }
        serializer.collect_seq(self.0.iter().map(FullTxResult::from))
    }
}

/// A transaction's result as a plain struct, which only `Tx` events carry.
#[derive(Serialize)]
pub(crate) struct PlainTxResult<'a> {
    #[serde(skip_serializing_if = "is_zero")]
    code: u32,
    #[serde(skip_serializing_if = "Base64::is_empty")]
    data: Base64<'a>,
    #[serde(skip_serializing_if = "str::is_empty")]
    log: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    info: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    gas_wanted: Option<Int<i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gas_used: Option<Int<i64>>,
    #[serde(skip_serializing_if = "PlainEvents::is_empty")]
    events: PlainEvents<'a>,
    #[serde(skip_serializing_if = "str::is_empty")]
    codespace: &'a str,
}

impl<'a> From<&'a abci::ExecTxResult> for PlainTxResult<'a> {
    fn from(result: &'a abci::ExecTxResult) -> PlainTxResult<'a> {
        let non_zero = |value: i64| (value != 0).then_some(Int(value));
        PlainTxResult {
            code: result.code,
            data: Base64(&result.data),
            log: &result.log,
            info: &result.info,
            gas_wanted: non_zero(result.gas_wanted),
            gas_used: non_zero(result.gas_used),
            events: PlainEvents(&result.events),
            codespace: &result.codespace,
        }
    }
}

/// `block_results`. The chain updates neither validators nor consensus parameters.
#[derive(Serialize)]
pub(crate) struct ResultBlockResults<'a> {
    height: Int<i64>,
    txs_results: FullTxResults<'a>,
    finalize_block_events: PlainEvents<'a>,
    validator_updates: (),
    consensus_param_updates: (),
    app_hash: Base64<'a>,
}

impl<'a> ResultBlockResults<'a> {
    pub(crate) fn new(
        height: i64,
        results: &'a abci::ResponseFinalizeBlock,
    ) -> ResultBlockResults<'a> {
        ResultBlockResults {
            height: Int(height),
            txs_results: FullTxResults(&results.tx_results),
            finalize_block_events: PlainEvents(&results.events),
            validator_updates: (),
            consensus_param_updates: (),
            app_hash: Base64(&results.app_hash),
        }
    }
}

/// The results inside a `NewBlock` event: a plain struct, although `tx_results` are pointers and
/// so go through jsonpb.
#[derive(Serialize)]
pub(crate) struct FinalizeBlock<'a> {
    #[serde(skip_serializing_if = "PlainEvents::is_empty")]
    events: PlainEvents<'a>,
    #[serde(skip_serializing_if = "FullTxResults::is_empty")]
    tx_results: FullTxResults<'a>,
    validator_updates: (),
    #[serde(skip_serializing_if = "Base64::is_empty")]
    app_hash: Base64<'a>,
}

impl<'a> From<&'a abci::ResponseFinalizeBlock> for FinalizeBlock<'a> {
    fn from(results: &'a abci::ResponseFinalizeBlock) -> FinalizeBlock<'a> {
        FinalizeBlock {
            events: PlainEvents(&results.events),
            tx_results: FullTxResults(&results.tx_results),
            validator_updates: (),
            app_hash: Base64(&results.app_hash),
        }
    }
}

/// An envelope that several answers share.
#[derive(Serialize)]
pub(crate) struct Response<T> {
    pub(crate) response: T,
}

/// `abci_query`, through jsonpb: every field.
#[derive(Serialize)]
pub(crate) struct Query<'a> {
    code: u32,
    log: &'a str,
    info: &'a str,
    index: Int<i64>,
    key: Base64<'a>,
    value: Base64<'a>,
    #[serde(rename = "proofOps")]
    proof_ops: (),
    height: Int<i64>,
    codespace: &'a str,
}

impl<'a> From<&'a abci::ResponseQuery> for Query<'a> {
    fn from(answer: &'a abci::ResponseQuery) -> Query<'a> {
        Query {
            code: answer.code,
            log: &answer.log,
            info: &answer.info,
            index: Int(answer.index),
            key: Base64(&answer.key),
            value: Base64(&answer.value),
            proof_ops: (),
            height: Int(answer.height),
            codespace: &answer.codespace,
        }
    }
}

/// `abci_info`: a plain struct.
#[derive(Serialize)]
pub(crate) struct Info<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    data: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_version: Option<Int<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_block_height: Option<Int<i64>>,
    #[serde(skip_serializing_if = "Base64::is_empty")]
    last_block_app_hash: Base64<'a>,
}

impl<'a> From<&'a abci::ResponseInfo> for Info<'a> {
    fn from(info: &'a abci::ResponseInfo) -> Info<'a> {
        Info {
            data: &info.data,
            version: &info.version,
            app_version: (info.app_version != 0).then_some(Int(info.app_version)),
            last_block_height: (info.last_block_height != 0).then_some(Int(info.last_block_height)),
            last_block_app_hash: Base64(&info.last_block_app_hash),
        }
    }
}

/// `tx`, and each hit of `tx_search`. The proof is asked for by nobody and left out.
#[derive(Serialize)]
pub(crate) struct ResultTx<'a> {
    pub(crate) hash: Hex<'a>,
    pub(crate) height: Int<i64>,
    pub(crate) index: u32,
    pub(crate) tx_result: FullTxResult<'a>,
    pub(crate) tx: Base64<'a>,
}

/// `broadcast_tx_sync` and `broadcast_tx_async`.
#[derive(Serialize)]
pub(crate) struct ResultBroadcastTx<'a> {
    pub(crate) code: u32,
    pub(crate) data: Hex<'a>,
    pub(crate) log: &'a str,
    pub(crate) codespace: &'a str,
    pub(crate) hash: Hex<'a>,
}

/// `broadcast_tx_commit`.
#[derive(Serialize)]
pub(crate) struct ResultBroadcastTxCommit<'a> {
    pub(crate) check_tx: FullTxResult<'a>,
    pub(crate) tx_result: FullTxResult<'a>,
    pub(crate) hash: Hex<'a>,
    pub(crate) height: Int<i64>,
}

/// `unconfirmed_txs` and `num_unconfirmed_txs`.
#[derive(Serialize)]
pub(crate) struct ResultUnconfirmedTxs<'a> {
    pub(crate) n_txs: Int<usize>,
    pub(crate) total: Int<usize>,
    pub(crate) total_bytes: Int<usize>,
    pub(crate) txs: Option<Vec<Base64<'a>>>,
}
