//! A small network for unit tests: three members of 100 with one candidate, between two epochs.

use jiff::Timestamp;

use crate::{
    Address, ChainState, Choice, Decimal, DelegationParams, Epoch, EpochParams, Height, Member,
    ModelId, ModelParams, Params,
    ledger::{Ledger, Standing, Tick},
};

/// The capture for epoch 11.
pub(crate) const CAPTURE: Height = 1080;

/// The hosts `a`, `b` and `c`, a candidate `m` and a registered model without an entry, epoch 11
/// ahead: capture 1080, PoC start 1100, commit deadline 1110, validation start 1115, formation and
/// wipe 1135. `choices` stand for `m`.
pub(crate) fn ledger(tip: Height, choices: &[(&str, Choice)]) -> Ledger {
    let hosts = ["a", "b", "c"].map(Address::from);
    let model = ModelId::from("m");
    let epoch = |index, poc_start| Epoch { index, poc_start };
    let state = ChainState {
        height: tip,
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
                v_min: 1,
                refusal_penalty: Decimal::new(1, -1),
                no_participation_penalty: Decimal::new(15, -2),
                delegation_share: Decimal::new(5, -2),
                ..DelegationParams::default()
            }),
            models: vec![ModelParams {
                model_id: model.clone(),
                coefficient: None,
                dynamic: false,
                penalty_start_epoch: 11,
            }],
            ..Params::default()
        },
        effective: epoch(10, 1000),
        latest: if tip >= 1100 { epoch(11, 1100) } else { epoch(10, 1000) },
        members: hosts
            .iter()
            .map(|host| Member { host: host.clone(), weight: 100, excluded: None })
            .collect(),
        governance_models: vec![model.clone(), "unlisted".into()],
        ..ChainState::default()
    };
    let mut ledger = Ledger {
        tip: Some(Tick { height: tip, time: Timestamp::UNIX_EPOCH }),
        state: Some(state),
        known_hosts: hosts.into_iter().collect(),
        ..Ledger::default()
    };
    for (host, choice) in choices {
        let standing = Standing { choice: choice.clone(), origin: None, since: 1 };
        ledger.choices.entry(model.clone()).or_default().insert(Address::from(*host), standing);
    }
    ledger
}
