//! A forecast made at any height of an epoch holds what the epoch then takes.

use std::collections::{BTreeMap, BTreeSet};

use bootwatch_rules::{
    Address, Capture, ChainState, Choice, Decimal, DelegationParams, Epoch, EpochParams, Exclusion,
    GroupMember, Height, HostCharge, Member, ModelGroup, ModelId, ModelParams, Network, Params,
    Penalties, RuleSet, Weight,
    forecast::{HostForecast, Prospect},
    ledger::{FrozenChoices, Ledger, Standing, Tick, Work},
    resolution::{ChoicesByModel, Formation, Outcome},
};
use jiff::Timestamp;
use proptest::prelude::*;

use crate::{
    cases,
    networks::{choice, host, weight},
};

const HOSTS: usize = 6;
const MODELS: usize = 3;
const EPOCH: u64 = 11;
const CAPTURE: Height = 1080;
const POC_START: Height = 1100;
const COMMIT_DEADLINE: Height = 1110;
const VALIDATION_START: Height = 1115;
/// One height in each part of the epoch.
const TIPS: [Height; 4] = [1050, 1090, 1112, 1120];

fn model(number: usize) -> ModelId {
    ModelId::from(format!("model/{number}"))
}

/// What happens in one epoch, and the height from which it is forecast.
#[derive(Debug, Clone)]
struct Story {
    rule_set: RuleSet,
    tip: Height,
    params: DelegationParams,
    start: [u64; MODELS],
    /// Weight and whether the host was excluded after the capture.
    members: Vec<(Weight, bool)>,
    unknown: Vec<bool>,
    /// Members of the model's group; empty for a candidate.
    groups: [BTreeSet<usize>; MODELS],
    /// Choices at the capture, at validation start, and later.
    choices: [ChoicesByModel; 3],
    pre_eligible: [bool; MODELS],
    committers: [BTreeSet<usize>; MODELS],
    validated: [BTreeSet<usize>; MODELS],
    accepted: [Option<BTreeSet<usize>>; MODELS],
    upcoming: BTreeMap<Address, Weight>,
}

impl Story {
    fn is_active(&self, number: usize) -> bool {
        self.groups[number]
            .iter()
            .any(|member| self.members.get(*member).is_some_and(|(_, excluded)| !excluded))
    }

    fn is_live(&self, who: &Address) -> bool {
        self.members.iter().enumerate().any(|(n, (_, excluded))| host(n) == *who && !excluded)
    }

    fn was_captured(&self, who: &Address) -> bool {
        (0..self.members.len()).any(|n| host(n) == *who)
            && (self.tip >= CAPTURE || self.is_live(who))
    }

    /// Choices that stand at a height: what was chosen by then stays until someone chooses again.
    fn standing(&self, height: Height) -> &ChoicesByModel {
        &self.choices[usize::from(height > CAPTURE) + usize::from(height > VALIDATION_START)]
    }

    /// The forecast takes the choices as they stand: those that are still open do not change.
    fn settle(&mut self) {
        for (place, frozen) in [(1, CAPTURE), (2, VALIDATION_START)] {
            if self.tip <= frozen {
                self.choices[place] = self.choices[place - 1].clone();
            }
        }
    }

    fn models(&self) -> Vec<ModelParams> {
        (0..MODELS)
            .map(|n| ModelParams {
                model_id: model(n),
                coefficient: None,
                dynamic: false,
                penalty_start_epoch: self.start[n],
            })
            .collect()
    }

