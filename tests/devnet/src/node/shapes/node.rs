//! The node and its chain: status, network, genesis, validators, parameters.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::node::go_json::{Base64, Hex, Int, Time};
use crate::node::identity::{Identity, MAX_BLOCK_BYTES, MAX_BLOCK_GAS, VOTING_POWER};

/// An answer without fields: `health`, `subscribe`, `unsubscribe`.
#[derive(Serialize)]
pub(crate) struct Empty {}

#[derive(Serialize)]
pub(crate) struct PublicKey<'a> {
    r#type: &'static str,
    value: Base64<'a>,
}

impl<'a> From<&'a Identity> for PublicKey<'a> {
    fn from(identity: &'a Identity) -> PublicKey<'a> {
        PublicKey { r#type: "tendermint/PubKeyEd25519", value: Base64(&identity.public_key) }
    }
}

#[derive(Serialize)]
struct ProtocolVersion {
    p2p: Int<u64>,
    block: Int<u64>,
    app: Int<u64>,
}

#[derive(Serialize)]
struct NodeInfoOther<'a> {
    tx_index: &'static str,
    rpc_address: &'a str,
}

#[derive(Serialize)]
pub(crate) struct NodeInfo<'a> {
    protocol_version: ProtocolVersion,
    id: &'a str,
    listen_addr: &'static str,
    network: &'a str,
    version: &'static str,
    channels: &'static str,
    moniker: &'static str,
    other: NodeInfoOther<'a>,
}

impl<'a> NodeInfo<'a> {
    pub(crate) fn new(identity: &'a Identity, rpc_address: &'a str) -> NodeInfo<'a> {
        NodeInfo {
            protocol_version: ProtocolVersion {
                p2p: Int(8),
                block: Int(11),
                app: Int(identity.app_version),
            },
            id: &identity.node_id,
            listen_addr: "tcp://127.0.0.1:26656",
            network: &identity.chain_id,
            version: "0.38.21",
            channels: "40202122233038606100",
            moniker: "devnet",
            other: NodeInfoOther { tx_index: "on", rpc_address },
        }
    }
}

#[derive(Serialize)]
pub(crate) struct SyncInfo<'a> {
    pub(crate) latest_block_hash: Hex<'a>,
    pub(crate) latest_app_hash: Hex<'a>,
    pub(crate) latest_block_height: Int<i64>,
    pub(crate) latest_block_time: Time,
    pub(crate) earliest_block_hash: Hex<'a>,
    pub(crate) earliest_app_hash: Hex<'a>,
    pub(crate) earliest_block_height: Int<i64>,
    pub(crate) earliest_block_time: Time,
    pub(crate) catching_up: bool,
}

#[derive(Serialize)]
struct ValidatorInfo<'a> {
    address: Hex<'a>,
    pub_key: PublicKey<'a>,
    voting_power: Int<i64>,
}

/// `status`.
#[derive(Serialize)]
pub(crate) struct ResultStatus<'a> {
    node_info: NodeInfo<'a>,
    sync_info: SyncInfo<'a>,
    validator_info: ValidatorInfo<'a>,
}

impl<'a> ResultStatus<'a> {
    pub(crate) fn new(
        identity: &'a Identity,
        rpc_address: &'a str,
        sync_info: SyncInfo<'a>,
    ) -> ResultStatus<'a> {
        ResultStatus {
            node_info: NodeInfo::new(identity, rpc_address),
            sync_info,
            validator_info: ValidatorInfo {
                address: Hex(&identity.address),
                pub_key: identity.into(),
                voting_power: Int(VOTING_POWER),
            },
        }
    }
}

/// `net_info`: a node without peers.
#[derive(Serialize)]
pub(crate) struct ResultNetInfo {
    pub(crate) listening: bool,
    pub(crate) listeners: [&'static str; 1],
    pub(crate) n_peers: Int<usize>,
    pub(crate) peers: [(); 0],
}

#[derive(Serialize)]
struct Validator<'a> {
    address: Hex<'a>,
    pub_key: PublicKey<'a>,
    voting_power: Int<i64>,
    proposer_priority: Int<i64>,
}

