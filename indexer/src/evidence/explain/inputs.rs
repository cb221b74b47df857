//! What an explanation is made from, as the store has it.

use std::collections::{BTreeMap, BTreeSet};

use bootwatch_rules::{
    Address, Capture, Choice, EpochIndex, Height, HostCharge, ModelId, Network, Penalties, RuleSet,
    forecast::KeptForecast,
    resolution::{ChoicesByModel, Formation, Outcome},
    reward::{Rewards, Stake},
    situation::RewardView,
};
use bootwatch_schema::{Dated, EpochRecord, StoredChoice, WorkRecord};

use super::{Fixed, Kept, ParamsSource, WeightSource};
use crate::evidence::{Completeness, Course, EvidenceError, Frozen, MAX_ROWS, Opened};

/// What was read of the epoch, once.
pub(super) struct Inputs {
    pub(super) course: Course,
    pub(super) at_capture: Frozen,
    pub(super) at_validation_start: Frozen,
    pub(super) captures: Vec<Dated<Capture>>,
    /// The epoch before, whose weights count.
    base: Option<EpochRecord>,
    /// The epoch itself, once its group is in force.
    own: Option<EpochRecord>,
    pub(super) work: Vec<WorkRecord>,
    rewards: Option<Rewards>,
    kept: Option<KeptForecast>,
}

impl Inputs {
    pub(super) fn read(
        opened: &Opened,
        host: &Address,
        epoch: EpochIndex,
    ) -> Result<Self, EvidenceError> {
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
            rewards: opened.reader.rewards(epoch)?,
            kept: opened.reader.forecast(epoch)?,
            course,
        })
    }

    pub(super) fn missing(&self, opened: &Opened) -> Vec<String> {
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
    pub(super) fn params(
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

    pub(super) fn weight(&self, host: &Address) -> Option<WeightSource> {
        let record = self.base.as_ref()?;
        let member = record.members.iter().find(|m| m.host == *host && m.excluded.is_none())?;
        let (epoch, read_at) = (record.index, record.last_read);
        Some(WeightSource { weight: member.weight, epoch, read_at })
    }

    /// What the chain estimated last for the host in that epoch.
    pub(super) fn reward(&self, host: &Address) -> Option<RewardView> {
        let rewards = self.rewards.as_ref()?;
        let reward = *rewards.hosts.get(host)?;
        Some(RewardView { epoch: rewards.epoch, read_at: rewards.read_at, reward })
    }

    /// What was said of the host before the charges were fixed.
    pub(super) fn kept(&self, host: &Address) -> Option<Kept> {
        let kept = self.kept.as_ref()?;
        Some(Kept {
            height: kept.height,
            rule_set: kept.rule_set,
            checked: kept.checked,
            charge: *kept.hosts.get(host)?,
        })
    }

    pub(super) fn fixed(
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
        let fraction = charges.of(host).ok();
        let reward = self.rewards.as_ref().and_then(|rewards| rewards.hosts.get(host).copied());
        // Since charges are stored, they are of the reward.
        let stake = Stake::new(RuleSet::NEWEST, None, reward);
        Ok(Some(Fixed {
            read_after,
            fraction,
            amount: stake.zip(fraction).and_then(|(stake, fraction)| stake.part(fraction)),
            transfers: charges
                .transfers
                .into_iter()
                .filter(|transfer| transfer.from == *host || transfer.to == *host)
                .collect(),
        }))
    }

    /// What the rules make of the stored inputs; none unless every one of them is known.
    pub(super) fn resolve(
        &self,
        rule_set: RuleSet,
        host: &Address,
        params: &[ParamsSource],
        missing: &mut Vec<String>,
    ) -> Option<HostCharge> {
        let (base, own) = (self.base.as_ref()?, self.own.as_ref()?);
        let start = self.course.validation_start?;
        let known = |frozen: &Frozen| frozen.completeness == Completeness::Complete;
        let absent = self.at_capture.completeness == Completeness::Absent;
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
