//! What speaks against whom a host delegates to.

use bootwatch_schema::{
    Ending::{Expired, Met},
    Severity::{Critical, Info, Warning},
};

use crate::{Story, calendar::*, course::*, play::Play, steps::*, told::*};

pub(crate) const STORIES: &[Story] = &[
    Story { alert: NAME, told: an_excluded_one_is_told_for_the_running_epoch },
    Story { alert: NAME, told: a_guardian_is_told_until_another_is_chosen },
    Story { alert: NAME, told: one_that_delegates_itself_is_told_until_it_does_not },
    Story { alert: NAME, told: one_that_refuses_is_told_while_that_can_count },
    Story { alert: NAME, told: one_that_does_not_commit_is_told_while_another_can_be_chosen },
    Story { alert: NAME, told: one_that_sends_no_distribution_is_told_without_alarm },
    Story { alert: NAME, told: one_that_holds_too_much_is_told_with_the_numbers },
];

const NAME: &str = "DelegateAtRisk";
const DELEGATED: i64 = effective(1) + 7;

/// Heath delegates Kimi to a host that serves it.
fn play(to: &str, steps: &[String], last: i64) -> Course {
    let mut all = vec![delegate(DELEGATED, "heath", KIMI, to)];
    all.extend_from_slice(steps);
    Play::new(&all).watching(&["heath"]).through(last)
}

fn life(course: &Course, window: i64, to: &str, risk: &str, turns: &[Turn]) -> Life {
    let labels = [("host", "heath"), ("model", KIMI), ("delegate", to), ("risk", risk)];
    course.life(window, &labels, turns)
}

// Fails when an exclusion is not told in its block with its reason, is told anew when the next choices
// count for another epoch, or goes on in an epoch in which the delegate is back.
#[test]
fn an_excluded_one_is_told_for_the_running_epoch() {
    let since = DELEGATED + 30;
    let course = play("fjord", &[exclude(since, "fjord", "downtime")], effective(2) + 5);
    assert!(course.weight("fjord", since - 1) > 0 && course.weight("fjord", since) == 0);
    let turns = [fires(since, Critical), ends(effective(2) + 4, Critical, Expired)];
    assert_eq!(course.lives(NAME, "excluded"), [life(&course, 1, "fjord", "excluded", &turns)]);
    let told = course.told(NAME, "excluded", since);
    told.says(&format!("was excluded ({since}, downtime)"));
    told.says(course.address("fjord"));
    let last = validation_start(2);
    assert_eq!(told.by(), ("validation_start", last, last - since));
    assert!(course.weight("fjord", effective(2)) > 0, "it is back");
}

// Fails when a guardian passes for a delegate like any other, or when it is told of after the delegation
// has gone to another host.
#[test]
fn a_guardian_is_told_until_another_is_chosen() {
    let other = delegate(DELEGATED + 20, "heath", KIMI, "fjord");
    let course = play("aspen", &[other], DELEGATED + 30);
    let turns = [fires(DELEGATED, Warning), ends(DELEGATED + 24, Warning, Met)];
    assert_eq!(course.lives(NAME, ANY), [life(&course, 2, "aspen", "guardian", &turns)]);
    let told = course.told(NAME, "guardian", DELEGATED);
    assert_eq!(told.number("Delegate's weight"), grouped(course.weight("aspen", DELEGATED)));
    let power = course.powers(KIMI, 1, DELEGATED)[course.address("aspen")];
    assert_eq!(told.number("Delegate's voting power"), grouped(power));
    assert_eq!(told.number("Delegators"), "1");
}

// Fails when a delegate that hands its own decision on passes for one that will serve, or when it is
// still told of two minutes after it has taken it back.
#[test]
fn one_that_delegates_itself_is_told_until_it_does_not() {
    let since = DELEGATED + 10;
    let steps = [delegate(since, "fjord", KIMI, "beech"), clear(since + 10, "fjord", KIMI)];
    let course = play("fjord", &steps, since + 20);
    let turns = [fires(since, Warning), ends(since + 14, Warning, Met)];
    assert_eq!(course.lives(NAME, ANY), [life(&course, 2, "fjord", "delegates", &turns)]);
}