    fn ledger(&self) -> Ledger {
        let is_known = |who: &Address| (0..HOSTS + 2).any(|n| host(n) == *who && !self.unknown[n]);
        let known = |choices: &ChoicesByModel| -> ChoicesByModel {
            let keep = |hosts: &BTreeMap<Address, Choice>| {
                hosts.clone().into_iter().filter(|(who, _)| is_known(who)).collect()
            };
            choices.iter().map(|(model, hosts)| (model.clone(), keep(hosts))).collect()
        };
        let stands = |choice| Standing { choice, origin: None, since: 0 };
        let mut ledger = Ledger {
            tip: Some(Tick { height: self.tip, time: Timestamp::UNIX_EPOCH }),
            state: Some(self.state()),
            known_hosts: (0..HOSTS + 2).map(host).filter(is_known).collect(),
            choices: known(self.standing(self.tip))
                .into_iter()
                .map(|(model, hosts)| {
                    (model, hosts.into_iter().map(|(host, c)| (host, stands(c))).collect())
                })
                .collect(),
            ..Ledger::default()
        };
        let freeze =
            |height, choices| FrozenChoices { height, epoch: Some(EPOCH), choices: known(choices) };
        if self.tip >= CAPTURE {
            ledger.frozen.capture = Some(freeze(CAPTURE, &self.choices[0]));
            for n in (0..MODELS).filter(|n| !self.is_active(*n)) {
                ledger.captures.insert(model(n), self.capture(n));
            }
        }
        if self.tip >= VALIDATION_START {
            ledger.frozen.validation_start = Some(freeze(VALIDATION_START, &self.choices[1]));
        }
        if self.tip >= COMMIT_DEADLINE {
            ledger.stage = Some(POC_START);
            for (n, hosts) in self.committers.iter().enumerate() {
                let work = Work { committed: Some(1), first_commit: Some(1105), distributed: None };
                ledger.work.insert(model(n), hosts.iter().map(|h| (host(*h), work)).collect());
            }
        }
        ledger
    }

    fn capture(&self, number: usize) -> Capture {
        Capture {
            snapshot_height: CAPTURE,
            model_id: model(number),
            pre_eligible: self.pre_eligible[number],
            meets_weight_threshold: true,
            meets_v_min: true,
            meets_reachability: true,
            intent_host_count: 0,
            intent_weight: 0,
            reachable_voting_power: 0,
            total_network_weight: 0,
        }
    }

    fn state(&self) -> ChainState {
        let effective = Epoch { index: EPOCH - 1, poc_start: 1000 };
        let started = self.tip >= POC_START;
        let latest = if started { Epoch { index: EPOCH, poc_start: POC_START } } else { effective };
        let exclusion = || Exclusion { reason: "downtime".to_owned(), height: CAPTURE + 1 };
        ChainState {
            height: self.tip,
            params: Params {
                epoch: EpochParams {
                    epoch_length: 100,
                    epoch_shift: 0,
                    poc_stage_duration: 10,
                    poc_exchange_duration: 0,
                    poc_validation_delay: 5,
                    poc_validation_duration: 20,
                    set_new_validators_delay: 10,
                    inference_validation_cutoff: 2,
                },
                delegation: Some(DelegationParams { deploy_window: 20, ..self.params.clone() }),
                models: self.models(),
                ..Params::default()
            },
            effective,
            latest,
            members: self
                .members
                .iter()
                .enumerate()
                .map(|(n, (weight, excluded))| Member {
                    host: host(n),
                    weight: *weight,
                    excluded: excluded.then(exclusion),
                })
                .collect(),
            model_groups: (0..MODELS)
                .map(|n| ModelGroup {
                    model_id: model(n),
                    members: self.groups[n]
                        .iter()
                        .map(|h| GroupMember { host: host(*h), weight: 1, voting_power: 1 })
                        .collect(),
                })
                .collect(),
            governance_models: (0..MODELS).map(model).collect(),
        }
    }

    fn network_members(&self) -> Vec<(Address, Weight)> {
        let live = self.members.iter().enumerate().filter(|(_, (_, excluded))| !excluded);
        live.map(|(n, (weight, _))| (host(n), *weight)).collect()
    }

