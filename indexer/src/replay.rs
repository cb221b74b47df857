//! What would have been sent over stored history: the engine that runs in the daemon, over the blocks
//! that the database holds, at their own times. Reads only.
//!
//! The ledger begins where the stored one began and goes through the same blocks, with what was read
//! of the chain at their heights. What is not kept is listed beside the answer, and never guessed.

mod course;

use bootwatch_alerts::{Engine, Policy};
use bootwatch_rules::{Height, ledger::Ledger};
use bootwatch_schema::{Loaded, NewMessage, ReadStore as _, Severity, SqliteReader, StoreError};
use jiff::Timestamp;
use serde::Serialize;

use self::course::Course;
use crate::situation::Subject;

/// Blocks that are read at a time.
const CHUNK: Height = 2_000;

/// What would have been sent.
#[derive(Debug, Serialize)]
pub struct Replay {
    /// The first block that was judged.
    pub from: Height,
    /// The last one.
    pub to: Height,
    /// Blocks that were judged.
    pub judged: u64,
    /// Of these, blocks whose time is no longer kept: it was taken from their neighbours'.
    pub estimated_times: u64,
    /// Messages, in the order in which they would have been decided.
    pub messages: Vec<ReplayedMessage>,
    /// What could not be replayed, in words.
    pub not_replayed: Vec<String>,
}

/// A message that would have been sent.
#[derive(Debug, Serialize)]
pub struct ReplayedMessage {
    /// When it would have been decided.
    pub at: Timestamp,
    /// After which block.
    pub height: Height,
    /// By which channel.
    pub channel: String,
    /// To whom.
    pub recipient: String,
    /// How urgent.
    pub severity: Severity,
    /// Its subject.
    pub subject: String,
    /// Its body, as the channel gets it.
    pub text: String,
}

/// Why nothing can be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The question is wrong.
    #[error("{0}")]
    Question(String),
    /// Nothing of what was asked is stored.
    #[error("{0}")]
    NotStored(String),
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What would have been sent at the blocks `from` to `to`.
///
/// # Errors
/// [`ReplayError`] when the range is none, or none of it is stored.
pub fn replay(
    reader: &SqliteReader,
    subject: &Subject,
    policy: Policy,
    (from, to): (Height, Height),
) -> Result<Replay, ReplayError> {
    if from > to {
        return Err(ReplayError::Question(format!(
            "--from {from} lies above --to {to}; give the lower height first"
        )));
    }
    let loaded = reader.load()?;
    let (Some(base), Some(tip)) = (reader.first_followed()?, loaded.ledger.tip) else {
        return Err(ReplayError::NotStored("no block has been taken in yet".to_owned()));
    };
    let tip = tip.height;
    if to < base || from > tip {
        return Err(ReplayError::NotStored(format!(
            "nothing of blocks {from} to {to} can be replayed: choices and groups are known from \
             block {base} to {tip}"
        )));
    }
    let mut not_replayed = Vec::new();
    if from < base {
        not_replayed.push(format!(
            "blocks {from} to {}: choices and groups were not read before block {base}",
            base - 1
        ));
    }
    if to > tip {
        not_replayed.push(format!("blocks {} to {to}: not taken in yet", tip + 1));
    }
    let (from, to) = (from.max(base), to.min(tip));
    // What was told before the range is not told again in it.
    let length = loaded.ledger.state.as_ref().map_or(0, |state| state.params.epoch.epoch_length);
    let judged_from = from.saturating_sub(length).max(base);
    if judged_from == base {
        not_replayed.push(format!(
            "what began before block {base}: it is told as new when the replay begins there"
        ));
    }
    let mut course = Course {
        reader,
        subject,
        loaded: &loaded,
        ledger: Ledger::default(),
        engine: Engine::new(policy),
        orders: reader.orders()?,
        obeyed: None,
        range: (from, to),
        judged_from,
        after_hole: false,
        replay: Replay {
            from,
            to,
            judged: 0,
            estimated_times: 0,
            messages: Vec::new(),
            not_replayed,
        },
    };
    course.begin(base)?;
    for (first, last) in holes(&loaded, from, to) {
        course.replay.not_replayed.push(format!("blocks {first} to {last}: not stored"));
    }
    let mut next = base;
    while next <= to {
        let last = to.min(next.saturating_add(CHUNK - 1));
        course.walk(next, last)?;
        next = last + 1;
    }
    Ok(course.end())
}

/// Parts of the range that are not stored.
fn holes(loaded: &Loaded, from: Height, to: Height) -> Vec<(Height, Height)> {
    let mut holes = Vec::new();
    let mut next = from;
    for (first, last) in &loaded.coverage.stored {
        if *last < next {
            continue;
        }
        if *first > to {
            break;
        }
        if *first > next {
            holes.push((next, *first - 1));
        }
        next = last.saturating_add(1);
    }
    if next <= to {
        holes.push((next, to));
    }
    holes
}

impl From<NewMessage> for ReplayedMessage {
    fn from(message: NewMessage) -> Self {
        Self {
            at: message.created_at,
            height: message.created_height,
            channel: message.channel,
            recipient: message.recipient,
            severity: message.severity,
            subject: message.subject,
            text: message.text,
        }
    }
}
