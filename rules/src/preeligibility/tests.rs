use super::*;
use crate::Decimal;

fn host(name: &str) -> Address {
    Address::from(name)
}

fn to(name: &str) -> Choice {
    Choice::Delegate { delegate_to: host(name) }
}

fn params(w_threshold: Decimal, v_min: i64) -> DelegationParams {
    DelegationParams { w_threshold, v_min, ..DelegationParams::default() }
}

fn model() -> ModelParams {
    ModelParams {
        model_id: ModelId::from("m"),
        coefficient: None,
        dynamic: false,
        penalty_start_epoch: 0,
    }
}

fn projected(
    weights: &[(&str, Weight)],
    choices: &[(&str, Choice)],
    params: &DelegationParams,
) -> Preeligibility {
    let hosts: Vec<_> = weights.iter().map(|(name, weight)| (host(name), *weight)).collect();
    let network = Network::new(hosts.iter().map(|(host, weight)| (host, *weight))).unwrap();
    let choices: Vec<_> = choices.iter().map(|(name, choice)| (host(name), choice)).collect();
    project(params, &model(), &network, choices.iter().map(|(host, choice)| (host, *choice)))
}

fn flags(p: &Preeligibility) -> [bool; 4] {
    [p.meets_weight_threshold, p.meets_v_min, p.meets_reachability, p.pre_eligible()]
}

/// The chain's own unit tests (`delegation_pipeline_test.go`, v0.2.14).
#[test]
fn the_chains_own_cases() {
    use Choice::Intent;
    let abc = [("a", 100), ("b", 60), ("c", 40)];
    let around_a = [("a", Intent), ("b", to("a")), ("c", to("a"))];

    let p = projected(&abc, &around_a, &params(Decimal::new(6, -1), 1));
    assert_eq!(flags(&p), [false, true, true, false]);
    assert_eq!((p.tally.intent_host_count, p.tally.intent_weight), (1, 100));
    assert_eq!((p.tally.reachable_voting_power, p.weight_needed()), (200, Some(20)));

    let p = projected(&abc, &around_a, &params(Decimal::new(4, -1), 2));
    assert_eq!(flags(&p), [true, false, true, false]);
    assert_eq!(p.hosts_needed(), 1);

    let half = params(Decimal::new(5, -1), 2);
    let small = [("a", 50), ("b", 10), ("c", 40)];
    let p = projected(&small, &[("a", Intent), ("b", Intent)], &half);
    assert_eq!(flags(&p), [true, true, false, false]);
    assert_eq!((p.tally.reachable_voting_power, p.reach_needed()), (60, Some(7)));

    let p = projected(&abc, &[("a", Intent), ("b", Intent), ("c", to("a"))], &half);
    assert_eq!(flags(&p), [true; 4]);
    assert_eq!((p.tally.intent_weight, p.tally.reachable_voting_power), (160, 200));

    let p = projected(&abc, &[("a", Intent)], &half);
    assert_eq!(flags(&p), [true, false, false, false]);
    assert_eq!((p.hosts_needed(), p.reach_needed()), (1, Some(34)));
}

#[test]
fn two_thirds_is_not_enough() {
    let none = params(Decimal::default(), 0);
    let p = projected(&[("a", 200), ("b", 100)], &[("a", Choice::Intent)], &none);
    assert!(!p.meets_reachability);
    assert_eq!(p.reach_needed(), Some(1));
    assert_eq!(Needs::new(&none, 301).reach, Some(201));
    assert_eq!(Needs::new(&none, 570_990).reach, Some(380_661));
    assert_eq!(Needs::new(&none, i64::MAX).reach, Some(6_148_914_691_236_517_205));
}

