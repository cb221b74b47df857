//! Long lists of what the chain said and what hosts asked for, in pieces, the newest first.

use std::collections::{BTreeMap, btree_map::Entry};

use bootwatch_rules::{
    Address, Capture, ChainEvent, ChoiceTx, Height, ModelId, Params,
    preeligibility::gaps_of_capture,
    situation::{Degree, Gaps},
};
use bootwatch_schema::{BlockRef, Dated, Placed, Slice, SqliteReader, StoreError};
use serde::Serialize;

use super::{Desk, EvidenceError};

/// A piece of a list, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The records.
    pub items: Vec<T>,
    /// Given as `cursor`, it asks for the next piece; null at the end.
    pub next: Option<String>,
}

/// A capture with what it was short of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CaptureRecord {
    /// Its block.
    pub block: BlockRef,
    /// The event's attributes.
    #[serde(flatten)]
    pub capture: Capture,
    /// How far it was from each threshold, by the parameters at its height; null where those are
    /// not stored.
    pub gaps: Option<Gaps>,
}

impl Desk {
    /// Captures; of one model when it is given.
    ///
    /// # Errors
    /// [`EvidenceError::Store`] when the database cannot be read.
    pub fn captures(
        &self,
        model: Option<&ModelId>,
        slice: &Slice,
    ) -> Result<Page<CaptureRecord>, EvidenceError> {
        let reader = SqliteReader::open(&self.path)?;
        let page = page(slice, |slice| reader.captures_page(model, slice))?;
        let mut params: BTreeMap<Height, Option<Params>> = BTreeMap::new();
        for Dated { block, .. } in &page.items {
            if let Entry::Vacant(unknown) = params.entry(block.height) {
                unknown.insert(reader.params_at(block.height)?.map(|(_, params)| params));
            }
        }
        let items = page.items.into_iter().map(|Dated { block, fact: capture }| {
            let params = params.get(&block.height).and_then(Option::as_ref);
            let terms = params.and_then(|params| params.delegation.as_ref());
            let gaps = terms.map(|terms| gaps_of_capture(&capture, terms, Degree::Snapshot));
            CaptureRecord { block, capture, gaps }
        });
        Ok(Page { items: items.collect(), next: page.next })
    }

    /// Choice messages, failed ones included; of one host and model when they are given.
    ///
    /// # Errors
    /// [`EvidenceError::Store`] when the database cannot be read.
    pub fn choices(
        &self,
        host: Option<&Address>,
        model: Option<&ModelId>,
        slice: &Slice,
    ) -> Result<Page<Dated<ChoiceTx>>, EvidenceError> {
        let reader = SqliteReader::open(&self.path)?;
        page(slice, |slice| reader.choices_page(host, model, slice))
    }

    /// Other events that are kept; of one kind when it is given.
    ///
    /// # Errors
    /// [`EvidenceError::Store`] when the database cannot be read.
    pub fn events(
        &self,
        kind: Option<&str>,
        slice: &Slice,
    ) -> Result<Page<Dated<ChainEvent>>, EvidenceError> {
        let reader = SqliteReader::open(&self.path)?;
        page(slice, |slice| reader.events_page(kind, slice))
    }
}

/// One record more than is wanted is asked for: it tells whether there is a next piece.
fn page<T>(
    slice: &Slice,
    read: impl Fn(&Slice) -> Result<Vec<Placed<T>>, StoreError>,
) -> Result<Page<Dated<T>>, EvidenceError> {
    let one_more = Slice { limit: slice.limit.saturating_add(1), ..slice.clone() };
    let mut found = read(&one_more)?;
    let limit = usize::try_from(slice.limit).unwrap_or(usize::MAX);
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(place, _)| place.to_string());
    Ok(Page { items: found.into_iter().map(|(_, dated)| dated).collect(), next })
}