// Fails when a refusal of the delegate's is not told, or is told for the epoch after validation start,
// before which the wipe takes it.
#[test]
fn one_that_refuses_is_told_while_that_can_count() {
    let since = DELEGATED + 10;
    let course = play("fjord", &[refuse(since, "fjord", KIMI)], effective(2) + 10);
    let turns = [fires(since, Warning), ends(validation_start(2) + 4, Warning, Expired)];
    assert_eq!(course.lives(NAME, "refuses"), [life(&course, 2, "fjord", "refuses", &turns)]);
}

// Fails when a delegate without a commit is told earlier or later than `commit_blocks` before the
// deadline, or when the last block in which another can be chosen is not that of the message.
#[test]
fn one_that_does_not_commit_is_told_while_another_can_be_chosen() {
    let since = commit_deadline(2) - 5;
    let course = play("fjord", &[stop(poc_start(2), "fjord", KIMI)], effective(2));
    let turns = [fires(since, Critical), ends(validation_start(2) + 4, Critical, Expired)];
    let expected = [life(&course, 2, "fjord", "not_committed", &turns)];
    assert_eq!(course.lives(NAME, "not_committed"), expected);
    let told = course.told(NAME, "not_committed", since);
    assert_eq!(told.by(), ("validation_start", validation_start(2), 7));
    assert_eq!(told.find("Delegate's nonces"), None);
    assert_eq!(course.charge("heath", 2), "3/20", "who trusted it pays");
}

// Fails when a delegate without a distribution wakes anybody in the very block in which it can first be
// sent, is not told at all, or is told of after validation start, when no other can be chosen.
#[test]
fn one_that_sends_no_distribution_is_told_without_alarm() {
    let since = commit_deadline(2);
    let course = play("fjord", &[withhold(poc_start(2), "fjord")], effective(2));
    let turns = [fires(since, Warning), ends(validation_start(2) + 4, Warning, Expired)];
    let expected = [life(&course, 2, "fjord", "not_distributed", &turns)];
    assert_eq!(course.lives(NAME, "not_distributed"), expected);
    let committed = course.committed("fjord", KIMI, since).unwrap();
    let told = course.told(NAME, "not_distributed", since);
    assert_eq!(told.number("Delegate's nonces"), grouped(committed));
    assert_eq!(course.charge("heath", 2), "3/20", "who trusted it pays");
}

// Fails when what the cap would burn, or the part of the votes in one hand, is another than the chain's
// weights and votes give, or when either is told before it is so.
#[test]
fn one_that_holds_too_much_is_told_with_the_numbers() {
    let since = DELEGATED + 3;
    let steps = [stop(1, "aspen", KIMI), delegate(since, "aspen", KIMI, "fjord")];
    let course = play("fjord", &steps, effective(2) + 2);

    let weight = |host| course.weight(host, since);
    let servers = ["beech", "cypress", "dune", "ember", "fjord", "grove"];
    let brought = weight("heath") + weight("aspen");
    let all: i64 = servers.map(weight).iter().sum::<i64>() + brought;
    // No host may hold more than three tenths of a group's votes.
    let burned = weight("fjord") + brought - all * 3 / 10;
    assert!(burned > 0, "the story shows nothing");
    let turns = [fires(since, Info), ends(validation_start(2) + 4, Info, Expired)];
    let capped = course.lives(NAME, "capped");
    assert_eq!(capped[0], life(&course, 2, "fjord", "capped", &turns));
    assert_eq!(capped[1].turns, [fires(validation_start(2), Info)], "and for the next epoch");
    course.told(NAME, "capped", since).says(&format!("to the cap ({})", grouped(burned)));

    // The delegations count from the epoch on that they were frozen for.
    let formed = effective(2);
    let powers = course.powers(KIMI, 2, formed);
    let (own, group) = (powers[course.address("fjord")], powers.values().sum::<i64>());
    let turns = [fires(formed, Info)];
    let expected = [life(&course, 3, "fjord", "concentration", &turns)];
    assert_eq!(course.lives(NAME, "concentration"), expected);
    let part = format!("voting power ({})", percent(own, group));
    course.told(NAME, "concentration", formed).says(&part);
}
