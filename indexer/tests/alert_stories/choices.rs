//! What a host has to decide: the alerts that follow the advice.

use bootwatch_schema::{
    Ending::{Expired, Met, Missed},
    Severity::{Critical, Info, Warning},
};

use crate::{Story, calendar::*, course::*, play::Play, steps::*, told::*};

pub(crate) const STORIES: &[Story] = &[
    Story { alert: "DecisionMissing", told: who_never_chose_is_told_at_each_rung_and_pays },
    Story { alert: "DecisionMissing", told: a_choice_ends_it_even_in_the_last_block },
    Story { alert: "DecisionMissing", told: a_deadline_that_nobody_saw_is_not_called_missed },
    Story { alert: "DecisionMissing", told: a_candidate_is_decided_at_its_capture },
    Story { alert: "ChoiceExpired", told: a_refusal_is_missed_from_the_epoch_after_it_on },
    Story { alert: "ChoiceExpired", told: an_intent_is_gone_by_the_next_capture },
    Story { alert: "RefusalOnCandidate", told: a_refused_candidate_costs_all_the_same },
    Story { alert: "RefusalOnCandidate", told: a_delegation_before_the_capture_protects },
    Story { alert: "ChoiceTooLate", told: a_refusal_after_validation_start_counts_for_nothing },
    Story { alert: "ChoiceTooLate", told: an_intent_after_the_capture_counts_for_nothing },
    Story { alert: "DelegationDeleted", told: an_intent_for_an_active_model_takes_the_delegation },
    Story { alert: "DelegationWithoutEffect", told: a_delegate_that_does_not_serve_is_no_choice },
    Story { alert: "DelegationWithoutEffect", told: a_delegate_without_intent_is_no_choice },
];

/// Labels of a need of heath's.
fn need<'a>(model: &'a str, deadline: &'a str) -> [(&'a str, &'a str); 3] {
    [("host", "heath"), ("model", model), ("deadline", deadline)]
}

/// What the chain charges whoever does nothing about one model.
const ALL: &str = "3/20";

// Fails when a rung is reached a block early or late or says another urgency, when the deadline is not
// the block that freezes choices, when weight or coins are not the chain's, and when the chain then
// charges otherwise than was foretold.
#[test]
fn who_never_chose_is_told_at_each_rung_and_pays() {
    let course = Play::new(&[]).watching(&["heath"]).through(validation_end(2) + 1);
    let last = validation_start(2);
    let turns = [
        fires(last - 30, Info),
        fires(last - 10, Warning),
        fires(last - 2, Critical),
        ends(last, Critical, Missed),
    ];
    let labels = need(KIMI, "validation_start");
    assert_eq!(course.lives("DecisionMissing", KIMI), [course.life(2, &labels, &turns)]);
    for (height, left) in [(last - 30, 30), (last - 10, 10), (last - 2, 2)] {
        let told = course.told("DecisionMissing", KIMI, height);
        assert_eq!(told.by(), ("validation_start", last, left));
        assert_eq!(told.number("Weight"), grouped(course.weight("heath", height)));
        let reward = course.reward("heath", height);
        let cost = format!(
            "Up to 15 % in epoch 2, if nothing changes. That is about {}, if it pays {} before \
             charges as this epoch does.",
            gnk(reward * 15 / 100),
            gnk(reward)
        );
        assert_eq!(told.text("cost"), cost);
        let refusal = format!("refuse-poc-delegation {KIMI} ");
        assert!(told.commands().iter().any(|command| command.contains(&refusal)));
    }
    let missed = course.told("DecisionMissing", KIMI, last);
    assert_eq!(missed.severity, Critical);
    missed.says(&format!("Block {last}, the validation start of epoch 2"));
    assert_eq!(course.charge("heath", 2), ALL);
}

// Fails when a choice that the chain counts does not end it, is not told as settled, or when one in the
// deadline's own block, which still counts, is called missed.
#[test]
fn a_choice_ends_it_even_in_the_last_block() {
    let last = validation_start(2);
    for (chosen, settled, severity) in [(last - 20, last - 18, Info), (last, last, Critical)] {
        let refusal = refuse(chosen, "heath", KIMI);
        let course = Play::new(&[refusal]).watching(&["heath"]).through(validation_end(2));
        let lives = course.lives("DecisionMissing", KIMI);
        assert_eq!(lives.len(), 1, "{lives:?}");
        assert_eq!(lives[0].turns[0], fires(last - 30, Info));
        assert_eq!(lives[0].turns.last(), Some(&ends(settled, severity, Met)));
        let told = course.told("DecisionMissing", KIMI, settled);
        assert_eq!(told.text("tag"), "done");
        assert_eq!(told.number("Stored choice"), format!("refusal since block {chosen}"));
        assert_eq!(course.charge("heath", 2), "1/10", "a refusal costs what a refusal costs");
    }
}

