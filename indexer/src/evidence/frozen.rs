//! What a height froze of one host's choices, and how completely that is known.

use std::collections::BTreeMap;

use bootwatch_rules::{Address, Height, ModelId};
use bootwatch_schema::{BlockRef, StoredChoice};
use serde::Serialize;

use super::{Course, EvidenceError, Opened};

/// One host's choices at the end of a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Frozen {
    /// The block's height; null when there is no such block for the epoch, or it is not known.
    pub height: Option<Height>,
    /// The block itself, when its header is kept.
    pub block: Option<BlockRef>,
    /// How completely the choices are known.
    pub completeness: Completeness,
    /// The choices with what made them. A model that is not listed has none, if they are complete.
    pub choices: BTreeMap<ModelId, StoredChoice>,
}

/// How completely a host's choices at a height are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Completeness {
    /// All of them.
    Complete,
    /// Only what transactions that were seen made; there may be others.
    Partial {
        /// Why.
        reason: String,
    },
    /// The block lies ahead: these are the choices that stand now.
    Ahead,
    /// The epoch has no such block.
    Absent,
    /// Not at all.
    Unknown {
        /// Why.
        reason: String,
    },
}

impl Completeness {
    /// What is not known; none when nothing is missing or nothing is due yet.
    pub(super) fn missing(&self) -> Option<&str> {
        match self {
            Self::Partial { reason } | Self::Unknown { reason } => Some(reason),
            Self::Complete | Self::Ahead | Self::Absent => None,
        }
    }
}

impl Opened {
    /// The host's choices at the epoch's capture.
    pub(super) fn captured(
        &self,
        host: &Address,
        course: &Course,
    ) -> Result<Frozen, EvidenceError> {
        if course.capture.is_none() && !course.capture_unknown {
            return Ok(Frozen::nothing(None, Completeness::Absent));
        }
        self.frozen(host, course.capture)
    }

    /// The host's choices at a height that freezes them.
    pub(super) fn frozen(
        &self,
        host: &Address,
        height: Option<Height>,
    ) -> Result<Frozen, EvidenceError> {
        let Some(at) = height else {
            let reason = "the block is not known".to_owned();
            return Ok(Frozen::nothing(None, Completeness::Unknown { reason }));
        };
        let tip = self.tip();
        if at <= tip && !self.is_covered(at) {
            let reason = format!("block {at} is not covered{}", self.why_not_covered(at));
            return Ok(Frozen::nothing(height, Completeness::Unknown { reason }));
        }
        let known = self.reader.known_since(host)?;
        let completeness = match known {
            Some(since) if since <= at.min(tip) => {
                if at > tip {
                    Completeness::Ahead
                } else {
                    Completeness::Complete
                }
            }
            Some(since) => Completeness::Partial {
                reason: format!(
                    "the choices of {host} are known completely from block {since} only, not at \
                     block {at}"
                ),
            },
            None => Completeness::Partial {
                reason: format!(
                    "the choices of {host} were never read from the chain: it is neither watched \
                     nor a member"
                ),
            },
        };
        Ok(Frozen {
            height,
            block: self.reader.block(at)?,
            completeness,
            choices: self.reader.host_choices_at(host, at.min(tip))?,
        })
    }

    pub(super) fn is_covered(&self, height: Height) -> bool {
        self.loaded.coverage.stored.iter().any(|(first, last)| (*first..=*last).contains(&height))
    }

    fn why_not_covered(&self, height: Height) -> &'static str {
        let lost =
            |range: &&bootwatch_schema::Unfillable| (range.first..=range.last).contains(&height);
        let first = self.loaded.coverage.stored.first().map(|(first, _)| *first);
        match () {
            () if self.loaded.coverage.unfillable.iter().any(|range| lost(&range)) => {
                ": no endpoint has it any more"
            }
            () if first.is_some_and(|first| height < first) => {
                ": it lies before the first block that was taken in"
            }
            () => "",
        }
    }

    /// Blocks of the range that are not stored, first and last, with the reason.
    pub(super) fn holes(&self, first: Height, last: Height) -> Vec<(Height, Height, String)> {
        let mut holes = Vec::new();
        let mut next = first;
        let end = last.min(self.tip());
        for (from, to) in &self.loaded.coverage.stored {
            if *from > end {
                break;
            }
            if *to < next {
                continue;
            }
            if *from > next {
                holes.push((next, *from - 1));
            }
            next = to.saturating_add(1);
        }
        if next <= end {
            holes.push((next, end));
        }
        holes
            .into_iter()
            .map(|(from, to)| {
                let lost = self
                    .loaded
                    .coverage
                    .unfillable
                    .iter()
                    .find(|range| range.first <= to && range.last >= from);
                let why = match lost {
                    Some(range) => format!("no endpoint has them any more: {}", range.reason),
                    None => "they were never taken in".to_owned(),
                };
                (from, to, why)
            })
            .collect()
    }
}

impl Frozen {
    fn nothing(height: Option<Height>, completeness: Completeness) -> Self {
        Self { height, block: None, completeness, choices: BTreeMap::new() }
    }
}
