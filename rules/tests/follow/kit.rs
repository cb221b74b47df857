//! Blocks and states in a few words. Epochs of 100 blocks: with PoC start at 1000, validation
//! starts at 1013, ends at 1023, the epoch is effective at 1028, its successor is captured at 1080.

use bootwatch_rules::{
    Address, BlockFacts, Capture, ChainEvent, ChainState, Choice, ChoiceAction, ChoiceTx, Decimal,
    DelegationParams, Epoch, EpochParams, GroupMember, Height, HostChoices, Member, MessagePath,
    ModelGroup, ModelId, ModelParams, Observation, Params, Position, StoreCommit,
    ledger::{Changes, Ledger},
};
use jiff::{SignedDuration, Timestamp};

pub(crate) const POC_START: Height = 1000;
pub(crate) const VALIDATION_START: Height = 1013;
pub(crate) const VALIDATION_END: Height = 1023;
pub(crate) const EFFECTIVE: Height = 1028;
pub(crate) const CAPTURE: Height = 1080;
pub(crate) const NEXT_POC_START: Height = 1100;

pub(crate) fn host(name: &str) -> Address {
    Address::from(name)
}

pub(crate) fn model(name: &str) -> ModelId {
    ModelId::from(name)
}

pub(crate) fn params() -> Params {
    Params {
        epoch: EpochParams {
            epoch_length: 100,
            epoch_shift: 0,
            poc_stage_duration: 10,
            poc_exchange_duration: 1,
            poc_validation_delay: 3,
            poc_validation_duration: 10,
            set_new_validators_delay: 5,
            inference_validation_cutoff: 2,
        },
        delegation: Some(DelegationParams {
            deploy_window: 20,
            refusal_penalty: Decimal::new(1, -1),
            no_participation_penalty: Decimal::new(15, -2),
            delegation_share: Decimal::new(5, -2),
            w_threshold: Decimal::new(3, -1),
            v_min: 2,
            ..DelegationParams::default()
        }),
        models: ["m", "n"]
            .map(|id| ModelParams {
                model_id: model(id),
                coefficient: None,
                dynamic: false,
                penalty_start_epoch: 0,
            })
            .to_vec(),
        ..Params::default()
    }
}

/// The chain's state at `height`, somewhere in the epochs around 10 (PoC start 1000). Model `m` is
/// active and served by host `s`, which has weight 70; every other host has 10.
pub(crate) fn state(height: Height, hosts: &[&str]) -> ChainState {
    let epoch = |index: u64| Epoch { index, poc_start: i64::try_from(index).unwrap() * 100 };
    let effective = u64::try_from((height - 28).div_euclid(100)).unwrap();
    let latest = u64::try_from(height.div_euclid(100)).unwrap();
    ChainState {
        height,
        params: params(),
        effective: epoch(effective),
        latest: epoch(latest),
        members: hosts
            .iter()
            .map(|name| Member {
                host: host(name),
                weight: if *name == "s" { 70 } else { 10 },
                excluded: None,
            })
            .collect(),
        model_groups: vec![ModelGroup {
            model_id: model("m"),
            members: vec![GroupMember { host: host("s"), weight: 70, voting_power: 70 }],
        }],
        ..ChainState::default()
    }
}

pub(crate) fn block(height: Height) -> BlockFacts {
    BlockFacts {
        height,
        hash: String::new(),
        parent: String::new(),
        time: Timestamp::UNIX_EPOCH + SignedDuration::from_secs(height * 5),
        tx_count: 0,
        captures: Vec::new(),
        choices: Vec::new(),
        commits: Vec::new(),
        distributions: Vec::new(),
        events: Vec::new(),
        malformed: Vec::new(),
    }
}

pub(crate) fn position(height: Height, tx_index: u32) -> Position {
    Position { height, tx_index, path: MessagePath(vec![0]) }
}

/// Adds a choice transaction to a block.
pub(crate) fn choose(
    facts: &mut BlockFacts,
    who: &str,
    what: &str,
    action: ChoiceAction,
    code: u32,
) {
    let tx_index = u32::try_from(facts.choices.len()).unwrap();
    facts.choices.push(ChoiceTx {
        position: position(facts.height, tx_index),
        tx_hash: format!("{}/{tx_index}", facts.height),
        host: host(who),
        model_id: model(what),
        action,
        code,
    });
}

pub(crate) fn delegate(to: &str) -> ChoiceAction {
    ChoiceAction::Delegate { delegate_to: host(to) }
}

pub(crate) fn event(kind: &str, attributes: &[(&str, &str)]) -> ChainEvent {
    let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    ChainEvent {
        seq: 0,
        tx_index: None,
        kind: kind.to_owned(),
        attributes: attributes.iter().map(own).collect(),
    }
}

pub(crate) fn commit(height: Height, who: &str, stage: Height, count: u32) -> StoreCommit {
    StoreCommit {
        position: position(height, 0),
        host: host(who),
        stage,
        model_id: model("m"),
        count,
    }
}

pub(crate) fn capture(height: Height, id: &str) -> Capture {
    Capture {
        snapshot_height: height,
        model_id: model(id),
        pre_eligible: false,
        meets_weight_threshold: false,
        meets_v_min: false,
        meets_reachability: false,
        intent_host_count: 0,
        intent_weight: 0,
        reachable_voting_power: 0,
        total_network_weight: 10,
    }
}

pub(crate) fn answers(who: &str, choices: &[(&str, Choice)]) -> HostChoices {
    HostChoices {
        host: host(who),
        choices: choices.iter().map(|(id, choice)| (model(id), choice.clone())).collect(),
    }
}

/// A ledger that has read the chain's state at `height`.
pub(crate) fn based(height: Height) -> Ledger {
    let mut ledger = Ledger::default();
    let observation =
        Observation { state: Some(state(height, &["a", "b"])), ..Observation::default() };
    ledger.apply(&block(height), Some(&observation));
    ledger
}

/// Applies empty blocks up to and including `last`, as a daemon would: with the state read
/// whenever the ledger asks for it.
pub(crate) fn run_to(ledger: &mut Ledger, last: Height) -> Vec<Changes> {
    let first = ledger.tip.map_or(last, |tip| tip.height + 1);
    (first..=last).map(|height| apply(ledger, &block(height))).collect()
}

pub(crate) fn apply(ledger: &mut Ledger, facts: &BlockFacts) -> Changes {
    let asked = ledger.needs(facts, &[], 0).state;
    let observation = asked.then(|| Observation {
        state: Some(state(facts.height, &["a", "b"])),
        ..Observation::default()
    });
    ledger.apply(facts, observation.as_ref())
}
