//! A Situation with something of everything, for the tests of what shows it. Its names are as
//! hostile as a chain can make them.

use bootwatch_rules::situation::Situation;
use jiff::Timestamp;
use serde_json::json;

/// A model id that tries to be markup, to move a cursor, and to end a label.
pub(crate) const HOSTILE: &str = "<script>alert(1)</script>\u{1b}[2J\"\\\n{}\u{202e}";
pub(crate) const ADDRESS: &str = "gonka1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnnrkykm";

/// Ten seconds after the sample's newest block.
pub(crate) fn now() -> Timestamp {
    "2026-11-23T14:00:10Z".parse().expect("a time")
}

/// One candidate that misses, one active model, a host that must act, one that is not yet read.
pub(crate) fn situation() -> Situation {
    let gap = |have: i64, need: i64| json!({ "have": have, "need": need, "missing": (need - have).max(0) });
    let gaps = |degree: &str| {
        json!({
            "degree": degree, "pre_eligible": false,
            "hosts": gap(2, 3), "weight": gap(41_000, 41_000), "reach": gap(81_000, 120_000),
        })
    };
    let snapshot = json!({
        "snapshot_height": 3_889_732, "model_id": HOSTILE, "pre_eligible": false,
        "meets_weight_threshold": true, "meets_v_min": false, "meets_reachability": false,
        "intent_host_count": 2, "intent_weight": 41_000, "reachable_voting_power": 81_000,
        "total_network_weight": 180_000, "epoch": 252, "gaps": gaps("snapshot"),
    });
    let due = |name: &str, height: i64, left: i64, eta: &str| {
        json!({
            "name": name, "epoch": 253, "height": height, "blocks_left": left, "eta": eta,
            "eta_error_seconds": 95.0, "state": "ahead",
        })
    };
    let range = json!({ "min": "0", "max": "3/20" });
    let models = json!([
        {
            "model_id": HOSTILE, "state": "candidate", "penalty_start_epoch": 252,
            "gaps": gaps("projected"), "snapshot": snapshot,
        },
        {
            "model_id": "Qwen/Qwen3-235B-A22B-Instruct-2507-FP8", "state": "active",
            "penalty_start_epoch": 0, "gaps": null, "snapshot": null,
        },
    ]);
    let forecast = json!({
        "model_id": HOSTILE, "epoch": 253, "charge": range, "levers": [],
        "branches": [
            {
                "eligible": true, "pre_eligible": null, "mode": "none",
                "fraction": "3/20", "transfer": null, "reason": "It does nothing.",
            },
            {
                "eligible": false, "pre_eligible": false, "mode": null,
                "fraction": "0", "transfer": null, "reason": "Nothing is asked.",
            },
        ],
    });
    let hosts = json!([
        {
            "address": ADDRESS, "name": "rack-1", "weight": 21_000, "known": true,
            "charge": range, "fixed": { "epoch": 252, "fraction": "1/20" },
            "models": [{
                "model_id": HOSTILE,
                "choice": { "kind": "none", "delegate_to": null, "since": null, "tx_hash": null },
                "reaches": false, "committed": 7,
                "advice": {
                    "why": "No choice stands for <this> model.", "deadline": "capture",
                    "last_height": 3_905_123, "charge": "3/20",
                    "commands": [{
                        "does": "declare intent",
                        "line": "inferenced tx inference declare-poc-intent 'a b' --from COLD_KEY",
                    }],
                },
                "forecast": forecast,
            }],
        },
        { "address": "gonka1other", "name": "rack-2", "weight": null, "known": false, "models": [] },
    ]);
    let upgrade = json!({
        "name": HOSTILE, "height": 3_905_130, "blocks_left": 130,
        "eta": "2026-11-23T14:11:30Z", "eta_error_seconds": 95.0,
        "disturbs": { "name": "poc_start", "epoch": 253, "height": 3_905_623 },
    });
    let proposal = json!({
        "id": 101, "title": HOSTILE, "voting_end": "2026-11-24T02:00:00Z", "expedited": false,
        "messages": ["/inference.inference.MsgUpdateParams"],
        "changes": [{
            "name": format!("{HOSTILE} penalty_start_epoch"), "before": "252", "after": "260",
            "effect": "model",
        }],
        "added": [HOSTILE], "removed": [], "upgrade": upgrade, "cancels_upgrade": false,
        "commands": [{ "does": "vote on it", "line": "inferenced tx gov vote 101 'VOTE'" }],
    });
    let plans = json!({
        "read_at": 3_904_990, "upgrade": upgrade, "proposals": [proposal], "more": true,
    });
    serde_json::from_value(json!({
        "plans": plans,
        "schema_version": 1, "chain_id": "gonka-mainnet", "rule_set": "v0.2.14",
        "complete_from": 3_800_000, "complete_to": 3_905_000, "head": 3_905_001,
        "head_time": "2026-11-23T14:00:00Z", "stale": false, "state_height": 3_904_990,
        "epoch": {
            "index": 252, "poc_start": 3_890_232, "next_poc_start": 3_905_623, "upcoming": 253,
            "phase": "inference", "block_seconds": 5.31,
        },
        "deadlines": [
            due("capture", 3_905_123, 123, "2026-11-23T14:10:53Z"),
            due("poc_start", 3_905_623, 623, "2026-11-23T14:55:08Z"),
            due("validation_start", 3_905_663, 663, "2026-11-23T14:58:40Z"),
            {
                "name": "commit_deadline", "epoch": 253, "height": null, "blocks_left": null,
                "eta": null, "eta_error_seconds": null, "state": "absent",
            },
        ],
        "models": models, "hosts": hosts,
        "endpoints": [{
            "name": "mine", "state": "up", "reason": null, "height": 3_905_001, "earliest": 3_700_000,
            "selected": true, "websocket": true, "behind": 0, "latency_ms": 23,
            "requests": { "used": 3, "limit": 15 },
        }],
        "data": { "unfillable": [[3_799_000, 3_799_999]], "malformed": 2, "reconciled": 1 },
    }))
    .expect("the sample is a Situation of schema version 1")
}
