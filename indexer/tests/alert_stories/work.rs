//! What a host's own machines have to do, and what the chain makes of it.

use bootwatch_schema::{
    Ending::{Expired, Met, Missed},
    Severity::{Critical, Warning},
};

use crate::{Story, calendar::*, course::*, play::Play, steps::*, told::*};

pub(crate) const STORIES: &[Story] = &[
    Story { alert: "CommitMissing", told: a_commit_that_does_not_come_is_missed },
    Story { alert: "CommitMissing", told: a_late_commit_ends_it_in_its_block },
    Story { alert: "CommitMissing", told: an_intent_that_passed_has_to_be_served },
    Story { alert: "WeightDistributionMissing", told: a_distribution_that_does_not_come_is_missed },
    Story { alert: "WeightDistributionMissing", told: a_distribution_ends_it_in_its_block },
    Story { alert: "HostExcluded", told: an_exclusion_is_told_until_the_next_epoch },
    Story { alert: "Charged", told: what_the_chain_takes_is_told_once },
];

// Fails when a member of a group that commits nothing is told at another block than `commit_blocks`
// before the deadline, and when the deadline passes without a word.
#[test]
fn a_commit_that_does_not_come_is_missed() {
    let last = commit_deadline(2);
    let steps = [stop(poc_start(2), "beech", KIMI)];
    let course = Play::new(&steps).watching(&["beech", "cypress"]).through(last + 1);
    let turns = [fires(last - 5, Critical), ends(last, Critical, Missed)];
    let labels = [("host", "beech"), ("model", KIMI)];
    // All others commit in time, the last of them in the last block.
    assert_eq!(course.lives("CommitMissing", KIMI)[0], course.life(2, &labels, &turns));
    let told = course.told("CommitMissing", "beech", last - 5);
    assert_eq!(told.by(), ("commit_deadline", last, 5));
    assert_eq!(told.number("Weight"), grouped(course.weight("beech", last - 5)));
    assert_eq!(course.committed("beech", KIMI, last), None);
    assert!(course.told("CommitMissing", "beech", last).text("headline").contains("too late"));
}

// Fails when a commit in time does not end it, or does so in another block than its own.
#[test]
fn a_late_commit_ends_it_in_its_block() {
    let last = commit_deadline(2);
    let steps = [stop(poc_start(2), "beech", KIMI), serve(last - 2, "beech", KIMI)];
    let course = Play::new(&steps).watching(&["beech"]).through(last + 1);
    let at = course.first_commit("beech", KIMI, poc_start(2)).unwrap();
    assert!((last - 2..=last).contains(&at), "{at}");
    let turns = [fires(last - 5, Critical), ends(at, Critical, Met)];
    let labels = [("host", "beech"), ("model", KIMI)];
    assert_eq!(course.lives("CommitMissing", KIMI), [course.life(2, &labels, &turns)]);
    assert_eq!(course.told("CommitMissing", "beech", at).text("tag"), "done");
}

// Fails when an intent that passed the capture and is not served is not told before the commit deadline,
// or when that is told of a model that missed it.
#[test]
fn an_intent_that_passed_has_to_be_served() {
    let last = commit_deadline(2);
    let hosts = ["aspen", "beech", "cypress", "dune", "ember"];
    let intents = hosts.map(|host| intend(capture(2) - 10, host, DEEPSEEK));
    let play = |steps: &[String]| {
        let play = Play::new(steps).deepseek_costs_from(2).watching(&["aspen"]);
        play.through(validation_end(2))
    };
    let course = play(&intents);
    assert!(course.facts(capture(2)).captures[0].pre_eligible);
    let turns = [fires(last - 5, Critical), ends(last, Critical, Missed)];
    let labels = [("host", "aspen"), ("model", DEEPSEEK)];
    assert_eq!(course.lives("CommitMissing", DEEPSEEK), [course.life(2, &labels, &turns)]);
    assert_eq!(course.charge("aspen", 2), "3/20");

    let course = play(&intents[..1]);
    assert!(!course.facts(capture(2)).captures[0].pre_eligible);
    assert_eq!(course.lives("CommitMissing", DEEPSEEK), []);
}

