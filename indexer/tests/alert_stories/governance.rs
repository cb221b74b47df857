//! What governance votes on, decides and schedules.

use bootwatch_schema::{
    Ending::{Expired, Met},
    Severity::{Info, Warning},
};
use jiff::{SignedDuration, tz::TimeZone};

use crate::{Story, calendar::*, course::*, play::Play, steps::*, told::*};

pub(crate) const STORIES: &[Story] = &[
    Story { alert: "ProposalOpen", told: a_vote_is_told_while_it_is_open },
    Story { alert: "ProposalOpen", told: a_vote_on_what_is_so_already_is_over },
    Story { alert: "ParamsChanged", told: a_changed_charge_is_told_with_both_values },
    Story { alert: "ParamsChanged", told: a_moved_deadline_is_told_with_its_new_height },
    Story { alert: "ModelAdded", told: a_model_that_is_added_is_told_with_its_start },
    Story { alert: "ModelRemoved", told: a_model_that_is_removed_is_told },
    Story { alert: "UpgradeNear", told: an_upgrade_is_told_and_told_again_when_it_is_near },
    Story { alert: "UpgradeNear", told: an_upgrade_that_disturbs_a_deadline_is_a_warning },
    Story { alert: "UpgradeNear", told: an_upgrade_that_is_taken_back_is_off },
];

/// Votes are open for so many blocks.
const VOTING: i64 = 4;
const DEARER: &str = "refusal_penalty = { value = 12, exponent = -2 }";

// Fails when a vote is not told in the block that opened it, says other values than the chain has and
// then gets, or another end than its record; and when it is not over in the block that decided it.
#[test]
fn a_vote_is_told_while_it_is_open() {
    let decided = effective(1) + 20;
    let opened = decided - VOTING;
    let proposal = set_params_as(decided, "Refusals\r\nBcc: <b>cost</b> more", DEARER);
    let refusal = refuse(validation_start(2) - 5, "heath", KIMI);
    let play = Play::new(&[proposal, refusal]).watching(&["heath"]);
    let course = play.through(validation_end(2));
    let turns = [fires(opened, Warning), ends(decided, Warning, Met)];
    assert_eq!(course.lives("ProposalOpen", ANY), [course.life("", &[("proposal", "1")], &turns)]);
    let told = course.told("ProposalOpen", "1", opened);
    assert_eq!(told.number("refusal_penalty"), "1/10 → 3/25");
    assert!(!told.number("Title").contains(['\r', '\n']), "{:?}", told.number("Title"));
    // The vote is said to last five minutes.
    let end = course.facts(opened).time + SignedDuration::from_mins(5);
    let end = end.to_zoned(TimeZone::UTC).strftime("%H:%M UTC").to_string();
    assert!(told.number("Vote ends").ends_with(&end), "{} and not {end}", told.number("Vote ends"));
    assert!(told.commands()[1].starts_with("inferenced tx gov vote 1 "));
    course.told("ProposalOpen", "1", decided).says(&format!("changed with block {decided}"));
    assert_eq!(course.charge("heath", 2), "3/25", "what was foretold");
}

// Fails when a vote goes on to be told although what it would change was changed by another.
#[test]
fn a_vote_on_what_is_so_already_is_over() {
    let decided = effective(1) + 20;
    let steps = [set_params(decided, DEARER), set_params(decided + 2, DEARER)];
    let course = Play::new(&steps).through(decided + 4);
    let life = |id, opened, ending| {
        let turns = [fires(opened - VOTING, Warning), ends(decided, Warning, ending)];
        course.life("", &[("proposal", id)], &turns)
    };
    let expected = [life("1", decided, Met), life("2", decided + 2, Expired)];
    assert_eq!(course.lives("ProposalOpen", ANY), expected);
}

// Fails when a change is not told in the block that brought it, says other values, or is told beyond the
// running epoch.
#[test]
fn a_changed_charge_is_told_with_both_values() {
    let decided = effective(1) + 20;
    let course = Play::new(&[set_params(decided, DEARER)]).through(effective(2) + 1);
    let turns = [fires(decided, Warning), ends(effective(2), Warning, Expired)];
    assert_eq!(course.lives("ParamsChanged", ANY), [course.life(decided, &[], &turns)]);
    let told = course.told("ParamsChanged", ANY, decided);
    assert_eq!(told.number("refusal_penalty"), "1/10 → 3/25");
    assert!(told.text("headline").contains("refusal_penalty: 1/10 is now 3/25"));
    let capture = format!("block {}, ", capture(2));
    assert!(told.number("Now: capture").starts_with(&capture));
}

// Fails when the deadlines that are told after a change of lengths are not those that then come.
#[test]
fn a_moved_deadline_is_told_with_its_new_height() {
    let decided = effective(1) + 20;
    let moved = poc_start(2) - 15;
    let course = Play::new(&[set_params(decided, "deploy_window = 15")]).through(moved);
    let told = course.told("ParamsChanged", ANY, decided);
    assert_eq!(told.number("deploy_window"), "30 → 15");
    assert!(told.number("Now: capture").starts_with(&format!("block {moved}, ")));
    let start = format!("block {}, ", validation_start(2));
    assert!(told.number("Now: validation start").starts_with(&start));
    assert!(course.facts(capture(2)).captures.is_empty());
    assert_eq!(course.facts(moved).captures[0].snapshot_height, moved);
}