    /// What the chain would decide at validation end.
    fn formed(&self, network: &Network<'_>) -> Vec<HostCharge> {
        let named = |sets: &[BTreeSet<usize>; MODELS]| -> BTreeMap<ModelId, BTreeSet<Address>> {
            let hosts = |set: &BTreeSet<usize>| set.iter().map(|n| host(*n)).collect();
            sets.iter().enumerate().map(|(n, set)| (model(n), hosts(set))).collect()
        };
        let eligible = (0..MODELS).filter_map(|n| self.eligible(n, network).map(|set| (n, set)));
        let outcome = Outcome {
            upcoming_weights: self.upcoming.clone(),
            eligible_members: eligible.map(|(n, set)| (model(n), set)).collect(),
            committers: named(&self.committers),
            validated_committers: named(&self.validated)
                .into_iter()
                .map(|(model, hosts)| {
                    let committed = &named(&self.committers)[&model];
                    (model, hosts.intersection(committed).cloned().collect())
                })
                .collect(),
        };
        let committed = |who: &Address| outcome.committers.values().any(|h| h.contains(who));
        let filtered = |choices: &ChoicesByModel, keep: &dyn Fn(&Address) -> bool| {
            let mut choices = choices.clone();
            choices.values_mut().for_each(|hosts| hosts.retain(|host, _| keep(host)));
            choices
        };
        let bootstrap = filtered(&self.choices[0], &|who| self.was_captured(who));
        let regular = filtered(&self.choices[1], &|who| self.is_live(who) || committed(who));
        let report = (0..MODELS)
            .filter(|n| !self.is_active(*n))
            .map(|n| (model(n), self.pre_eligible[n]))
            .collect();
        let penalty_start = (0..MODELS).map(|n| (model(n), self.start[n])).collect();
        let formation = Formation {
            rule_set: self.rule_set,
            epoch: EPOCH,
            penalties: Penalties::new(&self.params).unwrap(),
            penalty_start: &penalty_start,
            network,
            bootstrap: &bootstrap,
            report: &report,
            regular: &regular,
            outcome: &outcome,
        };
        formation.resolve()
    }

    /// The accepted hosts of a model, if they make it eligible.
    fn eligible(&self, number: usize, network: &Network<'_>) -> Option<BTreeSet<Address>> {
        let served = |n: &&usize| {
            self.committers[number].contains(n)
                || (self.is_active(number) && self.groups[number].contains(n))
        };
        let accepted = self.accepted[number].as_ref()?.iter().filter(served);
        let accepted: BTreeSet<_> = accepted.map(|n| host(*n)).collect();
        let weights: Vec<_> = accepted.iter().filter_map(|host| network.weight(host)).collect();
        let threshold = self.params.w_threshold.floor_of(network.total()).unwrap();
        let enough = weights.iter().map(|w| i128::from(*w)).sum::<i128>() >= threshold
            && i64::try_from(weights.iter().filter(|w| **w > 0).count()).unwrap()
                >= self.params.v_min;
        enough.then_some(accepted)
    }
}

fn choices() -> impl Strategy<Value = ChoicesByModel> {
    prop::collection::vec(choice(HOSTS), (HOSTS + 2) * MODELS).prop_map(|flat| {
        let mut choices = ChoicesByModel::new();
        for (place, choice) in flat.into_iter().enumerate() {
            if let Some(choice) = choice {
                let of_model = choices.entry(model(place % MODELS)).or_default();
                of_model.insert(host(place / MODELS), choice);
            }
        }
        choices
    })
}

fn params() -> impl Strategy<Value = DelegationParams> {
    let share = || (0..=60_i64).prop_map(|percent| Decimal::new(percent, -2));
    (share(), share(), share(), 0..=40_i64, 0..3_i64).prop_map(
        |(refusal_penalty, no_participation_penalty, delegation_share, threshold, v_min)| {
            DelegationParams {
                refusal_penalty,
                no_participation_penalty,
                delegation_share,
                w_threshold: Decimal::new(threshold, -2),
                v_min,
                ..DelegationParams::default()
            }
        },
    )
}

fn story() -> impl Strategy<Value = Story> {
    let hosts = || prop::collection::btree_set(0..HOSTS + 2, 0..6);
    let sets = move || [hosts(), hosts(), hosts()];
    let maybe = move || prop::option::of(hosts());
    let groups = || {
        let group = || prop::collection::btree_set(0..HOSTS, 0..3);
        [group(), group(), group()]
    };
    (
        (prop::sample::select(RuleSet::ALL.to_vec()), prop::sample::select(TIPS.to_vec())),
        (params(), [9..13_u64, 9..13, 0..2], prop::array::uniform3(any::<bool>())),
        prop::collection::vec((weight(), prop::bool::weighted(0.1)), HOSTS),
        prop::collection::vec(prop::bool::weighted(0.15), HOSTS + 2),
        (groups(), [choices(), choices(), choices()]),
        (sets(), sets(), [maybe(), maybe(), maybe()]),
        prop::collection::btree_map((0..HOSTS + 2).prop_map(host), weight(), 0..8),
    )
        .prop_map(|(when, params, members, unknown, chosen, poc, upcoming)| {
            let mut story = Story {
                rule_set: when.0,
                tip: when.1,
                params: params.0,
                start: params.1,
                pre_eligible: params.2,
                members,
                unknown,
                groups: chosen.0,
                choices: chosen.1,
                committers: poc.0,
                validated: poc.1,
                accepted: poc.2,
                upcoming,
            };
            story.settle();
            story
        })
}

