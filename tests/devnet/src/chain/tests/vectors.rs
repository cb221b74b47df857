//! Known answers, kept beside the rules: networks with their verdicts and charges, and clocks with
//! parameters that change. They come from neither this chain nor the product.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::super::address::{Address, ModelId};
use super::super::charges::Outcome;
use super::super::clock::Context;
use super::super::decimal::Dec;
use super::super::preeligibility::{Candidate, Thresholds, judge};
use super::*;

fn known(name: &str) -> Vec<Value> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules/tests/vectors");
    let text = std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn number(value: &Value) -> i64 {
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).unwrap()
}

fn decimal_of(value: &Value) -> Option<Decimal> {
    let exponent = || i32::try_from(number(&value["exponent"])).unwrap();
    (!value.is_null()).then(|| Decimal { value: number(&value["value"]), exponent: exponent() })
}

fn rate(scenario: &Value, name: &str) -> Dec {
    Dec::or_zero(decimal_of(&scenario["params"][name]).as_ref())
}

fn weights(scenario: &Value) -> BTreeMap<Address, i64> {
    let hosts = list(&scenario["hosts"]).iter();
    hosts.map(|host| (text(&host["address"]).into(), number(&host["weight"]))).collect()
}

/// The choices of one kind in a snapshot: model, host, delegate.
fn chosen<'a>(
    scenario: &'a Value,
    snapshot: &str,
    kind: &'a str,
) -> impl Iterator<Item = ((ModelId, Address), Address)> + use<'a> {
    let rows = list(&scenario[snapshot]).iter().filter(move |row| text(&row["kind"]) == kind);
    rows.map(|row| {
        let key = (text(&row["model_id"]).into(), text(&row["host"]).into());
        (key, row["delegate_to"].as_str().unwrap_or_default().into())
    })
}

fn hosts_by_model(value: &Value) -> BTreeMap<ModelId, BTreeSet<Address>> {
    let models = value.as_object().unwrap().iter();
    models
        .map(|(model, hosts)| {
            (model.as_str().into(), list(hosts).iter().map(|host| text(host).into()).collect())
        })
        .collect()
}

fn flat(value: &Value) -> BTreeSet<(ModelId, Address)> {
    let models = hosts_by_model(value).into_iter();
    models.flat_map(|(model, hosts)| hosts.into_iter().map(move |h| (model.clone(), h))).collect()
}

#[test]
fn verdicts() {
    let mut checked = 0;
    for scenario in known("scenarios.json") {
        let weights = weights(&scenario);
        let thresholds = Thresholds {
            weight: rate(&scenario, "w_threshold"),
            hosts: number(&scenario["params"]["v_min"]),
        };
        for expected in list(&scenario["expect"]["preeligibility"]) {
            let id = text(&expected["model_id"]);
            let model = list(&scenario["models"]).iter().find(|m| text(&m["model_id"]) == id);
            let of = |kind| {
                let rows = chosen(&scenario, "bootstrap_snapshot", kind);
                rows.filter(|((model, _), _)| &**model == id).collect::<Vec<_>>()
            };
            let (intents, delegations) = (of("intent"), of("delegate"));
            let coefficient = decimal_of(&model.unwrap()["coefficient"]);
            let candidate = Candidate {
                coefficient: Dec::or_one(coefficient.as_ref()),
                intents: intents.iter().map(|((_, host), _)| host).collect(),
                delegations: delegations.iter().map(|((_, host), to)| (host, to)).collect(),
            };
            let verdict = judge(&candidate, &weights, thresholds);
            let flags = [
                (verdict.pre_eligible, "pre_eligible"),
                (verdict.meets_weight_threshold, "meets_weight_threshold"),
                (verdict.meets_v_min, "meets_v_min"),
                (verdict.meets_reachability, "meets_reachability"),
            ];
            for (flag, name) in flags {
                assert_eq!(expected[name], flag, "{} {id} {name}", scenario["name"]);
            }
            let sums = [
                (verdict.intent_host_count, "intent_host_count"),
                (verdict.intent_weight, "intent_weight"),
                (verdict.reachable_voting_power, "reachable_voting_power"),
            ];
            for (sum, name) in sums {
                assert_eq!(expected[name], sum, "{} {id} {name}", scenario["name"]);
            }
            checked += 1;
        }
    }
    assert!(checked > 50, "{checked}");
}

fn outcome(scenario: &Value) -> Outcome {
    let models = list(&scenario["models"]).iter();
    let upcoming = scenario["outcome"]["upcoming_weights"].as_object().unwrap().iter();
    Outcome {
        version: Version::parse(text(&scenario["rule_set"])).unwrap(),
        epoch: number(&scenario["upcoming_epoch"]).unsigned_abs(),
        refusal: rate(scenario, "refusal_penalty"),
        no_participation: rate(scenario, "no_participation_penalty"),
        share: rate(scenario, "delegation_share"),
        penalty_start: models
            .filter_map(|model| {
                Some((text(&model["model_id"]).into(), model["penalty_start_epoch"].as_u64()?))
            })
            .collect(),
        previous: weights(scenario),
        upcoming: upcoming.map(|(host, weight)| (host.as_str().into(), number(weight))).collect(),
        eligible: hosts_by_model(&scenario["outcome"]["eligible_members"]),
        refusals: chosen(scenario, "regular_snapshot", "refuse").map(|(key, _)| key).collect(),
        delegations: chosen(scenario, "regular_snapshot", "delegate").collect(),
        report: list(&scenario["bootstrap_report"])
            .iter()
            .map(|row| (text(&row["model_id"]).into(), row["pre_eligible"].as_bool().unwrap()))
            .collect(),
        bootstrap_delegations: chosen(scenario, "bootstrap_snapshot", "delegate")
            .map(|(key, _)| key)
            .collect(),
        bootstrap_intents: chosen(scenario, "bootstrap_snapshot", "intent")
            .map(|(key, _)| key)
            .collect(),
        commits: flat(&scenario["outcome"]["committers"]),
        voted: flat(&scenario["outcome"]["validated_committers"]),
    }
}