// Fails when a commit without a distribution is not told from the commit deadline on, does not become
// critical at validation start, or is told as over before the epoch is formed without that work.
#[test]
fn a_distribution_that_does_not_come_is_missed() {
    let (since, urgent, last) = (commit_deadline(2), validation_start(2), validation_end(2));
    let steps = [withhold(poc_start(2), "heath")];
    let course = Play::new(&steps).watching(&["heath"]).through(effective(2));
    let turns = [fires(since, Warning), fires(urgent, Critical), ends(last, Critical, Missed)];
    let labels = [("host", "heath"), ("model", QWEN)];
    let of_epoch_2 = course.lives("WeightDistributionMissing", QWEN).pop();
    assert_eq!(of_epoch_2, Some(course.life(2, &labels, &turns)));
    let told = course.told("WeightDistributionMissing", QWEN, since);
    let committed = course.committed("heath", QWEN, since).unwrap();
    assert_eq!(told.number("Nonces committed"), grouped(committed));
    assert_eq!(course.weight("heath", effective(2)), 0, "none of its work was counted");
}

// Fails when a distribution does not end it, or does so in another block than its own.
#[test]
fn a_distribution_ends_it_in_its_block() {
    let since = commit_deadline(2);
    let course = Play::new(&[]).watching(&["heath"]).through(effective(2));
    let at = course.distribution("heath", QWEN, poc_start(2)).unwrap();
    let mut turns = vec![fires(since, Warning)];
    if at > validation_start(2) {
        turns.push(fires(validation_start(2), Critical));
    }
    turns.push(ends(at, turns[turns.len() - 1].severity, Met));
    let labels = [("host", "heath"), ("model", QWEN)];
    let of_epoch_2 = course.lives("WeightDistributionMissing", QWEN).pop();
    assert_eq!(of_epoch_2, Some(course.life(2, &labels, &turns)));
    let told = course.told("WeightDistributionMissing", QWEN, at);
    assert!(told.text("headline").starts_with("over: heath"));
}

// Fails when an exclusion is not told in its block with the chain's word for it, or goes on in an epoch
// in which the host is back.
#[test]
fn an_exclusion_is_told_until_the_next_epoch() {
    let since = effective(1) + 20;
    let steps = [exclude(since, "beech", "failed_confirmation_poc")];
    let course = Play::new(&steps).watching(&["beech", "heath"]).through(effective(2) + 1);
    assert!(course.weight("beech", since - 1) > 0 && course.weight("beech", since) == 0);
    let turns = [fires(since, Critical), ends(effective(2), Critical, Expired)];
    let expected = [course.life(1, &[("host", "beech")], &turns)];
    assert_eq!(course.lives("HostExcluded", ANY), expected);
    let told = course.told("HostExcluded", "beech", since);
    assert_eq!(told.number("Block"), since.to_string());
    told.says(&format!(
        "from epoch 1 at block {since}, with the reason \"failed_confirmation_poc\""
    ));
    assert!(course.weight("beech", effective(2)) > 0, "it is back");
}

// Fails when a charge is told before or after the block that fixes it, when its part or its coins are not
// what the chain stored and pays, when who is charged nothing is told, or when it is told twice.
#[test]
fn what_the_chain_takes_is_told_once() {
    let refusal = refuse(validation_start(2) - 9, "heath", KIMI);
    let play = Play::new(&[refusal]).watching(&["heath", "beech"]);
    let course = play.clone().through(validation_end(3) + 1);
    let (second, third) = (validation_end(2), validation_end(3));
    assert_eq!(
        (course.charge("heath", 2), course.charge("heath", 3)),
        ("1/10".into(), "3/20".into())
    );
    assert_eq!((course.charge("beech", 2), course.charge("beech", 3)), ("0".into(), "0".into()));
    let labels = [("host", "heath")];
    let lives = [
        course.life(2, &labels, &[fires(second, Warning), ends(third, Warning, Expired)]),
        course.life(3, &labels, &[fires(third, Warning)]),
    ];
    assert_eq!(course.lives("Charged", ANY), lives);
    assert_eq!(course.told_at("Charged", ANY), [(second, Warning), (third, Warning)]);
    for (epoch, formed, part, taken) in [(2, second, "1/10", 10), (3, third, "3/20", 15)] {
        let told = course.told("Charged", "heath", formed);
        assert_eq!(told.number("Fraction"), part);
        // What it comes to can be asked for only once the epoch runs.
        assert_eq!(told.text("cost"), format!("{taken} % of the reward of epoch {epoch}."));
    }

    let late = effective(2) + 1;
    let course = play.behind_at(1..=late - 1).through(late);
    let about = gnk(course.reward("heath", late) / 10);
    let told = course.told("Charged", "heath", late);
    assert_eq!(told.text("cost"), format!("10 % of the reward of epoch 2. That is about {about}."));
}
