//! A plan closes its gap, and an effect is what a new count would say.

use bootwatch_rules::{
    Choice, DelegationParams, ModelId, ModelParams,
    closing::{Closing, Effects, Plan, Support},
    preeligibility::{Preeligibility, project},
};
use proptest::prelude::*;

use crate::{
    cases,
    networks::{Town, host, thresholds, town},
};

fn model() -> ModelParams {
    ModelParams {
        model_id: ModelId::from("m"),
        coefficient: None,
        dynamic: false,
        penalty_start_epoch: 0,
    }
}

fn projected(params: &DelegationParams, town: &Town) -> Preeligibility {
    project(params, &model(), &town.network(), town.choices())
}

fn followed(town: &Town, plan: &Plan) -> Town {
    plan.steps.iter().fold(town.clone(), |t, step| t.with(&step.host, Some(step.choose.clone())))
}

/// Fewest hosts whose intents satisfy `enough`, by trying all sets.
fn fewest_intents(town: &Town, enough: impl Fn(&Town) -> bool) -> Option<usize> {
    let hosts: Vec<_> = town.members.iter().map(|(host, _)| host).collect();
    let sets = (0..1_usize << hosts.len()).filter(|set| {
        let chosen = hosts.iter().enumerate().filter(|(n, _)| set >> n & 1 == 1);
        enough(&chosen.fold(town.clone(), |t, (_, host)| t.with(host, Some(Choice::Intent))))
    });
    sets.map(|set| set.count_ones() as usize).min()
}

proptest! {
    #![proptest_config(cases(1024))]

    #[test]
    fn support_counts_as_the_projection_does(town in town(), params in thresholds()) {
        let network = town.network();
        let support = Support::new(&network, town.choices());
        prop_assert_eq!(support.tally(), projected(&params, &town).tally);
    }

    /// Following a plan closes the gap; having no gap needs no step; each step adds what it says.
    #[test]
    fn plans_close_their_gaps(town in town(), params in thresholds()) {
        let network = town.network();
        let before = projected(&params, &town);
        let closing = Closing::new(&params, &Support::new(&network, town.choices()));
        if let Some(plan) = &closing.hosts {
            prop_assert_eq!(projected(&params, &followed(&town, plan)).hosts_needed(), 0);
            prop_assert_eq!(plan.count == 0, before.meets_v_min);
        }
        if let Some(plan) = &closing.weight {
            prop_assert_eq!(projected(&params, &followed(&town, plan)).weight_needed(), Some(0));
            prop_assert_eq!(plan.count == 0, before.meets_weight_threshold);
        }
        if let Some(plan) = &closing.reach {
            let after = projected(&params, &followed(&town, plan));
            prop_assert_eq!(after.reach_needed(), Some(0));
            prop_assert_eq!(plan.count == 0, before.meets_reachability);
            let added: i64 = plan.steps.iter().map(|step| step.adds_reach).sum();
            let reach = before.tally.reachable_voting_power;
            prop_assert_eq!(after.tally.reachable_voting_power, reach + added);
        }
        if let Some(plan) = &closing.all {
            prop_assert!(projected(&params, &followed(&town, plan)).pre_eligible());
            prop_assert_eq!(plan.count == 0, before.pre_eligible());
        }
        let everyone = town.members.iter().fold(town.clone(), |t, (host, _)| {
            t.with(host, Some(Choice::Intent))
        });
        let best = projected(&params, &everyone);
        prop_assert_eq!(closing.hosts.is_some(), best.meets_v_min);
        prop_assert_eq!(closing.weight.is_some(), best.meets_weight_threshold);
        prop_assert_eq!(closing.reach.is_some(), best.meets_reachability);
        prop_assert_eq!(closing.all.is_some(), best.pre_eligible());
    }

    /// An effect is what a new projection with that choice says.
    #[test]
    fn effects_are_projections(town in town(), params in thresholds(), who in 0..12_usize) {
        let network = town.network();
        let support = Support::new(&network, town.choices());
        let who = host(who);
        let before = projected(&params, &town).tally;
        let Some(effects) = Effects::new(&params, &model(), &support, &who) else {
            prop_assert!(!network.contains(&who));
            return Ok(());
        };
        let other = town.choices().find(|(host, choice)| {
            **host != who && **choice == Choice::Intent && network.contains(host)
        });
        let delegate = other.map(|(host, _)| Choice::Delegate { delegate_to: host.clone() });
        prop_assert!(effects.delegate.is_none() || delegate.is_some());
        let tried = [(effects.intent, Some(Choice::Intent)), (effects.delegate, delegate)];
        for (effect, choice) in tried {
            let Some(effect) = effect else { continue };
            let after = projected(&params, &town.with(&who, choice));
            prop_assert_eq!(effect.hosts_missing, after.hosts_needed());
            prop_assert_eq!(effect.weight_missing, after.weight_needed());
            prop_assert_eq!(effect.reach_missing, after.reach_needed());
            prop_assert_eq!(effect.pre_eligible, after.pre_eligible());
            let reach = after.tally.reachable_voting_power - before.reachable_voting_power;
            prop_assert_eq!(effect.adds_reach, reach);
        }
    }
}

proptest! {
    #![proptest_config(cases(96))]

    /// No smaller set of hosts would do for hosts and weight; for reach the greedy plan is at most
    /// one longer than the best.
    #[test]
    fn plans_are_the_fewest(mut town in town(), params in thresholds()) {
        town.members.truncate(7);
        let network = town.network();
        let closing = Closing::new(&params, &Support::new(&network, town.choices()));
        let count = |plan: &Option<Plan>| plan.as_ref().map(|plan| plan.count);
        let fewest =
            |met: fn(&Preeligibility) -> bool| fewest_intents(&town, |t| met(&projected(&params, t)));
        prop_assert_eq!(count(&closing.hosts), fewest(|p| p.meets_v_min));
        prop_assert_eq!(count(&closing.weight), fewest(|p| p.meets_weight_threshold));
        let (reach, best) = (count(&closing.reach), fewest(|p| p.meets_reachability));
        prop_assert_eq!(reach.is_some(), best.is_some());
        prop_assert!(reach <= best.map(|best| best + 1), "{:?} against {:?}", reach, best);
    }
}
