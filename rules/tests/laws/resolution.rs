use std::collections::{BTreeMap, BTreeSet};

use bootwatch_rules::{
    Address, Choice, Decimal, DelegationParams, EpochIndex, Fraction, HostCharge, Mode, ModelId,
    Network, Penalties, RuleSet, Weight,
    resolution::{ChoicesByModel, Formation, Outcome},
};
use proptest::prelude::*;

use crate::{
    cases,
    networks::{choice, host, weight},
};

const HOSTS: usize = 5;
const MODELS: usize = 3;

fn model(number: usize) -> ModelId {
    ModelId::from(format!("model/{number}"))
}

/// Everything that a formation reads, owned.
#[derive(Debug, Clone)]
struct World {
    rule_set: RuleSet,
    epoch: EpochIndex,
    params: DelegationParams,
    start: BTreeMap<ModelId, EpochIndex>,
    members: Vec<(Address, Weight)>,
    bootstrap: ChoicesByModel,
    regular: ChoicesByModel,
    report: BTreeMap<ModelId, bool>,
    outcome: Outcome,
}

impl World {
    fn resolve(&self) -> Vec<HostCharge> {
        let network = Network::new(self.members.iter().map(|(host, w)| (host, *w))).unwrap();
        let formation = Formation {
            rule_set: self.rule_set,
            epoch: self.epoch,
            penalties: Penalties::new(&self.params).unwrap(),
            penalty_start: &self.start,
            network: &network,
            bootstrap: &self.bootstrap,
            report: &self.report,
            regular: &self.regular,
            outcome: &self.outcome,
        };
        formation.resolve()
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

fn sets() -> impl Strategy<Value = BTreeMap<ModelId, BTreeSet<Address>>> {
    let hosts = prop::collection::btree_set((0..HOSTS + 2).prop_map(host), 0..5);
    prop::collection::btree_map((0..MODELS).prop_map(model), hosts, 0..=MODELS)
}

fn share() -> impl Strategy<Value = Decimal> {
    prop_oneof![
        Just(Decimal::default()),
        (0..=100_i64).prop_map(|percent| Decimal::new(percent, -2)),
        (0..=i64::MAX).prop_map(|value| Decimal::new(value, -37)),
        Just(Decimal::new(1, 0)),
    ]
}

fn world() -> impl Strategy<Value = World> {
    let params = (share(), share(), share()).prop_map(|(refusal, no_participation, share)| {
        DelegationParams {
            refusal_penalty: refusal,
            no_participation_penalty: no_participation,
            delegation_share: share,
            ..DelegationParams::default()
        }
    });
    let models = || (0..MODELS).prop_map(model);
    let upcoming = prop::collection::btree_map((0..HOSTS + 2).prop_map(host), weight(), 0..10);
    (
        (prop::sample::select(RuleSet::ALL.to_vec()), 0..6_u64, params),
        prop::collection::btree_map(models(), 0..6_u64, 0..=MODELS),
        prop::collection::vec(weight(), HOSTS),
        (choices(), choices()),
        prop::collection::btree_map(models(), any::<bool>(), 0..=MODELS),
        (upcoming, sets(), sets(), sets()),
    )
        .prop_map(|((rule_set, epoch, params), start, weights, snapshots, report, outcome)| {
            let (upcoming_weights, eligible_members, committers, validated_committers) = outcome;
            World {
                rule_set,
                epoch,
                params,
                start,
                members: weights.into_iter().enumerate().map(|(n, w)| (host(n), w)).collect(),
                bootstrap: snapshots.0,
                regular: snapshots.1,
                report,
                outcome: Outcome {
                    upcoming_weights,
                    eligible_members,
                    committers,
                    validated_committers,
                },
            }
        })
}

fn mode(rows: &[HostCharge], host: &Address, model: &ModelId) -> Option<Mode> {
    let row = rows.iter().find(|row| row.host == *host)?;
    row.models.iter().find(|charge| charge.model_id == *model).map(|charge| charge.mode)
}

proptest! {
    #![proptest_config(cases(768))]

    /// No epoch takes more than everything, and a total is the capped sum of its parts.
    #[test]
    fn totals_are_capped_sums(world in world()) {
        let rows = world.resolve();
        prop_assert!(rows.is_sorted_by(|a, b| a.host < b.host));
        for row in rows {
            prop_assert!(row.fraction.is_share());
            let parts = row.models.iter().map(|charge| charge.fraction);
            prop_assert!(row.models.is_sorted_by(|a, b| a.model_id < b.model_id));
            prop_assert_eq!(Fraction::capped_sum(parts), Some(row.fraction));
        }
    }

    /// Only modes that leave the model unserved cost, and only delegations hand anything on.
    #[test]
    fn serving_and_delegating_cost_nothing(world in world()) {
        for row in world.resolve() {
            let has_weight = world.outcome.upcoming_weights.get(&row.host).is_some_and(|w| *w > 0);
            for charge in &row.models {
                let start = world.start.get(&charge.model_id).copied().unwrap_or(0);
                let free = matches!(
                    charge.mode,
                    Mode::Direct
                        | Mode::Delegate
                        | Mode::BootstrapDirect
                        | Mode::BootstrapDelegate
                        | Mode::BootstrapIntentOk
                );
                if free || world.epoch < start || !has_weight {
                    prop_assert!(charge.fraction.is_zero());
                }
            }
            for transfer in &row.transfers {
                let modes = row.models.iter().filter(|c| c.model_id == transfer.model_id);
                prop_assert!(modes.map(|c| c.mode).eq([Mode::Delegate]));
                let members = &world.outcome.eligible_members[&transfer.model_id];
                prop_assert!(members.contains(&transfer.to));
                prop_assert!(!members.contains(&row.host));
            }
        }
    }

    /// A model has a say for a host by the regular rules or the bootstrap ones, never both.
    #[test]
    fn eligible_models_follow_the_regular_rules(world in world()) {
        for row in world.resolve() {
            for charge in &row.models {
                let eligible = world.outcome.eligible_members.contains_key(&charge.model_id);
                prop_assert_eq!(eligible, !charge.mode.as_str().starts_with("bootstrap"));
            }
        }
    }

    /// The rule sets differ only in candidates that stayed ineligible.
    #[test]
    fn rule_sets_agree_on_eligible_models(world in world(), other in 0..3_usize) {
        let other = World { rule_set: RuleSet::ALL[other], ..world.clone() };
        let (rows, others) = (world.resolve(), other.resolve());
        prop_assert_eq!(rows.len(), others.len());
        for (row, other) in rows.iter().zip(&others) {
            prop_assert_eq!(&row.transfers, &other.transfers);
            for model in world.outcome.eligible_members.keys() {
                prop_assert_eq!(mode(&rows, &row.host, model), mode(&others, &other.host, model));
            }
        }
    }

    /// The newest rules never charge a host more than the older ones, if commits are validated.
    #[test]
    fn the_newest_rules_are_milder(mut world in world()) {
        world.outcome.validated_committers = world.outcome.committers.clone();
        let older = World { rule_set: RuleSet::V0_2_14, ..world.clone() }.resolve();
        let newer = World { rule_set: RuleSet::V0_2_16, ..world }.resolve();
        for (older, newer) in older.iter().zip(&newer) {
            prop_assert!(newer.fraction <= older.fraction);
        }
    }

    /// Being accepted for a model never costs: it turns any mode into direct.
    #[test]
    fn acceptance_is_the_best_outcome(world in world(), who in 0..HOSTS, which in 0..MODELS) {
        let (who, which) = (host(who), model(which));
        let mut accepted = world.clone();
        if let Some(members) = accepted.outcome.eligible_members.get_mut(&which) {
            members.insert(who.clone());
            let (before, after) = (world.resolve(), accepted.resolve());
            if let Some(mode) = mode(&after, &who, &which) {
                prop_assert_eq!(mode, Mode::Direct);
            }
            for (before, after) in before.iter().zip(&after).filter(|(row, _)| row.host == who) {
                prop_assert!(after.fraction <= before.fraction);
            }
        }
    }

    /// A refusal in the bootstrap snapshot, where the chain reads none, equals no choice.
    #[test]
    fn a_refusal_never_protects_on_a_candidate(world in world()) {
        let mut without = world.clone();
        for choices in without.bootstrap.values_mut() {
            choices.retain(|_, choice| *choice != Choice::Refuse);
        }
        prop_assert_eq!(world.resolve(), without.resolve());
    }
}
