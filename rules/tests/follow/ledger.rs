//! The chain's rules, one by one.

use bootwatch_rules::{
    Choice, ChoiceAction, Height, Observation, WeightDistribution,
    ledger::{Cause, Changes, Ledger},
};

use crate::kit::*;

fn standing(ledger: &Ledger, who: &str, what: &str) -> Option<Choice> {
    ledger.choice(&host(who), &model(what)).map(|standing| standing.choice.clone())
}

fn to(name: &str) -> Option<Choice> {
    Some(Choice::Delegate { delegate_to: host(name) })
}

fn send(ledger: &mut Ledger, height: Height, who: &str, action: ChoiceAction) -> Changes {
    run_to(ledger, height - 1);
    let mut facts = block(height);
    choose(&mut facts, who, "m", action, 0);
    apply(ledger, &facts)
}

#[test]
fn the_last_write_of_a_block_wins_and_failed_transactions_change_nothing() {
    let mut ledger = based(1050);
    let mut facts = block(1051);
    choose(&mut facts, "a", "m", delegate("b"), 0);
    choose(&mut facts, "a", "m", ChoiceAction::Intent, 0);
    choose(&mut facts, "a", "m", ChoiceAction::Refuse, 1103);
    choose(&mut facts, "a", "n", delegate("b"), 0);
    choose(&mut facts, "a", "n", ChoiceAction::Clear, 0);
    let changes = apply(&mut ledger, &facts);
    assert_eq!(standing(&ledger, "a", "m"), Some(Choice::Intent));
    assert_eq!(standing(&ledger, "a", "n"), None);
    assert_eq!(changes.choices.len(), 4);
    // Intent deletes the delegation, and the change says so.
    assert_eq!(changes.choices[1].before, to("b"));
    let intent = ledger.choice(&host("a"), &model("m")).unwrap();
    assert_eq!(intent.since, 1051);
    assert_eq!(intent.origin.as_ref().unwrap().tx_hash, "1051/1");
}

#[test]
fn validation_end_wipes_refusals_and_intents_of_everybody_and_keeps_delegations() {
    let mut ledger = based(1005);
    let mut facts = block(1006);
    choose(&mut facts, "a", "m", ChoiceAction::Refuse, 0);
    choose(&mut facts, "b", "m", ChoiceAction::Intent, 0);
    choose(&mut facts, "stranger", "n", ChoiceAction::Refuse, 0);
    choose(&mut facts, "b", "n", delegate("a"), 0);
    apply(&mut ledger, &facts);
    run_to(&mut ledger, VALIDATION_END - 1);
    assert_eq!(standing(&ledger, "a", "m"), Some(Choice::Refuse));

    // The end of the block comes after its transactions: this one is wiped at once.
    let changes = send(&mut ledger, VALIDATION_END, "a", ChoiceAction::Intent);
    assert!(changes.wiped);
    let wiped = changes.choices.iter().filter(|change| change.cause == Cause::Wipe).count();
    assert_eq!(wiped, 3);
    assert_eq!(standing(&ledger, "a", "m"), None);
    assert_eq!(standing(&ledger, "b", "m"), None);
    assert_eq!(standing(&ledger, "stranger", "n"), None);
    assert_eq!(standing(&ledger, "b", "n"), to("a"));
    let removed = ledger.frozen.wiped.as_ref().unwrap();
    assert_eq!((removed.height, removed.epoch), (VALIDATION_END, Some(10)));
    assert_eq!(removed.choices[&model("n")][&host("stranger")], Choice::Refuse);
}

#[test]
fn a_failed_formation_does_not_wipe_and_a_fallback_does() {
    let failed = [("stage", "empty_epoch_fallback"), ("error_category", "epoch_formation")];
    let settled = [("stage", "settle_accounts"), ("error_category", "settlement")];
    for (event, wipes) in [
        (event("epoch_error", &failed), false),
        (event("epoch_error", &settled), true),
        (event("empty_epoch_fallback_applied", &[("epoch", "10")]), true),
    ] {
        let mut ledger = based(1005);
        send(&mut ledger, 1010, "a", ChoiceAction::Refuse);
        run_to(&mut ledger, VALIDATION_END - 1);
        let mut facts = block(VALIDATION_END);
        facts.events.push(event);
        assert_eq!(apply(&mut ledger, &facts).wiped, wipes);
        assert_eq!(standing(&ledger, "a", "m").is_none(), wipes);
    }
}

