//! The evidence of an epoch, whole or with a list of what is not there.

use std::collections::BTreeMap;

use bootwatch_rules::{
    Address, Capture, ChainEvent, ChargeSnapshot, ChoiceTx, EpochIndex, Height, Params,
    forecast::KeptForecast,
};
use bootwatch_schema::{BlockRef, Dated, EpochRecord, WorkRecord};
use jiff::Timestamp;
use serde::Serialize;

use super::{Course, EvidenceError, Frozen, Opened, table};

/// Rows of one kind in one answer; more are named as missing.
pub const MAX_ROWS: u32 = 50_000;

/// Everything stored that bears on what an epoch took, from the wipe before its choices to the
/// block after which its group was in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Evidence {
    /// The version of this form.
    pub schema_version: u32,
    /// The chain.
    pub chain_id: String,
    /// The epoch.
    pub epoch: EpochIndex,
    /// When this was made.
    pub exported_at: Timestamp,
    /// The last block that had been taken in.
    pub complete_to: Height,
    /// First and last height that it covers.
    pub heights: (Height, Height),
    /// The heights that decided the epoch.
    pub course: Course,
    /// Their blocks, as far as the headers are kept.
    pub blocks: BTreeMap<&'static str, BlockRef>,
    /// The version that the chain's application reported at validation start.
    pub app_version: Option<String>,
    /// The parameters at both snapshots.
    pub params: BTreeMap<&'static str, ParamsAt>,
    /// The captures' events.
    pub captures: Vec<Dated<Capture>>,
    /// The other events, with their raw attributes.
    pub events: Vec<Dated<ChainEvent>>,
    /// The group in force before, whose weights counted at both snapshots, with exclusions.
    pub members_before: Option<EpochRecord>,
    /// The group that was formed.
    pub members: Option<EpochRecord>,
    /// The hosts' choices.
    pub hosts: Vec<HostEvidence>,
    /// Work of the PoC stage, of every host.
    pub work: Vec<WorkRecord>,
    /// What the chain fixed, for every host.
    pub charges: Option<Charges>,
    /// What was forecast before the chain fixed it, for every host, and how it held. Null when no
    /// forecast was kept; it is no evidence of the chain's, so then nothing is missing.
    pub forecast: Option<KeptForecast>,
    /// What is not there, in words. Empty means that the rest is complete.
    pub missing: Vec<String>,
}

/// Parameters with the height from which they were read as such.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ParamsAt {
    /// The height of the snapshot.
    pub height: Height,
    /// The height from which they were read as such.
    pub since: Height,
    /// The parameters.
    pub params: Params,
}

/// One host's choices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct HostEvidence {
    /// The host.
    pub host: Address,
    /// At the capture.
    pub capture: Frozen,
    /// At validation start.
    pub validation_start: Frozen,
    /// Its choice messages in the heights covered, failed ones included.
    pub txs: Vec<Dated<ChoiceTx>>,
}

/// What the chain fixed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Charges {
    /// The block after which it was read.
    pub read_after: Height,
    /// Its content.
    #[serde(flatten)]
    pub snapshot: ChargeSnapshot,
}

impl Evidence {
    /// One flat table, with a `kind` in every row.
    ///
    /// # Errors
    /// The writer's, such as a full memory; none in practice.
    pub fn csv(&self) -> Result<String, csv::Error> {
        table::table(self)
    }
}

pub(super) fn export(
    opened: &Opened,
    epoch: EpochIndex,
    hosts: &[Address],
) -> Result<Evidence, EvidenceError> {
    let reader = &opened.reader;
    let tip = opened.tip();
    let course = Course::of(opened, epoch)?;
    let mut gathered = Gathered { opened, missing: Vec::new() };
    let (first, last) = gathered.heights(&course)?;
    gathered.of_course(&course, first, last);

    let named = [
        ("capture", course.capture),
        ("poc_start", course.poc_start),
        ("validation_start", course.validation_start),
        ("validation_end", course.validation_end),
        ("effective", course.effective),
    ];
    let mut blocks = BTreeMap::new();
    let mut params = BTreeMap::new();
    for (name, height) in named {
        let Some(height) = height.filter(|height| *height <= tip) else { continue };
        let decides = matches!(name, "capture" | "validation_start" | "validation_end");
        match reader.block(height)? {
            Some(block) => _ = blocks.insert(name, block),
            // The other two decide nothing by themselves; their headers go in time.
            None if decides => gathered
                .missing
                .push(format!("the header of block {height} ({name}) is not stored")),
            None => {}
        }
        if matches!(name, "capture" | "validation_start") {
            match reader.params_at(height)? {
                Some((since, found)) => {
                    _ = params.insert(name, ParamsAt { height, since, params: found });
                }
                None => gathered
                    .missing
                    .push(format!("the parameters at block {height} ({name}) were not read")),
            }
        }
    }
    let captures = reader.captures(first..=last)?;
    let events = reader.events(None, first..=last, MAX_ROWS)?;
    gathered.limit("events", events.len());
    let work = match course.poc_start {
        Some(stage) => reader.work(stage, MAX_ROWS)?,
        None => Vec::new(),
    };
    gathered.limit("work", work.len());
    let members_before = match epoch.checked_sub(1) {
        Some(before) => reader.epoch(before)?,
        None => None,
    };
    gathered.of_epoch(epoch.checked_sub(1), members_before.as_ref(), &course);
    let members = reader.epoch(epoch)?;
    if course.effective.is_some_and(|height| height <= tip) && members.is_none() {
        gathered.missing.push(format!("the members of epoch {epoch} were not read"));
    }
    let hosts = hosts
        .iter()
        .map(|host| gathered.host(host, &course, first, last))
        .collect::<Result<Vec<_>, _>>()?;
    if hosts.is_empty() {
        gathered.missing.push("no host was asked for, so no choices are listed".to_owned());
    }
    let charges =
        reader.charges(epoch)?.map(|(read_after, snapshot)| Charges { read_after, snapshot });
    if charges.is_none() && course.validation_end.is_some_and(|end| end <= tip) {
        gathered.missing.push(format!("the charges of epoch {epoch} were not read"));
    }
    Ok(Evidence {
        schema_version: 1,
        chain_id: opened.loaded.chain_id.clone(),
        epoch,
        exported_at: opened.now,
        complete_to: tip,
        heights: (first, last),
        blocks,
        app_version: reader.app_version_at(course.validation_start.unwrap_or(tip).min(tip))?,
        params,
        captures,
        events,
        members_before,
        members,
        hosts,
        work,
        charges,
        forecast: reader.forecast(epoch)?,
        course,
        missing: gathered.missing,
    })
}

