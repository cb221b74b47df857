//! Why an epoch takes what it takes from one host: inputs, heights and sources, model by model.

use std::collections::{BTreeMap, BTreeSet};

use bootwatch_rules::{
    Address, Capture, Choice, EpochIndex, Fraction, Height, Mode, ModelId, Network, Params,
    Penalties, RuleSet, Transfer, Weight,
    forecast::{ChargeRange, ModelForecast},
    resolution::{ChoicesByModel, Formation, Outcome},
    situation::{Deadline, Gaps, ModelState, Situation},
};
use bootwatch_schema::{BlockRef, Dated, EpochRecord, StoredChoice, WorkRecord};
use jiff::Timestamp;
use serde::Serialize;

use super::{Course, EvidenceError, Frozen, MAX_ROWS, Opened};
use crate::situation::Subject;

/// The whole chain of reasoning for one host and epoch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The chain.
    pub chain_id: String,
    /// The host.
    pub host: Address,
    /// Its name in the configuration; empty when it is not watched.
    pub name: String,
    /// The epoch whose reward is charged.
    pub epoch: EpochIndex,
    /// Every block up to this one has been taken in.
    pub height: Height,
    /// The time of that block.
    pub time: Timestamp,
    /// The data is too old to say what holds now.
    pub stale: bool,
    /// The rules, and where their name comes from.
    pub rule_set: RuleSource,
    /// The heights of the epoch.
    pub course: Course,
    /// The deadlines of the epoch that lie ahead.
    pub deadlines: Vec<Deadline>,
    /// The weight that counts at both snapshots; null when it is no live member.
    pub weight: Option<WeightSource>,
    /// The parameters at the capture, at validation start, or now while they are ahead.
    pub params: Vec<ParamsSource>,
    /// The least and the most that is still possible; null once validation has ended, and when it
    /// cannot be told.
    pub forecast: Option<ChargeRange>,
    /// What the chain fixed; null before validation end, and when it was not read.
    pub fixed: Option<Fixed>,
    /// What the rules make of the stored inputs after validation end, to hold against `fixed`.
    pub resolved: Option<Fraction>,
    /// The models.
    pub models: Vec<ModelExplanation>,
    /// What is not known, in words.
    pub missing: Vec<String>,
}

/// The rule set and its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleSource {
    /// Such as `v0.2.14`.
    pub name: String,
    /// Where it comes from.
    pub source: String,
}

/// A weight and its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WeightSource {
    /// The weight.
    pub weight: Weight,
    /// The epoch whose root group it is of.
    pub epoch: EpochIndex,
    /// The height at which it was read.
    pub read_at: Height,
}

/// Parameters at a height.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParamsSource {
    /// What the height is: `capture`, `validation_start` or `now`.
    pub at: &'static str,
    /// That height.
    pub height: Height,
    /// The height from which they were read as such.
    pub since: Height,
    /// The parameters.
    pub params: Params,
}

/// What the chain fixed for the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fixed {
    /// The block after which it was read.
    pub read_after: Height,
    /// The fraction; 0 when the chain does not list the host. Null when it has no exact form here.
    pub fraction: Option<Fraction>,
    /// Shares that it hands on or receives.
    pub transfers: Vec<Transfer>,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelExplanation {
    /// The model.
    pub model_id: ModelId,
    /// Whether it is active now; null when it has left the parameters.
    pub state: Option<ModelState>,
    /// First epoch in which it can cost anything; null when it has left the parameters.
    pub penalty_start_epoch: Option<EpochIndex>,
    /// The choice at the capture.
    pub at_capture: Snapshot,
    /// What the capture said of the model: advisory.
    pub capture: Option<Dated<Capture>>,
    /// How far it was from each threshold, or is while the capture is ahead.
    pub gaps: Option<Gaps>,
    /// The choice at validation start.
    pub at_validation_start: Snapshot,
    /// Its work in the epoch's PoC stage; null without any that was seen.
    pub work: Option<WorkRecord>,
    /// What is still open: each branch with its charge and reason.
    pub forecast: Option<ModelForecast>,
    /// The mode after validation end, as the rules resolve the stored inputs.
    pub mode: Option<Mode>,
    /// What that mode takes.
    pub fraction: Option<Fraction>,
}

/// A choice at a height that freezes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// The height; null when it is not known or does not occur.
    pub height: Option<Height>,
    /// The block, once it is there and while its header is kept.
    pub block: Option<BlockRef>,
    /// It lies behind: nothing changes it any more.
    pub frozen: bool,
    /// What is stored is all there is; otherwise a null choice means nothing.
    pub known: bool,
    /// The choice and what made it; what stands now while the height is ahead.
    pub choice: Option<StoredChoice>,
}

