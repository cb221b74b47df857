//! Blocks as CometBFT builds them: every hash of the header is the one a real node computes.
//!
//! Sources: CometBFT v0.38 `types/block.go`, `types/tx.go`, `types/results.go`,
//! `types/params.go`, `types/validator_set.go`.

use jiff::Timestamp;
use prost::Message;
use tendermint_proto::google::protobuf;
use tendermint_proto::v0_38::abci::{ExecTxResult, ResponseFinalizeBlock};
use tendermint_proto::v0_38::types::{
    Block, BlockId, BlockIdFlag, Commit, CommitSig, Data, EvidenceList, Header, PartSetHeader,
};
use tendermint_proto::v0_38::version::Consensus;

use super::identity::Identity;
use super::merkle::{self, Hash};

/// Blocks are gossiped in parts of this size; their hash tree is over the parts.
const PART_BYTES: usize = 65_536;
/// `version.block` of CometBFT 0.38.
const BLOCK_PROTOCOL: u64 = 11;

/// What the next block takes from the last one.
#[derive(Debug, Clone)]
pub(crate) struct Tip {
    /// The last block, 0 before the first.
    pub(crate) height: i64,
    /// Its identifier, all empty before the first block.
    pub(crate) block_id: BlockId,
    /// The application's hash after it.
    pub(crate) app_hash: Vec<u8>,
    /// The root over its transactions' results.
    pub(crate) results_hash: Hash,
}

impl Tip {
    /// The state before the first block.
    pub(crate) fn genesis(app_hash: Vec<u8>) -> Tip {
        Tip {
            height: 0,
            block_id: empty_block_id(),
            app_hash,
            results_hash: merkle::root::<&[u8]>(&[]),
        }
    }

    /// The state after `block` and its results.
    pub(crate) fn after(block: &Proposed, results: &ResponseFinalizeBlock) -> Tip {
        Tip {
            height: block.header().height,
            block_id: block.block_id.clone(),
            app_hash: results.app_hash.to_vec(),
            results_hash: results_hash(&results.tx_results),
        }
    }
}

/// A block with its identifier and encoding.
#[derive(Debug, Clone)]
pub(crate) struct Proposed {
    pub(crate) block: Block,
    pub(crate) block_id: BlockId,
    pub(crate) time: Timestamp,
    /// The block's protobuf encoding.
    pub(crate) bytes: Vec<u8>,
}

impl Proposed {
    pub(crate) fn header(&self) -> &Header {
        self.block.header.as_ref().expect("a proposed block has a header")
    }
}

/// The block that follows `tip`.
///
/// With one validator the time of a block is the time that validator voted for the block before
/// it, so `time` is also the timestamp of the last commit's signature.
pub(crate) fn propose(
    identity: &Identity,
    tip: &Tip,
    time: Timestamp,
    txs: Vec<Vec<u8>>,
) -> Proposed {
    let last_commit = match tip.height {
        0 => Commit { block_id: Some(empty_block_id()), ..Commit::default() },
        height => commit(identity, height, &tip.block_id, time),
    };
    let tx_hashes: Vec<Hash> = txs.iter().map(|tx| merkle::sha256(tx)).collect();
    let header = Header {
        version: Some(Consensus { block: BLOCK_PROTOCOL, app: identity.app_version }),
        chain_id: identity.chain_id.clone(),
        height: tip.height + 1,
        time: Some(proto_time(time)),
        last_block_id: Some(tip.block_id.clone()),
        last_commit_hash: commit_hash(&last_commit).to_vec(),
        data_hash: merkle::root(&tx_hashes).to_vec(),
        validators_hash: identity.validators_hash.to_vec(),
        next_validators_hash: identity.validators_hash.to_vec(),
        consensus_hash: identity.consensus_hash.to_vec(),
        app_hash: tip.app_hash.clone(),
        last_results_hash: tip.results_hash.to_vec(),
        evidence_hash: merkle::root::<&[u8]>(&[]).to_vec(),
        proposer_address: identity.address.to_vec(),
    };
    let block = Block {
        header: Some(header),
        data: Some(Data { txs }),
        evidence: Some(EvidenceList::default()),
        last_commit: Some(last_commit),
    };
    let bytes = block.encode_to_vec();
    let header = block.header.as_ref().expect("built above");
    let block_id = BlockId {
        hash: header_hash(header).to_vec(),
        part_set_header: Some(part_set_header(&bytes)),
    };
    Proposed { block, block_id, time, bytes }
}

/// The commit for the block at `height`, signed at `time`.
pub(crate) fn commit(identity: &Identity, height: i64, id: &BlockId, time: Timestamp) -> Commit {
    Commit {
        height,
        round: 0,
        block_id: Some(id.clone()),
        signatures: vec![CommitSig {
            block_id_flag: BlockIdFlag::Commit as i32,
            validator_address: identity.address.to_vec(),
            timestamp: Some(proto_time(time)),
            signature: identity.sign(height, id, time),
        }],
    }
}

/// The identifier of no block. `part_set_header` is never absent on the wire.
pub(crate) fn empty_block_id() -> BlockId {
    BlockId { hash: Vec::new(), part_set_header: Some(PartSetHeader::default()) }
}

