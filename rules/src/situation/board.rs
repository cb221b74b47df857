//! Everything that is known, laid out: one view for each model and each watched host.

use std::collections::BTreeMap;

use super::{
    ChoiceView, Degree, FellOut, FixedCharge, Gap, Gaps, HostModelView, HostView, ModelState,
    ModelView, NetworkWeight, RewardView, Snapshot, Watched,
};
use crate::{
    Address, Capture, Choice, DelegationParams, Exclusion, ModelParams, Network, RuleSet, Weight,
    advice::{Adviser, Known},
    closing::{Closing, Effects, Support},
    delegates::Delegates,
    forecast::{ModelForecast, Prospect, TrackRecords},
    groups::Group,
    ledger::{Ledger, Standing, Work},
    margin::Margin,
    preeligibility::{self, Preeligibility},
    reward::{Reward, Rewards, Stake},
};

/// The ledger with what is derived from it once for all models and hosts.
pub(super) struct Board<'a> {
    pub(super) ledger: &'a Ledger,
    /// None before the first state, and when the chain's members make no sense.
    pub(super) network: Option<&'a Network<'a>>,
    pub(super) rule_set: RuleSet,
    /// Every model in `poc_params`, once, ordered by id.
    pub(super) models: Vec<Entry<'a>>,
    /// None while weights or fractions are not known.
    pub(super) adviser: Option<Adviser<'a>>,
    /// None while nothing can be said about the epoch to come.
    pub(super) prospect: Option<Prospect<'a>>,
    pub(super) records: &'a TrackRecords,
    pub(super) network_weight: Option<NetworkWeight>,
}

/// One model, with what is found once for all hosts.
pub(super) struct Entry<'a> {
    pub(super) params: &'a ModelParams,
    pub(super) active: bool,
    /// None while not every choice is known.
    pub(super) support: Option<&'a Support<'a>>,
    /// None as above.
    pub(super) delegates: Option<Delegates<'a>>,
    /// The members of its group, and whether they have voting power.
    pub(super) group: Option<&'a Group<'a>>,
    pub(super) standing: Option<&'a BTreeMap<Address, Standing>>,
    pub(super) work: Option<&'a BTreeMap<Address, Work>>,
}

impl<'a> Board<'a> {
    pub(super) fn model(&self, entry: &Entry<'_>) -> ModelView {
        let model = entry.params;
        let id = &model.model_id;
        let candidate = self.params().zip(entry.support).filter(|_| !entry.active);
        let margin = |(network, state)| Margin::new(state, network, self.rule_set, id);
        let group = self.network.zip(self.ledger.state.as_ref()).filter(|_| entry.active);
        let fell_out = self.ledger.fell_out(id).filter(|_| !entry.active);
        ModelView {
            model_id: id.clone(),
            state: if entry.active { ModelState::Active } else { ModelState::Candidate },
            penalty_start_epoch: model.penalty_start_epoch,
            coefficient: model.known_coefficient(),
            gaps: candidate.map(|(params, support)| {
                let judged = Preeligibility::judge(params, model, support.tally());
                let uncertain = self.network_weight.is_some();
                Gaps { uncertain, ..judged.gaps(Degree::Projected) }
            }),
            snapshot: self.ledger.captures.get(id).map(|c| self.snapshot(c)),
            closing: candidate.map(|(params, support)| Closing::new(params, support)),
            margin: group.and_then(margin),
            sound_delegates: entry.delegates.as_ref().map(Delegates::sound).unwrap_or_default(),
            fell_out: fell_out
                .map(|(active_in, without_since)| FellOut { active_in, without_since }),
        }
    }

