//! What the page shows of the past: captures, the record of what was said of charges, and how the
//! models' groups stood. Read from the database when one of them can have changed, never by a request.

use std::path::Path;

use bootwatch_rules::{
    Address, Capture, ChainState, EpochIndex, Height, ModelId, Network, RuleSet,
    forecast::KeptCharge,
    margin::Margin,
    preeligibility::gaps_of_capture,
    situation::{Degree, Gaps},
};
use bootwatch_schema::{Dated, EpochRecord, SqliteReader, StoreError};
use jiff::Timestamp;

/// Blocks with captures that are shown; older ones stay in the database.
const CAPTURES: usize = 24;
/// Epochs of forecasts and groups.
const EPOCHS: u64 = 24;

/// The past as the page shows it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Chronicle {
    /// Captures, oldest first.
    pub captures: Vec<CaptureRecord>,
    /// How many older ones are stored.
    pub captures_before: usize,
    /// What was said of the watched hosts' charges, oldest first.
    pub forecasts: Vec<ForecastRecord>,
    /// The groups of past epochs and of the running one, oldest first.
    pub groups: Vec<GroupRecord>,
}

/// One model's capture.
#[derive(Debug, Clone, PartialEq)]
pub struct CaptureRecord {
    /// When its block was made.
    pub at: Timestamp,
    /// The epoch it counts for; none where the epochs around it were not read.
    pub epoch: Option<EpochIndex>,
    /// What the chain said.
    pub capture: Capture,
    /// How far it was from each threshold; none where the parameters of its height were not read.
    pub gaps: Option<Gaps>,
}

/// What was said of one host and epoch, and what happened.
#[derive(Debug, Clone, PartialEq)]
pub struct ForecastRecord {
    /// The epoch.
    pub epoch: EpochIndex,
    /// The block after which it was said.
    pub height: Height,
    /// The host.
    pub host: Address,
    /// Both.
    pub kept: KeptCharge,
}

/// A model's group in an epoch, as it was read last.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupRecord {
    /// The epoch.
    pub epoch: EpochIndex,
    /// The model.
    pub model: ModelId,
    /// How far it was from losing its place.
    pub margin: Margin,
}

impl Chronicle {
    /// Reads it, with the forecasts of these hosts. `rule_set` is the configured one.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn read(
        path: &Path,
        watched: &[Address],
        rule_set: Option<RuleSet>,
    ) -> Result<Self, StoreError> {
        let reader = SqliteReader::open(path)?;
        let (captures, captures_before) = captures(&reader)?;
        let mut chronicle = Self { captures, captures_before, ..Self::default() };
        let Some((first, last)) = reader.epoch_span()? else { return Ok(chronicle) };
        let first = first.max(last.saturating_sub(EPOCHS));
        // The newest forecast is of the epoch after the one in force.
        for epoch in first..=last.saturating_add(1) {
            let Some(forecast) = reader.forecast(epoch)? else { continue };
            let said = watched.iter().filter_map(|host| Some((host, forecast.hosts.get(host)?)));
            chronicle.forecasts.extend(said.map(|(host, kept)| ForecastRecord {
                epoch,
                height: forecast.height,
                host: host.clone(),
                kept: *kept,
            }));
        }
        for epoch in first..=last {
            let Some(record) = reader.epoch(epoch)? else { continue };
            chronicle.groups.extend(groups(&reader, &record, rule_set)?);
        }
        Ok(chronicle)
    }
}

/// The newest captures, and how many there are before them.
fn captures(reader: &SqliteReader) -> Result<(Vec<CaptureRecord>, usize), StoreError> {
    let mut stored = reader.captures(Height::MIN..=Height::MAX)?;
    let mut heights: Vec<_> = stored.iter().map(|dated| dated.block.height).collect();
    heights.dedup();
    let from = heights.len().checked_sub(CAPTURES).and_then(|at| heights.get(at)).copied();
    let before = stored.partition_point(|dated| from.is_some_and(|from| dated.block.height < from));
    let shown = stored.split_off(before);
    let records = shown.into_iter().map(|dated| record(reader, dated));
    Ok((records.collect::<Result<_, _>>()?, before))
}

fn record(reader: &SqliteReader, dated: Dated<Capture>) -> Result<CaptureRecord, StoreError> {
    let Dated { block, fact: capture } = dated;
    let params = reader.params_at(block.height)?.and_then(|(_, params)| params.delegation);
    Ok(CaptureRecord {
        at: block.time,
        // It freezes choices for the epoch after the one in force.
        epoch: reader.epoch_at(block.height)?.map(|epoch| epoch.saturating_add(1)),
        gaps: params.map(|params| gaps_of_capture(&capture, &params, Degree::Snapshot)),
        capture,
    })
}

/// The margins of an epoch's groups, by the parameters and rules of its last reading.
fn groups(
    reader: &SqliteReader,
    record: &EpochRecord,
    rule_set: Option<RuleSet>,
) -> Result<Vec<GroupRecord>, StoreError> {
    let Some((_, params)) = reader.params_at(record.last_read)? else { return Ok(Vec::new()) };
    let version = reader.app_version_at(record.last_read)?;
    let rule_set = RuleSet::in_force(rule_set, version.as_deref());
    let live = record.members.iter().filter(|member| member.excluded.is_none());
    let Ok(network) = Network::new(live.map(|member| (&member.host, member.weight))) else {
        return Ok(Vec::new());
    };
    let state = ChainState {
        height: record.last_read,
        params,
        model_groups: record.model_groups.clone(),
        ..ChainState::default()
    };
    let found = record.model_groups.iter().filter_map(|group| {
        let model = group.model_id.clone();
        let margin = Margin::new(&state, &network, rule_set, &model)?;
        Some(GroupRecord { epoch: record.index, model, margin })
    });
    Ok(found.collect())
}
