//! A small chain in which everything happens that the store has a table for.

use bootwatch_rules::{
    BlockFacts, Capture, ChainEvent, ChargeSnapshot, Choice, ChoiceAction, ChoiceTx, Decimal,
    Fraction, Height, HostChoices, MessagePath, Observation, Penalty, Position, RuleSet,
    StoreCommit, Transfer, WeightDistribution,
    forecast::{ChargeRange, KeptCharge, KeptForecast, Outcome},
    ledger::Ledger,
    plans::{Plans, Proposal, UpgradePlan},
    reward::RewardReading,
    situation::{EndpointState, EndpointView, ProgressView},
};
use bootwatch_schema::{
    Acknowledgement, Commit, Incident, IncidentState, NewMessage, OrderBook, ServiceRecord,
    Severity, Silence, SqliteStore, Store, Told, Unfillable,
};

use crate::{
    chain::{EPOCH_LENGTH, FIRST, Step, state},
    common::{at, block, hash},
};

/// A block with one of everything.
pub(crate) fn one_of_everything(height: Height) -> BlockFacts {
    let position = Position { height, tx_index: 3, path: MessagePath(vec![1, 0]) };
    BlockFacts {
        tx_count: 5,
        captures: vec![Capture {
            snapshot_height: height,
            model_id: "m".into(),
            pre_eligible: true,
            meets_weight_threshold: true,
            meets_v_min: true,
            meets_reachability: true,
            intent_host_count: 1,
            intent_weight: 2,
            reachable_voting_power: 3,
            total_network_weight: 4,
        }],
        choices: vec![
            ChoiceTx {
                position: position.clone(),
                tx_hash: hash(height * 10),
                host: "gonka1a".into(),
                model_id: "m".into(),
                action: ChoiceAction::Delegate { delegate_to: "gonka1b".into() },
                code: 0,
            },
            ChoiceTx {
                position: position.clone(),
                tx_hash: hash(height * 10 + 1),
                host: "gonka1b".into(),
                model_id: "m".into(),
                action: ChoiceAction::Refuse,
                code: 0,
            },
        ],
        commits: vec![StoreCommit {
            position: position.clone(),
            host: "gonka1a".into(),
            stage: height,
            model_id: "m".into(),
            count: 9,
        }],
        distributions: vec![WeightDistribution {
            position,
            host: "gonka1a".into(),
            stage: height,
            model_id: "m".into(),
            weight: 9,
        }],
        events: vec![ChainEvent {
            seq: 4,
            tx_index: Some(1),
            kind: "slash_collateral".into(),
            attributes: vec![("k".into(), "v".into()), ("k".into(), "w".into())],
        }],
        ..block(height)
    }
}

/// An epoch and a half: a state that is read, every stage, a wipe.
pub(crate) fn steps() -> Vec<Step> {
    (FIRST..FIRST + EPOCH_LENGTH * 2)
        .map(|height| {
            let mut facts = if height % 4 == 0 { one_of_everything(height) } else { block(height) };
            // The newest stage is the one that the ledger works on.
            for stage in facts.commits.iter_mut().map(|c| &mut c.stage) {
                *stage = FIRST + (height - FIRST) / EPOCH_LENGTH * EPOCH_LENGTH;
            }
            // The clock goes on from there alone.
            let read = height % 11 == 0 && height < FIRST + EPOCH_LENGTH;
            let observation = read.then(|| observation(height));
            Step { facts, observation }
        })
        .collect()
}

fn observation(height: Height) -> Observation {
    Observation {
        state: Some(state(height, 3, 5, Some(1), false)),
        choices: vec![HostChoices {
            host: "gonka1b".into(),
            choices: vec![("m".into(), Choice::Intent), ("Kimi/K2".into(), Choice::Refuse)],
        }],
        charges: Some(ChargeSnapshot {
            epoch_index: 7,
            transfers: vec![Transfer {
                model_id: "m".into(),
                from: "gonka1a".into(),
                to: "gonka1b".into(),
                share: Decimal { value: 5, exponent: -2 },
            }],
            penalties: vec![Penalty {
                host: "gonka1a".into(),
                fraction: Decimal { value: 15, exponent: -2 },
            }],
        }),
        rewards: Some(RewardReading { epoch: 7, estimates: vec![("gonka1a".into(), u64::MAX)] }),
        plans: Some(plans(height)),
        app_version: Some("0.2.14".into()),
    }
}

/// An upgrade, and a proposal with everything that one can have.
pub(crate) fn plans(height: Height) -> Plans {
    let upgrade = UpgradePlan { name: "v9'; DROP TABLE plans;--".into(), height: height + 50 };
    let proposal = Proposal {
        id: u64::MAX,
        title: "ü\u{0}\u{202e}\"".into(),
        voting_end: Some(at(height)),
        expedited: true,
        messages: vec!["/inference.inference.MsgUpdateParams".into()],
        params: Some(state(height, 3, 5, Some(1), false).params),
        upgrade: Some(upgrade.clone()),
        cancels_upgrade: true,
    };
    let proposals = vec![Proposal::default(), proposal];
    Plans { read_at: height, upgrade: Some(upgrade), proposals, more: true }
}

