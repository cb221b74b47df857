//! What becomes of the models, by their captures, their groups and the epochs.

use bootwatch_rules::Choice;
use bootwatch_schema::{
    Ending::{Expired, Met},
    Severity::{Critical, Info, Warning},
};
use jiff::SignedDuration;

use crate::{Story, calendar::*, course::*, play::Play, steps::*, told::*};

pub(crate) const STORIES: &[Story] = &[
    Story { alert: "CaptureResult", told: a_capture_says_what_the_event_says },
    Story { alert: "GapBeforeCapture", told: a_gap_is_told_until_the_capture },
    Story { alert: "GapBeforeCapture", told: a_gap_that_is_closed_is_over_in_ten_minutes },
    Story { alert: "CaptureMissing", told: a_capture_that_fails_is_missed },
    Story { alert: "CaptureMoved", told: a_second_capture_is_told_with_both_heights },
    Story { alert: "ModelFellOut", told: a_model_that_nobody_serves_falls_out },
    Story { alert: "PenaltyStartNear", told: a_model_that_begins_to_cost_is_told_epochs_before },
    Story { alert: "GroupMarginLow", told: a_group_that_could_lose_the_vote_is_told },
    Story { alert: "EpochError", told: an_epoch_that_is_not_formed_is_told },
    Story { alert: "FallbackEpoch", told: an_old_group_that_is_seated_again_is_told },
];

const ALL: [&str; 8] = ["aspen", "beech", "cypress", "dune", "ember", "fjord", "grove", "heath"];
const FOR_DEEPSEEK: [&str; 5] = ["aspen", "beech", "cypress", "dune", "ember"];
const MODEL: [(&str, &str); 1] = [("model", DEEPSEEK)];

/// Percent of the votes that a group needs: what it has to spare is told below that.
const LIMIT: u32 = 12;

/// The weight that has to be behind a candidate: a tenth of the network's.
fn weight_needed(network: i64) -> i64 {
    network / 10
}

/// More than two thirds.
fn reach_needed(network: i64) -> i64 {
    network * 2 / 3 + 1
}

// Fails when a capture is not told in its own block, says another number than its event, passes for good
// when it is not or the other way round, or still stands when the next choices count for another epoch.
#[test]
fn a_capture_says_what_the_event_says() {
    let intents = FOR_DEEPSEEK.map(|host| intend(capture(2) - 10, host, DEEPSEEK));
    let play = Play::new(&intents).deepseek_costs_from(2).watching(&["heath"]);
    let course = play.through(capture(3) + 1);
    let lives = [
        course.life(
            capture(2),
            &MODEL,
            &[fires(capture(2), Info), ends(validation_start(2), Info, Expired)],
        ),
        course.life(capture(3), &MODEL, &[fires(capture(3), Warning)]),
    ];
    assert_eq!(course.lives("CaptureResult", ANY), lives);
    for (epoch, passed) in [(2, true), (3, false)] {
        let [event] = course.facts(capture(epoch)).captures.as_slice() else { panic!("one event") };
        assert_eq!((event.pre_eligible, event.snapshot_height), (passed, capture(epoch)));
        let network = event.total_network_weight;
        assert_eq!(network, course.network(capture(epoch)));
        let told = course.told("CaptureResult", DEEPSEEK, capture(epoch));
        let row = |have: i64, need: i64| {
            let rest = if have < need {
                format!("{} missing", grouped(need - have))
            } else {
                "enough".to_owned()
            };
            format!("{} of {}, {rest}", grouped(have), grouped(need))
        };
        assert_eq!(told.number("Network weight"), grouped(network));
        let hosts = row(event.intent_host_count, 3);
        assert_eq!(told.number("Hosts with intent at the capture"), hosts);
        let weight = row(event.intent_weight, weight_needed(network));
        assert_eq!(told.number("Intent weight at the capture"), weight);
        let reach = row(event.reachable_voting_power, reach_needed(network));
        assert_eq!(told.number("Reach at the capture"), reach);
        told.says(&format!("The capture for epoch {epoch} was taken at block {}", capture(epoch)));
        assert_eq!(told.number("heath"), "nothing");
        // What heath still has to decide about the model.
        assert_eq!(told.by().1, validation_start(epoch));
        assert!(told.text("cost").contains("heath: 15 %"));
    }
}