#[test]
fn choices_in_the_dead_zones_are_not_frozen_and_then_wiped() {
    let mut ledger = based(1050);
    // A transaction in the capture block itself still counts, one block later it does not.
    send(&mut ledger, CAPTURE, "a", ChoiceAction::Intent);
    send(&mut ledger, CAPTURE + 1, "b", ChoiceAction::Intent);
    let captured = ledger.frozen.capture.clone().unwrap();
    assert_eq!((captured.height, captured.epoch), (CAPTURE, Some(11)));
    assert_eq!(captured.choices[&model("m")].len(), 1);
    assert_eq!(captured.choices[&model("m")][&host("a")], Choice::Intent);

    send(&mut ledger, VALIDATION_START + 100, "a", ChoiceAction::Refuse);
    send(&mut ledger, VALIDATION_START + 101, "b", ChoiceAction::Refuse);
    let regular = ledger.frozen.validation_start.clone().unwrap();
    assert_eq!((regular.height, regular.epoch), (VALIDATION_START + 100, Some(11)));
    assert_eq!(regular.choices[&model("m")][&host("a")], Choice::Refuse);
    assert_eq!(regular.choices[&model("m")][&host("b")], Choice::Intent);
    // The capture is not rewritten by what came later.
    assert_eq!(ledger.frozen.capture, Some(captured));

    run_to(&mut ledger, VALIDATION_END + 100);
    assert!(ledger.choices.is_empty());
}

#[test]
fn a_delegation_outlives_its_model_and_revives_with_it() {
    let mut ledger = based(1040);
    send(&mut ledger, 1041, "a", delegate("b"));
    let mut without = state(1042, &["a", "b"]);
    without.params.models.retain(|entry| entry.model_id != model("m"));
    let observation = Observation { state: Some(without), ..Observation::default() };
    ledger.apply(&block(1042), Some(&observation));
    run_to(&mut ledger, 1042 + 200);
    let revived = ledger.choice(&host("a"), &model("m")).unwrap();
    assert_eq!(Some(revived.choice.clone()), to("b"));
    assert_eq!(revived.since, 1041);
}

#[test]
fn the_chains_answer_wins_and_says_whether_it_was_news() {
    let mut ledger = based(1040);
    send(&mut ledger, 1041, "a", ChoiceAction::Refuse);
    let answer = |choices: Vec<_>| Observation { choices, ..Observation::default() };

    // The first reading: what a transaction already told stays, with its origin.
    let stored = [("m", Choice::Refuse), ("n", Choice::Intent)];
    let changes = ledger.apply(&block(1042), Some(&answer(vec![answers("a", &stored)])));
    assert_eq!(changes.new_hosts, [host("a")]);
    assert_eq!(changes.choices.len(), 1);
    assert_eq!(changes.choices[0].cause, Cause::Base);
    assert!(ledger.choice(&host("a"), &model("m")).unwrap().origin.is_some());
    assert!(ledger.choice(&host("a"), &model("n")).unwrap().origin.is_none());

    // A later one that agrees changes nothing; one that differs is a repair.
    let changes = ledger.apply(&block(1043), Some(&answer(vec![answers("a", &stored)])));
    assert_eq!(changes, Changes::default());
    let changes = ledger.apply(&block(1044), Some(&answer(vec![answers("a", &stored[1..])])));
    assert_eq!(changes.choices.len(), 1);
    assert_eq!(changes.choices[0].cause, Cause::Reconciled);
    assert_eq!(changes.choices[0].before, Some(Choice::Refuse));
    assert_eq!(standing(&ledger, "a", "m"), None);

    // The answer holds after the block, so it also wins over a transaction in it.
    let mut facts = block(1045);
    choose(&mut facts, "a", "n", ChoiceAction::Clear, 0);
    let changes = ledger.apply(&facts, Some(&answer(vec![answers("a", &stored[1..])])));
    assert_eq!(changes.choices.last().unwrap().cause, Cause::Reconciled);
    assert_eq!(standing(&ledger, "a", "n"), Some(Choice::Intent));
}

#[test]
fn a_change_by_governance_is_in_force_at_the_end_of_its_block() {
    let mut ledger = based(1050);
    run_to(&mut ledger, 1059);
    // With this window the capture is the very block that brings the change.
    let mut changed = state(1060, &["a", "b"]);
    changed.params.delegation.as_mut().unwrap().deploy_window = 40;
    let observation = Observation { state: Some(changed), ..Observation::default() };
    ledger.apply(&block(1060), Some(&observation));
    let captured = ledger.frozen.capture.as_ref().unwrap();
    assert_eq!((captured.height, captured.epoch), (1060, Some(11)));
}