// Fails when a new model is not told in its block, with another start than its parameters', or when its
// absence at a capture before it was there is told as a capture that failed.
#[test]
fn a_model_that_is_added_is_told_with_its_start() {
    const GLM: &str = "zai-org/GLM-5.2-FP8";
    let decided = capture(2) + 9;
    let model = format!("[[model]]\nid = {GLM:?}\npenalty_start_epoch = 4\npoc = false\n");
    let steps = [model, set_params(decided, &format!("add_model = {GLM:?}"))];
    let course = Play::new(&steps).through(capture(3));
    let turns = [fires(decided, Warning), ends(effective(2), Warning, Expired)];
    let expected = [course.life(decided, &[("model", GLM)], &turns)];
    assert_eq!(course.lives("ModelAdded", ANY), expected);
    let told = course.told("ModelAdded", GLM, decided);
    assert_eq!(told.number("Penalty start"), "epoch 4");
    told.says(&format!("was added by block {decided}. It can cost from epoch 4 on"));
    assert_eq!(course.lives("CaptureMissing", ANY), []);
    assert!(course.facts(capture(3)).captures.iter().any(|event| event.model_id.as_str() == GLM));
}

// Fails when a model that is gone is not told of in the block that took it.
#[test]
fn a_model_that_is_removed_is_told() {
    let decided = effective(1) + 20;
    let removal = set_params(decided, &format!("remove_model = {DEEPSEEK:?}"));
    let course = Play::new(&[removal]).through(effective(2));
    let turns = [fires(decided, Info), ends(effective(2), Info, Expired)];
    let expected = [course.life(decided, &[("model", DEEPSEEK)], &turns)];
    assert_eq!(course.lives("ModelRemoved", ANY), expected);
    course.told("ModelRemoved", DEEPSEEK, decided).says(&format!("removed by block {decided}"));
    assert!(course.facts(capture(2)).captures.is_empty(), "nothing is captured of it any more");
}

// Fails when an upgrade is not told in the block that scheduled it, is urgent before it is near or not
// then, or is not over in its block.
#[test]
fn an_upgrade_is_told_and_told_again_when_it_is_near() {
    // More than a deploy window before the capture: it disturbs nothing.
    let (scheduled, due) = (effective(1) + 1, capture(2) - TIMING.deploy_window - 1);
    let steps = [schedule_upgrade(scheduled, "v0.2.15", due - scheduled)];
    let play = Play::new(&steps);
    let play = play.tuned(|thresholds| thresholds.upgrade_within = SignedDuration::from_mins(1));
    let course = play.through(due + 1);
    let turns = [fires(scheduled, Info), fires(due - 2, Warning), ends(due, Warning, Met)];
    let expected = [course.life(due, &[("upgrade", "v0.2.15")], &turns)];
    assert_eq!(course.lives("UpgradeNear", ANY), expected);
    let told = course.told("UpgradeNear", "v0.2.15", scheduled);
    let block = format!("{due}, {} blocks ahead", due - scheduled);
    assert_eq!(told.number("Its block"), block);
    assert_eq!(told.find("Comes before"), None);
    let over = course.told("UpgradeNear", "v0.2.15", due);
    over.says(&format!("The chain has passed block {due}"));
}

// Fails when an upgrade in PoC passes for one that disturbs nothing, or names another deadline than the
// next one.
#[test]
fn an_upgrade_that_disturbs_a_deadline_is_a_warning() {
    let (scheduled, due) = (capture(2) - 10, poc_start(2) + 4);
    let steps = [schedule_upgrade(scheduled, "v0.2.15", due - scheduled)];
    let course = Play::new(&steps).through(due);
    let turns = [fires(scheduled, Warning), ends(due, Warning, Met)];
    let expected = [course.life(due, &[("upgrade", "v0.2.15")], &turns)];
    assert_eq!(course.lives("UpgradeNear", ANY), expected);
    let told = course.told("UpgradeNear", "v0.2.15", scheduled);
    let next = commit_deadline(2);
    let before = format!("commit deadline of epoch 2, block {next}, {} blocks later", next - due);
    assert_eq!(told.number("Comes before"), before);
}

// Fails when an upgrade that was taken back is told as come, or goes on.
#[test]
fn an_upgrade_that_is_taken_back_is_off() {
    let (scheduled, off) = (effective(1) + 6, effective(1) + 16);
    let due = scheduled + 200;
    let steps = [schedule_upgrade(scheduled, "v0.2.16", 200), cancel_upgrade(off)];
    let course = Play::new(&steps).through(off + 1);
    let lives = course.lives("UpgradeNear", ANY);
    let [life] = lives.as_slice() else { panic!("{lives:?}") };
    assert_eq!(life.window, due.to_string());
    assert_eq!(life.turns[0].height, scheduled);
    assert_eq!(life.turns.last(), Some(&ends(off, life.turns[0].severity, Expired)));
    let told = course.told("UpgradeNear", "v0.2.16", off);
    assert!(told.text("headline").ends_with(&format!("at block {due} is off")));
    // The vote on taking it back moves nothing.
    let vote = course.told("ProposalOpen", "2", off - VOTING);
    assert_eq!(vote.severity, Info);
}