/// Puts the chain into a store, with what the daemon decides on the way.
pub(crate) fn fill(store: &mut SqliteStore) {
    let mut ledger = Ledger::default();
    for Step { mut facts, observation } in steps() {
        if facts.height % 8 == 0 {
            facts.malformed.push(bootwatch_rules::Malformed {
                what: "tx".into(),
                place: "tx 0".into(),
                reason: "no protobuf".into(),
                raw: "AAAA".into(),
            });
        }
        let forecast = ledger.forms_at(facts.height).then(|| forecast(facts.height));
        let changes = ledger.apply(&facts, observation.as_ref());
        let decided = facts.height % 9 == 0;
        store
            .commit(&Commit {
                facts: &facts,
                forecast: forecast.as_ref(),
                observation: observation.as_ref(),
                changes: &changes,
                ledger: &ledger,
                incidents: &if decided { vec![incident(facts.height)] } else { vec![] },
                messages: &if decided { vec![message(facts.height)] } else { vec![] },
            })
            .unwrap();
    }
    let reason = "lowest height is 900".to_owned();
    store.give_up(&Unfillable { first: 1, last: 900, reason, at: at(0) }).unwrap();
    let view = EndpointView {
        name: "mine".into(),
        state: EndpointState::Up,
        reason: Some("fine".into()),
        height: Some(FIRST),
        earliest: Some(1),
        selected: true,
        websocket: true,
        behind: None,
        latency_ms: None,
        quarantined_until: None,
        requests: None,
    };
    let progress = ProgressView { done: 1, left: 9, per_minute: 60, eta: Some(at(9)) };
    let service = ServiceRecord {
        endpoints: vec![view],
        catching_up: Some(progress.clone()),
        history: Some(progress),
        at: Some(at(1)),
    };
    store.note_service(&service).unwrap();
}

/// As the daemon keeps one before validation end, and after it held it against the chain's charges.
fn forecast(height: Height) -> KeptForecast {
    let share = |part| Fraction::new(part, 20).unwrap();
    let charge = |stored, outcome| KeptCharge {
        range: ChargeRange { min: share(0), max: share(3) },
        stored,
        outcome,
    };
    KeptForecast {
        epoch: 8 + (height - FIRST).unsigned_abs() / EPOCH_LENGTH.unsigned_abs(),
        height: height - 1,
        rule_set: RuleSet::V0_2_14,
        checked: Some(height),
        hosts: [
            ("gonka1a".into(), charge(Some(share(1)), Some(Outcome::Right))),
            ("gonka1b".into(), charge(None, None)),
        ]
        .into(),
    }
}

/// What an operator orders beside the daemon.
pub(crate) fn order(book: &mut OrderBook) {
    let silence = Silence {
        id: 0,
        matchers: [("alert".to_owned(), "DecisionMissing".to_owned())].into(),
        starts_at: at(3),
        ends_at: Some(at(9)),
        ends_epoch: None,
        author: "operator".into(),
        comment: "it's known".into(),
        expired_at: None,
    };
    book.silence(&silence).unwrap();
    let acknowledgement = Acknowledgement {
        occurrence: 1,
        severity: Severity::Critical,
        author: "operator".into(),
        comment: "on it".into(),
        at: at(4),
    };
    book.acknowledge(&hash(FIRST), &acknowledgement).unwrap();
}

fn incident(height: Height) -> Incident {
    let told = Told { step: 1, severity: Severity::Critical, at: at(2), times: 1, ended: false };
    Incident {
        fingerprint: hash(height),
        alert: "DecisionMissing".into(),
        labels: [("host".to_owned(), "mine".to_owned())].into(),
        window: "epoch 7".into(),
        state: IncidentState::Firing,
        severity: Severity::Critical,
        summary: "decide".into(),
        opened_height: height,
        opened_at: at(1),
        changed_at: at(2),
        deadline: Some(height + 5),
        step: 1,
        occurrence: 1,
        risen_at: at(2),
        clearing: None,
        unknown_since: None,
        acknowledged: None,
        silenced_by: None,
        inhibited_by: None,
        told: [("email:host@example.org".to_owned(), told)].into(),
        ending: None,
    }
}

fn message(height: Height) -> NewMessage {
    NewMessage {
        message_id: format!("{height}@bootwatch"),
        incident: hash(height),
        parts: vec![],
        channel: "email".into(),
        recipient: "host@example.org".into(),
        severity: Severity::Critical,
        subject: "decide".into(),
        text: "it's time".into(),
        html: Some("<p>it's time</p>".into()),
        created_at: at(1),
        created_height: height,
    }
}
