//! Random chains, through the real ledger.

use bootwatch_rules::{
    Address, BlockFacts, Capture, ChainEvent, ChainState, ChargeSnapshot, Choice, ChoiceAction,
    ChoiceTx, Decimal, DelegationParams, Epoch, EpochIndex, EpochParams, Exclusion, GroupMember,
    Height, HostChoices, Malformed, Member, MessagePath, ModelGroup, ModelId, ModelParams,
    Observation, Params, Penalty, Position, StoreCommit, Transfer, WeightDistribution,
    reward::RewardReading,
};
use proptest::{collection::vec, option, prelude::*, sample::select, strategy::BoxedStrategy};

use crate::{common::block, sample};

/// The first height of every random chain.
pub(crate) const FIRST: Height = 1_000;
/// Short epochs, so that a chain of a hundred blocks passes every stage.
pub(crate) const EPOCH_LENGTH: Height = 30;

/// A block and what was asked of the chain at its height.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) facts: BlockFacts,
    pub(crate) observation: Option<Observation>,
}

type Attributes = Vec<(String, String)>;

/// What happens in a block, before it has a height.
#[derive(Debug, Clone)]
struct Plot {
    /// The blocks before it were lost.
    gap: Height,
    choices: Vec<(Address, ModelId, ChoiceAction, u32, Vec<u32>)>,
    work: Vec<(Address, ModelId, Height, Option<u32>, u64)>,
    captures: Vec<(ModelId, bool, i64)>,
    events: Vec<(Option<u32>, &'static str, Attributes)>,
    malformed: bool,
    asked: Option<Asked>,
}

#[derive(Debug, Clone)]
struct Asked {
    state: Option<(i64, i64, Option<i64>, bool)>,
    choices: Vec<(Address, Vec<(ModelId, Choice)>)>,
    charges: Option<(Address, Address, i64)>,
    rewards: Vec<(Address, u64)>,
    plans: bool,
    app_version: Option<String>,
}

fn host() -> impl Strategy<Value = Address> {
    select(vec!["gonka1a", "gonka1b", "gonka1c", "gonka1d"]).prop_map(Address::from)
}

fn model() -> impl Strategy<Value = ModelId> {
    select(vec!["Kimi/K2", "deepseek-ai/V4'; DROP TABLE block;--", "ü\u{0}\u{202e}"])
        .prop_map(ModelId::from)
}

fn action() -> impl Strategy<Value = ChoiceAction> {
    prop_oneof![
        host().prop_map(|delegate_to| ChoiceAction::Delegate { delegate_to }),
        Just(ChoiceAction::Clear),
        Just(ChoiceAction::Refuse),
        Just(ChoiceAction::Intent),
    ]
}

fn stored_choices() -> impl Strategy<Value = Vec<(ModelId, Choice)>> {
    let one = (model(), action()).prop_filter_map("a choice", |(model, action)| {
        action.outcome().map(|choice| (model, choice))
    });
    vec(one, 0..3).prop_map(|choices| {
        let by_model: std::collections::BTreeMap<_, _> = choices.into_iter().collect();
        by_model.into_iter().collect()
    })
}

fn asked() -> impl Strategy<Value = Asked> {
    (
        option::of((0..3i64, 0..1000i64, option::of(0..9i64), any::<bool>())),
        vec((host(), stored_choices()), 0..3),
        option::weighted(0.3, (host(), host(), prop_oneof![0..5i64, any::<i64>()])),
        vec((host(), any::<u64>()), 0..3),
        prop::bool::weighted(0.3),
        option::weighted(0.2, select(vec!["0.2.14", "0.2.16"]).prop_map(str::to_owned)),
    )
        .prop_map(|(state, choices, charges, rewards, plans, app_version)| Asked {
            state,
            choices,
            charges,
            rewards,
            plans,
            app_version,
        })
}

fn plot() -> impl Strategy<Value = Plot> {
    let code = prop_oneof![4 => Just(0u32), 1 => Just(5u32)];
    let stage = (0..6i64).prop_map(|n| FIRST + n * EPOCH_LENGTH);
    let kind = select(vec!["epoch_error", "slash_collateral", "active_proposal"]);
    let pair = (select(vec!["stage", "k", "k"]), "\\PC{0,4}").prop_map(|(k, v)| (k.to_owned(), v));
    (
        prop_oneof![20 => Just(0), 1 => 1..20i64],
        vec((host(), model(), action(), code, vec(0..12u32, 1..4)), 0..4),
        vec((host(), model(), stage, option::of(any::<u32>()), any::<u64>()), 0..4),
        vec((model(), any::<bool>(), any::<i64>()), 0..2),
        vec((option::of(0..9u32), kind, vec(pair, 0..3)), 0..2),
        prop::bool::weighted(0.1),
        option::weighted(0.4, asked()),
    )
        .prop_map(|(gap, choices, work, captures, events, malformed, asked)| Plot {
            gap,
            choices,
            work,
            captures,
            events,
            malformed,
            asked,
        })
}

/// Chains of up to `length` blocks with a few gaps.
pub(crate) fn chain(length: usize) -> BoxedStrategy<Vec<Step>> {
    vec(plot(), 1..length)
        .prop_map(|plots| {
            let mut height = FIRST - 1;
            plots
                .into_iter()
                .map(|plot| {
                    height += 1 + plot.gap;
                    step(height, plot)
                })
                .collect()
        })
        .boxed()
}

fn step(height: Height, plot: Plot) -> Step {
    let at = |tx: usize, path: &[u32]| Position {
        height,
        tx_index: u32::try_from(tx).unwrap(),
        path: MessagePath(path.to_vec()),
    };
    let mut facts = block(height);
    for (tx, (host, model_id, action, code, path)) in plot.choices.into_iter().enumerate() {
        let tx_hash = format!("{height:060X}{tx:04X}");
        let position = at(tx, &path);
        facts.choices.push(ChoiceTx { position, tx_hash, host, model_id, action, code });
    }
    for (tx, (host, model_id, stage, count, weight)) in plot.work.into_iter().enumerate() {
        let position = at(tx, &[0]);
        match count {
            Some(count) => {
                facts.commits.push(StoreCommit { position, host, stage, model_id, count });
            }
            None => facts.distributions.push(WeightDistribution {
                position,
                host,
                stage,
                model_id,
                weight,
            }),
        }
    }
    for (model_id, passed, number) in plot.captures {
        facts.captures.push(Capture {
            snapshot_height: height,
            model_id,
            pre_eligible: passed,
            meets_weight_threshold: !passed,
            meets_v_min: passed,
            meets_reachability: !passed,
            intent_host_count: number,
            intent_weight: number.wrapping_add(1),
            reachable_voting_power: number.wrapping_add(2),
            total_network_weight: number.wrapping_add(3),
        });
    }
    for (seq, (tx_index, kind, attributes)) in plot.events.into_iter().enumerate() {
        let seq = u32::try_from(seq * 3).unwrap();
        facts.events.push(ChainEvent { seq, tx_index, kind: kind.into(), attributes });
    }
    if plot.malformed {
        facts.malformed.push(Malformed {
            what: "tx".into(),
            place: "tx 0".into(),
            reason: "no protobuf".into(),
            raw: "AAAA".into(),
        });
    }
    Step { facts, observation: plot.asked.map(|asked| observation(height, asked)) }
}

fn observation(height: Height, asked: Asked) -> Observation {
    Observation {
        state: asked.state.map(|(members, weight, excluded, upcoming)| {
            state(height, members, weight, excluded, upcoming)
        }),
        choices: asked
            .choices
            .into_iter()
            .map(|(host, choices)| HostChoices { host, choices })
            .collect(),
        charges: asked.charges.map(|(from, to, value)| ChargeSnapshot {
            // Of the epoch in force, or of the one to come.
            epoch_index: effective(height) + value.unsigned_abs() % 2,
            transfers: vec![Transfer {
                model_id: "Kimi/K2".into(),
                from: from.clone(),
                to,
                share: Decimal { value, exponent: -2 },
            }],
            penalties: vec![Penalty { host: from, fraction: Decimal { value, exponent: 3 } }],
        }),
        rewards: (asked.rewards.len() > 1)
            .then(|| RewardReading { epoch: effective(height), estimates: asked.rewards }),
        plans: asked.plans.then(|| sample::plans(height)),
        app_version: asked.app_version,
    }
}

/// The epoch that a state of that height is of.
fn effective(height: Height) -> EpochIndex {
    (height - FIRST).unsigned_abs() / EPOCH_LENGTH.unsigned_abs() + 7
}

pub(crate) fn state(
    height: Height,
    members: i64,
    weight: i64,
    excluded: Option<i64>,
    upcoming: bool,
) -> ChainState {
    let index = effective(height);
    let poc_start = FIRST + (height - FIRST) / EPOCH_LENGTH * EPOCH_LENGTH;
    let effective = Epoch { index, poc_start };
    let latest = if upcoming {
        Epoch { index: index + 1, poc_start: poc_start + EPOCH_LENGTH }
    } else {
        effective
    };
    // The same host twice, and a group of a model without any member, are possible answers.
    let host =
        |n: i64| Address::from(["gonka1a", "gonka1b", "gonka1a"][usize::try_from(n).unwrap()]);
    let model_groups = (0..members)
        .map(|n| ModelGroup {
            model_id: ["Kimi/K2", "Kimi/K2", "m"][usize::try_from(n).unwrap()].into(),
            members: (0..n)
                .map(|n| GroupMember { host: host(n), weight: weight + n, voting_power: -weight })
                .collect(),
        })
        .collect();
    ChainState {
        height,
        params: Params {
            epoch: EpochParams {
                epoch_length: EPOCH_LENGTH,
                poc_stage_duration: 4,
                poc_exchange_duration: 2,
                poc_validation_delay: 1,
                poc_validation_duration: 6,
                set_new_validators_delay: 3,
                ..EpochParams::default()
            },
            delegation: Some(DelegationParams {
                deploy_window: 5 + weight % 2,
                initial_model_id: "Kimi/K2".into(),
                ..DelegationParams::default()
            }),
            models: vec![ModelParams {
                model_id: "Kimi/K2".into(),
                coefficient: Some(Decimal { value: 3024, exponent: -4 }),
                dynamic: false,
                penalty_start_epoch: u64::MAX,
            }],
            ..Params::default()
        },
        effective,
        latest,
        members: (0..members)
            .map(|n| Member {
                host: host(n),
                weight: weight + n,
                excluded: excluded
                    .filter(|e| *e == n)
                    .map(|_| Exclusion { reason: "downtime".into(), height }),
            })
            .collect(),
        model_groups,
        governance_models: vec!["Kimi/K2".into(), "m".into()],
    }
}
