//! A year of mainnet in the blocks that leave something behind, at about twice the volume that was
//! measured: 30 choices an epoch, 60 events, every host of every group commits and distributes in
//! five stages, groups, charges and rewards are read once, every charge is forecast, and some 20 mails
//! are sent.

use bootwatch_rules::{
    BlockFacts, Capture, ChainEvent, ChainState, ChargeSnapshot, ChoiceAction, ChoiceTx, Decimal,
    DelegationParams, Epoch, Fraction, GroupMember, Height, Member, MessagePath, ModelGroup,
    ModelParams, Observation, Params, Penalty, Position, RuleSet, StoreCommit, Transfer,
    WeightDistribution,
    forecast::{ChargeRange, KeptCharge, KeptForecast, Outcome},
    ledger::Ledger,
    reward::RewardReading,
};
use bootwatch_schema::{Commit, Delivery, NewMessage, Severity, SqliteStore, Store};
use jiff::Timestamp;

/// Epochs in a year: 22.8 hours each.
pub(crate) const YEAR: i64 = 384;
/// Headers kept of blocks in which nothing happened.
pub(crate) const HEADERS: i64 = 20_000;
const HOSTS: u32 = 60;
const MODELS: u32 = 6;
/// Hosts that work on one model.
const GROUP: u32 = 30;
/// Confirmation PoCs in an epoch, beside the PoC itself.
const CONFIRMATIONS: i64 = 4;

fn host(n: u32) -> String {
    format!("gonka1{n:038}")
}

fn model(n: u32) -> String {
    format!("deepseek-ai/DeepSeek-V4-Flash-{n:04}")
}

/// The blocks of one epoch in which something happens, at about twice what mainnet shows: the
/// others leave a header that is gone after a day.
pub(crate) fn epoch(index: i64, first: Height) -> Vec<(BlockFacts, Option<Observation>)> {
    let mut blocks = Vec::new();
    let next = |blocks: &Vec<_>| first + i64::try_from(blocks.len()).expect("in bounds");
    let at = |height, tx_index| Position { height, tx_index, path: MessagePath(vec![1, 0]) };

    // Capture, with a state that is read for it: a new group every epoch.
    let height = next(&blocks);
    let captures = (0..3).map(|n| Capture {
        snapshot_height: height,
        model_id: model(n).into(),
        pre_eligible: false,
        meets_weight_threshold: true,
        meets_v_min: true,
        meets_reachability: false,
        intent_host_count: 4,
        intent_weight: 120_000,
        reachable_voting_power: 400_000,
        total_network_weight: 570_990,
    });
    let facts = BlockFacts { captures: captures.collect(), ..block(height) };
    let observation = Observation {
        state: Some(state(index, height)),
        charges: Some(charges(index)),
        rewards: Some(rewards(index)),
        ..Observation::default()
    };
    blocks.push((facts, Some(observation)));

    // Choices: 30 an epoch; a sample of mainnet showed about 12.
    for n in 0..30u32 {
        let height = next(&blocks);
        let choice = ChoiceTx {
            position: at(height, n),
            tx_hash: hash(height),
            host: host(n % HOSTS).into(),
            model_id: model(n % MODELS).into(),
            action: match n % 3 {
                0 => ChoiceAction::Delegate { delegate_to: host(n % 7).into() },
                1 => ChoiceAction::Refuse,
                _ => ChoiceAction::Intent,
            },
            code: 0,
        };
        blocks.push((BlockFacts { choices: vec![choice], ..block(height) }, None));
    }
    // Events: collateral, votes, slashes, and the list of participants that marks a new epoch.
    for n in 0..60u32 {
        let height = next(&blocks);
        let long = "x".repeat(if n == 0 { 8_000 } else { 120 });
        let event = ChainEvent {
            seq: n,
            tx_index: Some(n),
            kind: "deposit_collateral".into(),
            attributes: vec![("participant".into(), host(n)), ("amount".into(), long)],
        };
        blocks.push((BlockFacts { events: vec![event], ..block(height) }, None));
    }
    // Work: each host of a group commits in five blocks of each stage, and distributes in one.
    for stage in (0..=CONFIRMATIONS).map(|n| first + n) {
        for round in 0..5u32 {
            let height = next(&blocks);
            let pairs = (0..MODELS).flat_map(|m| (0..GROUP).map(move |h| (m, h)));
            let commits = pairs.clone().map(|(m, h)| StoreCommit {
                position: at(height, h),
                host: host((h + m * 7) % HOSTS).into(),
                stage,
                model_id: model(m).into(),
                count: 40_000 * (round + 1) + h,
            });
            let distributions = pairs.filter(|_| round == 4).map(|(m, h)| WeightDistribution {
                position: at(height, h),
                host: host((h + m * 7) % HOSTS).into(),
                stage,
                model_id: model(m).into(),
                weight: 200_000,
            });
            let commits = commits.collect();
            let distributions = distributions.collect();
            blocks.push((BlockFacts { commits, distributions, ..block(height) }, None));
        }
    }
    blocks
}

