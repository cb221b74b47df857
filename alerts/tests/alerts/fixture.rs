//! Situations as the rules build them, for one host and one candidate model.

use bootwatch_alerts::{Decision, Engine, Pacing, Policy, Reader, Recipient, alert_names};
use bootwatch_rules::{
    Capture,
    situation::{
        Advice, AdviceReason, ChoiceView, Command, Deadline, DeadlineName, DeadlineState, Degree,
        Gap, Gaps, HostModelView, SCHEMA_VERSION, Situation, Snapshot,
    },
};
use jiff::{SignedDuration, Timestamp};

pub(crate) const MODEL: &str = "deepseek-ai/DeepSeek-V4-Flash-0731";
/// The capture of epoch 360 and validation start of that epoch.
pub(crate) const CAPTURE: i64 = 5_551_615;
pub(crate) const VALIDATION_START: i64 = 5_552_155;
/// Seconds between blocks.
const PACE: i64 = 5;

/// The time of a block.
pub(crate) fn time(height: i64) -> Timestamp {
    let at_capture: Timestamp = "2026-08-13T14:05:00Z".parse().unwrap();
    at_capture + SignedDuration::from_secs((height - CAPTURE) * PACE)
}

/// The height at which so many minutes are left before the capture.
pub(crate) fn before_capture(minutes: i64) -> i64 {
    CAPTURE - minutes * 60 / PACE
}

pub(crate) fn gap(have: i64, need: i64) -> Gap {
    Gap { have, need: Some(need), missing: Some((need - have).max(0)) }
}

/// A Situation in epoch 359, in which host `my-gpu-1` has chosen nothing for the candidate.
pub(crate) fn situation(height: i64) -> Situation {
    let after = height >= CAPTURE;
    // Read as JSON: fields that the Situation gains later are left out here, as in older data.
    let mut situation: Situation = serde_json::from_value(serde_json::json!({
        "schema_version": SCHEMA_VERSION,
        "chain_id": "gonka-mainnet",
        "rule_set": "v0.2.14",
        "complete_from": CAPTURE - 40_000,
        "complete_to": height,
        "head": height,
        "head_time": time(height),
        "stale": false,
        "state_height": height,
        "epoch": {
            "index": 359,
            "poc_start": 5_536_724,
            "next_poc_start": 5_552_115,
            "upcoming": 360,
            "phase": "inference",
            "block_seconds": 5.0,
        },
        "deadlines": [
            deadline(DeadlineName::Capture, if after { CAPTURE + 15_391 } else { CAPTURE }, height),
            deadline(DeadlineName::ValidationStart, VALIDATION_START, height),
        ],
        "models": [{
            "model_id": MODEL,
            "state": "candidate",
            "penalty_start_epoch": 360,
            "gaps": gaps(Degree::Projected, 2),
            "snapshot": null,
        }],
        "hosts": [{
            "address": "gonka1qqqsyqcyq5rqwzqfpg9scrgwpugpzysn8vhxcn",
            "name": "my-gpu-1",
            "weight": 21_000,
            "known": true,
            "models": [{
                "model_id": MODEL,
                "serves": false,
                "choice": choice("none", None),
                "reaches": false,
                "committed": null,
                "advice": null,
            }],
        }],
        "endpoints": [],
        "data": { "unfillable": [], "malformed": 0, "reconciled": 0 },
    }))
    .unwrap();
    if !after {
        advise(&mut situation, DeadlineName::Capture, CAPTURE);
    }
    situation
}

fn deadline(name: DeadlineName, height: i64, now: i64) -> Deadline {
    Deadline {
        name,
        epoch: if height > VALIDATION_START { 361 } else { 360 },
        height: Some(height),
        blocks_left: Some(height - now),
        eta: Some(time(height)),
        eta_error_seconds: Some(40.0),
        state: DeadlineState::Ahead,
    }
}

pub(crate) fn gaps(degree: Degree, hosts: i64) -> Gaps {
    let (hosts, weight, reach) = (gap(hosts, 3), gap(91_234, 57_099), gap(312_000, 380_661));
    let pre_eligible = [hosts, weight, reach].iter().all(|gap| gap.missing == Some(0));
    Gaps { degree, hosts, weight, reach, pre_eligible, uncertain: false }
}

