//! From a ledger to a Situation.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use jiff::{SignedDuration, Timestamp};

use super::{
    ChainTrouble, ChoiceView, DataView, Degree, EndpointView, FellOut, FixedCharge, Gap, Gaps,
    HostModelView, HostView, ModelState, ModelView, NetworkWeight, ParamsChange, RewardView,
    SCHEMA_VERSION, ServiceView, Situation, Snapshot,
    plans::Outlook,
    timetable::{Timetable, origin},
};
use crate::{
    Address, Capture, ChainState, Choice, DelegationParams, Exclusion, Height, ModelId,
    ModelParams, Network, Penalties, RuleSet, Weight,
    advice::{Adviser, Known, Prices, Terminal, examples},
    closing::{Closing, Effects, Support},
    delegates::{Delegates, guardian_accounts},
    forecast::{ModelForecast, Prospect, TrackRecords},
    groups::{Groups, active_models},
    ledger::{Ledger, Standing, Trouble},
    margin::Margin,
    pace::Pace,
    preeligibility::{self, Preeligibility},
    reward::{Reward, Rewards, Stake},
};

/// A host that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Its name in the configuration.
    pub name: String,
    /// Its address.
    pub address: Address,
    /// The models that matter to it; none means every model.
    pub models: Option<Vec<ModelId>>,
}

/// Everything a Situation is made of.
#[derive(Debug, Clone)]
pub struct Inputs<'a> {
    /// The chain.
    pub chain_id: &'a str,
    /// What is known at its tip.
    pub ledger: &'a Ledger,
    /// The watched hosts, in the order of the configuration.
    pub watched: &'a [Watched],
    /// First height of the contiguous range that ends at the ledger's tip.
    pub complete_from: Height,
    /// The newest height that any endpoint has told of.
    pub head: Height,
    /// Where the blocks come from.
    pub endpoints: &'a [EndpointView],
    /// What is missing or could not be read.
    pub data: DataView,
    /// How forecasts have held.
    pub records: &'a TrackRecords,
    /// The present time.
    pub now: Timestamp,
    /// The configured rule set; without it the node's version decides.
    pub rule_set: Option<RuleSet>,
    /// What commands carry as `--node`.
    pub node: &'a str,
}

/// Blocks that the head may be ahead before the data counts as stale: with fewer, a block is
/// merely on its way.
const HEAD_AHEAD: Height = 5;

