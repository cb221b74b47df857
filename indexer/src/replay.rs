//! What would have been sent over stored history: the engine that runs in the daemon, over the blocks
//! that the database holds, at their own times. Reads only.
//!
//! The ledger begins where the stored one began and goes through the same blocks, with what was read
//! of the chain at their heights. What is not kept is listed beside the answer, and never guessed.

use std::collections::BTreeMap;

use bootwatch_alerts::{Engine, Policy};
use bootwatch_rules::{
    BlockFacts, ChainState, Epoch, Height, Observation, forecast::TrackRecords, ledger::Ledger,
    situation::DataView,
};
use bootwatch_schema::{
    History, Loaded, NewMessage, Orders, ReadStore as _, Reading, Severity, SqliteReader,
    StoreError,
};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::situation::{Moment, Subject};

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

struct Course<'a> {
    reader: &'a SqliteReader,
    subject: &'a Subject,
    loaded: &'a Loaded,
    ledger: Ledger,
    engine: Engine,
    orders: Orders,
    /// How many acknowledgements are in force.
    obeyed: Option<usize>,
    range: (Height, Height),
    judged_from: Height,
    /// The block before is not stored: what was known of choices may no longer hold.
    after_hole: bool,
    replay: Replay,
}

impl Course<'_> {
    /// Captures before the first block: they were looked up then.
    fn begin(&mut self, base: Height) -> Result<(), StoreError> {
        for dated in self.reader.captures(Height::MIN..=base - 1)? {
            self.ledger.captures.insert(dated.fact.model_id.clone(), dated.fact);
        }
        Ok(())
    }

    fn walk(&mut self, first: Height, last: Height) -> Result<(), StoreError> {
        let History { mut blocks, mut readings, commits, distributions } =
            self.reader.history(first..=last)?;
        let above = self.reader.header_above(last)?.map(|block| (block.height, block.time));
        let times: Vec<(Height, Timestamp)> =
            blocks.iter().map(|(height, facts)| (*height, facts.time)).chain(above).collect();
        let (mut commits, mut distributions) = (
            by_height(commits, |c| c.position.height),
            by_height(distributions, |d| d.position.height),
        );
        for height in first..=last {
            let stored = &self.loaded.coverage.stored;
            if !stored.iter().any(|(first, last)| (*first..=*last).contains(&height)) {
                self.after_hole = true;
                continue;
            }
            let kept = blocks.remove(&height);
            let estimated = kept.is_none();
            let Some(mut facts) = kept.or_else(|| self.quiet(height, &times)) else { continue };
            facts.commits = commits.remove(&height).unwrap_or_default();
            facts.distributions = distributions.remove(&height).unwrap_or_default();
            let observation =
                self.observed(height, readings.remove(&height).unwrap_or_default())?;
            self.ledger.apply(&facts, observation.as_ref());
            if height >= self.judged_from {
                self.judge(&facts, estimated);
            }
        }
        Ok(())
    }

    /// A block whose header is no longer kept: nothing happened in it, and its time lies between
    /// those of the kept ones around it.
    fn quiet(&self, height: Height, times: &[(Height, Timestamp)]) -> Option<BlockFacts> {
        let before = self.ledger.tip?;
        let next = times.partition_point(|(above, _)| *above <= height);
        let (above, time) = times.get(next)?;
        let (part, whole) = (height.abs_diff(before.height), above.abs_diff(before.height));
        let span = time.duration_since(before.time).as_nanos().checked_mul(i128::from(part))?;
        let since = SignedDuration::try_from_nanos_i128(span.checked_div(i128::from(whole))?)?;
        Some(BlockFacts {
            height,
            hash: String::new(),
            parent: String::new(),
            time: before.time.checked_add(since).ok()?,
            tx_count: 0,
            captures: Vec::new(),
            choices: Vec::new(),
            commits: Vec::new(),
            distributions: Vec::new(),
            events: Vec::new(),
            malformed: Vec::new(),
        })
    }

    /// What was read of the chain at a height.
    fn observed(
        &mut self,
        height: Height,
        reading: Reading,
    ) -> Result<Option<Observation>, StoreError> {
        if std::mem::take(&mut self.after_hole) && self.ledger.tip.is_some() {
            self.ledger.known_hosts.clear();
        }
        let Reading { state, choices, charges, app_version } = reading;
        let observation = Observation {
            state: if state { self.state(height)? } else { None },
            choices,
            charges,
            rewards: None,
            app_version,
        };
        Ok((observation != Observation::default()).then_some(observation))
    }

    fn state(&self, height: Height) -> Result<Option<ChainState>, StoreError> {
        let Some(index) = self.reader.epoch_at(height)? else { return Ok(None) };
        let Some(record) = self.reader.epoch(index)? else { return Ok(None) };
        let Some((_, params)) = self.reader.params_at(height)? else { return Ok(None) };
        let effective = Epoch { index, poc_start: record.poc_start };
        let upcoming = self.ledger.clock().and_then(|(clock, _)| {
            clock.upcoming.filter(|_| clock.effective.is_some_and(|e| e.index == index))
        });
        let formed = match index.checked_add(1) {
            Some(next) => self.reader.epoch(next)?,
            None => None,
        };
        let formed = formed
            .filter(|next| next.poc_start <= height)
            .map(|next| Epoch { index: next.index, poc_start: next.poc_start });
        let mut members = record.members;
        for member in &mut members {
            // The members as last read: who was excluded later was not yet.
            if member.excluded.as_ref().is_some_and(|exclusion| exclusion.height > height) {
                member.excluded = None;
            }
        }
        Ok(Some(ChainState {
            height,
            params,
            effective,
            latest: formed.or(upcoming).unwrap_or(effective),
            members,
            model_groups: record.model_groups,
            governance_models: self.reader.governance_models_at(height)?,
        }))
    }

    fn judge(&mut self, facts: &BlockFacts, estimated: bool) {
        let (height, now) = (facts.height, facts.time);
        self.obey(now);
        let complete_from = self
            .loaded
            .coverage
            .stored
            .iter()
            .find(|(first, last)| (*first..=*last).contains(&height))
            .map_or(height, |(first, _)| *first);
        let moment = Moment {
            head: height,
            complete_from,
            endpoints: &[],
            data: DataView::default(),
            records: &TrackRecords::default(),
            now,
        };
        let situation = self.subject.judge(&self.ledger, moment);
        let decision = self.engine.evaluate_past(&situation, now);
        if height < self.range.0 {
            return;
        }
        self.replay.judged += 1;
        self.replay.estimated_times += u64::from(estimated);
        self.replay.messages.extend(decision.messages.into_iter().map(ReplayedMessage::from));
    }

    /// Orders that had been given by then. Silences say themselves from when to when.
    fn obey(&mut self, now: Timestamp) {
        let given =
            |orders: &Orders| orders.acknowledgements.values().filter(|ack| ack.at <= now).count();
        let count = given(&self.orders);
        if self.obeyed == Some(count) {
            return;
        }
        self.obeyed = Some(count);
        let mut orders = self.orders.clone();
        orders.acknowledgements.retain(|_, ack| ack.at <= now);
        self.engine.obey(orders);
    }

    fn end(mut self) -> Replay {
        let replay = &mut self.replay;
        let notes = &mut replay.not_replayed;
        notes.push(
            "alerts about Bootwatch itself: how endpoints, ingest, delivery and disk stood is not \
             kept"
                .to_owned(),
        );
        notes.push(
            "costs in GNK: of the chain's estimates only the last one of each epoch is kept"
                .to_owned(),
        );
        notes.push(
            "commits and weight distributions between a host's first and last one of a stage"
                .to_owned(),
        );
        if replay.estimated_times > 0 {
            notes.push(format!(
                "the exact times of {} old blocks: their headers are no longer kept, and each \
                 time is taken from the kept blocks around it",
                replay.estimated_times
            ));
        }
        if !self.orders.acknowledgements.is_empty() {
            notes.push(
                "acknowledgements that were replaced: only the last one of an incident is kept"
                    .to_owned(),
            );
        }
        self.replay
    }
}

fn by_height<T>(things: Vec<T>, height: impl Fn(&T) -> Height) -> BTreeMap<Height, Vec<T>> {
    let mut sorted = BTreeMap::<Height, Vec<T>>::new();
    for thing in things {
        sorted.entry(height(&thing)).or_default().push(thing);
    }
    sorted
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
