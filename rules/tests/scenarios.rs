//! Known answers: random networks with the results of an independent implementation.

use serde_json::Value;

const VECTORS: &str = include_str!("vectors/scenarios.json");

#[test]
fn every_vector_is_answered_exactly() {
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    let answers = bootwatch_rules::scenario::evaluate(VECTORS).unwrap();
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), vectors.len());
    assert_eq!(vectors.len(), 80, "a vector file that lost its contents proves nothing");
    for (vector, answer) in vectors.iter().zip(answers) {
        for part in ["preeligibility", "penalties"] {
            assert_eq!(answer[part], vector["expect"][part], "{} {part}", vector["name"]);
        }
        assert_eq!(answer, &vector["expect"], "{}", vector["name"]);
    }
}

#[test]
fn one_object_gives_one_answer() {
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    let one = bootwatch_rules::scenario::evaluate(&vectors[1].to_string()).unwrap();
    assert_eq!(one, vectors[1]["expect"]);
}