/// Builds the Situation at the ledger's tip.
#[must_use]
pub fn assess(inputs: &Inputs<'_>) -> Situation {
    let ledger = inputs.ledger;
    let pace = Pace::measure(&ledger.ticks);
    let timetable = Timetable::new(ledger, pace, inputs.head, inputs.now);
    let state = ledger.state.as_ref();
    let network = state.and_then(|_| Network::new(ledger.live_members()).ok());
    let rule_set = RuleSet::in_force(inputs.rule_set, ledger.app_version.as_deref());
    let active = active_models(state, network.as_ref());
    let outdated = !ledger.members_are_current() || inputs.data.state_unread;
    let penalties = state.and_then(|state| state.params.delegation.as_ref()).map(Penalties::new);
    let guardians = state.map(|state| guardian_accounts(&state.params)).unwrap_or_default();
    let models = models(state);
    let supports = network.as_ref().map(|network| supports(ledger, network, &models));
    let supports = supports.unwrap_or_default();
    let groups = Groups::of(ledger);
    let terminal = Terminal::new(inputs.node, inputs.chain_id);
    let adviser = match (&network, penalties, &groups) {
        (Some(network), Some(Ok(penalties)), Some(groups)) if !outdated => Some(Adviser {
            ledger,
            network,
            active: &active,
            groups: Rc::clone(groups),
            penalties,
            prices: Prices::new(&penalties, rule_set),
            rule_set,
            calendar: timetable.calendar,
            complete_from: inputs.complete_from,
            supports: &supports,
            examples: examples(&supports, &guardians),
            lines: models.iter().map(|m| (&m.model_id, terminal.lines(&m.model_id))).collect(),
        }),
        _ => None,
    };
    let prospect = network.as_ref().filter(|_| !outdated).and_then(|network| {
        let from = inputs.complete_from;
        Prospect::sharing(ledger, network, &active, rule_set, from, groups.clone()?)
    });
    let known = network.as_ref().map(|network| known_models(ledger, network, &models));
    let known = known.unwrap_or_default();
    let delegates = known.iter().filter_map(|model| {
        let support = supports.get(model)?;
        Some((*model, Delegates::new(ledger, support, &guardians, model)?))
    });
    let board = Board {
        ledger,
        network: network.as_ref(),
        rule_set,
        active: &active,
        groups: groups.clone(),
        models,
        delegates: delegates.collect(),
        supports: known.iter().filter_map(|id| Some((*id, supports.get(id)?))).collect(),
        adviser,
        prospect,
        records: inputs.records,
        network_weight: network_weight(ledger),
    };
    let eta = |blocks| {
        let (pace, tip) = (pace?, ledger.tip?);
        pace.eta(origin(tip, Some(pace), inputs.head, inputs.now), blocks)
    };
    let plans = Outlook { ledger, eta: &eta, terminal: &terminal }.plans();
    Situation {
        schema_version: SCHEMA_VERSION,
        chain_id: inputs.chain_id.to_owned(),
        rule_set: rule_set.to_string(),
        complete_from: inputs.complete_from,
        complete_to: ledger.tip.map_or(0, |tip| tip.height),
        head: inputs.head.max(ledger.tip.map_or(0, |tip| tip.height)),
        head_time: ledger.tip.map_or(Timestamp::UNIX_EPOCH, |tip| tip.time),
        stale: is_stale(inputs, pace) || outdated,
        state_height: state.map_or(0, |state| state.height),
        epoch: timetable.epoch.clone(),
        models: board.models.iter().map(|model| board.model(model)).collect(),
        hosts: inputs.watched.iter().map(|watched| board.host(watched)).collect(),
        deadlines: timetable.deadlines,
        endpoints: inputs.endpoints.to_vec(),
        data: inputs.data.clone(),
        record: inputs.records.all,
        network_weight: board.network_weight,
        params_change: ParamsChange::newest(ledger),
        plans,
        chain_troubles: troubles(ledger),
        service: ServiceView::default(),
    }
}

fn troubles(ledger: &Ledger) -> Vec<ChainTrouble> {
    let view = |(kind, trouble): (&String, &Trouble)| ChainTrouble {
        kind: kind.clone(),
        height: trouble.height,
        attributes: trouble.attributes.clone(),
    };
    ledger.troubles.iter().map(view).collect()
}

/// Both counts of the network's weight at the newest capture, where they differ.
fn network_weight(ledger: &Ledger) -> Option<NetworkWeight> {
    let newest = ledger.captures.values().max_by_key(|capture| capture.snapshot_height)?;
    let terms = ledger.frozen.terms.get(&newest.model_id)?;
    let ours = terms.network_weight.filter(|_| terms.height == newest.snapshot_height)?;
    let chain = newest.total_network_weight;
    (ours != chain).then_some(NetworkWeight { height: newest.snapshot_height, ours, chain })
}

/// A header's time is the one at which the block before it was agreed on, so a sound tip may be
/// two intervals old when the next block is due.
fn is_stale(inputs: &Inputs<'_>, pace: Option<Pace>) -> bool {
    let Some(tip) = inputs.ledger.tip else { return true };
    let patience = pace
        .map_or(SignedDuration::ZERO, |pace| pace.interval() * 3)
        .max(SignedDuration::from_secs(15));
    inputs.now.duration_since(tip.time) > patience
        || inputs.head.saturating_sub(tip.height) > HEAD_AHEAD
}

