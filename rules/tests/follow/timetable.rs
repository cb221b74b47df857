//! When things happen: deadlines, phases, estimated times, and whether the data is still good.

use bootwatch_rules::{
    Height,
    situation::{DeadlineName, DeadlineState, Inputs, Phase, assess},
};
use jiff::SignedDuration;

use crate::{
    kit::*,
    situation::{at, deadline, inputs, with_params},
};

#[test]
fn every_deadline_shows_its_next_occurrence() {
    use DeadlineName::{Capture, CommitDeadline, PocStart, ValidationEnd, ValidationStart};
    // In the inference phase of epoch 10.
    let situation = at(&with_params(1050, |_| {}));
    let shown: Vec<_> = situation.deadlines.iter().map(|d| (d.name, d.epoch, d.height)).collect();
    assert_eq!(
        shown,
        [
            (Capture, 11, Some(1080)),
            (PocStart, 11, Some(1100)),
            (CommitDeadline, 11, Some(1111)),
            (ValidationStart, 11, Some(1113)),
            (ValidationEnd, 11, Some(1123)),
        ]
    );
    let epoch = &situation.epoch;
    assert_eq!((epoch.index, epoch.poc_start), (10, 1000));
    assert_eq!((epoch.next_poc_start, epoch.upcoming), (1100, 11));
    assert_eq!(epoch.block_seconds, Some(5.0));

    // A block that is done is no deadline any more: the next one counts.
    for (tip, name, epoch, height) in [
        (1079, Capture, 11, 1080),
        (1080, Capture, 12, 1180),
        (1100, PocStart, 12, 1200),
        (1110, CommitDeadline, 11, 1111),
        (1111, CommitDeadline, 12, 1211),
        (1112, ValidationStart, 11, 1113),
        (1113, ValidationStart, 12, 1213),
        (1122, ValidationEnd, 11, 1123),
        (1123, ValidationEnd, 12, 1223),
    ] {
        let situation = at(&with_params(tip, |_| {}));
        let found = deadline(&situation, name);
        assert_eq!((found.epoch, found.height), (epoch, Some(height)), "{name:?} at {tip}");
        assert_eq!(found.blocks_left, Some(height - tip));
    }
}

#[test]
fn phases_begin_at_the_end_of_their_block() {
    for (tip, phase, index) in [
        (1099, Phase::Inference, 10),
        (1100, Phase::PocGenerate, 10),
        (1110, Phase::PocGenerate, 10),
        (1111, Phase::PocExchange, 10),
        (1112, Phase::PocExchange, 10),
        (1113, Phase::PocValidate, 10),
        (1122, Phase::PocValidate, 10),
        (1123, Phase::Formed, 10),
        (1127, Phase::Formed, 10),
        (1128, Phase::Inference, 11),
    ] {
        // Both read at this height and carried on from the block before.
        let mut carried = with_params(tip - 1, |_| {});
        carried.apply(&block(tip), None);
        for ledger in [with_params(tip, |_| {}), carried] {
            let situation = at(&ledger);
            assert_eq!((situation.epoch.phase, situation.epoch.index), (phase, index), "{tip}");
        }
    }
}

#[test]
fn a_capture_that_does_not_come_is_absent_and_a_stuck_chain_unknown() {
    for window in [0, -1, 101] {
        let ledger = with_params(1050, |p| p.delegation.as_mut().unwrap().deploy_window = window);
        let situation = at(&ledger);
        assert_eq!(deadline(&situation, DeadlineName::Capture).state, DeadlineState::Absent);
        assert_eq!(situation.deadlines[4].name, DeadlineName::Capture, "it stands last");
        assert_eq!(deadline(&situation, DeadlineName::PocStart).height, Some(1100));
    }
    // No thresholds at all: a state from before v0.2.12.
    let situation = at(&with_params(1050, |p| p.delegation = None));
    assert_eq!(deadline(&situation, DeadlineName::Capture).state, DeadlineState::Absent);
    // An epoch that has become shorter than what is over: nobody knows what will repair it.
    let situation = at(&with_params(1090, |p| p.epoch.epoch_length = 50));
    assert_eq!(situation.epoch.phase, Phase::Unknown);
    assert_eq!(deadline(&situation, DeadlineName::PocStart).state, DeadlineState::Unknown);
    assert_eq!(deadline(&situation, DeadlineName::PocStart).height, None);
}

#[test]
fn etas_count_from_the_tip_and_slide_while_the_chain_is_silent() {
    let mut ledger = with_params(1040, |_| {});
    for height in 1041..=1060 {
        ledger.apply(&block(height), None);
    }
    let eta = |inputs: &Inputs<'_>| deadline(&assess(inputs), DeadlineName::Capture).eta.unwrap();
    let time = |height: Height| block(height).time;
    let mut inputs = inputs(&ledger, &[]);
    assert_eq!(eta(&inputs), time(1080));
    let error = deadline(&assess(&inputs), DeadlineName::Capture).eta_error_seconds.unwrap();
    assert!((5.0..20.0).contains(&error), "{error}");
    // Half an hour of silence: the twenty blocks are still to be made.
    inputs.now = time(1060) + SignedDuration::from_mins(30);
    assert_eq!(eta(&inputs), time(1079) + SignedDuration::from_mins(30));
    // Half an hour behind the head: they were made long ago.
    inputs.head = 1420;
    assert_eq!(eta(&inputs), time(1080));
}

#[test]
fn old_or_overtaken_data_is_stale() {
    let ledger = with_params(1050, |_| {});
    let mut inputs = inputs(&ledger, &[]);
    let tip = inputs.now;
    // Blocks come every five seconds.
    for (seconds, stale) in [(0, false), (15, false), (16, true), (3600, true)] {
        inputs.now = tip + SignedDuration::from_secs(seconds);
        assert_eq!(assess(&inputs).stale, stale, "{seconds} s");
    }
    inputs.now = tip;
    for (ahead, stale) in [(1, false), (5, false), (6, true)] {
        inputs.head = 1050 + ahead;
        assert_eq!(assess(&inputs).stale, stale, "{ahead} blocks");
    }
    // A clock that runs behind the chain's is no reason for doubt.
    inputs.head = 1050;
    inputs.now = tip - SignedDuration::from_secs(60);
    assert!(!assess(&inputs).stale);
}

#[test]
fn members_of_the_epoch_before_make_it_stale() {
    let mut ledger = with_params(1127, |_| {});
    assert!(!at(&ledger).stale);
    // The epoch has become effective, and its members were not read.
    ledger.apply(&block(1128), None);
    assert!(at(&ledger).stale);
    assert_eq!(at(&ledger).epoch.index, 11);
}
