use bootwatch_rules::{ChoiceAction, MessagePath};
use proptest::prelude::*;
use prost::Message;
use serde_json::{Value, json};

use super::*;
use crate::chain::{
    body::{Answer, Delivery},
    wire::{
        Any, CommitEntry, MsgExec, MsgPocModel, MsgSetPocDelegation, MsgStoreCommit, TxBody, TxRaw,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

const CHAIN: &str = "gonka-test";
const HEIGHT: Height = 5_551_615;

fn any(name: &str, message: &impl Message) -> Any {
    Any { type_url: format!("/{name}"), value: message.encode_to_vec() }
}

fn set(sender: &str, model: &str, to: &str) -> Any {
    let message = MsgSetPocDelegation {
        sender: sender.into(),
        model_id: model.into(),
        delegate_to: to.into(),
    };
    any("inference.inference.MsgSetPoCDelegation", &message)
}

fn intent(sender: &str, model: &str) -> Any {
    let message = MsgPocModel { sender: sender.into(), model_id: model.into() };
    any("inference.inference.MsgDeclarePoCIntent", &message)
}

fn exec(msgs: Vec<Any>) -> Any {
    any("cosmos.authz.v1beta1.MsgExec", &MsgExec { msgs })
}

fn tx(messages: Vec<Any>) -> String {
    let body = TxBody { messages };
    STANDARD.encode(TxRaw { body_bytes: body.encode_to_vec() }.encode_to_vec())
}

fn block(txs: Value) -> Value {
    json!({
        "block_id": { "hash": "AB12", "parts": { "total": 1, "hash": "00" } },
        "block": {
            "header": {
                "version": { "block": "11" }, "chain_id": CHAIN, "height": HEIGHT.to_string(),
                "time": "2026-08-14T00:43:11.123456789Z", "last_block_id": { "hash": "AA11" },
                "proposer_address": "00"
            },
            "data": { "txs": txs }, "evidence": { "evidence": [] }, "last_commit": null
        }
    })
}

fn results(txs: Value, events: Value) -> Value {
    json!({
        "height": HEIGHT.to_string(), "txs_results": txs, "finalize_block_events": events,
        "validator_updates": null, "consensus_param_updates": null, "app_hash": ""
    })
}

/// The same block as two HTTP answers and as a frame: both must read alike.
fn decode(block: &Value, results: &Value) -> Result<BlockFacts, DecodeError> {
    let block_text = json!({ "jsonrpc": "2.0", "id": 1, "result": block }).to_string();
    let results_text = json!({ "jsonrpc": "2.0", "id": 1, "result": results }).to_string();
    let answer: Answer<'_, BlockAnswer<'_>> = serde_json::from_str(&block_text).unwrap();
    let outcome: Answer<'_, ResultsAnswer<'_>> = serde_json::from_str(&results_text).unwrap();
    let by_http = fetched(CHAIN, HEIGHT, &answer.result.unwrap(), &outcome.result.unwrap());
    let frame = json!({ "jsonrpc": "2.0", "id": 1, "result": {
        "query": "tm.event='NewBlock'",
        "data": { "type": "tendermint/event/NewBlock", "value": {
            "block": block["block"], "block_id": block["block_id"],
            "result_finalize_block": {
                "events": results["finalize_block_events"], "tx_results": results["txs_results"],
            },
        } },
        "events": { "tm.event": ["NewBlock"] },
    } })
    .to_string();
    let delivery: Answer<'_, Delivery<'_>> = serde_json::from_str(&frame).unwrap();
    let by_frame =
        pushed(CHAIN, &delivery.result.unwrap().data.unwrap().value).map(|decoded| decoded.facts);
    assert_eq!(by_http, by_frame);
    by_http
}

fn ok(count: usize) -> Value {
    json!(vec![json!({ "code": 0, "data": "", "log": "", "gas_used": "1", "events": [] }); count])
}

fn capture_event(changes: &[(&str, &str)]) -> Value {
    let mut pairs = vec![
        ("snapshot_height", "5551615"),
        ("model_id", "deepseek-ai/DeepSeek-V4-Flash-0731"),
        ("pre_eligible", "true"),
        ("meets_weight_threshold", "true"),
        ("meets_v_min", "true"),
        ("meets_reachability", "true"),
        ("intent_host_count", "4"),
        ("intent_weight", "120000"),
        ("reachable_voting_power", "400000"),
        ("total_network_weight", "570990"),
        ("mode", "EndBlock"),
    ];
    for (key, value) in changes {
        pairs.retain(|(k, _)| k != key);
        if !value.is_empty() {
            pairs.push((key, value));
        }
    }
    let attributes: Vec<Value> =
        pairs.iter().map(|(k, v)| json!({ "key": k, "value": v, "index": true })).collect();
    json!({ "type": "bootstrap_model_preeligibility", "attributes": attributes })
}

#[test]
fn a_capture_has_all_ten_attributes() {
    let facts = decode(&block(Value::Null), &results(Value::Null, json!([capture_event(&[])])));
    let facts = facts.unwrap();
    assert_eq!(facts.hash, "AB12");
    assert_eq!(facts.parent, "AA11");
    assert_eq!(facts.time.as_nanosecond() % 1_000_000_000, 123_456_789);
    let capture = &facts.captures[0];
    assert_eq!(capture.snapshot_height, HEIGHT);
    assert_eq!(capture.model_id.as_str(), "deepseek-ai/DeepSeek-V4-Flash-0731");
    assert!(capture.pre_eligible && capture.meets_weight_threshold);
    assert!(capture.meets_v_min && capture.meets_reachability);
    assert_eq!(capture.intent_host_count, 4);
    assert_eq!(capture.intent_weight, 120_000);
    assert_eq!(capture.reachable_voting_power, 400_000);
    assert_eq!(capture.total_network_weight, 570_990);
    assert!(facts.malformed.is_empty());
}

#[test]
fn a_broken_capture_is_kept_as_it_came_and_spoils_no_other() {
    let broken = [
        ("snapshot_height", "5551614"),
        ("snapshot_height", "x"),
        ("model_id", ""),
        ("pre_eligible", "TRUE"),
        ("intent_weight", "9223372036854775808"),
        ("total_network_weight", "1.5"),
    ];
    for change in broken {
        let events = json!([
            capture_event(&[change]),
            null,
            7,
            { "type": 3, "attributes": {} },
            { "type": "bootstrap_model_preeligibility" },
            { "type": "bootstrap_model_preeligibility", "attributes": [null] },
            capture_event(&[("model_id", "other/<b>&\"model\"")]),
            capture_event(&[("model_id", "other/<b>&\"model\"")]),
        ]);
        let facts = decode(&block(json!([])), &results(json!([]), events)).unwrap();
        assert_eq!(facts.captures.len(), 1, "{change:?}");
        assert_eq!(facts.captures[0].model_id.as_str(), "other/<b>&\"model\"");
        assert_eq!(facts.malformed.len(), 4, "{change:?}");
        let first = &facts.malformed[0];
        assert_eq!(
            (first.what.as_str(), first.place.as_str()),
            ("bootstrap_model_preeligibility", "event 0")
        );
        assert!(first.raw.contains("meets_v_min"), "{}", first.raw);
    }
}

#[test]
fn choices_are_found_at_any_depth_and_keep_their_code() {
    let txs = json!([
        tx(vec![set("gonka1a", "m/1", "gonka1b"), intent("gonka1a", "m/2")]),
        tx(vec![exec(vec![intent("gonka1c", "m/1"), exec(vec![set("gonka1d", "m/1", "")])])]),
        tx(vec![intent("gonka1e", "m/1")]),
    ]);
    let outcome = json!([
        { "code": 0, "events": [] },
        { "events": null },
        { "code": "1134", "events": [{ "type": "proposal_vote", "attributes": [] }] },
    ]);
    let facts = decode(&block(txs), &results(outcome, Value::Null)).unwrap();
    assert_eq!(facts.tx_count, 3);
    let found: Vec<_> = facts
        .choices
        .iter()
        .map(|c| (c.position.tx_index, c.position.path.to_string(), c.host.as_str(), c.code))
        .collect();
    assert_eq!(
        found,
        [
            (0, "0".to_owned(), "gonka1a", 0),
            (0, "1".to_owned(), "gonka1a", 0),
            (1, "0.0".to_owned(), "gonka1c", 0),
            (1, "0.1.0".to_owned(), "gonka1d", 0),
            (2, "0".to_owned(), "gonka1e", 1134),
        ]
    );
    assert_eq!(facts.choices[3].action, ChoiceAction::Clear);
    assert_eq!(facts.choices[0].tx_hash.len(), 64);
    assert_eq!(facts.choices[2].position.path, MessagePath(vec![0, 0]));
    assert!(facts.events.is_empty(), "events of a failed transaction are not kept");
}

#[test]
fn store_commits_count_only_when_the_transaction_succeeded() {
    let commit = any(
        "inference.inference.MsgPoCV2StoreCommit",
        &MsgStoreCommit {
            creator: "gonka1a".into(),
            stage: 100,
            entries: vec![
                CommitEntry { model_id: "m/1".into(), count: 5 },
                CommitEntry { model_id: "m/2".into(), count: 6 },
            ],
        },
    );
    let txs = json!([tx(vec![exec(vec![commit.clone()])]), tx(vec![commit])]);
    let outcome = json!([{ "code": 0 }, { "code": 1107 }]);
    let facts = decode(&block(txs), &results(outcome, Value::Null)).unwrap();
    let counts: Vec<_> = facts.commits.iter().map(|c| (c.position.tx_index, c.count)).collect();
    assert_eq!(counts, [(0, 5), (0, 6)]);
}

#[test]
fn unreadable_transactions_stop_nothing() {
    let mut deep = intent("gonka1a", "m/1");
    for _ in 0..40 {
        deep = exec(vec![deep]);
    }
    let truncated = Any {
        type_url: "/inference.inference.MsgDeclarePoCIntent".into(),
        value: vec![0x0a, 0x7f, 0x00],
    };
    let txs = json!([
        "not base64!",
        STANDARD.encode([0xff, 0xff, 0xff]),
        null,
        tx(vec![deep]),
        tx(vec![truncated, intent("gonka1a", "")]),
        tx(vec![intent("gonka1z", "m/1")]),
    ]);
    let facts = decode(&block(txs), &results(ok(6), Value::Null)).unwrap();
    assert_eq!(facts.choices.len(), 1);
    let what: Vec<_> = facts.malformed.iter().map(|m| m.what.as_str()).collect();
    assert_eq!(what, ["tx", "tx", "MsgExec", "MsgDeclarePoCIntent", "MsgDeclarePoCIntent"]);
}

#[test]
fn what_is_kept_of_a_hostile_block_is_bounded() {
    let big = "x".repeat(100_000);
    let txs: Vec<Value> = (0..200).map(|_| json!(tx(vec![intent("gonka1a", &big)]))).collect();
    let outcome = json!(vec![json!({ "code": 1134 }); 200]);
    let mut events = vec![json!({ "type": "proposal_vote", "attributes": [] }); 3000];
    let list = format!("[{big}]");
    events[0] = json!({ "type": "inference.bls.EventKeyGenerationInitiated", "attributes": [
        { "key": "epoch_id", "value": "\"252\"" }, { "key": "participants", "value": list },
    ] });
    let facts = decode(&block(json!(txs)), &results(outcome, json!(events))).unwrap();
    assert!(facts.choices.is_empty());
    assert_eq!(facts.malformed.len(), 64);
    assert!(facts.malformed.iter().all(|m| m.raw.len() <= 4096));
    assert_eq!(facts.events.len(), 1024);
    assert_eq!(facts.events[0].attributes, [("epoch_id".to_owned(), "\"252\"".to_owned())]);
}

#[test]
fn a_group_change_is_kept_once_for_each_group() {
    let change = |id: &str| {
        json!({ "type": "cosmos.group.v1.EventUpdateGroup", "attributes": [
            { "key": "group_id", "value": id }] })
    };
    let events = json!([change("\"7\""), change("\"7\""), change("\"8\"")]);
    let facts = decode(&block(Value::Null), &results(Value::Null, events)).unwrap();
    let seqs: Vec<_> = facts.events.iter().map(|e| e.seq).collect();
    assert_eq!(seqs, [0, 2]);
}

#[test]
fn contradictions_refuse_the_block() {
    let two = json!([tx(vec![]), tx(vec![])]);
    let error = decode(&block(two), &results(ok(1), Value::Null)).unwrap_err();
    assert_eq!(error, DecodeError::Results { txs: 2, results: 1 });

    let mut other = block(Value::Null);
    other["block"]["header"]["chain_id"] = json!("other");
    let error = decode(&other, &results(Value::Null, Value::Null)).unwrap_err();
    assert!(matches!(error, DecodeError::OtherChain { .. }), "{error}");

    for (field, value) in [("height", json!("-1")), ("time", json!("yesterday"))] {
        let mut odd = block(Value::Null);
        odd["block"]["header"][field] = value;
        let error = decode(&odd, &results(Value::Null, Value::Null)).unwrap_err();
        assert!(matches!(error, DecodeError::Header { .. }), "{error}");
    }
}

#[test]
fn heights_of_both_parts_must_be_the_one_asked_for() {
    let read = |block: &Value, results: &Value| {
        let block: BlockAnswer<'_> = serde_json::from_str(block.to_string().leak()).unwrap();
        let results: ResultsAnswer<'_> = serde_json::from_str(results.to_string().leak()).unwrap();
        fetched(CHAIN, HEIGHT, &block, &results)
    };
    let mut late = results(Value::Null, Value::Null);
    late["height"] = json!(HEIGHT + 1);
    let error = read(&block(Value::Null), &late).unwrap_err();
    assert!(matches!(error, DecodeError::Height { part: "results", .. }));
    let mut late = block(Value::Null);
    late["block"]["header"]["height"] = json!(HEIGHT + 1);
    let error = read(&late, &results(Value::Null, Value::Null)).unwrap_err();
    assert!(matches!(error, DecodeError::Height { part: "block", .. }));
}

/// What nodes and proxies write in place of one another, at every place where it may stand: the
/// block reads as if it were not there, or is refused, or says what it could not read.
#[test]
fn what_may_be_absent_is_absent_in_every_form() {
    let one_tx = || json!([tx(vec![intent("gonka1a", "m/1")])]);
    let absent = [json!(null), json!([]), json!({}), json!(""), json!(0), json!(false)];
    for absent in &absent {
        // Lists of a block without transactions.
        let facts = decode(&block(absent.clone()), &results(absent.clone(), absent.clone()));
        assert_eq!(facts.unwrap().tx_count, 0, "{absent}");
        // The events of a transaction, and the attributes of one event that is not wanted.
        let result = json!([{ "code": 0, "events": absent }]);
        let facts = decode(&block(one_tx()), &results(result, json!(null))).unwrap();
        assert_eq!((facts.choices.len(), facts.malformed.len()), (1, 0), "{absent}");
        let event = json!([{ "type": "transfer", "attributes": absent }, capture_event(&[])]);
        let facts = decode(&block(json!(null)), &results(json!(null), event)).unwrap();
        assert_eq!((facts.captures.len(), facts.malformed.len()), (1, 0), "{absent}");
    }
    // Keys that are not there at all.
    let mut bare = block(one_tx());
    bare["block"]["header"].as_object_mut().unwrap().remove("last_block_id");
    let mut short = results(json!([{}]), Value::Null);
    short.as_object_mut().unwrap().remove("finalize_block_events");
    let facts = decode(&bare, &short).unwrap();
    assert_eq!((facts.parent.as_str(), facts.choices.len()), ("", 1));
}

#[test]
fn numbers_come_as_strings_or_numbers() {
    for height in [json!(HEIGHT), json!(HEIGHT.to_string())] {
        for code in [json!(5), json!("5")] {
            let mut block = block(json!([tx(vec![intent("gonka1a", "m/1")])]));
            block["block"]["header"]["height"] = height.clone();
            let mut results = results(json!([{ "code": code }]), Value::Null);
            results["height"] = height.clone();
            let facts = decode(&block, &results).unwrap();
            assert_eq!((facts.height, facts.choices[0].code), (HEIGHT, 5), "{height} {code}");
        }
    }
    // A code that is none counts as failed, and says so.
    for code in [json!("x"), json!(-1), json!([]), json!(1e99)] {
        let results = results(json!([{ "code": code }]), Value::Null);
        let facts = decode(&block(json!([tx(vec![intent("gonka1a", "m/1")])])), &results).unwrap();
        assert_eq!((facts.choices[0].code, facts.malformed.len()), (u32::MAX, 1), "{code}");
    }
}

/// Fields that nobody knows, deep and shallow, change nothing.
#[test]
fn unknown_fields_change_nothing() {
    let (block, results) = (
        block(json!([tx(vec![intent("gonka1a", "m/1")])])),
        results(ok(1), json!([capture_event(&[])])),
    );
    let expected = decode(&block, &results).unwrap();
    let odd = || json!({ "deep": [[[{ "type": "epoch_error", "height": 7 }]]], "n": 1e308 });
    fn sprinkle(value: &mut Value, odd: &impl Fn() -> Value) {
        match value {
            Value::Object(map) => {
                map.values_mut().for_each(|value| sprinkle(value, odd));
                map.insert("zz_unknown".to_owned(), odd());
                map.insert("a_unknown".to_owned(), odd());
            }
            Value::Array(items) => items.iter_mut().for_each(|value| sprinkle(value, odd)),
            _ => {}
        }
    }
    let (mut odd_block, mut odd_results) = (block, results);
    sprinkle(&mut odd_block, &odd);
    sprinkle(&mut odd_results, &odd);
    assert_eq!(decode(&odd_block, &odd_results).unwrap(), expected);
}

/// Nodes before 0.38 have their block events elsewhere, and attributes in base64: refused by name.
#[test]
fn an_old_dialect_is_refused() {
    let read = |extra: Value| {
        let mut results = results(Value::Null, Value::Null);
        results.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let block: BlockAnswer<'_> =
            serde_json::from_str(block(Value::Null).to_string().leak()).unwrap();
        let results: ResultsAnswer<'_> = serde_json::from_str(results.to_string().leak()).unwrap();
        fetched(CHAIN, HEIGHT, &block, &results)
    };
    let event = json!([{ "type": "mint", "attributes": [{ "key": "YW1vdW50", "value": "MQ==" }] }]);
    for key in ["begin_block_events", "end_block_events"] {
        let error = read(json!({ key: event })).unwrap_err();
        assert_eq!(error, DecodeError::OldNode);
        assert!(error.to_string().contains("0.38 or newer"), "{error}");
        // A proxy that knows both dialects writes the other's keys without content.
        read(json!({ key: null })).unwrap();
        read(json!({ key: [] })).unwrap();
    }
}

/// Any JSON of the right outline.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any_bool(),
        proptest::num::i64::ANY.prop_map(|n| json!(n)),
        "[a-z0-9_/+=]{0,12}".prop_map(|s| json!(s)),
        Just(json!("bootstrap_model_preeligibility")),
        Just(json!("proposal_vote")),
        Just(json!(tx(vec![intent("gonka1a", "m/1")]))),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::btree_map(
                proptest::sample::select(vec![
                    "type",
                    "attributes",
                    "key",
                    "value",
                    "code",
                    "events",
                    "hash",
                    "txs",
                    "height",
                    "time",
                    "chain_id",
                ]),
                inner,
                0..6
            )
            .prop_map(|map| map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

fn any_bool() -> impl Strategy<Value = Value> {
    proptest::bool::ANY.prop_map(|b| json!(b))
}

proptest! {
    #[test]
    fn odd_json_never_panics(txs in anything(), outcome in anything(), events in anything()) {
        let _ = decode(&block(txs), &results(outcome, events));
    }

    #[test]
    fn arbitrary_transactions_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let wrapped = TxRaw { body_bytes: bytes.clone() }.encode_to_vec();
        let message = Any { type_url: "/cosmos.authz.v1beta1.MsgExec".into(), value: bytes.clone() };
        let txs = json!([STANDARD.encode(&bytes), STANDARD.encode(wrapped), tx(vec![message])]);
        let facts = decode(&block(txs), &results(ok(3), Value::Null)).unwrap();
        prop_assert_eq!(facts.tx_count, 3);
    }

    /// A real body and a real frame with bytes flipped, cut, doubled and put in anywhere.
    #[test]
    fn mutilated_bodies_never_panic(
        cuts in proptest::collection::vec((prop::arbitrary::any::<prop::sample::Index>(), 0u8..4, proptest::num::u8::ANY), 1..6),
    ) {
        let block = block(json!([tx(vec![intent("gonka1a", "m/1")])]));
        let results = results(ok(1), json!([capture_event(&[]), capture_event(&[("model_id", "n")])]));
        let bodies = [
            json!({ "jsonrpc": "2.0", "id": 1, "result": block }).to_string(),
            json!({ "jsonrpc": "2.0", "id": 1, "result": results }).to_string(),
            json!({ "result": { "data": { "type": "tendermint/event/NewBlock", "value": {
                "block": block["block"], "block_id": block["block_id"],
                "result_finalize_block": {
                    "events": results["finalize_block_events"],
                    "tx_results": results["txs_results"],
                },
            } } } }).to_string(),
        ];
        let mutilated = bodies.map(|body| {
            let mut body = body.into_bytes();
            for (at, how, byte) in &cuts {
                let at = at.index(body.len());
                match how {
                    0 => body[at] = *byte,
                    1 => body.truncate(at.max(1)),
                    2 => body.insert(at, *byte),
                    _ => body.extend_from_within(at..),
                }
            }
            String::from_utf8_lossy(&body).into_owned()
        });
        let [block, results, frame] = &mutilated;
        let block: Option<Answer<'_, BlockAnswer<'_>>> = serde_json::from_str(block).ok();
        let results: Option<Answer<'_, ResultsAnswer<'_>>> = serde_json::from_str(results).ok();
        if let (Some(block), Some(results)) =
            (block.and_then(|a| a.result), results.and_then(|a| a.result))
        {
            let _ = fetched(CHAIN, HEIGHT, &block, &results);
        }
        let frame: Option<Answer<'_, Delivery<'_>>> = serde_json::from_str(frame).ok();
        if let Some(data) = frame.and_then(|a| a.result).and_then(|d| d.data) {
            let _ = pushed(CHAIN, &data.value);
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in ".{0,200}") {
        let _ = serde_json::from_str::<Answer<'_, BlockAnswer<'_>>>(&text);
        let _ = serde_json::from_str::<Answer<'_, Delivery<'_>>>(&text);
    }
}
