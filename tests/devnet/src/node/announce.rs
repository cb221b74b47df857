//! What subscribers hear of a block, in CometBFT's order (`state/execution.go fireEvents`).

use std::sync::Arc;

use super::bus::{Bus, Published};
use super::core::Made;
use super::go_json::{self, Int};
use super::merkle;
use super::query::EventMap;
use super::shapes;
use crate::abci::response;

/// Publishes a block's events; nothing is encoded while nobody listens.
pub(crate) fn announce(bus: &Bus, made: &Made) {
    if bus.is_idle() {
        return;
    }
    let header = made.header();
    let txs = made.block.data.as_ref().map_or(&[][..], |data| &data.txs);
    let block_events = response::flatten(&made.results.events);
    bus.publish(&named(block_events.clone(), "NewBlock"), || new_block(made));
    bus.publish(&named(EventMap::new(), "NewBlockHeader"), || {
        let value = shapes::NewBlockHeader { header: header.into() };
        go_json::to_string(&shapes::Typed::new("tendermint/event/NewBlockHeader", value))
    });
    bus.publish(&named(block_events, "NewBlockEvents"), || {
        let value = shapes::NewBlockEvents {
            height: Int(header.height),
            events: shapes::PlainEvents(&made.results.events),
            num_txs: Int(txs.len()),
        };
        go_json::to_string(&shapes::Typed::new("tendermint/event/NewBlockEvents", value))
    });
    for ((index, tx), result) in (0..).zip(txs).zip(&made.results.tx_results) {
        let mut events = named(response::flatten(&result.events), "Tx");
        tag(&mut events, "tx.hash", hex::encode_upper(merkle::sha256(tx)));
        tag(&mut events, "tx.height", header.height.to_string());
        bus.publish(&events, || {
            let value = shapes::Tx::new(header.height, index, tx, result);
            go_json::to_string(&shapes::Typed::new("tendermint/event/Tx", value))
        });
    }
}

/// A block's `NewBlock` event, ready to be published any number of times.
#[derive(Debug)]
pub(crate) struct Encoded {
    events: EventMap,
    published: Arc<Published>,
}

impl Encoded {
    pub(crate) fn new(made: &Made) -> Encoded {
        let events = named(response::flatten(&made.results.events), "NewBlock");
        let published = Published { data: new_block(made), events: go_json::to_string(&events) };
        Encoded { events, published: Arc::new(published) }
    }

    pub(crate) fn announce(&self, bus: &Bus) {
        bus.publish_encoded(&self.events, &self.published);
    }
}

fn new_block(made: &Made) -> String {
    let value = shapes::NewBlock {
        block: (&made.block).into(),
        block_id: (&made.block_id).into(),
        result_finalize_block: (&made.results).into(),
    };
    go_json::to_string(&shapes::Typed::new("tendermint/event/NewBlock", value))
}

fn named(mut events: EventMap, name: &str) -> EventMap {
    tag(&mut events, "tm.event", name.to_owned());
    events
}

fn tag(events: &mut EventMap, key: &str, value: String) {
    events.entry(key.to_owned()).or_default().push(value);
}
