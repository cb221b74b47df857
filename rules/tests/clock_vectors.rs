//! The clock against known answers: an independent implementation's, and published heights.

#![allow(clippy::unwrap_used, reason = "all of it is test code")]

use std::time::Instant;

use bootwatch_rules::{
    Epoch, EpochParams,
    clock::{ClockParams, Stages, evaluate},
};
use serde_json::{Value, json};

#[test]
fn every_vector_gives_exactly_its_answer() {
    let text = include_str!("vectors/clock.json");
    let vectors: Vec<Value> = serde_json::from_str(text).unwrap();
    let answers = evaluate(text).unwrap();
    assert_eq!(vectors.len(), 90);
    for (vector, answer) in vectors.iter().zip(answers.as_array().unwrap()) {
        assert_eq!(answer, &vector["expect"], "{}", vector["name"]);
        // One object gives one answer, not a list of one.
        assert_eq!(&evaluate(&vector.to_string()).unwrap(), answer);
    }
}

#[test]
fn published_mainnet_heights() {
    let published: Value = serde_json::from_str(include_str!("vectors/epochs.json")).unwrap();
    let height = |value: &Value| value.as_i64().unwrap();
    let params = ClockParams {
        epoch: EpochParams {
            epoch_length: height(&published["epoch_length"]),
            epoch_shift: 16980,
            poc_stage_duration: height(&published["poc_stage_duration"]),
            poc_exchange_duration: height(&published["poc_exchange_duration"]),
            poc_validation_delay: height(&published["poc_validation_delay"]),
            poc_validation_duration: height(&published["poc_validation_duration"]),
            set_new_validators_delay: height(&published["set_new_validators_delay"]),
            inference_validation_cutoff: height(&published["inference_validation_cutoff"]),
        },
        deploy_window: height(&published["deploy_window"]),
    };
    let rows = published["published"].as_array().unwrap();
    assert_eq!(rows.len(), 6);
    for row in rows {
        let index = row["epoch"].as_u64().unwrap();
        let poc_start = height(&row["poc_start"]);
        let stages = Stages::of(Epoch { index, poc_start }, &params);
        assert_eq!(stages.commit_deadline, height(&row["commit_deadline"]));
        assert_eq!(stages.validation_start, height(&row["validation_start"]));
        assert_eq!(stages.validation_end, height(&row["validation_end"]));
        assert_eq!(stages.effective, height(&row["effective"]));
        let before = Epoch { index: index - 1, poc_start: poc_start - params.epoch.epoch_length };
        let before = Stages::of(before, &params);
        assert_eq!(before.capture, Some(height(&row["capture"])));
        assert_eq!(before.next_epoch(), Epoch { index, poc_start });
    }
}

/// Lengths as on a small chain: validation starts 13 blocks into an epoch, ends at 23, the epoch is
/// effective at 28. The effective epoch is 10, started at 1000.
fn chain(deploy_window: i64, from: i64, to: i64, changes: &Value) -> Value {
    json!({
        "effective_epoch": { "index": 10, "poc_start": 1000 },
        "params": {
            "epoch_length": 100, "epoch_shift": 0, "poc_stage_duration": 10,
            "poc_exchange_duration": 1, "poc_validation_delay": 3, "poc_validation_duration": 10,
            "set_new_validators_delay": 5, "inference_validation_cutoff": 2,
            "deploy_window": deploy_window
        },
        "changes": changes, "from": from, "to": to
    })
}

/// The heights of one stage, with their epochs, and where the chain gets stuck.
fn reached(chain: &Value, what: &str) -> (Vec<(i64, u64)>, Option<i64>) {
    let answer = evaluate(&chain.to_string()).unwrap();
    let events = answer["events"].as_array().unwrap();
    let matching = events.iter().filter(|event| event["what"] == what);
    let stages = matching
        .map(|event| (event["height"].as_i64().unwrap(), event["epoch"].as_u64().unwrap()))
        .collect();
    (stages, answer["stuck_from"].as_i64())
}

