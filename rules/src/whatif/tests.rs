use jiff::Timestamp;

use super::*;
use crate::{Choice, Fraction, fixtures, forecast::TrackRecords, situation::DataView};

/// Nobody has chosen yet.
fn ledger(tip: Height) -> Ledger {
    fixtures::ledger(tip, &[])
}

fn ask(ledger: &Ledger, model: &str, action: ChoiceAction) -> Result<Comparison, WhatIfError> {
    let inputs = Inputs {
        chain_id: "c",
        ledger,
        watched: &[],
        complete_from: 0,
        head: 0,
        endpoints: &[],
        data: DataView::default(),
        records: &TrackRecords::default(),
        now: Timestamp::UNIX_EPOCH,
        rule_set: None,
        node: "",
    };
    compare(&inputs, &"a".into(), &model.into(), &action)
}

fn delegate(to: &str) -> ChoiceAction {
    ChoiceAction::Delegate { delegate_to: to.into() }
}

#[test]
fn a_delegation_to_a_host_with_intent_adds_reach_and_takes_the_charge_away() {
    let before = choose(&ledger(1070), &"b".into(), &"m".into(), &ChoiceAction::Intent);
    let answer = ask(&before, "m", delegate("b")).unwrap();
    assert_eq!((answer.before.reaches, answer.after.reaches), (Some(false), Some(true)));
    let reach = |side: &Side| side.gaps.as_ref().unwrap().reach.have;
    assert_eq!((reach(&answer.before), reach(&answer.after)), (100, 200));
    let most = |side: &Side| side.forecast.as_ref().unwrap().charge.max;
    assert_eq!(most(&answer.before), Fraction::new(3, 20).unwrap());
    // It stays open whether the model becomes eligible and the delegate is accepted.
    let kinds: Vec<_> = answer.after.forecast.as_ref().unwrap().branches.clone();
    assert!(kinds.iter().any(|branch| branch.transfer.is_some()), "{kinds:?}");
    let names: Vec<_> = answer.deadlines.iter().map(|until| until.deadline.name).collect();
    assert_eq!(names, [DeadlineName::Capture, DeadlineName::ValidationStart]);
    assert!(answer.deadlines.iter().all(|until| until.wiped_at.is_none()));
}

#[test]
fn the_ledger_asked_stays_as_it_is_and_clearing_leaves_nothing() {
    let asked = ledger(1070);
    let (host, model) = (Address::from("a"), ModelId::from("m"));
    let chosen = choose(&asked, &host, &model, &ChoiceAction::Refuse);
    assert_eq!(asked.choice(&host, &model), None);
    assert_eq!(chosen.choice(&host, &model).map(|s| &s.choice), Some(&Choice::Refuse));
    assert_eq!(choose(&chosen, &host, &model, &ChoiceAction::Clear), asked);
}

#[test]
fn a_refusal_counts_at_validation_start_only_and_after_it_is_wiped_before_the_next() {
    let only = |answer: &Comparison| match &answer.deadlines[..] {
        [until] => (until.deadline.name, until.deadline.height, until.wiped_at),
        more => panic!("{more:?}"),
    };
    let answer = ask(&ledger(1070), "m", ChoiceAction::Refuse).unwrap();
    assert_eq!(only(&answer), (DeadlineName::ValidationStart, Some(1115), None));
    let answer = ask(&ledger(1120), "m", ChoiceAction::Refuse).unwrap();
    assert_eq!(only(&answer), (DeadlineName::ValidationStart, Some(1215), Some(1135)));
    let answer = ask(&ledger(1120), "m", ChoiceAction::Intent).unwrap();
    assert_eq!(only(&answer), (DeadlineName::Capture, Some(1180), Some(1135)));
}

/// After validation start the epoch being formed is decided: another choice changes nothing in it.
#[test]
fn what_is_frozen_does_not_change() {
    let mut late = ledger(1120);
    late.frozen.validation_start =
        Some(crate::ledger::FrozenChoices { height: 1115, epoch: Some(11), choices: [].into() });
    let answer = ask(&late, "m", ChoiceAction::Refuse).unwrap();
    assert_ne!(answer.before.choice, answer.after.choice);
    assert_eq!(answer.before.forecast, answer.after.forecast);
    assert!(answer.before.forecast.is_some());
}

#[test]
fn what_the_chain_would_refuse_is_refused() {
    let ledger = ledger(1070);
    let error = |model: &str, action| ask(&ledger, model, action).unwrap_err();
    assert!(matches!(error("M", ChoiceAction::Intent), WhatIfError::UnknownModel { .. }));
    assert_eq!(
        error("M", ChoiceAction::Intent).to_string(),
        "the chain knows no model \"M\"; it has \"m\", \"unlisted\""
    );
    assert_eq!(error("unlisted", ChoiceAction::Intent), WhatIfError::NotInPoc("unlisted".into()));
    assert_eq!(error("m", delegate("a")), WhatIfError::SelfDelegation("a".into()));
    let mut blind = ledger.clone();
    blind.known_hosts.clear();
    let unknown = ask(&blind, "m", ChoiceAction::Clear).unwrap_err();
    assert_eq!(unknown, WhatIfError::UnknownHost("a".into()));
    assert_eq!(ask(&Ledger::default(), "m", ChoiceAction::Clear), Err(WhatIfError::NoState));
}
