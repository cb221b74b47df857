//! One block after another, as the ledger and the engine went over them.

use std::collections::BTreeMap;

use bootwatch_alerts::Engine;
use bootwatch_rules::{
    BlockFacts, ChainState, Epoch, Height, Observation, forecast::TrackRecords, ledger::Ledger,
    situation::DataView,
};
use bootwatch_schema::{History, Loaded, Orders, Reading, SqliteReader, StoreError};
use jiff::{SignedDuration, Timestamp};

use super::{Replay, ReplayedMessage};
use crate::situation::{Moment, Subject};

/// The blocks of a database gone over once more.
pub(super) struct Course<'a> {
    pub(super) reader: &'a SqliteReader,
    pub(super) subject: &'a Subject,
    pub(super) loaded: &'a Loaded,
    pub(super) ledger: Ledger,
    pub(super) engine: Engine,
    pub(super) orders: Orders,
    /// How many acknowledgements are in force.
    pub(super) obeyed: Option<usize>,
    pub(super) range: (Height, Height),
    pub(super) judged_from: Height,
    /// The block before is not stored: what was known of choices may no longer hold.
    pub(super) after_hole: bool,
    pub(super) replay: Replay,
}

impl Course<'_> {
    /// Captures before the first block: they were looked up then.
    pub(super) fn begin(&mut self, base: Height) -> Result<(), StoreError> {
        for dated in self.reader.captures(Height::MIN..=base - 1)? {
            self.ledger.captures.insert(dated.fact.model_id.clone(), dated.fact);
        }
        Ok(())
    }

    /// Goes over the blocks from `first` to `last`.
    pub(super) fn walk(&mut self, first: Height, last: Height) -> Result<(), StoreError> {
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
            plans: None,
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
        // Who refuses today is no part of what would have been said then.
        orders.refused.clear();
        self.engine.obey(orders);
    }

    /// The answer, with what it lacks.
    pub(super) fn end(mut self) -> Replay {
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
            "planned upgrades and proposals: what was read of them then is not kept".to_owned(),
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
