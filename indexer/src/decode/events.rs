//! Events: the captures, and the few others that are kept.

use std::collections::BTreeSet;

use bootwatch_rules::{BlockFacts, Capture, ChainEvent, Height};
use serde_json::value::RawValue;

use super::{attributes::Attributes, malformed::Report};
use crate::chain::{
    body::{Event, Events},
    events::{CAPTURE, GROUP_CHANGED},
};

/// Longer attributes are left out: key generation lists all its participants in one.
const MAX_ATTRIBUTE: usize = 1024;
/// Events kept of one block; votes are cheap to send.
const MAX_KEPT: usize = 1024;

/// Reads the events of one block in order.
#[derive(Debug, Default)]
pub(super) struct Reader {
    seq: u32,
    groups: BTreeSet<Vec<(String, String)>>,
    left_out: usize,
}

impl Reader {
    /// Events of a transaction; those of a failed one tell only of fees.
    pub(super) fn of_tx(
        &mut self,
        facts: &mut BlockFacts,
        report: &mut Report,
        tx_index: u32,
        code: u32,
        events: &Events<'_>,
    ) {
        let first = self.take(events);
        for event in events.wanted.iter().filter(|_| code == 0) {
            self.keep(facts, report, first.saturating_add(event.place), Some(tx_index), event);
        }
    }

    /// The block's own events, captures among them.
    pub(super) fn of_block(
        mut self,
        facts: &mut BlockFacts,
        report: &mut Report,
        events: &Events<'_>,
    ) {
        let first = self.take(events);
        for event in &events.wanted {
            let seq = first.saturating_add(event.place);
            if event.kind == CAPTURE {
                match capture(facts, event.attributes) {
                    Ok(capture) => facts.captures.push(capture),
                    Err(reason) => {
                        report.push(CAPTURE, place(seq), reason, raw(event.attributes));
                    }
                }
            } else {
                self.keep(facts, report, seq, None, event);
            }
        }
        if self.left_out > 0 {
            let reason = format!("{} more events of kept kinds were left out", self.left_out);
            report.push("event", "block".to_owned(), reason, String::new());
        }
    }

    /// Takes the places of a list of events; gives the first.
    fn take(&mut self, events: &Events<'_>) -> u32 {
        let first = self.seq;
        self.seq = first.saturating_add(events.count);
        first
    }

    fn keep(
        &mut self,
        facts: &mut BlockFacts,
        report: &mut Report,
        seq: u32,
        tx_index: Option<u32>,
        event: &Event<'_>,
    ) {
        // A capture belongs to the end of a block; in a transaction it is somebody else's event.
        if event.kind == CAPTURE {
            return;
        }
        if facts.events.len() >= MAX_KEPT {
            self.left_out += 1;
            return;
        }
        let attributes = match Attributes::read(event.attributes) {
            Ok(attributes) => attributes.small(MAX_ATTRIBUTE),
            Err(reason) => {
                return report.push(event.kind, place(seq), reason, raw(event.attributes));
            }
        };
        // That a group changed is worth knowing once.
        if event.kind == GROUP_CHANGED && !self.groups.insert(attributes.clone()) {
            return;
        }
        facts.events.push(ChainEvent { seq, tx_index, kind: event.kind.to_owned(), attributes });
    }
}

/// The ten attributes; unknown ones beside them are allowed.
fn capture(facts: &BlockFacts, attributes: Option<&RawValue>) -> Result<Capture, String> {
    let attributes = Attributes::read(attributes)?;
    let snapshot_height: Height = attributes.integer("snapshot_height")?;
    if snapshot_height != facts.height {
        return Err(format!("snapshot_height {snapshot_height} is not the block's height"));
    }
    let capture = Capture {
        snapshot_height,
        model_id: attributes.one("model_id")?.into(),
        pre_eligible: attributes.boolean("pre_eligible")?,
        meets_weight_threshold: attributes.boolean("meets_weight_threshold")?,
        meets_v_min: attributes.boolean("meets_v_min")?,
        meets_reachability: attributes.boolean("meets_reachability")?,
        intent_host_count: attributes.integer("intent_host_count")?,
        intent_weight: attributes.integer("intent_weight")?,
        reachable_voting_power: attributes.integer("reachable_voting_power")?,
        total_network_weight: attributes.integer("total_network_weight")?,
    };
    if facts.captures.iter().any(|other| other.model_id == capture.model_id) {
        return Err(format!("a second event for {:?} in one block", capture.model_id));
    }
    Ok(capture)
}

fn place(seq: u32) -> String {
    format!("event {seq}")
}

fn raw(attributes: Option<&RawValue>) -> String {
    attributes.map(RawValue::get).unwrap_or_default().to_owned()
}
