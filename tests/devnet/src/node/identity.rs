//! Who the simulated node is: its chain, its validator key, its genesis.

use jiff::Timestamp;
use prost::Message;
use tendermint_proto::v0_38::crypto::{PublicKey, public_key::Sum};
use tendermint_proto::v0_38::types::{BlockId, HashedParams, SimpleValidator};

use super::block::proto_time;
use super::merkle::{self, Hash};

/// Largest block of the default consensus parameters of CometBFT 0.38.
pub(crate) const MAX_BLOCK_BYTES: i64 = 22_020_096;
/// No gas limit.
pub(crate) const MAX_BLOCK_GAS: i64 = -1;
/// The only validator's voting power.
pub(crate) const VOTING_POWER: i64 = 10;

/// The fixed facts of a node. Everything follows from the chain id and the genesis time, so that
/// a restarted node is the same node.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) chain_id: String,
    pub(crate) genesis_time: Timestamp,
    /// `version.app` of headers; 0 like Cosmos SDK chains that do not set it.
    pub(crate) app_version: u64,
    /// The validator's key, 32 bytes in the shape of ed25519.
    pub(crate) public_key: Hash,
    /// The validator's address.
    pub(crate) address: [u8; 20],
    /// The peer-to-peer node id, 40 hex digits.
    pub(crate) node_id: String,
    pub(crate) validators_hash: Hash,
    pub(crate) consensus_hash: Hash,
}

impl Identity {
    /// The node of `chain_id`.
    pub(crate) fn new(chain_id: &str, genesis_time: Timestamp) -> Identity {
        let public_key = merkle::sha256(format!("validator of {chain_id}").as_bytes());
        let node_key = merkle::sha256(format!("node of {chain_id}").as_bytes());
        let key = PublicKey { sum: Some(Sum::Ed25519(public_key.to_vec())) };
        let params =
            HashedParams { block_max_bytes: MAX_BLOCK_BYTES, block_max_gas: MAX_BLOCK_GAS };
        Identity {
            chain_id: chain_id.to_owned(),
            genesis_time,
            app_version: 0,
            address: address_of(&public_key),
            node_id: hex::encode(address_of(&node_key)),
            validators_hash: validators_hash(key, VOTING_POWER),
            consensus_hash: merkle::sha256(&params.encode_to_vec()),
            public_key,
        }
    }

    /// A commit signature: 64 bytes that depend on everything a vote signs, in the shape of an
    /// ed25519 signature. It does not verify; a monitor does not verify signatures.
    pub(crate) fn sign(&self, height: i64, id: &BlockId, time: Timestamp) -> Vec<u8> {
        let time = proto_time(time).encode_to_vec();
        let half = |half: u8| {
            let vote = [&[half], &height.to_be_bytes()[..], &id.hash, &time, &self.public_key];
            merkle::sha256(&vote.concat())
        };
        [half(0), half(1)].concat()
    }
}

/// The root over a set of one validator.
pub(crate) fn validators_hash(key: PublicKey, voting_power: i64) -> Hash {
    merkle::root(&[SimpleValidator { pub_key: Some(key), voting_power }.encode_to_vec()])
}

/// An address is the first 20 bytes of the key's SHA-256 (CometBFT `crypto/tmhash`).
fn address_of(key: &Hash) -> [u8; 20] {
    let mut address = [0; 20];
    address.copy_from_slice(&merkle::sha256(key)[..20]);
    address
}