#[test]
fn only_one_hop_and_only_live_members_count() {
    let none = params(Decimal::default(), 0);
    let weights = [("a", 10), ("b", 20), ("c", 40), ("z", 0)];
    let choices = [
        ("a", Choice::Intent),
        ("b", to("a")),
        ("c", to("b")),
        ("stranger", Choice::Intent),
        ("z", Choice::Intent),
    ];
    let p = projected(&weights, &choices, &none);
    assert_eq!((p.tally.intent_host_count, p.tally.intent_weight), (1, 10));
    assert_eq!(p.tally.reachable_voting_power, 30, "c hangs on b, who only delegates");

    let p = projected(&weights, &[("c", to("z")), ("z", Choice::Intent)], &none);
    assert_eq!(p.tally.reachable_voting_power, 40, "an intent without weight still reaches");
    let p = projected(&weights, &[("c", to("stranger")), ("stranger", Choice::Intent)], &none);
    assert_eq!(p.tally.reachable_voting_power, 0, "an excluded host's intent is not read");
}

#[test]
fn a_network_without_weight_can_not_be_reached() {
    let p = projected(&[("z", 0)], &[("z", Choice::Intent)], &params(Decimal::new(1, -1), 0));
    assert_eq!(flags(&p), [true, true, false, false]);
    assert_eq!(p.reach_needed(), None);
    let gap = p.gaps(Degree::Projected).reach;
    assert_eq!((gap.need, gap.missing), (None, None));
}

#[test]
fn a_coefficient_that_is_not_positive_blocks() {
    let none = params(Decimal::default(), 0);
    let tally = Tally {
        intent_host_count: 1,
        intent_weight: 1,
        reachable_voting_power: 1,
        total_network_weight: 1,
    };
    for (coefficient, positive) in [
        (None, true),
        (Some(Decimal::new(0, 0)), true),
        (Some(Decimal::new(214, -3)), true),
        (Some(Decimal::new(1, -400)), true),
        (Some(Decimal::new(0, 1)), false),
        (Some(Decimal::new(-1, 0)), false),
    ] {
        let model = ModelParams { coefficient, ..model() };
        let p = Preeligibility::judge(&none, &model, tally);
        assert_eq!(p.pre_eligible(), positive, "{coefficient:?}");
    }
}

#[test]
fn a_sound_capture_has_no_contradictions() {
    let params = params(Decimal::new(1, -1), 2);
    let p = projected(&[("a", 100), ("b", 60)], &[("a", Choice::Intent)], &params);
    let capture = p.capture(7);
    assert_eq!(contradictions(&capture, &params, Some(&model())), []);
    assert_eq!(
        gaps_of_capture(&capture, &params, Degree::Snapshot),
        p.gaps(Degree::Snapshot),
        "the event and the projection tell the same gaps"
    );
}

#[test]
fn contradictions_are_named() {
    let params = params(Decimal::new(1, -1), 1);
    let p = projected(&[("a", 100), ("b", 60)], &[("a", Choice::Intent)], &params);
    let sound = p.capture(7);
    let of = |capture: Capture| contradictions(&capture, &params, Some(&model()));

    let found = of(Capture { meets_v_min: false, ..sound.clone() });
    assert!(
        matches!(&found[..], [Contradiction::Flag { attribute, .. }] if attribute == "meets_v_min")
    );
    let found = of(Capture { pre_eligible: true, ..sound.clone() });
    assert_eq!(found, [Contradiction::PreEligible { flag: true }]);
    let found = of(Capture { intent_weight: i64::MAX, ..sound.clone() });
    assert_eq!(found, [Contradiction::IntentAboveReach { intent: i64::MAX, reach: 100 }]);
    let found = of(Capture { reachable_voting_power: i64::MIN, ..sound.clone() });
    assert!(found.iter().any(|c| matches!(c, Contradiction::Negative { .. })), "{found:?}");
    let found = of(Capture { total_network_weight: i64::MIN, ..sound });
    assert!(found.iter().any(|c| matches!(c, Contradiction::ReachAboveTotal { .. })), "{found:?}");
}