impl Snapshot {
    fn of(frozen: &Frozen, model: &ModelId, tip: Height) -> Self {
        Self {
            height: frozen.height,
            block: frozen.block.clone(),
            frozen: frozen.height.is_some_and(|height| height <= tip),
            known: frozen.completeness.missing().is_none(),
            choice: frozen.choices.get(model).cloned(),
        }
    }
}

/// What was read of the epoch, once.
struct Inputs {
    course: Course,
    at_capture: Frozen,
    at_validation_start: Frozen,
    captures: Vec<Dated<Capture>>,
    /// The epoch before, whose weights count.
    base: Option<EpochRecord>,
    /// The epoch itself, once its group is in force.
    own: Option<EpochRecord>,
    work: Vec<WorkRecord>,
}

pub(super) fn explain(
    opened: &Opened,
    subject: &Subject,
    situation: &Situation,
    host: &Address,
    only: Option<&ModelId>,
    epoch: Option<EpochIndex>,
) -> Result<Explanation, EvidenceError> {
    let tip = opened.tip();
    let view = situation.hosts.first();
    let formed_next =
        view.and_then(|host| Some(host.models.iter().find_map(|m| m.forecast.as_ref())?.epoch));
    let epoch = epoch.or(formed_next).unwrap_or(situation.epoch.upcoming);
    let inputs = Inputs::read(opened, host, epoch)?;
    let mut missing = inputs.missing(opened);
    let params = inputs.params(opened, &mut missing)?;
    let version =
        opened.reader.app_version_at(inputs.course.validation_start.unwrap_or(tip).min(tip))?;
    let newest = opened.loaded.ledger.app_version.as_deref();
    let (rules, rule_set) = rule_set(subject, version.as_deref(), newest);
    let fixed = inputs.fixed(opened, host, &mut missing)?;
    let resolved = inputs.resolve(rules, host, &params, &mut missing);

    let forecasts: BTreeMap<_, _> = view
        .into_iter()
        .flat_map(|host| &host.models)
        .filter_map(|model| Some((&model.model_id, model.forecast.as_ref()?)))
        .filter(|(_, forecast)| forecast.epoch == epoch)
        .collect();
    let is_open = !forecasts.is_empty();
    if fixed.is_none() && !is_open && inputs.course.validation_end.is_none_or(|end| end > tip) {
        missing.push(format!(
            "what epoch {epoch} will take cannot be told yet{}",
            view.filter(|host| !host.known).map_or("", |_| ": the host's choices are not known")
        ));
    }

    let mut ids: BTreeSet<ModelId> = situation.models.iter().map(|m| m.model_id.clone()).collect();
    ids.extend(inputs.captures.iter().map(|capture| capture.fact.model_id.clone()));
    ids.extend(inputs.at_capture.choices.keys().cloned());
    ids.extend(inputs.at_validation_start.choices.keys().cloned());
    if let Some(only) = only {
        if !ids.contains(only) {
            let names: Vec<_> = ids.iter().map(|id| format!("{:?}", id.as_str())).collect();
            return Err(EvidenceError::Question(format!(
                "nothing is known of a model {:?}; there are {}",
                only.as_str(),
                names.join(", ")
            )));
        }
        ids.retain(|id| id == only);
    }
    let models = ids
        .into_iter()
        .map(|id| {
            let now = situation.models.iter().find(|model| model.model_id == id);
            let capture = inputs.captures.iter().find(|c| c.fact.model_id == id).cloned();
            let ahead = inputs.course.capture.is_some_and(|height| height > tip);
            let gaps = now.and_then(|model| match &capture {
                Some(capture) => model
                    .snapshot
                    .as_ref()
                    .filter(|s| s.capture.snapshot_height == capture.fact.snapshot_height)
                    .map(|snapshot| snapshot.gaps.clone()),
                None => model.gaps.clone().filter(|_| ahead),
            });
            let charge = resolved.as_ref().and_then(|r| r.models.iter().find(|m| m.model_id == id));
            ModelExplanation {
                state: now.map(|model| model.state),
                penalty_start_epoch: now.map(|model| model.penalty_start_epoch),
                at_capture: Snapshot::of(&inputs.at_capture, &id, tip),
                capture,
                gaps,
                at_validation_start: Snapshot::of(&inputs.at_validation_start, &id, tip),
                work: inputs
                    .work
                    .iter()
                    .find(|work| work.model_id == id && work.host == *host)
                    .cloned(),
                forecast: forecasts.get(&id).map(|forecast| (*forecast).clone()),
                mode: charge.map(|charge| charge.mode),
                fraction: charge.map(|charge| charge.fraction),
                model_id: id,
            }
        })
        .collect();
    Ok(Explanation {
        chain_id: situation.chain_id.clone(),
        host: host.clone(),
        name: view.map(|host| host.name.clone()).unwrap_or_default(),
        epoch,
        height: tip,
        time: situation.head_time,
        stale: situation.stale,
        rule_set,
        deadlines: situation.deadlines.iter().filter(|d| d.epoch == epoch).cloned().collect(),
        weight: inputs.weight(host),
        course: inputs.course,
        params,
        forecast: view.and_then(|host| host.charge).filter(|_| is_open),
        fixed,
        resolved: resolved.map(|charge| charge.fraction),
        models,
        missing,
    })
}