// Fails when a deadline that passed while no block was judged is called missed, or met, or goes on.
#[test]
fn a_deadline_that_nobody_saw_is_not_called_missed() {
    let last = validation_start(2);
    let play = Play::new(&[]).watching(&["heath"]).behind_at(last - 3..=last + 4);
    let course = play.through(last + 5);
    let turns =
        [fires(last - 30, Info), fires(last - 10, Warning), ends(last + 5, Warning, Expired)];
    let life = course.life(2, &need(KIMI, "validation_start"), &turns);
    assert_eq!(course.lives("DecisionMissing", KIMI), [life]);
    course.told("DecisionMissing", KIMI, last + 5).says(&format!("Block {last}, the validation"));
}

// Fails when the deadline of a candidate is another than its capture, when that nothing was chosen by
// then is not told, or when validation start is called missed although it decided nothing: nobody has
// committed for the model, so it stays a candidate.
#[test]
fn a_candidate_is_decided_at_its_capture() {
    for (version, charge) in [("0.2.14", ALL), ("0.2.16", "0")] {
        let version = format!("hosts = 8\nversion = {version:?}");
        let play = Play::new(&[]).with("hosts = 8", &version).deepseek_costs_from(2);
        let course = play.watching(&["beech"]).through(validation_end(2));
        let labels = |deadline| [("host", "beech"), ("model", DEEPSEEK), ("deadline", deadline)];
        let (taken, frozen) = (capture(2), validation_start(2));
        let rungs = |last| [fires(last - 30, Info), fires(last - 10, Warning)];
        let mut lives = course.lives("DecisionMissing", DEEPSEEK);
        // Until then it may become active after all.
        let mut turns = rungs(frozen).to_vec();
        turns.push(ends(frozen, Warning, Expired));
        assert_eq!(lives.pop(), Some(course.life(2, &labels("validation_start"), &turns)));
        assert!(course.told_at("DecisionMissing", DEEPSEEK).iter().all(|(at, _)| *at < frozen));
        let mut turns = rungs(taken).to_vec();
        turns.extend([fires(taken - 2, Critical), ends(taken, Critical, Missed)]);
        assert_eq!(lives, [course.life(2, &labels("capture"), &turns)]);
        let told = course.told("DecisionMissing", DEEPSEEK, taken - 10);
        assert_eq!(told.by(), ("capture", taken, 10));
        assert_eq!(course.charge("beech", 2), charge);
    }
}

// Fails when the wipe is not noticed once the epoch runs, when the block of the wipe is another than the
// chain's, when the rungs towards the next freeze are not climbed, or when the end is not what the chain
// then charges.
#[test]
fn a_refusal_is_missed_from_the_epoch_after_it_on() {
    let first = refuse(validation_start(2) - 8, "heath", KIMI);
    let again = |steps: &[String]| Play::new(steps).watching(&["heath"]).through(validation_end(3));
    let (since, last) = (effective(2), validation_start(3));
    let rungs = [fires(since, Warning), fires(last - 2, Critical)];

    let course = again(std::slice::from_ref(&first));
    let turns = [rungs[0], rungs[1], ends(last, Critical, Missed)];
    let labels = need(KIMI, "validation_start");
    assert_eq!(course.lives("ChoiceExpired", KIMI), [course.life(3, &labels, &turns)]);
    let told = course.told_at("ChoiceExpired", KIMI);
    let rung = |height, severity| (height, severity);
    let expected = [
        rung(since, Warning),
        rung(last - 10, Warning),
        rung(last - 2, Critical),
        rung(last, Critical),
    ];
    assert_eq!(told, expected, "the rung of ten blocks is no more urgent, and told all the same");
    let told = course.told("ChoiceExpired", KIMI, since);
    let wiped = format!("The refusal expired at block {}", validation_end(2));
    told.says(&wiped);
    assert_eq!(told.by(), ("validation_start", last, last - since));
    assert_eq!((course.charge("heath", 2), course.charge("heath", 3)), ("1/10".into(), ALL.into()));

    let course = again(&[first, refuse(last - 40, "heath", KIMI)]);
    let turns = [rungs[0], ends(last - 38, Warning, Met)];
    assert_eq!(course.lives("ChoiceExpired", KIMI), [course.life(3, &labels, &turns)]);
    assert_eq!(course.charge("heath", 3), "1/10");
}