#[test]
fn charges() {
    let mut checked = 0;
    for scenario in known("scenarios.json") {
        let charges = outcome(&scenario).charges();
        let rows = list(&scenario["expect"]["penalties"]);
        for expected in rows {
            let host = text(&expected["host"]);
            let fraction = text(&expected["fraction"]);
            let (over, under) = fraction.split_once('/').unwrap_or((fraction, "1"));
            let fraction = Dec::ratio(over.parse().unwrap(), under.parse().unwrap());
            let ours = charges.penalties.get(host).copied().unwrap_or_default();
            assert_eq!(ours, fraction, "{} {expected}", scenario["name"]);
            let transfers = charges.transfers.iter().filter(|transfer| &*transfer.from == host);
            let ours = transfers.map(|t| (&*t.model, &*t.to)).collect::<BTreeSet<_>>();
            let theirs = list(&expected["transfers"]).iter();
            let theirs = theirs.map(|t| (text(&t["model_id"]), text(&t["to"]))).collect();
            assert_eq!(ours, theirs, "{} {expected}", scenario["name"]);
            checked += 1;
        }
        let listed = rows.iter().map(|row| text(&row["host"])).collect::<BTreeSet<_>>();
        assert!(charges.penalties.keys().all(|host| listed.contains(&**host)));
    }
    assert!(checked > 500, "{checked}");
}

/// Takes over the values that a clock gives.
fn set(state: &mut State, values: &Value) {
    let mut params = (*state.params).clone();
    let epoch = params.epoch_params.as_mut().unwrap();
    let delegation = params.delegation_params.as_mut().unwrap();
    let targets = [
        ("epoch_length", &mut epoch.epoch_length),
        ("epoch_shift", &mut epoch.epoch_shift),
        ("poc_stage_duration", &mut epoch.poc_stage_duration),
        ("poc_exchange_duration", &mut epoch.poc_exchange_duration),
        ("poc_validation_delay", &mut epoch.poc_validation_delay),
        ("poc_validation_duration", &mut epoch.poc_validation_duration),
        ("set_new_validators_delay", &mut epoch.set_new_validators_delay),
        ("deploy_window", &mut delegation.deploy_window),
    ];
    for (name, target) in targets {
        if let Some(value) = values[name].as_i64() {
            *target = value;
        }
    }
    state.params = Arc::new(params);
}

/// What the end of a block did, by what it left behind.
fn stages(before: &State, after: &State, context: Context) -> Vec<(&'static str, u64)> {
    let height = after.height;
    let params = after.epoch_params();
    let mut seen = Vec::new();
    if context.validation_end(&params) == height && before.upcoming_epoch().is_some() {
        seen.push(("validation_end", context.index));
    }
    // An epoch without a record becomes effective in name only.
    if after.effective != before.effective && after.epochs.contains_key(&after.effective) {
        seen.push(("effective", after.effective));
    }
    if after.epochs != before.epochs {
        seen.push(("poc_start", after.latest_epoch().0));
    }
    if after.bootstrap.as_ref().is_some_and(|snapshot| snapshot.snapshot_height == height) {
        seen.push(("capture", context.index + 1));
    }
    if after.regular.as_ref().is_some_and(|snapshot| snapshot.snapshot_height == height) {
        seen.push(("validation_start", after.effective + 1));
    }
    seen
}

#[test]
fn clocks() {
    let mut spec = Spec::new(1, Story::load("quiet").unwrap());
    spec.dkg_event_bytes = 0;
    for clock in known("clock.json") {
        let mut chain = Chain::new(spec.clone()).unwrap();
        let state = &mut chain.state;
        let index = clock["effective_epoch"]["index"].as_u64().unwrap();
        let poc_start = number(&clock["effective_epoch"]["poc_start"]);
        let group = Arc::clone(&state.groups[&0]);
        state.groups = Arc::new(BTreeMap::from([(index, group)]));
        state.epochs = Arc::new(BTreeMap::from([(index, poc_start)]));
        state.effective = index;
        set(state, &clock["params"]);
        let mut seen = Vec::new();
        let mut stuck = None;
        for height in number(&clock["from"])..=number(&clock["to"]) {
            let changes = list(&clock["changes"]).iter();
            for change in changes.filter(|change| change["height"].as_i64() == Some(height)) {
                set(state, change);
            }
            state.height = height;
            let before = state.clone();
            let params = before.epoch_params();
            let context = Context::at(&params, &before.epochs, before.effective, height);
            end_block::run(state, &spec, &chain.roster);
            match context {
                Some(context) => {
                    let stages = stages(&before, state, context);
                    seen.extend(stages.into_iter().map(|(what, epoch)| (height, what, epoch)));
                }
                None => drop(stuck.get_or_insert(height)),
            }
        }
        let expected = list(&clock["expect"]["events"]).iter().map(|event| {
            (number(&event["height"]), text(&event["what"]), event["epoch"].as_u64().unwrap())
        });
        assert_eq!(seen, expected.collect::<Vec<_>>(), "{}", clock["name"]);
        assert_eq!(stuck, clock["expect"]["stuck_from"].as_i64(), "{}", clock["name"]);
    }
}