fn forecasts(story: &Story, complete_from: Height) -> BTreeMap<Address, HostForecast> {
    let members = story.network_members();
    let network = Network::new(members.iter().map(|(host, weight)| (host, *weight))).unwrap();
    let ledger = story.ledger();
    let models: Vec<_> = (0..MODELS).map(model).collect();
    let active = (0..MODELS).filter(|n| story.is_active(*n)).map(|n| &models[n]).collect();
    let prospect =
        Prospect::new(&ledger, &network, &active, story.rule_set, complete_from).unwrap();
    assert_eq!(prospect.epoch(), EPOCH);
    (0..HOSTS + 2).map(host).map(|host| (host.clone(), prospect.host(&host))).collect()
}

proptest! {
    #![proptest_config(cases(512))]

    /// Whatever is still open, the range holds the charge, and a branch says how it comes about.
    #[test]
    fn the_branches_bracket_the_outcome(story in story(), seen_from in 1000..1130_i64) {
        let members = story.network_members();
        let network = Network::new(members.iter().map(|(host, w)| (host, *w))).unwrap();
        let forecasts = forecasts(&story, seen_from);
        for row in story.formed(&network) {
            let forecast = &forecasts[&row.host];
            let has_weight = story.upcoming.get(&row.host).is_some_and(|weight| *weight > 0);
            if has_weight {
                prop_assert!(
                    forecast.charge.contains(row.fraction),
                    "{row:#?} outside {forecast:#?}"
                );
            }
            for charge in &row.models {
                let model = forecast.models.iter().find(|m| m.model_id == charge.model_id);
                let transfer = row.transfers.iter().find(|t| t.model_id == charge.model_id);
                let found = model.unwrap().branches.iter().any(|branch| {
                    branch.mode == Some(charge.mode)
                        && (!has_weight || branch.fraction == charge.fraction)
                        && branch.transfer.is_some() == transfer.is_some()
                        && transfer.is_none_or(|transfer| {
                            let to = branch.transfer.as_ref().and_then(|t| t.to.as_ref());
                            to.is_none_or(|to| *to == transfer.to)
                        })
                });
                prop_assert!(found, "{charge:?} is no branch of {model:#?}");
            }
        }
    }

    /// Time only closes outcomes: with the same choices, a later range lies in the earlier one.
    #[test]
    fn ranges_narrow(mut story in story()) {
        story.choices = [story.choices[0].clone(), story.choices[0].clone(), story.choices[0].clone()];
        story.members.iter_mut().for_each(|(_, excluded)| *excluded = false);
        let at = |tip| forecasts(&Story { tip, ..story.clone() }, 0);
        for (earlier, later) in TIPS.iter().zip(&TIPS[1..]) {
            for (host, later) in at(*later) {
                let earlier = &at(*earlier)[&host].charge;
                prop_assert!(earlier.min <= later.charge.min && later.charge.max <= earlier.max);
            }
        }
    }

    /// Every branch explains itself, and every lever lies ahead.
    #[test]
    fn forecasts_are_well_formed(story in story()) {
        for forecast in forecasts(&story, 0).values() {
            prop_assert!(forecast.charge.min <= forecast.charge.max);
            prop_assert!(forecast.charge.min.is_share() && forecast.charge.max.is_share());
            for model in &forecast.models {
                prop_assert!(!model.branches.is_empty());
                prop_assert!(model.branches.iter().all(|b| b.reason.ends_with('.')));
                prop_assert!(model.levers.iter().all(|lever| lever.last_height > story.tip));
            }
            let json = serde_json::to_string(forecast).unwrap();
            prop_assert_eq!(&serde_json::from_str::<HostForecast>(&json).unwrap(), forecast);
        }
    }
}
