//! From a ledger to a Situation.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use jiff::{SignedDuration, Timestamp};

use super::{
    ChainTrouble, DataView, EndpointView, NetworkWeight, ParamsChange, SCHEMA_VERSION, ServiceView,
    Situation,
    board::{Board, Entry},
    plans::Outlook,
    timetable::{Timetable, origin},
};
use crate::{
    Address, ChainState, Height, ModelId, ModelParams, Network, Penalties, RuleSet,
    advice::{Adviser, Prices, Terminal, examples},
    closing::Support,
    delegates::{Delegates, guardian_accounts},
    forecast::{Prospect, TrackRecords},
    groups::{Groups, active_models},
    ledger::{Ledger, Trouble},
    pace::Pace,
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
    let entries = models.iter().copied().map(|params| {
        let id = &params.model_id;
        let support = supports.get(id).filter(|_| known.contains(id));
        Entry {
            params,
            active: active.contains(id),
            support,
            delegates: support.and_then(|s| Delegates::new(ledger, s, &guardians, id)),
            group: groups.as_ref().and_then(|groups| groups.of_model(id)),
            standing: ledger.choices.get(id),
            work: ledger.work.get(id),
        }
    });
    let board = Board {
        ledger,
        network: network.as_ref(),
        rule_set,
        models: entries.collect(),
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