/// By the version at that height, or the newest one when none had been read by then.
fn rule_set(subject: &Subject, then: Option<&str>, now: Option<&str>) -> (RuleSet, RuleSource) {
    let (rules, source) = match (subject.rule_set, then.or(now)) {
        (Some(configured), _) => (configured, "the configuration".to_owned()),
        (None, Some(version)) => {
            let (rules, known) = RuleSet::for_version(version);
            let note = if known { "" } else { ", which these rules do not know exactly" };
            let late = if then.is_none() { ", read only later" } else { "" };
            (rules, format!("the node's version {version}{late}{note}"))
        }
        (None, None) => (RuleSet::NEWEST, "the newest one, because no version was read".to_owned()),
    };
    (rules, RuleSource { name: rules.to_string(), source })
}

impl Inputs {
    fn read(opened: &Opened, host: &Address, epoch: EpochIndex) -> Result<Self, EvidenceError> {
        let course = Course::of(opened, epoch)?;
        let captures = match course.capture {
            Some(height) => opened.reader.captures(height..=height)?,
            None => Vec::new(),
        };
        let work = match course.poc_start {
            Some(stage) => opened.reader.work(stage, MAX_ROWS)?,
            None => Vec::new(),
        };
        Ok(Self {
            at_capture: opened.captured(host, &course)?,
            at_validation_start: opened.frozen(host, course.validation_start)?,
            captures,
            base: epoch.checked_sub(1).map(|e| opened.reader.epoch(e)).transpose()?.flatten(),
            own: opened.reader.epoch(epoch)?,
            work,
            course,
        })
    }

    fn missing(&self, opened: &Opened) -> Vec<String> {
        let mut missing = Vec::new();
        let tip = opened.tip();
        if self.course.capture_unknown {
            missing.push(format!(
                "the capture for epoch {} lies before the base, the first state that was read",
                self.course.epoch
            ));
        } else if let Some(reason) = self.at_capture.completeness.missing()
            && self.course.capture.is_some()
        {
            missing.push(format!("capture: {reason}"));
        }
        if let Some(reason) = self.at_validation_start.completeness.missing()
            && Some(reason) != self.at_capture.completeness.missing()
        {
            missing.push(format!("validation start: {reason}"));
        }
        if self.base.is_none() {
            missing.push(format!(
                "the members and weights of the epoch before {} were not read",
                self.course.epoch
            ));
        }
        if let (Some(first), Some(last)) = (self.course.first(), self.course.validation_end) {
            for (from, to, why) in opened.holes(first, last.min(tip)) {
                missing.push(format!("blocks {from} to {to}: {why}"));
            }
        }
        missing
    }

    /// Both snapshots' parameters; what is in force now stands for those that lie ahead.
    fn params(
        &self,
        opened: &Opened,
        missing: &mut Vec<String>,
    ) -> Result<Vec<ParamsSource>, EvidenceError> {
        let tip = opened.tip();
        let mut sources = Vec::new();
        let snapshots =
            [("capture", self.course.capture), ("validation_start", self.course.validation_start)];
        for (at, height) in snapshots {
            let Some(height) = height else { continue };
            let (at, height) = if height > tip { ("now", tip) } else { (at, height) };
            if sources.iter().any(|known: &ParamsSource| known.at == at) {
                continue;
            }
            match opened.reader.params_at(height)? {
                Some((since, params)) => sources.push(ParamsSource { at, height, since, params }),
                None => missing.push(format!("parameters at block {height}: not read")),
            }
        }
        Ok(sources)
    }

