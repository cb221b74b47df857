use super::*;

const SMALL: &str = r#"{
  "rule_set": "v0.2.14", "upcoming_epoch": 5,
  "params": {
    "w_threshold": {"value": "1", "exponent": -1}, "v_min": 1,
    "refusal_penalty": {"value": "1", "exponent": -1},
    "no_participation_penalty": {"value": "15", "exponent": -2},
    "delegation_share": {"value": "5", "exponent": -2}
  },
  "hosts": [{"address": "a", "weight": 100}, {"address": "b", "weight": 60}],
  "models": [{"model_id": "m", "coefficient": null, "penalty_start_epoch": 0}],
  "candidates": [{"model_id": "m", "coefficient": null, "penalty_start_epoch": 0}],
  "bootstrap_snapshot": [{"model_id": "m", "host": "a", "kind": "intent"}],
  "regular_snapshot": [{"model_id": "m", "host": "b", "kind": "delegate", "delegate_to": "a"}],
  "bootstrap_report": [{"model_id": "m", "pre_eligible": true}],
  "outcome": {
    "upcoming_weights": {"a": 1, "b": 1}, "eligible_members": {},
    "committers": {"m": ["a"]}, "validated_committers": {}
  }
}"#;

#[test]
fn the_small_scenario_is_sound() {
    let answer = evaluate(SMALL).unwrap();
    assert_eq!(answer["penalties"][0]["models"]["m"]["mode"], "bootstrap_direct");
    assert_eq!(answer["penalties"][1]["fraction"], "3/20");
    let list = evaluate(&format!(" [{SMALL}, {SMALL}]")).unwrap();
    assert_eq!(list[1], answer);
    assert_eq!(evaluate("[]").unwrap(), Value::Array(Vec::new()));
}

/// Each line replaces one text of [`SMALL`] and names the key that is then wrong.
#[test]
fn an_error_names_its_key() {
    let cases = [
        (r#""v_min": 1"#, r#""v_min": 1.5"#, "params.v_min"),
        (r#""v_min": 1"#, r#""v_min": "x""#, "params.v_min"),
        (r#""v_min": 1"#, r#""v_mim": 1"#, "params.v_mim"),
        (r#""v_min": 1,"#, "", "params"),
        (r#""v0.2.14""#, r#""v0.2.15""#, "rule_set"),
        (r#""upcoming_epoch": 5"#, r#""upcoming_epoch": -5"#, "upcoming_epoch"),
        (
            r#""1", "exponent": -1}, "v_min""#,
            r#""1", "exponent": 400}, "v_min""#,
            "params.w_threshold",
        ),
        // Exact in 128 bits, and more than any weight.
        (
            r#""1", "exponent": -1}, "v_min""#,
            r#""1", "exponent": 18}, "v_min""#,
            "params.w_threshold",
        ),
        (
            r#"{"value": "15", "exponent": -2}"#,
            r#"{"value": "15", "exponent": -1}"#,
            "params.no_participation_penalty",
        ),
        (
            r#"{"value": "15", "exponent": -2}"#,
            r#"{"value": "15", "exponent": -2147483649}"#,
            "params.no_participation_penalty.exponent",
        ),
        (
            r#"{"value": "5", "exponent": -2}"#,
            r#"{"value": "5", "exponent": -300}"#,
            "params.delegation_share",
        ),
        (r#""weight": 60"#, r#""weight": -60"#, "hosts[1].weight"),
        (r#""weight": 60"#, r#""weight": 9223372036854775807"#, "hosts[1].weight"),
        (r#""weight": 60"#, r#""weight": 9223372036854775808"#, "hosts[1].weight"),
        (r#""weight": 60"#, r#""weight": 1e30"#, "hosts[1].weight"),
        (r#""address": "b""#, r#""address": "a""#, "hosts[1].address"),
        (r#""kind": "intent""#, r#""kind": "refuse""#, "bootstrap_snapshot[0].kind"),
        (
            r#""kind": "delegate", "delegate_to": "a""#,
            r#""kind": "delegate""#,
            "regular_snapshot[0].delegate_to",
        ),
        (
            r#""bootstrap_report": ["#,
            r#""bootstrap_report": [{"model_id": "m", "pre_eligible": true}, "#,
            "bootstrap_report[1].model_id",
        ),
        (r#""candidates": ["#, r#""candidates": [{"model_id": "m"}, "#, "candidates[1].model_id"),
        (
            r#""bootstrap_snapshot": ["#,
            r#""bootstrap_snapshot": [{"model_id": "m", "host": "a", "kind": "intent"}, "#,
            "bootstrap_snapshot[1]",
        ),
        (
            r#""kind": "intent""#,
            r#""kind": "intent", "delegate_to": "b""#,
            "bootstrap_snapshot[0].delegate_to",
        ),
        (r#""host": "b", "kind""#, r#""host": 7, "kind""#, "regular_snapshot[0].host"),
        (r#"{"a": 1, "b": 1}"#, r#"{"a": 1, "b": -1}"#, "outcome.upcoming_weights.b"),
        (r#"{"a": 1, "b": 1}"#, r#"{"a": 1, "a": 1}"#, "outcome.upcoming_weights"),
        (r#"{"m": ["a"]}"#, r#"{"m": ["a", "a"]}"#, "outcome.committers.m[1]"),
        (r#"{"m": ["a"]}"#, r#"{"m": [1]}"#, "outcome.committers.m[0]"),
    ];
    for (from, to, path) in cases {
        let broken = SMALL.replacen(from, to, 1);
        assert_ne!(broken, SMALL, "{from}");
        assert_eq!(evaluate(&broken).unwrap_err().path, path, "{to}");
        let listed = format!("[{SMALL},{broken}]");
        assert_eq!(evaluate(&listed).unwrap_err().path, format!("[1].{path}"), "{to}");
    }
}

#[test]
fn what_is_no_scenario_is_refused() {
    for text in ["", "   ", "7", "null", "{", "[{}]", "\"x\"", &format!("{SMALL} x")] {
        let error = evaluate(text).unwrap_err();
        assert!(!error.problem.is_empty(), "{text:?} {error}");
    }
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    let error = evaluate(&"[".repeat(100_000)).unwrap_err();
    assert!(error.problem.contains("recursion") || error.problem.contains("expected"), "{error}");
}
