use bootwatch_rules::{
    Capture, Choice, DelegationParams, ModelId, ModelParams,
    preeligibility::{Preeligibility, contradictions, gaps_of_capture, project},
    situation::Degree,
};
use proptest::prelude::*;

use crate::{
    cases,
    networks::{Town, choice, decimal, host, thresholds, town},
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

/// The chain's definition, word for word and slowly.
fn slowly(town: &Town) -> (i64, i64, i64, i64) {
    let weight =
        |host| town.members.iter().find(|(member, _)| member == host).map(|(_, weight)| *weight);
    let intends = |host| {
        weight(host).is_some() && town.choices().any(|(h, c)| h == host && *c == Choice::Intent)
    };
    let intents: Vec<_> =
        town.members.iter().filter(|(host, _)| intends(host)).map(|(_, weight)| *weight).collect();
    let delegated: i64 = town
        .choices()
        .filter_map(|(host, choice)| match choice {
            Choice::Delegate { delegate_to } if intends(delegate_to) => weight(host),
            _ => None,
        })
        .sum();
    let intent: i64 = intents.iter().sum();
    let count = i64::try_from(intents.iter().filter(|weight| **weight > 0).count()).unwrap();
    (count, intent, intent + delegated, town.members.iter().map(|(_, weight)| weight).sum())
}

/// How bad a gap is: no amount suffices, so much is missing.
fn gap_sizes(p: &Preeligibility) -> [i128; 3] {
    let size = |missing: Option<i64>| missing.map_or(i128::MAX, i128::from);
    [i128::from(p.hosts_needed()), size(p.weight_needed()), size(p.reach_needed())]
}

proptest! {
    #![proptest_config(cases(1024))]

    #[test]
    fn the_tally_is_the_definition(town in town(), params in thresholds()) {
        let tally = projected(&params, &town).tally;
        let numbers = (
            tally.intent_host_count,
            tally.intent_weight,
            tally.reachable_voting_power,
            tally.total_network_weight,
        );
        prop_assert_eq!(numbers, slowly(&town));
        prop_assert!(tally.intent_weight <= tally.reachable_voting_power);
        prop_assert!(tally.reachable_voting_power <= tally.total_network_weight);
    }

    #[test]
    fn a_gap_is_zero_exactly_when_its_flag_is_true(town in town(), params in thresholds()) {
        let p = projected(&params, &town);
        prop_assert_eq!(p.meets_v_min, p.hosts_needed() == 0);
        prop_assert_eq!(p.meets_weight_threshold, p.weight_needed() == Some(0));
        prop_assert_eq!(p.meets_reachability, p.reach_needed() == Some(0));
        let all = p.meets_v_min && p.meets_weight_threshold && p.meets_reachability;
        prop_assert_eq!(p.pre_eligible(), all);
    }

    /// What is missing is exactly what is missing: with it the check holds, with one less it does
    /// not.
    #[test]
    fn a_gap_is_exact(town in town(), params in thresholds()) {
        let p = projected(&params, &town);
        if let Some(missing @ 1..) = p.reach_needed() {
            let total = i128::from(p.tally.total_network_weight);
            let reached = i128::from(p.tally.reachable_voting_power) + i128::from(missing);
            prop_assert!(3 * reached > 2 * total && 3 * (reached - 1) <= 2 * total);
        }
        if let Some(missing @ 1..) = p.weight_needed() {
            let need = params.w_threshold.floor_of(p.tally.total_network_weight).unwrap();
            prop_assert_eq!(i128::from(p.tally.intent_weight) + i128::from(missing), need);
        }
    }

    #[test]
    fn order_does_not_matter(town in town(), params in thresholds(), turn in 0..12_usize) {
        let mut turned = town.clone();
        turned.members.reverse();
        let places = turn.min(turned.choices.len());
        turned.choices.rotate_left(places);
        prop_assert_eq!(projected(&params, &town), projected(&params, &turned));
    }

    #[test]
    fn more_support_never_widens_a_gap(town in town(), params in thresholds(), who in 0..14_usize) {
        let before = projected(&params, &town);
        let who = host(who);
        // An undecided host's choice can only help; replacing a delegation or an intent may hurt.
        let undecided = !town.choices().any(|(host, c)| *host == who && *c != Choice::Refuse);
        if undecided {
            let to_someone = town.choices().find(|(_, c)| **c == Choice::Intent);
            let delegated =
                to_someone.map(|(host, _)| Choice::Delegate { delegate_to: host.clone() });
            for choice in [Some(Choice::Intent), delegated] {
                let after = projected(&params, &town.with(&who, choice));
                for (before, after) in gap_sizes(&before).into_iter().zip(gap_sizes(&after)) {
                    prop_assert!(after <= before);
                }
                prop_assert!(after.pre_eligible() || !before.pre_eligible());
            }
        }
    }

    /// The event that the projection stands for holds the same gaps and contradicts nothing.
    #[test]
    fn projection_and_event_agree(town in town(), params in thresholds(), height: i64) {
        let p = projected(&params, &town);
        let capture = p.capture(height);
        prop_assert_eq!(contradictions(&capture, &params, Some(&model())), []);
        prop_assert_eq!(gaps_of_capture(&capture, &params, Degree::Final), p.gaps(Degree::Final));
    }

    /// An event is hostile: whatever its numbers are, they are judged and never panic.
    #[test]
    fn any_event_is_judged(
        numbers: [i64; 5],
        flags: [bool; 4],
        w_threshold in decimal(),
        v_min: i64,
    ) {
        let capture = Capture {
            snapshot_height: numbers[0],
            model_id: ModelId::from("m"),
            pre_eligible: flags[0],
            meets_weight_threshold: flags[1],
            meets_v_min: flags[2],
            meets_reachability: flags[3],
            intent_host_count: numbers[1],
            intent_weight: numbers[2],
            reachable_voting_power: numbers[3],
            total_network_weight: numbers[4],
        };
        let params = DelegationParams { w_threshold, v_min, ..DelegationParams::default() };
        let gaps = gaps_of_capture(&capture, &params, Degree::Snapshot);
        for gap in [gaps.hosts, gaps.weight, gaps.reach] {
            prop_assert!(gap.missing.is_none_or(|missing| missing >= 0));
            prop_assert!(gap.need.is_none_or(|need| need >= 0));
        }
        for contradiction in contradictions(&capture, &params, None) {
            prop_assert!(!contradiction.to_string().is_empty());
        }
    }

    /// One host's change is the same whether it is applied to the list or counted anew.
    #[test]
    fn a_replaced_choice_is_counted_once(
        town in town(),
        params in thresholds(),
        who in 0..12_usize,
        choice in choice(12),
    ) {
        let changed = town.with(&host(who), choice);
        let tally = projected(&params, &changed).tally;
        prop_assert_eq!(slowly(&changed).2, tally.reachable_voting_power);
    }
}
