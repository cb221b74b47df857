//! The messages that matter: the three choices, store commits and weight distributions.

use bootwatch_rules::{BlockFacts, ChoiceAction, ChoiceTx, StoreCommit, WeightDistribution};
use prost::Message;

use super::tx::Place;
use crate::chain::wire::{
    Any, MsgPocModel, MsgSetPocDelegation, MsgStoreCommit, MsgWeightDistribution,
};

const DELEGATE: &str = "/inference.inference.MsgSetPoCDelegation";
const REFUSE: &str = "/inference.inference.MsgRefusePoCDelegation";
const INTENT: &str = "/inference.inference.MsgDeclarePoCIntent";
const COMMIT: &str = "/inference.inference.MsgPoCV2StoreCommit";
const DISTRIBUTE: &str = "/inference.inference.MsgMLNodeWeightDistribution";

/// The chain bounds ids only by what exists, so a message that succeeded is taken as it is. One
/// that failed may carry anything up to the size of a transaction.
const MAX_FAILED_ID: usize = 256;

/// Reads a message into the facts; all others are passed over.
pub(super) fn read(facts: &mut BlockFacts, place: &Place<'_>, message: &Any) -> Result<(), String> {
    let value = message.value.as_slice();
    match message.type_url.as_str() {
        DELEGATE => {
            let set: MsgSetPocDelegation = decode(value)?;
            let action = if set.delegate_to.is_empty() {
                ChoiceAction::Clear
            } else {
                bounded(place, "delegate_to", &set.delegate_to)?;
                ChoiceAction::Delegate { delegate_to: set.delegate_to.into() }
            };
            choice(facts, place, set.sender, set.model_id, action)
        }
        REFUSE => {
            let refuse: MsgPocModel = decode(value)?;
            choice(facts, place, refuse.sender, refuse.model_id, ChoiceAction::Refuse)
        }
        INTENT => {
            let intent: MsgPocModel = decode(value)?;
            choice(facts, place, intent.sender, intent.model_id, ChoiceAction::Intent)
        }
        COMMIT if place.code == 0 => {
            let commit: MsgStoreCommit = decode(value)?;
            let host = present("creator", commit.creator)?;
            for entry in commit.entries {
                facts.commits.push(StoreCommit {
                    position: place.position(facts),
                    host: host.as_str().into(),
                    stage: commit.stage,
                    model_id: entry.model_id.into(),
                    count: entry.count,
                });
            }
            Ok(())
        }
        DISTRIBUTE if place.code == 0 => {
            let distribution: MsgWeightDistribution = decode(value)?;
            let host = present("creator", distribution.creator)?;
            for entry in distribution.entries {
                facts.distributions.push(WeightDistribution {
                    position: place.position(facts),
                    host: host.as_str().into(),
                    stage: distribution.stage,
                    model_id: entry.model_id.into(),
                    weight: entry.weights.iter().map(|node| u64::from(node.weight)).sum(),
                });
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn choice(
    facts: &mut BlockFacts,
    place: &Place<'_>,
    sender: String,
    model_id: String,
    action: ChoiceAction,
) -> Result<(), String> {
    let host = present("sender", sender)?;
    let model_id = present("model_id", model_id)?;
    bounded(place, "sender", &host)?;
    bounded(place, "model_id", &model_id)?;
    facts.choices.push(ChoiceTx {
        position: place.position(facts),
        tx_hash: place.tx_hash.to_owned(),
        host: host.into(),
        model_id: model_id.into(),
        action,
        code: place.code,
    });
    Ok(())
}

fn decode<T: Message + Default>(value: &[u8]) -> Result<T, String> {
    T::decode(value).map_err(|error| error.to_string())
}

fn present(field: &str, text: String) -> Result<String, String> {
    if text.is_empty() { Err(format!("{field} is empty")) } else { Ok(text) }
}

fn bounded(place: &Place<'_>, field: &str, text: &str) -> Result<(), String> {
    if place.code != 0 && text.len() > MAX_FAILED_ID {
        return Err(format!("{field} has {} bytes", text.len()));
    }
    Ok(())
}
