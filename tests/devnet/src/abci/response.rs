//! The chain's outcomes as ABCI messages.

use std::collections::BTreeMap;

use tendermint_proto::v0_38::abci;

use crate::chain::{Chain, Event, Executed, QueryAnswer, TxResult};

/// `Info`: what the application calls itself, and where it is.
pub(crate) fn info(chain: &Chain) -> abci::ResponseInfo {
    abci::ResponseInfo {
        data: "inference".to_owned(),
        version: "v0.2.14".to_owned(),
        app_version: 0,
        last_block_height: chain.height(),
        last_block_app_hash: chain.app_hash().into(),
    }
}

/// `FinalizeBlock`. The chain updates neither validators nor consensus parameters.
pub(crate) fn finalize_block(executed: Executed) -> abci::ResponseFinalizeBlock {
    abci::ResponseFinalizeBlock {
        events: executed.events.into_iter().map(event).collect(),
        tx_results: executed.tx_results.into_iter().map(tx_result).collect(),
        app_hash: executed.app_hash.into(),
        ..abci::ResponseFinalizeBlock::default()
    }
}

/// A transaction's result.
pub(crate) fn tx_result(result: TxResult) -> abci::ExecTxResult {
    abci::ExecTxResult {
        code: result.code,
        data: result.data.into(),
        log: result.log,
        info: result.info,
        gas_wanted: result.gas_wanted,
        gas_used: result.gas_used,
        events: result.events.into_iter().map(event).collect(),
        codespace: result.codespace,
    }
}

/// `CheckTx`.
pub(crate) fn check_tx(result: TxResult) -> abci::ResponseCheckTx {
    let result = tx_result(result);
    abci::ResponseCheckTx {
        code: result.code,
        data: result.data,
        log: result.log,
        info: result.info,
        gas_wanted: result.gas_wanted,
        gas_used: result.gas_used,
        events: result.events,
        codespace: result.codespace,
    }
}

/// `Query`.
pub(crate) fn query(answer: QueryAnswer) -> abci::ResponseQuery {
    abci::ResponseQuery {
        code: answer.code,
        log: answer.log,
        codespace: answer.codespace,
        key: answer.key.into(),
        value: answer.value.into(),
        height: answer.height,
        ..abci::ResponseQuery::default()
    }
}

/// Attribute values by `type.key`, in order (`types/event_bus.go validateAndStringifyEvents`).
pub(crate) fn flatten(events: &[abci::Event]) -> BTreeMap<String, Vec<String>> {
    let mut flat: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in events.iter().filter(|event| !event.r#type.is_empty()) {
        for attribute in event.attributes.iter().filter(|attribute| !attribute.key.is_empty()) {
            let tag = format!("{}.{}", event.r#type, attribute.key);
            flat.entry(tag).or_default().push(attribute.value.clone());
        }
    }
    flat
}

fn event(event: Event) -> abci::Event {
    let attributes = event.attributes.into_iter().map(|attribute| abci::EventAttribute {
        key: attribute.key,
        value: attribute.value,
        index: attribute.index,
    });
    abci::Event { r#type: event.kind, attributes: attributes.collect() }
}