/// A block's hash: the root over the encodings of its header's fields.
pub(crate) fn header_hash(header: &Header) -> Hash {
    let bytes = |field: &[u8]| field.to_vec().encode_to_vec();
    merkle::root(&[
        header.version.unwrap_or_default().encode_to_vec(),
        header.chain_id.encode_to_vec(),
        header.height.encode_to_vec(),
        header.time.unwrap_or_default().encode_to_vec(),
        header.last_block_id.clone().unwrap_or_else(empty_block_id).encode_to_vec(),
        bytes(&header.last_commit_hash),
        bytes(&header.data_hash),
        bytes(&header.validators_hash),
        bytes(&header.next_validators_hash),
        bytes(&header.consensus_hash),
        bytes(&header.app_hash),
        bytes(&header.last_results_hash),
        bytes(&header.evidence_hash),
        bytes(&header.proposer_address),
    ])
}

/// How the block's encoding is cut into parts, and the root over them.
pub(crate) fn part_set_header(block: &[u8]) -> PartSetHeader {
    let parts: Vec<&[u8]> = block.chunks(PART_BYTES).collect();
    let total = u32::try_from(parts.len()).expect("a block has fewer than 2^32 parts");
    PartSetHeader { total, hash: merkle::root(&parts).to_vec() }
}

fn commit_hash(commit: &Commit) -> Hash {
    let signatures: Vec<Vec<u8>> = commit.signatures.iter().map(Message::encode_to_vec).collect();
    merkle::root(&signatures)
}

/// `last_results_hash`: only the four fields that consensus covers.
pub(crate) fn results_hash(results: &[ExecTxResult]) -> Hash {
    let leaves: Vec<Vec<u8>> = results
        .iter()
        .map(|result| {
            ExecTxResult {
                code: result.code,
                data: result.data.clone(),
                gas_wanted: result.gas_wanted,
                gas_used: result.gas_used,
                ..ExecTxResult::default()
            }
            .encode_to_vec()
        })
        .collect();
    merkle::root(&leaves)
}

/// A timestamp on the wire.
pub(crate) fn proto_time(time: Timestamp) -> protobuf::Timestamp {
    protobuf::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}

/// A timestamp from the wire; the epoch when it is absent or out of range.
pub(crate) fn timestamp(time: Option<protobuf::Timestamp>) -> Timestamp {
    time.and_then(|t| Timestamp::new(t.seconds, t.nanos).ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use tendermint_proto::v0_38::crypto::{PublicKey, public_key::Sum};

    use super::*;
    use crate::node::go_json;
    use crate::node::identity::validators_hash;
    use crate::node::shapes;

    /// Recorded from CometBFT v0.38.21 with its kvstore application.
    fn recorded() -> Value {
        serde_json::from_str(include_str!("fixtures/kvstore.json")).unwrap()
    }

    fn block(recorded: &Value, name: &str) -> Block {
        serde_json::from_value(recorded[name]["block"].clone()).unwrap()
    }

    #[test]
    fn real_blocks_hash_to_their_real_identifiers() {
        let recorded = recorded();
        for (name, size) in ["first", "with_tx", "after"].iter().zip(0..) {
            let mut block = block(&recorded, name);
            let header = block.header.as_mut().unwrap();
            if header.last_block_id.is_none() || header.height == 1 {
                header.last_block_id = Some(empty_block_id());
                block.last_commit.as_mut().unwrap().block_id = Some(empty_block_id());
            }
            let header = block.header.as_ref().unwrap();
            let id = &recorded[name]["block_id"];
            assert_eq!(hex::encode_upper(header_hash(header)), id["hash"], "{name}");
            let bytes = block.encode_to_vec();
            assert_eq!(recorded["sizes"][size], bytes.len(), "{name}");
            let parts = part_set_header(&bytes);
            assert_eq!(hex::encode_upper(parts.hash), id["parts"]["hash"], "{name}");
            let commit = commit_hash(block.last_commit.as_ref().unwrap());
            assert_eq!(commit[..], header.last_commit_hash, "{name}");
            let txs = block.data.as_ref().unwrap().txs.iter().map(|tx| merkle::sha256(tx));
            assert_eq!(merkle::root(&txs.collect::<Vec<_>>())[..], header.data_hash, "{name}");
        }
    }

    #[test]
    fn real_blocks_are_written_as_the_real_node_writes_them() {
        let recorded = recorded();
        for name in ["first", "with_tx", "after"] {
            let written = go_json::to_string(&shapes::Block::from(&block(&recorded, name)));
            let written: Value = serde_json::from_str(&written).unwrap();
            assert_eq!(written, recorded[name]["block"]);
        }
    }

    #[test]
    fn results_and_validators_hash_like_the_real_ones() {
        let recorded = recorded();
        let after = block(&recorded, "after").header.unwrap();
        let result = &recorded["results"]["txs_results"][0];
        assert_eq!(result["code"], 0);
        let results = [ExecTxResult { log: "not hashed".to_owned(), ..ExecTxResult::default() }];
        assert_eq!(results_hash(&results)[..], after.last_results_hash);

        use base64::prelude::{BASE64_STANDARD, Engine as _};
        let validator = &recorded["validators"][0];
        let key = BASE64_STANDARD.decode(validator["pub_key"]["value"].as_str().unwrap()).unwrap();
        let key = PublicKey { sum: Some(Sum::Ed25519(key)) };
        let power = validator["voting_power"].as_str().unwrap().parse().unwrap();
        assert_eq!(validators_hash(key, power)[..], after.validators_hash);
    }
}