pub(crate) fn choice(kind: &str, since: Option<i64>) -> ChoiceView {
    ChoiceView { kind: kind.into(), delegate_to: None, since, tx_hash: None }
}

/// The host's entry for the model.
pub(crate) fn entry(situation: &mut Situation) -> &mut HostModelView {
    &mut situation.hosts[0].models[0]
}

/// Gives the host something to do.
pub(crate) fn advise(situation: &mut Situation, deadline: DeadlineName, last_height: i64) {
    let model = entry(situation).model_id.clone();
    let command = |does: &str, verb: &str, delegate: &str| Command {
        does: does.into(),
        line: format!(
            "inferenced tx inference {verb} {model}{delegate} --from '<cold-key-name>' \
             --node http://node:26657 --chain-id gonka-mainnet --keyring-backend file \
             --gas auto --gas-adjustment 1.3"
        ),
    };
    entry(situation).advice = Some(Advice {
        why: "No choice stands for this model, which costs 15 % of the reward.".into(),
        reason: AdviceReason::NoChoice,
        deadline,
        last_height,
        charge: "3/20".into(),
        commands: vec![
            command(
                "delegate to a host that declared intent; 5 % goes to it",
                "set-poc-delegation",
                " '<delegate-address>'",
            ),
            command("declare intent, and serve it", "declare-poc-intent", ""),
        ],
    });
}

/// The host has done what was asked.
pub(crate) fn settled(height: i64) -> Situation {
    let mut situation = situation(height);
    entry(&mut situation).advice = None;
    entry(&mut situation).choice = choice("intent", Some(height));
    situation
}

/// Two looks at a Situation, far enough apart that what is gone in both is over. What follows from
/// both.
pub(crate) fn stays(engine: &mut Engine, at: impl Fn(i64) -> Situation, height: i64) -> Decision {
    let mut first = evaluate(engine, &at(height));
    let second = evaluate(engine, &at(height + 60 / PACE));
    first.messages.extend(second.messages);
    Decision { incidents: second.incidents, messages: first.messages }
}

/// The capture's event for the model.
pub(crate) fn snapshot(height: i64, passed: bool) -> Snapshot {
    let mut gaps = gaps(Degree::Snapshot, if passed { 4 } else { 2 });
    if passed {
        gaps.reach = gap(400_000, 380_661);
        gaps.pre_eligible = true;
    }
    Snapshot {
        ours: None,
        capture: Capture {
            snapshot_height: height,
            model_id: MODEL.into(),
            pre_eligible: passed,
            meets_weight_threshold: true,
            meets_v_min: passed,
            meets_reachability: passed,
            intent_host_count: gaps.hosts.have,
            intent_weight: 91_234,
            reachable_voting_power: gaps.reach.have,
            total_network_weight: 570_990,
        },
        epoch: Some(360),
        gaps,
    }
}

pub(crate) fn recipient(address: &str) -> Recipient {
    let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    Recipient { reader: Reader { zone, ..Reader::default() }, ..Recipient::new("email", address) }
}

/// All alerts but these.
pub(crate) fn all_but(watched: &[&str]) -> std::collections::BTreeSet<String> {
    let others = alert_names().into_iter().filter(|name| !watched.contains(name));
    others.map(str::to_owned).collect()
}

/// Two people who are told at once, of decisions and captures only, the default ladder, Berlin time.
pub(crate) fn policy() -> Policy {
    Policy {
        recipients: vec![recipient("ops@example.org"), recipient("me@example.net")],
        pacing: Pacing::hurried(),
        off: all_but(&["DecisionMissing", "CaptureResult"]),
        ..Policy::default()
    }
}

pub(crate) fn engine() -> Engine {
    Engine::new(policy())
}

/// What the engine decides at a Situation's own time.
pub(crate) fn evaluate(engine: &mut Engine, situation: &Situation) -> Decision {
    engine.evaluate(situation, situation.head_time)
}