    fn params(&self) -> Option<&'a DelegationParams> {
        self.ledger.state.as_ref()?.params.delegation.as_ref()
    }

    fn snapshot(&self, capture: &Capture) -> Snapshot {
        let terms = self.ledger.frozen.terms.get(&capture.model_id);
        let terms = terms.filter(|terms| terms.height == capture.snapshot_height);
        let gaps = terms.map_or_else(
            || gaps_without_terms(capture),
            |terms| preeligibility::gaps_of_capture(capture, &terms.params, Degree::Snapshot),
        );
        let ours = terms.and_then(|terms| {
            let ours = terms.ours.as_ref().filter(|ours| *ours != capture)?;
            Some(preeligibility::gaps_of_capture(ours, &terms.params, Degree::Projected))
        });
        let epoch = terms.and_then(|terms| terms.epoch);
        Snapshot { capture: capture.clone(), epoch, gaps, ours }
    }

    pub(super) fn host(&self, watched: &Watched) -> HostView {
        let wanted = |entry: &&Entry<'_>| {
            watched.models.as_ref().is_none_or(|only| only.contains(&entry.params.model_id))
        };
        let host = &watched.address;
        let forecast = self.prospect.as_ref().map(|prospect| prospect.host(host));
        let charge = forecast.as_ref().map(|forecast| forecast.charge);
        let weight = self.weight(host);
        let (rewards, reward) = self.reward(host);
        let stake = Stake::new(self.rule_set, weight, reward);
        let cost = stake.zip(forecast.as_ref()).and_then(|(stake, f)| stake.host(f));
        let known = self.ledger.known_hosts.contains(host);
        // Both are ordered by id, and a capture may have models that the parameters lost.
        let mut forecasts = forecast.into_iter().flat_map(|forecast| forecast.models).peekable();
        let model_view = |entry: &Entry<'_>| {
            let id = &entry.params.model_id;
            while forecasts.next_if(|forecast| forecast.model_id < *id).is_some() {}
            let forecast = forecasts.next_if(|forecast| forecast.model_id == *id);
            self.host_model(host, entry, known, stake, forecast)
        };
        HostView {
            address: host.clone(),
            name: watched.name.clone(),
            weight,
            excluded: self.excluded(host),
            known,
            charge,
            fixed: self.fixed(host, rewards.zip(stake)),
            cost,
            reward: rewards.zip(reward).map(|(rewards, reward)| RewardView {
                epoch: rewards.epoch,
                read_at: rewards.read_at,
                reward,
            }),
            record: self.records.hosts.get(host).copied().unwrap_or_default(),
            models: self.models.iter().filter(wanted).map(model_view).collect(),
        }
    }

    /// What the chain fixed under key 0x6c.
    fn fixed(&self, host: &Address, earned: Option<(&Rewards, Stake)>) -> Option<FixedCharge> {
        let charges = self.ledger.charges.as_ref()?;
        let (epoch, fraction) = (charges.epoch_index, charges.of(host).ok()?);
        let of_reward = !self.rule_set.charges_weight();
        let earned = earned.filter(|(rewards, _)| of_reward && rewards.epoch == epoch);
        let amount = earned.and_then(|(_, stake)| stake.part(fraction));
        Some(FixedCharge { epoch, fraction, amount })
    }

    /// The newest estimates while they are of the running epoch, and the host's own.
    fn reward(&self, host: &Address) -> (Option<&'a Rewards>, Option<Reward>) {
        let running = self.ledger.state.as_ref().map(|state| state.effective.index);
        let rewards = self.ledger.rewards.as_ref().filter(|r| Some(r.epoch) == running);
        (rewards, rewards.and_then(|rewards| rewards.hosts.get(host).copied()))
    }

    fn excluded(&self, host: &Address) -> Option<Exclusion> {
        // A live member is not excluded, so only the few others are searched for.
        let listed = || self.ledger.state.as_ref()?.members.iter().find(|m| m.host == *host);
        let is_live = self.network.is_some_and(|network| network.contains(host));
        if is_live { None } else { listed()?.excluded.clone() }
    }

    fn weight(&self, host: &Address) -> Option<Weight> {
        self.network?.weight(host)
    }

    fn host_model(
        &self,
        host: &Address,
        entry: &Entry<'_>,
        known: bool,
        stake: Option<Stake>,
        forecast: Option<ModelForecast>,
    ) -> HostModelView {
        let params = entry.params;
        let standing = entry.standing(host);
        let work = entry.work.and_then(|hosts| hosts.get(host));
        let is_live = self.network.is_some_and(|network| network.contains(host));
        let delegate = standing.and_then(|standing| match &standing.choice {
            Choice::Delegate { delegate_to } => Some(entry.delegates.as_ref()?.facts(delegate_to)),
            Choice::Refuse | Choice::Intent => None,
        });
        let effects = |support| Effects::new(self.params()?, params, support, host);
        let candidate = !entry.active;
        HostModelView {
            model_id: params.model_id.clone(),
            choice: choice_view(standing, known),
            reaches: candidate.then(|| self.reaches(host, standing, known, entry)).flatten(),
            committed: work.and_then(|work| work.committed),
            distributed: work.and_then(|work| work.distributed),
            serves: is_live && entry.group.is_some_and(|group| group.get(host) == Some(&true)),
            advice: self.adviser.as_ref().and_then(|adviser| {
                let standing = (standing.is_some() || known).then_some(standing);
                adviser.advise(host, params, Known(standing), forecast.as_ref())
            }),
            cost: stake.zip(forecast.as_ref()).and_then(|(stake, f)| stake.model(f)),
            forecast,
            effects: entry.support.filter(|_| candidate).and_then(effects),
            delegate,
        }
    }

    /// Whether the host's weight counts towards the candidate's reach: it declared intent, or
    /// delegates to a live member that did. None when that cannot be told.
    fn reaches(
        &self,
        host: &Address,
        standing: Option<&Standing>,
        known: bool,
        entry: &Entry<'_>,
    ) -> Option<bool> {
        let network = self.network?;
        if !network.contains(host) {
            // The chain reads choices of live members only.
            return Some(false);
        }
        match standing.map(|standing| &standing.choice) {
            None if !known => None,
            Some(Choice::Intent) => Some(true),
            Some(Choice::Delegate { delegate_to }) => Some(
                network.contains(delegate_to)
                    && self.known_choice(delegate_to, entry)? == Some(&Choice::Intent),
            ),
            Some(Choice::Refuse) | None => Some(false),
        }
    }

    /// The outer None means that the choice is not known.
    fn known_choice<'e>(&self, host: &Address, entry: &Entry<'e>) -> Option<Option<&'e Choice>> {
        let counted = entry.support.and_then(|support| support.choice_of(host));
        let choice = counted.or_else(|| entry.standing(host).map(|standing| &standing.choice));
        (choice.is_some() || self.ledger.known_hosts.contains(host)).then_some(choice)
    }
}

