//! The clock against known answers: an independent implementation's, and published heights.

use bootwatch_rules::{
    Epoch, EpochParams,
    clock::{ClockParams, Stages, evaluate},
};
use serde_json::Value;

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