/// `validators`: one.
#[derive(Serialize)]
pub(crate) struct ResultValidators<'a> {
    block_height: Int<i64>,
    validators: [Validator<'a>; 1],
    count: Int<usize>,
    total: Int<usize>,
}

impl<'a> ResultValidators<'a> {
    pub(crate) fn new(identity: &'a Identity, height: i64) -> ResultValidators<'a> {
        ResultValidators {
            block_height: Int(height),
            validators: [Validator {
                address: Hex(&identity.address),
                pub_key: identity.into(),
                voting_power: Int(VOTING_POWER),
                proposer_priority: Int(0),
            }],
            count: Int(1),
            total: Int(1),
        }
    }
}

#[derive(Serialize)]
struct BlockParams {
    max_bytes: Int<i64>,
    max_gas: Int<i64>,
}

#[derive(Serialize)]
struct EvidenceParams {
    max_age_num_blocks: Int<i64>,
    max_age_duration: Int<i64>,
    max_bytes: Int<i64>,
}

#[derive(Serialize)]
struct ValidatorParams {
    pub_key_types: [&'static str; 1],
}

#[derive(Serialize)]
struct VersionParams {
    app: Int<u64>,
}

#[derive(Serialize)]
struct AbciParams {
    vote_extensions_enable_height: Int<i64>,
}

/// The default consensus parameters of CometBFT 0.38 (`types/params.go`).
#[derive(Serialize)]
pub(crate) struct ConsensusParams {
    block: BlockParams,
    evidence: EvidenceParams,
    validator: ValidatorParams,
    version: VersionParams,
    abci: AbciParams,
}

impl ConsensusParams {
    pub(crate) fn new() -> ConsensusParams {
        ConsensusParams {
            block: BlockParams { max_bytes: Int(MAX_BLOCK_BYTES), max_gas: Int(MAX_BLOCK_GAS) },
            evidence: EvidenceParams {
                max_age_num_blocks: Int(100_000),
                max_age_duration: Int(48 * 3_600 * 1_000_000_000),
                max_bytes: Int(1_048_576),
            },
            validator: ValidatorParams { pub_key_types: ["ed25519"] },
            version: VersionParams { app: Int(0) },
            abci: AbciParams { vote_extensions_enable_height: Int(0) },
        }
    }
}

/// `consensus_params`.
#[derive(Serialize)]
pub(crate) struct ResultConsensusParams {
    pub(crate) block_height: Int<i64>,
    pub(crate) consensus_params: ConsensusParams,
}

#[derive(Serialize)]
struct GenesisValidator<'a> {
    address: Hex<'a>,
    pub_key: PublicKey<'a>,
    power: Int<i64>,
    name: &'static str,
}

/// The genesis document.
#[derive(Serialize)]
pub(crate) struct Genesis<'a> {
    genesis_time: Time,
    chain_id: &'a str,
    initial_height: Int<i64>,
    consensus_params: ConsensusParams,
    validators: [GenesisValidator<'a>; 1],
    app_hash: Hex<'a>,
    app_state: &'a RawValue,
}

impl<'a> Genesis<'a> {
    pub(crate) fn new(identity: &'a Identity, app_state: &'a RawValue) -> Genesis<'a> {
        Genesis {
            genesis_time: Time(identity.genesis_time),
            chain_id: &identity.chain_id,
            initial_height: Int(1),
            consensus_params: ConsensusParams::new(),
            validators: [GenesisValidator {
                address: Hex(&identity.address),
                pub_key: identity.into(),
                power: Int(VOTING_POWER),
                name: "",
            }],
            app_hash: Hex(&[]),
            app_state,
        }
    }
}