impl<'a> Entry<'a> {
    fn standing(&self, host: &Address) -> Option<&'a Standing> {
        self.standing?.get(host)
    }
}

/// Without the parameters of its height, a capture tells what was there and nothing about needs.
fn gaps_without_terms(capture: &Capture) -> Gaps {
    let gap = |have| Gap { have, need: None, missing: None };
    Gaps {
        degree: Degree::Snapshot,
        hosts: gap(capture.intent_host_count),
        weight: gap(capture.intent_weight),
        reach: gap(capture.reachable_voting_power),
        pre_eligible: capture.pre_eligible,
        uncertain: false,
    }
}

fn choice_view(standing: Option<&Standing>, known: bool) -> ChoiceView {
    let kind = match standing.map(|standing| &standing.choice) {
        Some(Choice::Delegate { .. }) => "delegate",
        Some(Choice::Refuse) => "refuse",
        Some(Choice::Intent) => "intent",
        None if known => "none",
        None => "unknown",
    };
    ChoiceView {
        kind: kind.to_owned(),
        delegate_to: standing.and_then(|standing| match &standing.choice {
            Choice::Delegate { delegate_to } => Some(delegate_to.clone()),
            Choice::Refuse | Choice::Intent => None,
        }),
        since: standing.map(|standing| standing.since),
        tx_hash: standing.and_then(|s| s.origin.as_ref()).map(|origin| origin.tx_hash.clone()),
    }
}