// Fails when an intent for a candidate is not known to be wiped, or its deadline is not the capture.
#[test]
fn an_intent_is_gone_by_the_next_capture() {
    let intent = intend(capture(2) - 20, "heath", DEEPSEEK);
    let play = Play::new(&[intent]).deepseek_costs_from(2).watching(&["heath"]);
    let course = play.through(capture(3));
    let (since, last) = (effective(2), capture(3));
    let turns = [fires(since, Warning), fires(last - 2, Critical), ends(last, Critical, Missed)];
    let life = course.life(3, &need(DEEPSEEK, "capture"), &turns);
    assert_eq!(course.lives("ChoiceExpired", DEEPSEEK), [life]);
    let told = course.told("ChoiceExpired", DEEPSEEK, since);
    let wiped = format!("The intent expired at block {}", validation_end(2));
    told.says(&wiped);
    assert_eq!(told.by(), ("capture", last, last - since));
}

// Fails when a refusal of a candidate passes for a choice before its capture or after it, or when the
// chain does not charge for it.
#[test]
fn a_refused_candidate_costs_all_the_same() {
    let since = capture(2) - 5;
    let refusal = refuse(since, "beech", DEEPSEEK);
    let play = Play::new(&[refusal]).deepseek_costs_from(2).watching(&["beech"]);
    let course = play.through(validation_end(2));
    let labels = |deadline| [("host", "beech"), ("model", DEEPSEEK), ("deadline", deadline)];
    let (taken, served) = (capture(2), commit_deadline(2));
    let before = [fires(since, Warning), fires(taken - 2, Critical), ends(taken, Critical, Missed)];
    // From then on only work for it would help.
    let after =
        [fires(taken, Warning), fires(served - 2, Critical), ends(served, Critical, Missed)];
    let lives = [
        course.life(2, &labels("capture"), &before),
        course.life(2, &labels("commit_deadline"), &after),
    ];
    assert_eq!(course.lives("RefusalOnCandidate", DEEPSEEK), lives);
    let told = course.told("RefusalOnCandidate", DEEPSEEK, since);
    assert_eq!(told.by(), ("capture", taken, 5));
    assert!(told.text("cost").starts_with("Up to 15 % in epoch 2"));
    assert_eq!(course.charge("beech", 2), ALL);
}

// Fails when what helps does not end it: a delegation to a host that declared intent.
#[test]
fn a_delegation_before_the_capture_protects() {
    let since = capture(2) - 20;
    let steps = [
        refuse(since, "beech", DEEPSEEK),
        intend(since - 1, "aspen", DEEPSEEK),
        delegate(since + 5, "beech", DEEPSEEK, "aspen"),
    ];
    let play = Play::new(&steps).deepseek_costs_from(2).watching(&["beech"]);
    let course = play.through(capture(2));
    let turns = [fires(since, Warning), ends(since + 7, Warning, Met)];
    let labels = [("host", "beech"), ("model", DEEPSEEK), ("deadline", "capture")];
    assert_eq!(course.lives("RefusalOnCandidate", DEEPSEEK), [course.life(2, &labels, &turns)]);
    let told = course.told("RefusalOnCandidate", DEEPSEEK, since + 7);
    assert_eq!(told.text("tag"), "done");
}

// Fails when a refusal one block after validation start passes for one in time, when the blocks of the
// freeze and of the wipe are not the chain's, or when it goes on after the wipe has taken the refusal.
#[test]
fn a_refusal_after_validation_start_counts_for_nothing() {
    let (frozen, wiped) = (validation_start(2), validation_end(2));
    let refusal = refuse(frozen + 1, "heath", KIMI);
    let course = Play::new(&[refusal]).watching(&["heath"]).through(effective(2) + 3);
    // From the epoch's first block on it is told as what it is now: expired.
    let turns = [fires(frozen + 1, Warning), ends(effective(2) + 2, Warning, Expired)];
    let life = course.life(3, &need(KIMI, "validation_start"), &turns);
    assert_eq!(course.lives("ChoiceTooLate", KIMI), [life]);
    assert_eq!(course.told_at("ChoiceTooLate", KIMI), [(frozen + 1, Warning)]);
    let told = course.told("ChoiceTooLate", KIMI, frozen + 1);
    for number in [
        format!("refusal of block {}", frozen + 1),
        format!("validation start at block {frozen}"),
        format!("wiped at block {wiped}"),
    ] {
        told.says(&number);
    }
    assert_eq!(told.by().1, validation_start(3));
    assert_eq!(course.lives("ChoiceExpired", KIMI).len(), 1);
    assert_eq!(course.charge("heath", 2), ALL);
}

