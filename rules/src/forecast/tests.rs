use std::collections::BTreeSet;

use super::*;
use crate::{
    Capture, Choice, Decimal, Network, Penalty, RuleSet,
    fixtures::{CAPTURE, ledger},
    ledger::{FrozenChoices, Ledger},
};

/// The ledger after the capture, which froze the choices and found the model pre-eligible.
fn captured(tip: Height, choices: &[(&str, Choice)]) -> Ledger {
    let mut ledger = ledger(tip, choices);
    let model_id = ModelId::from("m");
    let frozen = FrozenChoices { height: CAPTURE, epoch: Some(11), choices: ledger.standing() };
    ledger.frozen.capture = Some(frozen);
    let capture = Capture {
        snapshot_height: CAPTURE,
        model_id: model_id.clone(),
        pre_eligible: true,
        meets_weight_threshold: true,
        meets_v_min: true,
        meets_reachability: true,
        intent_host_count: 1,
        intent_weight: 100,
        reachable_voting_power: 300,
        total_network_weight: 300,
    };
    ledger.captures.insert(model_id, capture);
    ledger.stage = (tip >= 1100).then_some(1100);
    ledger
}

fn forecast(ledger: &Ledger, rule_set: RuleSet, host: &str) -> HostForecast {
    let network = Network::new(ledger.live_members()).unwrap();
    let active = BTreeSet::new();
    Prospect::new(ledger, &network, &active, rule_set, 0).unwrap().host(&Address::from(host))
}

fn modes(forecast: &HostForecast) -> Vec<Option<&'static str>> {
    forecast.models[0].branches.iter().map(|b| b.mode.map(Mode::as_str)).collect()
}

fn range(forecast: &HostForecast) -> (String, String) {
    (forecast.charge.min.to_string(), forecast.charge.max.to_string())
}

#[test]
fn a_refusal_of_a_candidate_has_two_faces() {
    let ledger = captured(1116, &[("a", Choice::Refuse)]);
    let forecast = forecast(&ledger, RuleSet::V0_2_14, "a");
    assert_eq!(range(&forecast), ("3/20".to_owned(), "3/20".to_owned()), "nobody committed");
    assert_eq!(modes(&forecast), [Some("bootstrap_none")]);
    assert_eq!(
        forecast.models[0].branches[0].reason,
        "A refusal does not count at the capture of a candidate."
    );
    assert_eq!(forecast.models[0].levers, []);
}

#[test]
fn before_the_capture_everything_is_open() {
    let forecast = forecast(&ledger(1050, &[]), RuleSet::V0_2_16, "a");
    assert_eq!(range(&forecast), ("0".to_owned(), "3/20".to_owned()));
    let deadlines: Vec<_> =
        forecast.models[0].levers.iter().map(|l| (l.action, l.last_height)).collect();
    assert_eq!(
        deadlines,
        [
            (LeverAction::Delegate, 1080),
            (LeverAction::Intent, 1080),
            (LeverAction::Commit, 1110),
            (LeverAction::Delegate, 1115),
            (LeverAction::Refuse, 1115),
        ]
    );
    assert!(
        forecast.models[0].branches.iter().any(|b| b.mode.is_none() && b.fraction.is_zero()),
        "under the newest rules a candidate that misses costs nothing"
    );
}

#[test]
fn a_delegation_before_the_capture_is_safe_when_the_model_stays_ineligible() {
    let to_b = Choice::Delegate { delegate_to: Address::from("b") };
    let forecast = forecast(&captured(1090, &[("a", to_b)]), RuleSet::V0_2_14, "a");
    let of_ineligible = forecast.models[0].branches.iter().filter(|branch| !branch.eligible);
    assert!(of_ineligible.clone().all(|branch| branch.fraction.is_zero()));
    assert!(of_ineligible.clone().any(|b| b.mode == Some(Mode::BootstrapDelegate)));
    let share = forecast.models[0].branches.iter().find_map(|b| b.transfer.clone()).unwrap();
    assert_eq!((share.to, share.share.to_string()), (Some("b".into()), "1/20".to_owned()));
    assert_eq!(range(&forecast).1, "3/20", "its delegate may still fail");
}

#[test]
fn nothing_is_said_without_a_state_or_parameters() {
    let empty = Ledger::default();
    let network = Network::new([]).unwrap();
    let active = BTreeSet::new();
    assert!(Prospect::new(&empty, &network, &active, RuleSet::NEWEST, 0).is_none());
    let mut without = ledger(1050, &[]);
    without.state.as_mut().unwrap().params.delegation = None;
    assert!(Prospect::new(&without, &network, &active, RuleSet::NEWEST, 0).is_none());
}

#[test]
fn a_ledger_that_starts_after_the_capture_keeps_its_outcomes_open() {
    let forecast = forecast(&ledger(1116, &[]), RuleSet::V0_2_14, "a");
    assert_eq!(range(&forecast), ("0".to_owned(), "3/20".to_owned()));
    let found = modes(&forecast);
    for mode in ["bootstrap_delegate", "bootstrap_intent_ok", "bootstrap_intent_missed"] {
        assert!(found.contains(&Some(mode)), "{mode} in {found:?}");
    }
}

#[test]
fn the_charge_of_the_chain_is_checked() {
    let forecast = forecast(&captured(1116, &[]), RuleSet::V0_2_14, "a");
    let fixed = |epoch_index, host: &str, fraction| ChargeSnapshot {
        epoch_index,
        transfers: Vec::new(),
        penalties: vec![Penalty { host: host.into(), fraction }],
    };
    let check = |snapshot| forecast.check(&"a".into(), &snapshot);
    assert_eq!(check(fixed(11, "a", Decimal::new(15, -2))), Verdict::Within);
    assert_eq!(check(fixed(11, "b", Decimal::new(15, -2))), Verdict::Unlisted);
    assert_eq!(check(fixed(12, "a", Decimal::new(15, -2))), Verdict::OtherEpoch);
    assert_eq!(check(fixed(11, "a", Decimal::new(1, -400))), Verdict::Unreadable);
    let charged = Fraction::new(1, 10).unwrap();
    assert_eq!(check(fixed(11, "a", Decimal::new(1, -1))), Verdict::Outside { charged });
}
