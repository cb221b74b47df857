//! `tx_search` and `block_search`.
//!
//! The indexer of a real node (`state/txindex/kv`, `state/indexer/block/kv`) matches all
//! conditions within one event, compares `=` as text, ranges as numbers, ignores attributes
//! without `index`, and treats the height and the hash apart.

use std::cmp::Ordering;
use std::sync::Arc;

use tendermint_proto::v0_38::abci::Event;

use super::merkle;
use super::query::{Arg, Condition, Op, Query, compare_numbers};
use super::store::Stored;

/// Heights of blocks whose own events match, ascending.
pub(crate) fn blocks(blocks: &[Arc<Stored>], query: &Query) -> Vec<i64> {
    let split = Split::of(query, "block.height");
    let matches = |stored: &&Arc<Stored>| {
        split.accepts_height(stored.height)
            && (split.rest.is_empty() || split.accepts_events(&stored.results().events))
    };
    blocks.iter().filter(matches).map(|stored| stored.height).collect()
}

/// Heights and indexes of transactions whose events match, ascending.
pub(crate) fn txs(blocks: &[Arc<Stored>], query: &Query) -> Result<Vec<(i64, u32)>, String> {
    let wanted = hash(query)?;
    let split = Split::of(query, "tx.height");
    let mut found = Vec::new();
    for stored in blocks.iter().filter(|stored| stored.num_txs > 0) {
        let height = stored.height;
        if let Some(wanted) = &wanted {
            let txs = stored.block().data.unwrap_or_default().txs;
            let hits = (0..).zip(&txs).filter(|(_, tx)| merkle::sha256(tx)[..] == wanted[..]);
            found.extend(hits.map(|(index, _)| (height, index)));
        } else if split.accepts_height(height) {
            let results = stored.results().tx_results;
            let accepted = |events: &[Event]| split.rest.is_empty() || split.accepts_events(events);
            let hits = (0..).zip(&results).filter(|(_, result)| accepted(&result.events));
            found.extend(hits.map(|(index, _)| (height, index)));
        }
    }
    if wanted.is_some() {
        // The same bytes included twice are indexed at their last place only.
        found = found.pop().into_iter().collect();
    }
    Ok(found)
}

/// The hash of `tx.hash='…'`, which answers the whole query alone.
fn hash(query: &Query) -> Result<Option<Vec<u8>>, String> {
    let condition = query.conditions.iter().find(|condition| condition.tag == "tx.hash");
    let Some(Condition { arg: Arg::Text(digits), .. }) = condition else { return Ok(None) };
    hex::decode(digits)
        .map(Some)
        .map_err(|error| format!("error during searching for a hash in the query: {error}"))
}

/// Conditions on the height, and the others.
struct Split<'a> {
    height: Vec<&'a Condition>,
    rest: Vec<&'a Condition>,
}

impl<'a> Split<'a> {
    fn of(query: &'a Query, height_tag: &str) -> Split<'a> {
        let (height, rest) =
            query.conditions.iter().partition(|condition| condition.tag == height_tag);
        Split { height, rest }
    }

    fn accepts_height(&self, height: i64) -> bool {
        self.height.iter().all(|condition| in_range(condition, &height.to_string()))
    }

    /// Whether one event satisfies every condition.
    fn accepts_events(&self, events: &[Event]) -> bool {
        events.iter().any(|event| {
            self.rest.iter().all(|condition| {
                let Some(key) = condition
                    .tag
                    .strip_prefix(event.r#type.as_str())
                    .and_then(|rest| rest.strip_prefix('.'))
                else {
                    return false;
                };
                let mut indexed =
                    event.attributes.iter().filter(|attr| attr.index && attr.key == key);
                indexed.any(|attribute| in_range(condition, &attribute.value))
            })
        })
    }
}

/// Whether an indexed value satisfies a condition, as the indexer compares.
fn in_range(condition: &Condition, value: &str) -> bool {
    match (&condition.arg, condition.op) {
        (Arg::None, _) => true,
        (Arg::Text(text) | Arg::Number(text), Op::Equal) => value == text,
        (Arg::Text(text), _) => value.contains(text.as_str()),
        (Arg::Number(number), op) => {
            compare_signed(value, number).is_some_and(|order| op.accepts(order))
        }
        (Arg::Time(_) | Arg::Date(_), _) => false,
    }
}

/// Compares a value that may be negative, and may be no number at all, with a literal.
fn compare_signed(value: &str, literal: &str) -> Option<Ordering> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let numeric = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !numeric(whole) || !numeric(fraction) {
        return None;
    }
    Some(if value.starts_with('-') { Ordering::Less } else { compare_numbers(digits, literal) })
}
