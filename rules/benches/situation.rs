//! How long the rules take for a network forty times the size of mainnet's: 2,000 hosts and 20
//! models, every host with a choice for every model. `cargo bench -p bootwatch-rules`.

use std::{hint::black_box, time::Duration};

use bootwatch_rules::{
    Address, ChainState, Choice, Decimal, DelegationParams, Epoch, EpochParams, GroupMember,
    Member, ModelGroup, ModelId, ModelParams, Network, Params,
    closing::{Closing, Support},
    forecast::TrackRecords,
    ledger::{Ledger, Standing, Tick},
    preeligibility::project,
    situation::{DataView, Inputs, Watched, assess},
};
use criterion::{Criterion, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp};

const HOSTS: usize = 2_000;
const MODELS: usize = 20;
/// The last of them are active, the others candidates.
const ACTIVE: usize = 4;

fn host(number: usize) -> Address {
    // As long as an account address, and in no order.
    Address::from(format!("gonka1{:038x}", (number * 7_919 + 13) % HOSTS))
}

fn model(number: usize) -> ModelId {
    ModelId::from(format!("organisation/model-{number:02}"))
}

fn choice(host_number: usize, model: usize) -> Choice {
    match (host_number + model) % 5 {
        0 => Choice::Intent,
        1 => Choice::Refuse,
        _ => Choice::Delegate { delegate_to: host((host_number * 31 + model) % HOSTS) },
    }
}

fn ledger() -> Ledger {
    let state = ChainState {
        height: 1_050,
        params: Params {
            epoch: EpochParams {
                epoch_length: 100,
                poc_stage_duration: 10,
                poc_validation_delay: 5,
                poc_validation_duration: 20,
                set_new_validators_delay: 10,
                ..EpochParams::default()
            },
            delegation: Some(DelegationParams {
                deploy_window: 20,
                refusal_penalty: Decimal::new(1, -1),
                no_participation_penalty: Decimal::new(15, -2),
                delegation_share: Decimal::new(5, -2),
                w_threshold: Decimal::new(4, -1),
                v_min: 500,
                max_model_voting_power: Decimal::new(3, -1),
                ..DelegationParams::default()
            }),
            models: (0..MODELS)
                .map(|n| ModelParams {
                    model_id: model(n),
                    coefficient: None,
                    dynamic: false,
                    penalty_start_epoch: 0,
                })
                .collect(),
            ..Params::default()
        },
        effective: Epoch { index: 10, poc_start: 1_000 },
        latest: Epoch { index: 10, poc_start: 1_000 },
        members: (0..HOSTS)
            .map(|n| Member {
                host: host(n),
                weight: i64::try_from(n % 997).unwrap_or(1),
                excluded: None,
            })
            .collect(),
        model_groups: (MODELS - ACTIVE..MODELS)
            .map(|m| ModelGroup {
                model_id: model(m),
                members: (0..HOSTS / 2)
                    .map(|n| GroupMember { host: host(n), weight: 5, voting_power: 5 })
                    .collect(),
            })
            .collect(),
        ..ChainState::default()
    };
    let tick = |height| Tick {
        height,
        time: Timestamp::UNIX_EPOCH + SignedDuration::from_secs(height * 5),
    };
    let standing = |choice| Standing { choice, origin: None, since: 1 };
    let mut ledger = Ledger {
        tip: Some(tick(1_050)),
        ticks: (1..=1_050).map(tick).collect(),
        known_hosts: state.members.iter().map(|member| member.host.clone()).collect(),
        choices: (0..MODELS)
            .map(|m| (model(m), (0..HOSTS).map(|n| (host(n), standing(choice(n, m)))).collect()))
            .collect(),
        state: Some(state),
        app_version: Some("0.2.14".to_owned()),
        ..Ledger::default()
    };
    // As after every answer of the chain.
    ledger.share_addresses();
    ledger
}

fn situation(c: &mut Criterion) {
    let mut group = c.benchmark_group("2000 hosts x 20 models");
    group.measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_secs(1));
    let mut ledger = ledger();
    let state = ledger.state.clone().unwrap_or_default();
    let params = state.params.delegation.clone().unwrap_or_default();
    let watched: Vec<_> = (0..64)
        .map(|n| Watched { name: format!("host {n}"), address: host(n), models: None })
        .collect();

    group.bench_function("network", |b| {
        b.iter(|| Network::new(black_box(&ledger).live_members()).map(|n| n.total()));
    });
    if let Ok(network) = Network::new(state.members.iter().map(|m| (&m.host, m.weight))) {
        let choices = |m: usize| {
            let standing = ledger.choices.get(&model(m)).into_iter().flatten();
            standing.map(|(host, standing)| (host, &standing.choice))
        };
        group.bench_function("projection of one model", |b| {
            b.iter(|| project(&params, &state.params.models[3], &network, choices(3)));
        });
        group.bench_function("projection of all models", |b| {
            b.iter(|| {
                let all = state.params.models.iter().enumerate();
                all.filter(|(n, model)| {
                    project(&params, model, &network, choices(*n)).pre_eligible()
                })
                .count()
            });
        });
        group.bench_function("closing of one model", |b| {
            b.iter(|| Closing::new(&params, &Support::new(&network, choices(3))));
        });
    }
    group.bench_function("projection after one choice changed", |b| {
        let mut intent = false;
        b.iter(|| {
            intent = !intent;
            let choice = if intent { Choice::Intent } else { Choice::Refuse };
            let hosts = ledger.choices.entry(model(3)).or_default();
            hosts.insert(host(7), Standing { choice, origin: None, since: 1 });
            let network = Network::new(ledger.live_members()).ok()?;
            let choices = ledger.choices[&model(3)].iter().map(|(host, s)| (host, &s.choice));
            Some(project(&params, &state.params.models[3], &network, choices))
        });
    });
    for count in [10, 64] {
        group.bench_function(format!("situation of {count} watched hosts"), |b| {
            let inputs = Inputs {
                chain_id: "gonka-mainnet",
                ledger: &ledger,
                watched: &watched[..count],
                complete_from: 1,
                head: 1_050,
                endpoints: &[],
                data: DataView::default(),
                records: &TrackRecords::default(),
                now: Timestamp::UNIX_EPOCH + SignedDuration::from_secs(5_251),
                rule_set: None,
                node: "http://localhost:26657",
            };
            b.iter(|| assess(black_box(&inputs)));
        });
    }
    group.finish();
}

criterion_group!(benches, situation);
criterion_main!(benches);