    fn weight(&self, host: &Address) -> Option<WeightSource> {
        let record = self.base.as_ref()?;
        let member = record.members.iter().find(|m| m.host == *host && m.excluded.is_none())?;
        let (epoch, read_at) = (record.index, record.last_read);
        Some(WeightSource { weight: member.weight, epoch, read_at })
    }

    fn fixed(
        &self,
        opened: &Opened,
        host: &Address,
        missing: &mut Vec<String>,
    ) -> Result<Option<Fixed>, EvidenceError> {
        let Some((read_after, charges)) = opened.reader.charges(self.course.epoch)? else {
            if let Some(end) = self.course.validation_end.filter(|end| *end <= opened.tip()) {
                missing
                    .push(format!("the charges that the chain fixed at block {end} were not read"));
            }
            return Ok(None);
        };
        let listed = charges.penalties.iter().find(|penalty| penalty.host == *host);
        Ok(Some(Fixed {
            read_after,
            // The chain lists only those that lose something.
            fraction: listed
                .map_or(Ok(Fraction::ZERO), |penalty| penalty.fraction.to_fraction())
                .ok(),
            transfers: charges
                .transfers
                .into_iter()
                .filter(|transfer| transfer.from == *host || transfer.to == *host)
                .collect(),
        }))
    }

    /// What the rules make of the stored inputs; none unless every one of them is known.
    fn resolve(
        &self,
        rule_set: RuleSet,
        host: &Address,
        params: &[ParamsSource],
        missing: &mut Vec<String>,
    ) -> Option<bootwatch_rules::HostCharge> {
        let (base, own) = (self.base.as_ref()?, self.own.as_ref()?);
        let start = self.course.validation_start?;
        let known = |frozen: &Frozen| frozen.completeness == super::Completeness::Complete;
        let absent = self.at_capture.completeness == super::Completeness::Absent;
        if !known(&self.at_validation_start) || !(absent || known(&self.at_capture)) {
            return None;
        }
        let at = params.iter().find(|source| source.at == "validation_start")?;
        let penalties = Penalties::new(at.params.delegation.as_ref()?).ok()?;
        if rule_set == RuleSet::V0_2_16 && !self.captures.is_empty() {
            missing.push(
                "validation votes are not stored; a commit for a candidate is taken as voted on"
                    .to_owned(),
            );
        }
        let live = |excluded: Option<Height>| excluded.is_none_or(|height| height > start);
        let network = Network::new(
            base.members
                .iter()
                .filter(|m| live(m.excluded.as_ref().map(|e| e.height)))
                .map(|m| (&m.host, m.weight)),
        )
        .ok()?;
        let plain = |choices: &BTreeMap<ModelId, StoredChoice>| -> ChoicesByModel {
            let one = |choice: &Choice| [(host.clone(), choice.clone())].into();
            choices.iter().map(|(model, stored)| (model.clone(), one(&stored.choice))).collect()
        };
        let mut committers: BTreeMap<ModelId, BTreeSet<Address>> = BTreeMap::new();
        for work in self.work.iter().filter(|work| work.committed.is_some()) {
            committers.entry(work.model_id.clone()).or_default().insert(work.host.clone());
        }
        let outcome = Outcome {
            upcoming_weights: own.members.iter().map(|m| (m.host.clone(), m.weight)).collect(),
            eligible_members: own
                .model_groups
                .iter()
                .filter(|group| group.members.iter().any(|member| member.voting_power > 0))
                .map(|group| {
                    let hosts = group.members.iter().map(|member| member.host.clone()).collect();
                    (group.model_id.clone(), hosts)
                })
                .collect(),
            validated_committers: committers.clone(),
            committers,
        };
        let penalty_start: BTreeMap<_, _> = at
            .params
            .models
            .iter()
            .map(|model| (model.model_id.clone(), model.penalty_start_epoch))
            .collect();
        let report = self
            .captures
            .iter()
            .map(|capture| (capture.fact.model_id.clone(), capture.fact.pre_eligible))
            .collect();
        let formation = Formation {
            rule_set,
            epoch: self.course.epoch,
            penalties,
            penalty_start: &penalty_start,
            network: &network,
            bootstrap: &plain(&self.at_capture.choices),
            report: &report,
            regular: &plain(&self.at_validation_start.choices),
            outcome: &outcome,
        };
        Some(formation.resolve_host(host))
    }
}