fn state(index: i64, height: Height) -> ChainState {
    let effective = Epoch { index: index.unsigned_abs(), poc_start: height };
    let weight = |n: u32| 10_000 + i64::from(n) * index;
    ChainState {
        height,
        params: Params {
            // Governance changes something every week.
            delegation: Some(DelegationParams { v_min: index / 7, ..DelegationParams::default() }),
            models: (0..MODELS)
                .map(|n| ModelParams {
                    model_id: model(n).into(),
                    coefficient: Some(Decimal { value: 3024, exponent: -4 }),
                    dynamic: false,
                    penalty_start_epoch: 360,
                })
                .collect(),
            ..Params::default()
        },
        effective,
        latest: effective,
        members: (0..HOSTS)
            .map(|n| Member { host: host(n).into(), weight: weight(n), excluded: None })
            .collect(),
        model_groups: (0..MODELS)
            .map(|m| ModelGroup {
                model_id: model(m).into(),
                members: (0..GROUP)
                    .map(|n| GroupMember {
                        host: host((n + m * 7) % HOSTS).into(),
                        weight: weight(n),
                        voting_power: weight(n) * 2,
                    })
                    .collect(),
            })
            .collect(),
        governance_models: (0..MODELS).map(|n| model(n).into()).collect(),
    }
}

fn charges(index: i64) -> ChargeSnapshot {
    ChargeSnapshot {
        epoch_index: index.unsigned_abs(),
        transfers: (0..HOSTS)
            .map(|n| Transfer {
                model_id: model(n % MODELS).into(),
                from: host(n).into(),
                to: host(n % 7).into(),
                share: Decimal { value: 5, exponent: -2 },
            })
            .collect(),
        penalties: (0..20)
            .map(|n| Penalty {
                host: host(n).into(),
                fraction: Decimal { value: 15, exponent: -2 },
            })
            .collect(),
    }
}

/// What watched hosts earn: of a hoster with many.
fn rewards(index: i64) -> RewardReading {
    let estimates = (0..20).map(|n| (host(n).into(), 300_000_000_000_000)).collect();
    RewardReading { epoch: index.unsigned_abs(), estimates }
}

/// What was said of every host before its charges were fixed.
fn forecast(index: i64, height: Height) -> KeptForecast {
    let share = |numerator| Fraction::new(numerator, 20).expect("a share");
    let range = ChargeRange { min: share(0), max: share(3) };
    let kept = KeptCharge { range, stored: Some(share(3)), outcome: Some(Outcome::Right) };
    KeptForecast {
        epoch: index.unsigned_abs(),
        height,
        rule_set: RuleSet::V0_2_14,
        checked: Some(height),
        hosts: (0..HOSTS).map(|n| (host(n).into(), kept)).collect(),
    }
}

pub(crate) fn mail(n: i64) -> NewMessage {
    NewMessage {
        message_id: format!("{n:040}@bootwatch"),
        incident: format!("{:064X}", n / 3),
        parts: vec![],
        channel: "email".into(),
        recipient: "operator@example.org".into(),
        severity: Severity::Warning,
        subject: "s".repeat(80),
        text: "t".repeat(2_000),
        html: Some("h".repeat(8_000)),
        created_at: at(n),
        created_height: n,
    }
}

fn hash(height: Height) -> String {
    format!("{height:064X}")
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_787_000_000 + seconds).expect("a time of this century")
}

/// A block in which nothing happens.
pub(crate) fn block(height: Height) -> BlockFacts {
    BlockFacts {
        height,
        hash: hash(height),
        parent: hash(height - 1),
        time: at(height * 5),
        tx_count: 0,
        captures: vec![],
        choices: vec![],
        commits: vec![],
        distributions: vec![],
        events: vec![],
        malformed: vec![],
    }
}

/// Takes a block in as the daemon does; every sixth sends a mail.
pub(crate) fn take(
    store: &mut SqliteStore,
    ledger: &mut Ledger,
    facts: &BlockFacts,
    observation: Option<&Observation>,
) {
    let changes = ledger.apply(facts, observation);
    let happens = observation.is_some() || !facts.choices.is_empty() || !facts.events.is_empty();
    let messages = if happens && facts.height % 6 == 0 { vec![mail(facts.height)] } else { vec![] };
    let forecast = observation
        .and_then(|o| o.charges.as_ref())
        .map(|charges| forecast(charges.epoch_index.cast_signed(), facts.height));
    store
        .commit(&Commit {
            facts,
            observation,
            forecast: forecast.as_ref(),
            changes: &changes,
            ledger,
            incidents: &[],
            messages: &messages,
        })
        .expect("the block is stored");
    for message in messages {
        let message_id = message.message_id;
        store.settle(&[Delivery::Delivered { message_id, at: at(0) }]).expect("settled");
    }
}