// Fails when a gap is told before it is near, before it has lasted a minute, with other needs than the
// chain's weights give, with the wrong urgency, or beyond the capture.
#[test]
fn a_gap_is_told_until_the_capture() {
    for (costs_from, severity) in [(2, Warning), (3, Info)] {
        let intent = intend(effective(1) + 5, "aspen", DEEPSEEK);
        let course = Play::new(&[intent]).deepseek_costs_from(costs_from).through(capture(2));
        let near = capture(2) - 20;
        let turns =
            [waits(near, severity), fires(near + 2, severity), ends(capture(2), severity, Expired)];
        assert_eq!(course.lives("GapBeforeCapture", ANY), [course.life(2, &MODEL, &turns)]);
        assert_eq!(course.told_at("GapBeforeCapture", ANY), [(near + 2, severity)]);
        let told = course.told("GapBeforeCapture", DEEPSEEK, near + 2);
        let (own, network) = (course.weight("aspen", near + 2), course.network(near + 2));
        assert_eq!(told.number("Hosts with intent now"), "1 of 3, 2 missing");
        let weight = format!("{} of {}, enough", grouped(own), grouped(weight_needed(network)));
        assert_eq!(told.number("Intent weight now"), weight);
        let need = reach_needed(network);
        let reach =
            format!("{} of {}, {} missing", grouped(own), grouped(need), grouped(need - own));
        assert_eq!(told.number("Reach now"), reach);
        assert_eq!(told.by(), ("capture", capture(2), 18));
        // Aspen's 20 % and at least three of the next heaviest make more than two thirds.
        let mut others = ALL[1..].iter().map(|host| course.weight(host, near + 2));
        let mut sum = own;
        let fewest = others.position(|weight| {
            sum += weight;
            sum >= need
        });
        let fewest = format!("{}, such as ", fewest.unwrap() + 1);
        assert!(told.number("Fewest hosts that would close it").starts_with(&fewest), "{fewest}");
    }
}

// Fails when a gap that was closed is told as open, or over before ten minutes have shown it.
#[test]
fn a_gap_that_is_closed_is_over_in_ten_minutes() {
    let near = capture(2) - 30;
    let intents = FOR_DEEPSEEK.map(|host| intend(near + 4, host, DEEPSEEK));
    let play = Play::new(&intents).deepseek_costs_from(2);
    let play = play.tuned(|thresholds| thresholds.gap_within = SignedDuration::from_mins(15));
    let course = play.through(capture(2));
    let turns = [waits(near, Warning), fires(near + 2, Warning), ends(near + 24, Warning, Met)];
    assert_eq!(course.lives("GapBeforeCapture", ANY), [course.life(2, &MODEL, &turns)]);
    let told = course.told("GapBeforeCapture", DEEPSEEK, near + 24);
    assert!(told.text("headline").starts_with("over: DeepSeek"));
    assert!(course.facts(capture(2)).captures[0].pre_eligible);
}

// Fails when a capture of which the chain says nothing passes in silence, or is told of again in the
// epoch after.
#[test]
fn a_capture_that_fails_is_missed() {
    let course = Play::new(&[fail_capture(capture(2))]).through(capture(3));
    let turns = [fires(capture(2), Warning), ends(validation_start(2), Warning, Expired)];
    let expected = [course.life(capture(2), &MODEL, &turns)];
    assert_eq!(course.lives("CaptureMissing", ANY), expected);
    assert!(course.facts(capture(2)).captures.is_empty());
    assert!(!course.facts(capture(3)).captures.is_empty());
    let told = course.told("CaptureMissing", DEEPSEEK, capture(2));
    told.says(&format!("Block {}, the capture of epoch 2", capture(2)));
    assert_eq!(told.number("Its newest capture"), "none known");
}

// Fails when the second capture of an epoch is taken for the first, or one of the heights is not the
// event's.
#[test]
fn a_second_capture_is_told_with_both_heights() {
    let (first, second) = (capture(2), poc_start(2) - 15);
    let course = Play::new(&[set_params(first + 10, "deploy_window = 15")]).through(effective(2));
    for height in [first, second] {
        assert_eq!(course.facts(height).captures[0].snapshot_height, height);
    }
    let turns = [fires(second, Warning), ends(validation_start(2), Warning, Expired)];
    assert_eq!(course.lives("CaptureMoved", ANY), [course.life(second, &MODEL, &turns)]);
    let told = course.told("CaptureMoved", DEEPSEEK, second);
    told.says(&format!("was captured at block {first}, and again at block {second}"));
}