// The same for an intent and the capture.
#[test]
fn an_intent_after_the_capture_counts_for_nothing() {
    let (taken, wiped) = (capture(2), validation_end(2));
    let intent = intend(taken + 1, "beech", DEEPSEEK);
    let play = Play::new(&[intent]).deepseek_costs_from(2).watching(&["beech"]);
    let course = play.through(effective(2) + 3);
    let turns = [fires(taken + 1, Warning), ends(effective(2) + 2, Warning, Expired)];
    let labels = [("host", "beech"), ("model", DEEPSEEK), ("deadline", "capture")];
    assert_eq!(course.lives("ChoiceTooLate", DEEPSEEK), [course.life(3, &labels, &turns)]);
    let told = course.told("ChoiceTooLate", DEEPSEEK, taken + 1);
    for number in [format!("capture at block {taken}"), format!("wiped at block {wiped}")] {
        told.says(&number);
    }
    assert_eq!(told.by().1, capture(3));
    assert_eq!(course.charge("beech", 2), ALL);
}

// Fails when the delegation that an intent for an active model removed is not missed, when sending it
// again does not end it, or when a host that leaves it at that is not told that it was too late.
#[test]
fn an_intent_for_an_active_model_takes_the_delegation() {
    let (since, last) = (validation_start(2) - 40, validation_start(2));
    let delegated = delegate(effective(1) + 2, "heath", KIMI, "fjord");
    let intent = intend(since, "heath", KIMI);
    let labels = need(KIMI, "validation_start");
    let again = delegate(since + 4, "heath", KIMI, "fjord");
    let steps = [delegated.clone(), intent.clone(), again];
    let course = Play::new(&steps).watching(&["heath"]).through(validation_end(2));
    let turns = [fires(since, Warning), ends(since + 6, Warning, Met)];
    assert_eq!(course.lives("DelegationDeleted", KIMI), [course.life(2, &labels, &turns)]);
    assert_eq!(course.told("DelegationDeleted", KIMI, since).by().1, last);
    assert_eq!(course.charge("heath", 2), "0");

    let course = Play::new(&[delegated, intent]).watching(&["heath"]).through(validation_end(2));
    let turns = [fires(since, Warning), fires(last - 2, Critical), ends(last, Critical, Missed)];
    assert_eq!(course.lives("DelegationDeleted", KIMI), [course.life(2, &labels, &turns)]);
    assert_eq!(course.charge("heath", 2), ALL);
}

// Fails when a delegation to a host outside the model's group passes for a choice, when another delegate
// does not end it, or when the delegate that is named is not the one.
#[test]
fn a_delegate_that_does_not_serve_is_no_choice() {
    let since = validation_start(2) - 50;
    let steps =
        [delegate(since, "heath", KIMI, "grove"), delegate(since + 6, "heath", KIMI, "fjord")];
    // Grove never serves Kimi.
    let idle = stop(1, "grove", KIMI);
    let play = |steps: &[String]| Play::new(steps).watching(&["heath"]).through(validation_end(2));
    let labels = need(KIMI, "validation_start");
    let course = play(&[idle.clone(), steps[0].clone(), steps[1].clone()]);
    let turns = [fires(since, Warning), ends(since + 8, Warning, Met)];
    assert_eq!(course.lives("DelegationWithoutEffect", KIMI), [course.life(2, &labels, &turns)]);
    let told = course.told("DelegationWithoutEffect", KIMI, since);
    let grove = course.address("grove");
    told.says(grove);
    assert_eq!(told.number("Stored choice"), format!("delegation to {grove} since block {since}"));
    assert_eq!(course.charge("heath", 2), "0");

    let last = validation_start(2);
    let course = play(&[idle, steps[0].clone()]);
    let turns = [fires(since, Warning), fires(last - 2, Critical), ends(last, Critical, Missed)];
    assert_eq!(course.lives("DelegationWithoutEffect", KIMI), [course.life(2, &labels, &turns)]);
    assert_eq!(course.charge("heath", 2), ALL);
}

// Fails when a delegation to a host without intent passes for a choice about a candidate, or goes on
// being told once the delegate has declared intent.
#[test]
fn a_delegate_without_intent_is_no_choice() {
    let since = capture(2) - 25;
    let steps =
        [delegate(since, "beech", DEEPSEEK, "aspen"), intend(since + 10, "aspen", DEEPSEEK)];
    let play = Play::new(&steps).deepseek_costs_from(2).watching(&["beech"]);
    let course = play.through(capture(2));
    let turns = [fires(since, Warning), ends(since + 12, Warning, Met)];
    let labels = [("host", "beech"), ("model", DEEPSEEK), ("deadline", "capture")];
    let life = course.life(2, &labels, &turns);
    assert_eq!(course.lives("DelegationWithoutEffect", DEEPSEEK), [life]);
    let told = course.told("DelegationWithoutEffect", DEEPSEEK, since);
    assert_eq!(told.by(), ("capture", capture(2), 25));
}
