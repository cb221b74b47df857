//! Raw reads of the inference module's store, and the traps that stock nodes set: a key at a
//! height that is gone answers code 0 with a log and no value, and a subspace always answers from
//! the newest state (cosmos-sdk store/iavl, `Query`).

use prost::Message as _;

use super::super::Chain;
use super::super::address::{Address, ModelId};
use super::super::outcome::QueryAnswer;
use super::super::spec::Version;
use super::super::state::State;
use super::super::wire::{Pair, Pairs, PoCDelegation};
use super::{Refusal, kept};

const DELEGATIONS: u8 = 0x35;
const REFUSALS: u8 = 0x36;
const INTENTS: u8 = 0x37;
const REGULAR: u8 = 0x38;
const BOOTSTRAP: u8 = 0x39;
const CHARGES: u8 = 0x6c;

pub(super) fn answer(
    chain: &Chain,
    kind: &str,
    data: &[u8],
    height: i64,
    latest: i64,
) -> Result<QueryAnswer, Refusal> {
    let mut answer = QueryAnswer { key: data.to_vec(), height, ..QueryAnswer::default() };
    let version = chain.spec.version;
    match kind {
        "inference/key" => {
            if data.is_empty() {
                return Err(Refusal::sdk(1, "query cannot be zero length: tx parse error"));
            }
            match kept(chain, height).filter(|state| state.height <= latest) {
                Some(state) => answer.value = value(state, data, version).unwrap_or_default(),
                None => "version does not exist".clone_into(&mut answer.log),
            }
        }
        "inference/subspace" => {
            let pairs = pairs(kept(chain, latest).unwrap_or(&chain.state), version);
            let pairs = pairs.into_iter().filter(|pair| pair.key.starts_with(data));
            answer.value = Pairs { pairs: pairs.collect() }.encode_to_vec();
        }
        other => {
            let store = other.split('/').next().unwrap_or_default();
            let log = if store == "inference" {
                format!("unexpected query path: {other}: unknown request")
            } else {
                format!("no such store: {store}: unknown request")
            };
            return Err(Refusal::sdk(6, log));
        }
    }
    Ok(answer)
}

fn value(state: &State, key: &[u8], version: Version) -> Option<Vec<u8>> {
    match key {
        [REGULAR] => state.regular.as_ref().map(|snapshot| snapshot.encode_to_vec()),
        [BOOTSTRAP] => state.bootstrap.as_ref().map(|snapshot| snapshot.encode_to_vec()),
        [CHARGES] => state.charges.as_ref().map(|snapshot| snapshot.encode_to_vec()),
        [DELEGATIONS..=INTENTS, ..] => {
            pairs(state, version).into_iter().find(|pair| pair.key == key).map(|pair| pair.value)
        }
        _ => None,
    }
}

/// The choices as the store keeps them, in the order of their keys.
fn pairs(state: &State, version: Version) -> Vec<Pair> {
    let choices = &state.choices;
    let delegations = choices.delegations.iter().map(|((model, host), to)| {
        // Since v0.2.16 the value leaves out what the key says.
        let (model_id, delegator) = match version {
            Version::V0_2_16 => (String::new(), String::new()),
            Version::V0_2_12 | Version::V0_2_14 => (model.to_string(), host.to_string()),
        };
        let value = PoCDelegation { model_id, delegator, delegate_to: to.to_string() };
        Pair { key: key(DELEGATIONS, model, host), value: value.encode_to_vec() }
    });
    let marks = |prefix: u8| {
        move |(model, host): &(ModelId, Address)| Pair {
            key: key(prefix, model, host),
            value: Vec::new(),
        }
    };
    let refusals = choices.refusals.iter().map(marks(REFUSALS));
    let intents = choices.intents.iter().map(marks(INTENTS));
    let mut pairs = delegations.chain(refusals).chain(intents).collect::<Vec<_>>();
    pairs.sort_by(|a, b| a.key.cmp(&b.key));
    pairs
}

fn key(prefix: u8, model: &str, host: &str) -> Vec<u8> {
    [&[prefix], model.as_bytes(), &[0], host.as_bytes()].concat()
}
