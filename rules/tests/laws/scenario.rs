use std::sync::LazyLock;

use bootwatch_rules::scenario::evaluate;
use proptest::prelude::*;
use serde_json::Value;

use crate::cases;

/// The small ones: thousands of cases stay quick.
static VECTORS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let all: Vec<Value> = serde_json::from_str(include_str!("../vectors/scenarios.json")).unwrap();
    all.into_iter().filter(|v| v["hosts"].as_array().unwrap().len() < 8).collect()
});

fn vector() -> impl Strategy<Value = Value> {
    any::<prop::sample::Index>().prop_map(|index| index.get(&VECTORS).clone())
}

/// Every place in a JSON value, as pointers.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                pointers(item, &format!("{at}/{place}"), found);
            }
        }
        Value::Object(fields) => {
            for (key, item) in fields {
                let key = key.replace('~', "~0").replace('/', "~1");
                pointers(item, &format!("{at}/{key}"), found);
            }
        }
        _ => {}
    }
}

fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(|n| Value::from(n.to_string())),
        "\\PC{0,12}".prop_map(Value::from),
        Just(Value::Array(Vec::new())),
        Just(Value::Object(serde_json::Map::new())),
    ]
}

proptest! {
    #![proptest_config(cases(1024))]

    /// Whatever replaces a value, the answer is exact or the error names a key.
    #[test]
    fn a_broken_scenario_is_an_error_or_an_answer(
        mut vector in vector(),
        place: prop::sample::Index,
        value in anything(),
    ) {
        vector.as_object_mut().unwrap().remove("expect");
        let mut places = Vec::new();
        pointers(&vector, "", &mut places);
        *vector.pointer_mut(&places[place.index(places.len())]).unwrap() = value;
        match evaluate(&vector.to_string()) {
            Ok(answer) => prop_assert!(answer.is_object() || answer.is_array()),
            Err(error) => prop_assert!(!error.path.is_empty() && !error.problem.is_empty()),
        }
    }

    #[test]
    fn any_text_is_an_error_or_an_answer(text in "\\PC{0,40}") {
        let _ = evaluate(&text);
    }

    /// Lists are sets: their order changes no answer.
    #[test]
    fn order_does_not_matter(vector in vector(), turn in 0..50_usize) {
        let mut turned = vector.clone();
        for value in turned.as_object_mut().unwrap().values_mut() {
            if let Value::Array(items) = value {
                let places = turn.min(items.len());
                items.rotate_left(places);
            }
        }
        prop_assert_eq!(evaluate(&turned.to_string()), evaluate(&vector.to_string()));
    }
}