fn models(state: Option<&ChainState>) -> Vec<&ModelParams> {
    let mut models: Vec<_> = state.iter().flat_map(|state| &state.params.models).collect();
    models.sort_by(|a, b| a.model_id.cmp(&b.model_id));
    models.dedup_by(|a, b| a.model_id == b.model_id);
    models
}

/// The standing choices of each model, counted.
fn supports<'a>(
    ledger: &'a Ledger,
    network: &'a Network<'a>,
    models: &[&'a ModelParams],
) -> BTreeMap<&'a ModelId, Support<'a>> {
    let count = |model: &&'a ModelParams| {
        let choices = ledger.choices.get(&model.model_id).into_iter().flatten();
        let standing = choices.map(|(host, standing)| (host, &standing.choice));
        (&model.model_id, Support::new(network, standing))
    };
    models.iter().map(count).collect()
}

/// Models for which no choice of a live member with weight is unknown: a gap that is too wide
/// would be as wrong as one that is too narrow.
fn known_models<'a>(
    ledger: &Ledger,
    network: &Network<'_>,
    models: &[&'a ModelParams],
) -> BTreeSet<&'a ModelId> {
    let mut known = vec![false; network.members().len()];
    for at in ledger.known_hosts.iter().filter_map(|host| network.position(host)) {
        known[at] = true;
    }
    let members = network.members().zip(known);
    let unknown: Vec<_> = members
        .filter(|((_, weight), known)| *weight > 0 && !known)
        .map(|((host, _), _)| host)
        .collect();
    let is_known = |model: &&ModelId| {
        let choices = ledger.choices.get(*model);
        unknown.iter().all(|host| choices.is_some_and(|hosts| hosts.contains_key(*host)))
    };
    models.iter().map(|model| &model.model_id).filter(is_known).collect()
}

/// The ledger with what is derived from it once for all models and hosts.
struct Board<'a> {
    ledger: &'a Ledger,
    /// None before the first state, and when the chain's members make no sense.
    network: Option<&'a Network<'a>>,
    rule_set: RuleSet,
    active: &'a BTreeSet<&'a ModelId>,
    groups: Option<Rc<Groups<'a>>>,
    /// Every model in `poc_params`, once, ordered by id.
    models: Vec<&'a ModelParams>,
    /// Models whose choices are known completely.
    supports: BTreeMap<&'a ModelId, &'a Support<'a>>,
    delegates: BTreeMap<&'a ModelId, Delegates<'a>>,
    /// None while weights or fractions are not known.
    adviser: Option<Adviser<'a>>,
    /// None while nothing can be said about the epoch to come.
    prospect: Option<Prospect<'a>>,
    records: &'a TrackRecords,
    network_weight: Option<NetworkWeight>,
}

impl<'a> Board<'a> {
    fn model(&self, model: &ModelParams) -> ModelView {
        let id = &model.model_id;
        let active = self.active.contains(id);
        let candidate = self.params().zip(self.supports.get(id)).filter(|_| !active);
        let margin = |(network, state)| Margin::new(state, network, self.rule_set, id);
        ModelView {
            model_id: id.clone(),
            state: if active { ModelState::Active } else { ModelState::Candidate },
            penalty_start_epoch: model.penalty_start_epoch,
            coefficient: model.known_coefficient(),
            gaps: candidate.map(|(params, support)| {
                let judged = Preeligibility::judge(params, model, support.tally());
                let uncertain = self.network_weight.is_some();
                Gaps { uncertain, ..judged.gaps(Degree::Projected) }
            }),
            snapshot: self.ledger.captures.get(id).map(|c| self.snapshot(c)),
            closing: candidate.map(|(params, support)| Closing::new(params, support)),
            margin: self
                .network
                .zip(self.ledger.state.as_ref())
                .filter(|_| active)
                .and_then(margin),
            sound_delegates: self.delegates.get(id).map(Delegates::sound).unwrap_or_default(),
            fell_out: self
                .ledger
                .fell_out(id)
                .filter(|_| !active)
                .map(|(active_in, without_since)| FellOut { active_in, without_since }),
        }
    }