#[test]
fn a_capture_replaces_that_of_its_model_only_and_keeps_its_terms() {
    let mut ledger = based(1050);
    run_to(&mut ledger, CAPTURE - 1);
    let mut facts = block(CAPTURE);
    facts.captures = vec![capture(CAPTURE, "m"), capture(CAPTURE, "n")];
    apply(&mut ledger, &facts);
    run_to(&mut ledger, CAPTURE + 99);
    let mut facts = block(CAPTURE + 100);
    facts.captures = vec![capture(CAPTURE + 100, "n")];
    apply(&mut ledger, &facts);
    assert_eq!(ledger.captures[&model("m")].snapshot_height, CAPTURE);
    assert_eq!(ledger.captures[&model("n")].snapshot_height, CAPTURE + 100);
    let terms = &ledger.frozen.terms;
    assert_eq!((terms[&model("m")].height, terms[&model("m")].epoch), (CAPTURE, Some(11)));
    assert_eq!((terms[&model("n")].height, terms[&model("n")].epoch), (CAPTURE + 100, Some(12)));
    assert_eq!(terms[&model("m")].params.deploy_window, 20);
}

#[test]
fn work_starts_anew_with_each_stage_and_ignores_other_stages() {
    let mut ledger = based(1090);
    run_to(&mut ledger, NEXT_POC_START);
    let mut facts = block(1103);
    facts.commits = vec![commit(1103, "a", NEXT_POC_START, 5), commit(1103, "b", 1050, 9)];
    apply(&mut ledger, &facts);
    let mut facts = block(1104);
    facts.commits = vec![commit(1104, "a", NEXT_POC_START, 8)];
    facts.distributions = vec![WeightDistribution {
        position: position(1104, 1),
        host: host("a"),
        stage: NEXT_POC_START,
        model_id: model("m"),
        weight: 8,
    }];
    apply(&mut ledger, &facts);
    assert_eq!(ledger.stage, Some(NEXT_POC_START));
    let work = &ledger.work[&model("m")];
    assert_eq!(work.len(), 1, "a confirmation PoC is another stage");
    let own = work[&host("a")];
    assert_eq!(own.committed, Some(8));
    assert_eq!(own.first_commit, Some(1103));
    assert_eq!(own.distributed, Some(8));
    run_to(&mut ledger, NEXT_POC_START + 100);
    assert!(ledger.work.is_empty());
}

#[test]
fn a_stage_whose_start_was_not_seen_is_adopted_from_the_chain() {
    let mut ledger = based(1003);
    let mut facts = block(1004);
    facts.commits = vec![commit(1004, "a", POC_START, 5)];
    apply(&mut ledger, &facts);
    assert_eq!(ledger.stage, Some(POC_START));
    assert_eq!(ledger.work[&model("m")][&host("a")].committed, Some(5));
}

#[test]
fn a_block_that_is_not_above_the_tip_changes_nothing() {
    let mut ledger = based(1050);
    let before = ledger.clone();
    let mut facts = block(1050);
    choose(&mut facts, "a", "m", ChoiceAction::Intent, 0);
    assert_eq!(ledger.apply(&facts, None), Changes::default());
    assert_eq!(ledger, before);
}

#[test]
fn an_older_state_does_not_replace_a_newer_one() {
    let mut ledger = based(1050);
    let stale = Observation { state: Some(state(1040, &["x"])), ..Observation::default() };
    ledger.apply(&block(1051), Some(&stale));
    assert_eq!(ledger.state.unwrap().height, 1050);
}

#[test]
fn without_a_state_transactions_are_kept_and_nothing_is_wiped() {
    let mut ledger = Ledger::default();
    let mut facts = block(VALIDATION_END);
    choose(&mut facts, "a", "m", ChoiceAction::Intent, 0);
    assert!(!ledger.apply(&facts, None).wiped);
    assert_eq!(standing(&ledger, "a", "m"), Some(Choice::Intent));
}

#[test]
fn the_clock_goes_on_without_new_readings() {
    let mut ledger = based(1030);
    for height in 1031..=EFFECTIVE + 200 {
        ledger.apply(&block(height), None);
    }
    let (clock, _) = ledger.clock().unwrap();
    assert_eq!(clock.effective.unwrap().index, 12);
    assert_eq!(clock.effective.unwrap().poc_start, 1200);
    assert_eq!(ledger.state.unwrap().effective.index, 10, "what was read stays what was read");
}