#[test]
fn the_deploy_window_places_the_capture() {
    for (window, captures) in [
        // None, and no events.
        (0, vec![]),
        (-5, vec![]),
        // Longer than the epoch: never.
        (101, vec![]),
        // In the inference phase.
        (20, vec![(1080, 11), (1180, 12)]),
        // In the block in which the epoch becomes effective.
        (72, vec![(1128, 12)]),
        // In the PoC stage, for the epoch after.
        (90, vec![(1110, 12)]),
        // In the very block of the PoC start.
        (100, vec![(1100, 12), (1200, 13)]),
    ] {
        assert_eq!(reached(&chain(window, 1029, 1200, &json!([])), "capture").0, captures);
    }
}

#[test]
fn governance_moves_loses_and_repeats_captures() {
    let captures = |changes: Value| reached(&chain(20, 1029, 1150, &changes), "capture").0;
    // Lengthened before it: later.
    assert_eq!(captures(json!([{ "height": 1050, "epoch_length": 110 }])), [(1090, 11)]);
    // In force at the end of its own block.
    assert_eq!(captures(json!([{ "height": 1060, "deploy_window": 40 }])), [(1060, 11)]);
    // The new height is already past: none in this epoch.
    assert_eq!(captures(json!([{ "height": 1061, "deploy_window": 40 }])), []);
    // Changed after the capture so that it is ahead again: twice.
    assert_eq!(
        captures(json!([{ "height": 1085, "deploy_window": 10 }])),
        [(1080, 11), (1090, 11)]
    );
    // Changes may be listed in any order.
    let changes = json!([
        { "height": 1085, "deploy_window": 10 }, { "height": 1050, "deploy_window": 30 }
    ]);
    assert_eq!(captures(changes), [(1070, 11), (1090, 11)]);
}

#[test]
fn a_missed_poc_start_ends_in_an_epoch_that_does_not_exist() {
    // PoC should have started at 1060, five blocks before the change.
    let changes = json!([{ "height": 1065, "epoch_length": 60 }]);
    let chain = chain(20, 1029, 5000, &changes);
    assert_eq!(reached(&chain, "poc_start"), (vec![], Some(1089)));
    // The stages of the epoch without a record do nothing, and it never becomes effective.
    for what in ["validation_start", "validation_end", "effective"] {
        assert_eq!(reached(&chain, what).0, []);
    }
    // Nothing that governance changes afterwards brings the record back.
    let mut later = chain;
    later["changes"] = json!([
        { "height": 1065, "epoch_length": 60 }, { "height": 1200, "epoch_length": 500 }
    ]);
    assert_eq!(reached(&later, "poc_start"), (vec![], Some(1089)));
}

#[test]
fn a_height_beyond_both_epochs_waits_for_better_parameters() {
    let changes = json!([{ "height": 1090, "epoch_length": 60 }]);
    assert_eq!(reached(&chain(20, 1029, 1300, &changes), "poc_start"), (vec![], Some(1090)));
    // The effective epoch is still there, so the chain goes on once the height fits again.
    let changes = json!([
        { "height": 1090, "epoch_length": 60 }, { "height": 1120, "epoch_length": 200 }
    ]);
    let chain = chain(20, 1029, 1300, &changes);
    assert_eq!(reached(&chain, "poc_start"), (vec![(1200, 11)], Some(1090)));
    assert_eq!(reached(&chain, "capture").0, [(1080, 11), (1180, 11)]);
}

#[test]
fn epoch_zero_has_no_poc_and_counts_from_the_shift() {
    let mut chain = chain(20, 1, 130, &json!([]));
    chain["effective_epoch"] = json!({ "index": 0, "poc_start": 0 });
    chain["params"]["epoch_shift"] = json!(30);
    assert_eq!(reached(&chain, "capture").0, [(50, 1)]);
    assert_eq!(reached(&chain, "poc_start"), (vec![(70, 1)], None));
    assert_eq!(reached(&chain, "effective").0, [(98, 1)]);
    // Shifted beyond its own length, its end lies before the first block.
    chain["params"]["epoch_shift"] = json!(200);
    assert_eq!(reached(&chain, "poc_start"), (vec![], Some(1)));
}