    fn params(&self) -> Option<&'a DelegationParams> {
        self.ledger.state.as_ref()?.params.delegation.as_ref()
    }

    /// What the host's own choice would change for a candidate.
    fn effects(&self, host: &Address, model: &ModelParams) -> Option<Effects> {
        let support = self.supports.get(&model.model_id)?;
        Effects::new(self.params()?, model, support, host)
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

    fn host(&self, watched: &Watched) -> HostView {
        let wanted = |model: &&&ModelParams| {
            watched.models.as_ref().is_none_or(|only| only.contains(&model.model_id))
        };
        let host = &watched.address;
        let forecast = self.prospect.as_ref().map(|prospect| prospect.host(host));
        let charge = forecast.as_ref().map(|forecast| forecast.charge);
        let weight = self.weight(host);
        let (rewards, reward) = self.reward(host);
        let stake = Stake::new(self.rule_set, weight, reward);
        let cost = stake.zip(forecast.as_ref()).and_then(|(stake, f)| stake.host(f));
        let mut forecasts = forecast.map(|forecast| forecast.models).unwrap_or_default();
        let known = self.ledger.known_hosts.contains(host);
        let mut model_view = |model: &&ModelParams| {
            let at = forecasts.iter().position(|entry| entry.model_id == model.model_id);
            self.host_model(host, model, known, stake, at.map(|at| forecasts.swap_remove(at)))
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
            models: self.models.iter().filter(wanted).map(&mut model_view).collect(),
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

    /// A live member of the model's group with voting power.
    fn serves(&self, host: &Address, model: &ModelId) -> bool {
        self.network.is_some_and(|network| network.contains(host))
            && self.groups.as_ref().is_some_and(|groups| groups.has_voting_power(model, host))
    }

    fn weight(&self, host: &Address) -> Option<Weight> {
        self.network?.weight(host)
    }

    fn host_model(
        &self,
        host: &Address,
        params: &ModelParams,
        known: bool,
        stake: Option<Stake>,
        forecast: Option<ModelForecast>,
    ) -> HostModelView {
        let model = &params.model_id;
        let standing = self.ledger.choice(host, model);
        let active = self.active.contains(model);
        let work = self.ledger.work.get(model).and_then(|hosts| hosts.get(host));
        let delegate = standing.and_then(|standing| match &standing.choice {
            Choice::Delegate { delegate_to } => Some(self.delegates.get(model)?.facts(delegate_to)),
            Choice::Refuse | Choice::Intent => None,
        });
        HostModelView {
            model_id: model.clone(),
            choice: choice_view(standing, known),
            reaches: (!active).then(|| self.reaches(host, standing, known, model)).flatten(),
            committed: work.and_then(|work| work.committed),
            distributed: work.and_then(|work| work.distributed),
            serves: self.serves(host, model),
            advice: self.adviser.as_ref().and_then(|adviser| {
                let standing = (standing.is_some() || known).then_some(standing);
                adviser.advise(host, params, Known(standing), forecast.as_ref())
            }),
            cost: stake.zip(forecast.as_ref()).and_then(|(stake, f)| stake.model(f)),
            forecast,
            effects: (!active).then(|| self.effects(host, params)).flatten(),
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
        model: &ModelId,
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
                    && self.known_choice(delegate_to, model)? == Some(&Choice::Intent),
            ),
            Some(Choice::Refuse) | None => Some(false),
        }
    }

    /// The outer None means that the choice is not known.
    fn known_choice(&self, host: &Address, model: &ModelId) -> Option<Option<&'a Choice>> {
        let counted = self.supports.get(model).and_then(|support| support.choice_of(host));
        let standing = || self.ledger.choice(host, model).map(|standing| &standing.choice);
        let choice = counted.or_else(standing);
        (choice.is_some() || self.ledger.known_hosts.contains(host)).then_some(choice)
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
