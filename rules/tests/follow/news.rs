//! What the Situation tells of lately: changed parameters, trouble, exclusions.

use bootwatch_rules::{
    Choice, Decimal, Exclusion, Observation,
    ledger::Ledger,
    situation::{AdviceReason, CaptureBlock, Effect, ParamChange, Situation, assess},
};

use crate::{
    kit::*,
    situation::{inputs, watched},
};

fn at(ledger: &Ledger) -> Situation {
    assess(&inputs(ledger, &[watched("a"), watched("s")]))
}

/// Reads a state in the next block.
fn read(ledger: &mut Ledger, height: i64, change: impl FnOnce(&mut bootwatch_rules::ChainState)) {
    let mut state = state(height, &["s", "a", "b"]);
    change(&mut state);
    let observation = Observation { state: Some(state), ..Observation::default() };
    ledger.apply(&block(height), Some(&observation));
}

// Fails when a change of parameters is not told with both values, when the first reading counts as
// one, or when an equal reading makes it forgotten.
#[test]
fn changed_parameters_are_told_before_and_after() {
    let mut ledger = Ledger::default();
    read(&mut ledger, 1050, |_| {});
    assert_eq!(at(&ledger).params_change, None, "the first reading is no change");
    let changed = |state: &mut bootwatch_rules::ChainState| {
        let delegation = state.params.delegation.as_mut().unwrap();
        delegation.w_threshold = Decimal::new(1, -1);
        state.params.models.retain(|entry| entry.model_id != model("n"));
        state.params.models[0].penalty_start_epoch = 12;
        let new = state.params.models[0].clone();
        state.params.models.push(bootwatch_rules::ModelParams { model_id: model("o"), ..new });
    };
    read(&mut ledger, 1051, changed);
    read(&mut ledger, 1052, changed);
    let change = at(&ledger).params_change.unwrap();
    assert_eq!(change.height, 1051);
    assert_eq!((change.added, change.removed), (vec![model("o")], vec![model("n")]));
    let one = |name: &str, before: &str, after: &str, effect| ParamChange {
        name: name.into(),
        before: before.into(),
        after: after.into(),
        effect,
    };
    let threshold = one("w_threshold", "3/10", "1/10", Effect::Threshold);
    assert!(change.changes.contains(&threshold), "{:?}", change.changes);
    assert!(change.changes.contains(&one("m penalty_start_epoch", "0", "12", Effect::Model)));
    assert!(!change.changes.iter().any(|change| change.name == "v_min"));
}

// Fails when trouble that the chain tells of is not kept, or an older one stays for a newer.
#[test]
fn the_newest_trouble_of_each_kind_is_kept() {
    let mut ledger = based(1030);
    for (height, kind, stage) in [
        (1031, "epoch_error", "first"),
        (1032, "slash_collateral", "no trouble"),
        (1033, "epoch_error", "second"),
        (1034, "empty_epoch_fallback_applied", "third"),
    ] {
        let mut facts = block(height);
        facts.events.push(event(kind, &[("stage", stage)]));
        ledger.apply(&facts, None);
    }
    let troubles = at(&ledger).chain_troubles;
    let told: Vec<_> = troubles.iter().map(|t| (t.kind.as_str(), t.height)).collect();
    assert_eq!(told, [("empty_epoch_fallback_applied", 1034), ("epoch_error", 1033)]);
    assert_eq!(troubles[1].attributes, [("stage".to_owned(), "second".to_owned())]);
}

// Fails when an excluded host looks like one that never was a member, or like one that serves.
#[test]
fn an_exclusion_is_the_hosts_own() {
    let mut ledger = Ledger::default();
    read(&mut ledger, 1050, |_| {});
    let view = at(&ledger);
    let serves = |view: &Situation, host: usize| {
        view.hosts[host].models.iter().any(|own| own.model_id == model("m") && own.serves)
    };
    assert!(!serves(&view, 0) && serves(&view, 1));
    assert!(view.hosts.iter().all(|host| host.excluded.is_none()));
    let exclusion = Exclusion { reason: "downtime".into(), height: 1051 };
    let excluded = exclusion.clone();
    read(&mut ledger, 1051, move |state| {
        let member = state.members.iter_mut().find(|member| member.host == host("s")).unwrap();
        member.excluded = Some(excluded);
    });
    let view = at(&ledger);
    assert_eq!(view.hosts[1].excluded, Some(exclusion));
    assert!(!serves(&view, 1), "it has no vote any more");
}

// Fails when a capture's block, or the word for why a host has to act, is another than the rules'.
#[test]
fn captures_and_reasons_are_named() {
    let mut ledger = based(1030);
    run_to(&mut ledger, CAPTURE);
    let captured = CaptureBlock { height: CAPTURE, epoch: Some(11) };
    assert_eq!(at(&ledger).epoch.captured, Some(captured));

    let mut ledger = Ledger::default();
    read(&mut ledger, 1050, |_| {});
    for choice in [Choice::Refuse, Choice::Intent] {
        let answer = answers("a", &[("n", choice.clone())]);
        let height = ledger.tip.unwrap().height + 1;
        let observation = Observation { choices: vec![answer], ..Observation::default() };
        ledger.apply(&block(height), Some(&observation));
        let view = at(&ledger);
        let entry = view.hosts[0].models.iter().find(|own| own.model_id == model("n")).unwrap();
        let reason = entry.advice.as_ref().map(|advice| advice.reason);
        let expected = (choice == Choice::Refuse).then_some(AdviceReason::RefusalOnCandidate);
        assert_eq!(reason, expected, "{choice:?}");
    }
}