#[test]
fn a_range_may_begin_inside_a_poc_stage() {
    // The record of epoch 11 exists since 1100, as the parameters tell.
    let chain = chain(20, 1105, 1130, &json!([]));
    assert_eq!(reached(&chain, "validation_start").0, [(1113, 11)]);
    assert_eq!(reached(&chain, "effective"), (vec![(1128, 11)], None));
    // Unless the file says that it does not.
    let mut missed = chain;
    missed["latest_epoch"] = json!({ "index": 10, "poc_start": 1000 });
    assert_eq!(reached(&missed, "effective"), (vec![], Some(1129)));
}

#[test]
fn long_ranges_are_cheap() {
    let mut mainnet =
        serde_json::from_str::<Value>(include_str!("vectors/clock.json")).unwrap()[0].take();
    mainnet["to"] = json!(5_521_734_i64 + 200_000_000);
    let started = Instant::now();
    let (captures, stuck) = reached(&mainnet, "capture");
    // Two hundred million blocks one by one would take minutes in a debug build.
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    assert_eq!((captures.len(), stuck), (12_994, None));
    assert_eq!(captures.last().unwrap().1, 359 + 12_993);

    // A stuck chain and one whose epochs take longer than the range cost nothing at all.
    let endless = chain(20, 1029, 1 << 56, &json!([{ "height": 1090, "epoch_length": 60 }]));
    assert_eq!(reached(&endless, "poc_start"), (vec![], Some(1090)));
    let mut sparse = chain(20, 1029, 1 << 56, &json!([]));
    sparse["params"]["epoch_length"] = json!(1_i64 << 54);
    assert_eq!(reached(&sparse, "poc_start").0.len(), 3);
}

#[test]
fn a_wrong_file_names_its_key() {
    let error = |json: String| evaluate(&json).unwrap_err().to_string();
    let good = chain(20, 1029, 1200, &json!([]));
    let with = |edit: &dyn Fn(&mut Value)| {
        let mut wrong = good.clone();
        edit(&mut wrong);
        // In a list, so that its place shows too.
        error(json!([good, wrong]).to_string())
    };
    assert!(error("{".to_owned()).contains("not JSON"));
    assert!(error("{}".to_owned()).contains("effective_epoch"));
    for (path, message) in [
        ("[1].params.epoch_length", with(&|v| v["params"]["epoch_length"] = json!("long"))),
        ("[1].params: missing", {
            with(&|v| _ = v["params"].as_object_mut().unwrap().remove("deploy_window"))
                .replace('`', "")
        }),
        ("[1].changes[0].deploy_windoe", {
            with(&|v| v["changes"] = json!([{ "height": 1, "deploy_windoe": 3 }]))
        }),
        ("[1].params.epoch_shfit", with(&|v| v["params"]["epoch_shfit"] = json!(3))),
        ("[1].latest_epcoh", with(&|v| v["latest_epcoh"] = json!(null))),
        ("[1].effective_epoch.index", with(&|v| v["effective_epoch"]["index"] = json!(-1))),
        ("[1].params.deploy_window", with(&|v| v["params"]["deploy_window"] = json!(i64::MAX))),
        ("[1].changes[0].height", with(&|v| v["changes"] = json!([{ "height": i64::MIN }]))),
        ("[1].from", with(&|v| v["from"] = json!(1201))),
        ("[1].to", {
            with(&|v| {
                v["to"] = json!(1_i64 << 50);
            })
        }),
    ] {
        assert!(message.contains(path), "{message}");
    }
    let twice = good
        .to_string()
        .replace("\"deploy_window\":20", "\"deploy_window\":20,\"deploy_window\":30");
    let message = error(twice);
    assert!(message.contains("`params`") && message.contains("duplicate"), "{message}");
    assert!(error(format!("{good} {good}")).contains("not JSON"));
}