// Fails when a model that has lost its group is not told of once the epoch without it runs, or when the
// epochs with and without it are not those of the chain's groups.
#[test]
fn a_model_that_nobody_serves_falls_out() {
    let stops = ALL.map(|host| stop(poc_start(2), host, KIMI));
    let course = Play::new(&stops).through(effective(3) + 1);
    let turns = [fires(effective(2), Warning), ends(effective(3), Warning, Expired)];
    let expected = [course.life(2, &[("model", KIMI)], &turns)];
    assert_eq!(course.lives("ModelFellOut", ANY), expected);
    let members = |epoch| course.powers(KIMI, epoch, effective(2)).len();
    assert!(members(1) > 0 && members(2) == 0);
    let told = course.told("ModelFellOut", KIMI, effective(2));
    told.says("had a group in epoch 1, and has none since epoch 2");
    let network = course.network(effective(2));
    let weight = format!("0 of {0}, {0} missing", grouped(weight_needed(network)));
    assert_eq!(told.number("Intent weight now"), weight);
}

// Fails when the start of a model's charges is told at another epoch than two before it, is not urgent
// once the next choices count for it, or goes on when it has come.
#[test]
fn a_model_that_begins_to_cost_is_told_epochs_before() {
    let play = Play::new(&[]).deepseek_costs_from(4).watching(&["heath"]);
    let course = play.through(effective(4) + 3);
    let turns = [
        fires(effective(2), Info),
        fires(validation_start(3), Warning),
        ends(effective(4) + 2, Warning, Expired),
    ];
    assert_eq!(course.lives("PenaltyStartNear", DEEPSEEK), [course.life(4, &MODEL, &turns)]);
    let told = course.told("PenaltyStartNear", DEEPSEEK, effective(2));
    told.says("From epoch 4 on");
    told.says("The running epoch is 2.");
    assert_eq!(told.number("heath"), "nothing");
}

// Fails when the votes, or what they have to be, are not what the chain's groups and weights give; when a
// narrow margin is told before it has lasted a minute, or over before it is a quarter above for ten; and
// when a vote that cannot be won any more is not critical.
#[test]
fn a_group_that_could_lose_the_vote_is_told() {
    // Aspen, beech and cypress alone serve Kimi: a bit more than half of the votes.
    let mut steps = ["dune", "ember", "fjord", "grove"].map(|host| stop(1, host, KIMI)).to_vec();
    let (wider, enough, lost) = (effective(1) + 7, effective(1) + 12, effective(1) + 40);
    // Less weight in the network, and more than enough votes.
    steps.extend([exclude(wider, "heath", "downtime"), exclude(enough, "dune", "downtime")]);
    steps.extend(["aspen", "cypress"].map(|host| exclude(lost, host, "downtime")));
    let play = Play::new(&steps).tuned(|thresholds| thresholds.group_margin_percent = LIMIT);
    let course = play.through(effective(2) + 41);
    let since = effective(1);
    let turns = [
        waits(since, Warning),
        fires(since + 2, Warning),
        ends(enough + 20, Warning, Met),
        waits(lost, Critical),
        fires(lost + 2, Critical),
        // The group is gone then. What came back has to stay away for twice as long.
        ends(effective(2) + 40, Critical, Expired),
    ];
    let expected = [course.life("", &[("model", KIMI)], &turns)];
    assert_eq!(course.lives("GroupMarginLow", ANY), expected);

    let votes = |height, gone: &[&str]| {
        let mut powers = course.powers(KIMI, 1, height);
        powers.retain(|address, _| gone.iter().all(|host| course.address(host) != address));
        (powers.values().sum::<i64>(), course.network(height) / 2 + 1)
    };
    let (have, need) = votes(since + 2, &[]);
    let limit = i64::from(LIMIT);
    assert!((have - need) * 100 < need * limit && have >= need, "{have} of {need}");
    let told = course.told("GroupMarginLow", KIMI, since + 2);
    assert_eq!(told.number("Votes"), format!("{} of {} needed", grouped(have), grouped(need)));
    let spare = format!("only {} votes to spare", grouped(have - need));
    assert!(told.text("headline").ends_with(&spare), "{}", told.text("headline"));
    let most = course.powers(KIMI, 1, since + 2).into_values().max().unwrap();
    assert_eq!(told.number("Largest part in one hand"), percent(most, have));
    assert!(told.number("Hosts that can turn it").starts_with("1: "));

    // Above the limit, and not yet a quarter above it.
    let (have, need) = votes(wider, &[]);
    let spare = (have - need) * 400;
    assert!((need * limit * 4..need * limit * 5).contains(&spare), "{have} of {need}");
    let (have, need) = votes(enough, &[]);
    assert!((have - need) * 400 >= need * limit * 5, "{have} of {need}");
    let (have, need) = votes(lost + 2, &["aspen", "cypress"]);
    assert!(have < need, "{have} of {need}");
    let told = course.told("GroupMarginLow", KIMI, lost + 2);
    let short = format!("{} votes short of keeping its group", grouped(need - have));
    assert!(told.text("headline").ends_with(&short), "{}", told.text("headline"));
    assert_eq!(course.powers(KIMI, 2, effective(2)).len(), 0, "and so it came");
}