/// What was found out to be missing on the way.
struct Gathered<'a> {
    opened: &'a Opened,
    missing: Vec<String>,
}

impl Gathered<'_> {
    /// From the wipe before the choices, as far as it is known, to the epoch's taking effect.
    fn heights(&self, course: &Course) -> Result<(Height, Height), EvidenceError> {
        let tip = self.opened.tip();
        let before = match course.epoch.checked_sub(1) {
            Some(before) => Course::of(self.opened, before).ok(),
            None => None,
        };
        let first = before
            .and_then(|before| before.validation_end)
            .or_else(|| course.first())
            .unwrap_or(tip);
        let last = course.effective.or(course.validation_end).unwrap_or(tip).min(tip);
        Ok((first.min(last), last))
    }

    fn of_course(&mut self, course: &Course, first: Height, last: Height) {
        let tip = self.opened.tip();
        let epoch = course.epoch;
        if course.capture_unknown {
            self.missing.push(format!(
                "the capture for epoch {epoch} lies before the base, the first state that was read"
            ));
        }
        let ends = [("validation end", course.validation_end), ("taking effect", course.effective)];
        for (name, height) in ends {
            match height {
                Some(height) if height > tip => self.missing.push(format!(
                    "epoch {epoch} is not over: its {name} is block {height}, the last stored \
                     block is {tip}"
                )),
                Some(_) => {}
                None => self.missing.push(format!("the {name} of epoch {epoch} is not known")),
            }
        }
        for (from, to, why) in self.opened.holes(first, last) {
            self.missing.push(format!("blocks {from} to {to}: {why}"));
        }
    }

    fn of_epoch(
        &mut self,
        epoch: Option<EpochIndex>,
        record: Option<&EpochRecord>,
        course: &Course,
    ) {
        let Some(epoch) = epoch else { return };
        match (record, course.validation_start) {
            (None, _) => {
                self.missing.push(format!("the members and weights of epoch {epoch} were not read"))
            }
            (Some(record), Some(start))
                if start <= self.opened.tip() && record.last_read < start =>
            {
                self.missing.push(format!(
                    "the members of epoch {epoch} were read last at block {}, before validation \
                     start {start}: an exclusion in between would not be seen",
                    record.last_read
                ));
            }
            _ => {}
        }
    }

    fn limit(&mut self, what: &str, found: usize) {
        if u32::try_from(found).is_ok_and(|found| found >= MAX_ROWS) {
            self.missing.push(format!("{what}: only the first {MAX_ROWS} rows are listed"));
        }
    }

    fn host(
        &mut self,
        host: &Address,
        course: &Course,
        first: Height,
        last: Height,
    ) -> Result<HostEvidence, EvidenceError> {
        let capture = self.opened.captured(host, course)?;
        let validation_start = self.opened.frozen(host, course.validation_start)?;
        for (name, frozen) in [("capture", &capture), ("validation start", &validation_start)] {
            if let Some(reason) = frozen.completeness.missing() {
                self.missing.push(format!("choices of {host} at {name}: {reason}"));
            }
            for (model, stored) in &frozen.choices {
                if let bootwatch_schema::ChoiceOrigin::State { read_at } = stored.origin {
                    self.missing.push(format!(
                        "the transaction behind the choice of {host} for {:?} at {name}: it was \
                         read from the chain's state after block {read_at}",
                        model.as_str()
                    ));
                }
            }
        }
        let txs = self.opened.reader.choice_txs(first..=last, Some(host), MAX_ROWS)?;
        self.limit("choice transactions", txs.len());
        Ok(HostEvidence { host: host.clone(), capture, validation_start, txs })
    }
}
