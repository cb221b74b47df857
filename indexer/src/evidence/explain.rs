//! Why an epoch takes what it takes from one host: inputs, heights and sources, model by model.

mod inputs;

use std::collections::{BTreeMap, BTreeSet};

use bootwatch_rules::{
    Address, Capture, Decimal, EpochIndex, Fraction, Height, Mode, ModelId, Params, RuleSet,
    Transfer, Weight,
    delegates::DelegateFacts,
    forecast::{ChargeRange, KeptCharge, ModelForecast, TrackRecord},
    reward::{Cost, Ngonka},
    situation::{Deadline, Gaps, ModelState, RewardView, Situation},
};
use bootwatch_schema::{BlockRef, Dated, StoredChoice, WorkRecord};
use jiff::Timestamp;
use serde::Serialize;

use self::inputs::Inputs;
use super::{Course, EvidenceError, Frozen, Opened};
use crate::situation::Subject;

/// The whole chain of reasoning for one host and epoch.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
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
    /// What that comes to; null as the Situation's.
    pub cost: Option<Cost>,
    /// What the host earns in the epoch, as the chain estimated it last; null while it was not
    /// asked, and for a host that is not in it.
    pub reward: Option<RewardView>,
    /// What was said of the charge just before the chain fixed it; null before, and where nothing
    /// was kept.
    pub kept: Option<Kept>,
    /// How forecasts of the host's charges have held, over all epochs.
    pub record: TrackRecord,
    /// What the chain fixed; null before validation end, and when it was not read.
    pub fixed: Option<Fixed>,
    /// What the rules make of the stored inputs after validation end, to hold against `fixed`.
    pub resolved: Option<Fraction>,
    /// The models.
    pub models: Vec<ModelExplanation>,
    /// What is not known, in words.
    pub missing: Vec<String>,
}

impl Explanation {
    /// Whether charges act on the weight by these rules.
    pub(super) fn rules_charge_weight(&self) -> bool {
        self.rule_set.name.parse().is_ok_and(RuleSet::charges_weight)
    }
}

/// The rule set and its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RuleSource {
    /// Such as `v0.2.14`.
    pub name: String,
    /// Where it comes from.
    pub source: String,
}

/// A weight and its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct WeightSource {
    /// The weight.
    pub weight: Weight,
    /// The epoch whose root group it is of.
    pub epoch: EpochIndex,
    /// The height at which it was read.
    pub read_at: Height,
}

/// Parameters at a height.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Fixed {
    /// The block after which it was read.
    pub read_after: Height,
    /// The fraction; 0 when the chain does not list the host. Null when it has no exact form here.
    pub fraction: Option<Fraction>,
    /// About how many ngonka that is; null while the epoch's reward was not estimated.
    pub amount: Option<Ngonka>,
    /// Shares that it hands on or receives.
    pub transfers: Vec<Transfer>,
}

/// The forecast of a charge that was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Kept {
    /// The block after which it was made.
    pub height: Height,
    /// The rules it follows.
    pub rule_set: RuleSet,
    /// The block at which it was compared; null while the charges are not read.
    pub checked: Option<Height>,
    /// What it said, what the chain fixed, and how that compares.
    #[serde(flatten)]
    pub charge: KeptCharge,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ModelExplanation {
    /// The model.
    pub model_id: ModelId,
    /// Whether it is active now; null when it has left the parameters.
    pub state: Option<ModelState>,
    /// First epoch in which it can cost anything; null when it has left the parameters.
    pub penalty_start_epoch: Option<EpochIndex>,
    /// What a unit of work for it weighs now; null when it is not known.
    pub coefficient: Option<Decimal>,
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
    /// What that comes to; null as the Situation's.
    pub cost: Option<Cost>,
    /// What is known now about the host it delegates to.
    pub delegate: Option<DelegateFacts>,
    /// The mode after validation end, as the rules resolve the stored inputs.
    pub mode: Option<Mode>,
    /// What that mode takes.
    pub fraction: Option<Fraction>,
}

/// A choice at a height that freezes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = FrozenChoice)]
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

    let views: BTreeMap<_, _> = view
        .into_iter()
        .flat_map(|host| &host.models)
        .filter(|model| model.forecast.as_ref().is_some_and(|f| f.epoch == epoch))
        .map(|model| (&model.model_id, model))
        .collect();
    let is_open = !views.is_empty();
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
                coefficient: now.and_then(|model| model.coefficient),
                at_capture: Snapshot::of(&inputs.at_capture, &id, tip),
                capture,
                gaps,
                at_validation_start: Snapshot::of(&inputs.at_validation_start, &id, tip),
                work: inputs
                    .work
                    .iter()
                    .find(|work| work.model_id == id && work.host == *host)
                    .cloned(),
                forecast: views.get(&id).and_then(|view| view.forecast.clone()),
                cost: views.get(&id).and_then(|view| view.cost),
                delegate: views.get(&id).and_then(|view| view.delegate.clone()),
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
        cost: view.and_then(|host| host.cost).filter(|_| is_open),
        reward: inputs.reward(host),
        kept: inputs.kept(host),
        record: view.map(|host| host.record).unwrap_or_default(),
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