// Fails when an epoch that is not formed passes in silence or for one that is, and when what is said of
// charges and choices is not so on the chain.
#[test]
fn an_epoch_that_is_not_formed_is_told() {
    let mut steps = ALL.map(|host| stop_all(1, host)).to_vec();
    steps.push(refuse(validation_start(1), "heath", KIMI));
    let formed = validation_end(1);
    let again = validation_end(2);
    let course = Play::new(&steps).through(again);
    // It happens again in the epoch after it, for the same reason.
    let lives = [
        course.life(formed, &[], &[fires(formed, Warning), ends(again, Warning, Expired)]),
        course.life(again, &[], &[fires(again, Warning)]),
    ];
    assert_eq!(course.lives("EpochError", ANY), lives);
    let told = course.told("EpochError", ANY, formed);
    assert_eq!((told.number("epoch"), told.number("Block")), ("1", &*formed.to_string()));
    told.says(
        "the epoch was not formed. Nothing was charged for it, and refusals and intents were",
    );
    assert_eq!(course.player.charges(), None);
    assert_eq!(refusals(&course), ["heath"]);
}

// Fails when a fallback passes in silence, goes on in an epoch that was formed of work again, and when
// what is said of charges and choices is not so on the chain.
#[test]
fn an_old_group_that_is_seated_again_is_told() {
    let formed = validation_end(2);
    let mut steps = ALL.map(|host| stop_all(poc_start(2), host)).to_vec();
    steps.extend(ALL.map(|host| serve_all(poc_start(3), host)));
    steps.push(refuse(poc_start(2) - 5, "heath", KIMI));
    let play = Play::new(&steps);
    let course = play.clone().through(formed - 1);
    assert_eq!(refusals(&course), ["heath"]);
    let course = play.through(effective(3));
    let turns = [fires(formed, Warning), ends(effective(3), Warning, Expired)];
    assert_eq!(course.lives("FallbackEpoch", ANY), [course.life(formed, &[], &turns)]);
    let told = course.told("FallbackEpoch", ANY, formed);
    assert_eq!((told.number("epoch"), told.number("participants")), ("2", "8"));
    told.says("charges were fixed, and refusals and intents wiped");
    assert_eq!(course.charge("heath", 2), "1/10");
    assert_eq!(refusals(&course), [""; 0]);
    assert!(course.weight("beech", effective(2)) > 0, "it was seated again");
}

/// Hosts whose refusals stand on the chain, after its newest block.
fn refusals(course: &Course) -> Vec<String> {
    let all = course.player.choices().into_iter();
    let refuses =
        all.filter(|host| host.choices.iter().any(|(_, choice)| *choice == Choice::Refuse));
    let name = |address: &str| ALL.iter().find(|host| course.address(host) == address);
    refuses.map(|host| name(host.host.as_str()).unwrap().to_string()).collect()
}
