//! Headers, blocks and commits (`types/block.go`, `rpc/core/types/responses.go`).

use serde::Serialize;
use tendermint_proto::v0_38::types;
use tendermint_proto::v0_38::version::Consensus;

use crate::node::block::timestamp;
use crate::node::go_json::{Base64, Hex, Int, Time, is_zero};

#[derive(Serialize)]
pub(crate) struct Version {
    block: Int<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Option<Int<u64>>,
}

impl From<Option<Consensus>> for Version {
    fn from(version: Option<Consensus>) -> Version {
        let version = version.unwrap_or_default();
        Version {
            block: Int(version.block),
            app: (!is_zero(&version.app)).then_some(Int(version.app)),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct PartSetHeader<'a> {
    total: u32,
    hash: Hex<'a>,
}

#[derive(Serialize)]
pub(crate) struct BlockId<'a> {
    hash: Hex<'a>,
    parts: PartSetHeader<'a>,
}

impl BlockId<'_> {
    /// The identifier of no block.
    pub(crate) const EMPTY: BlockId<'static> =
        BlockId { hash: Hex(&[]), parts: PartSetHeader { total: 0, hash: Hex(&[]) } };
}

impl<'a> From<&'a types::BlockId> for BlockId<'a> {
    fn from(id: &'a types::BlockId) -> BlockId<'a> {
        let (total, hash) =
            id.part_set_header.as_ref().map_or((0, &[][..]), |parts| (parts.total, &parts.hash));
        BlockId { hash: Hex(&id.hash), parts: PartSetHeader { total, hash: Hex(hash) } }
    }
}

fn block_id(id: Option<&types::BlockId>) -> BlockId<'_> {
    id.map_or(BlockId::EMPTY, BlockId::from)
}

#[derive(Serialize)]
pub(crate) struct Header<'a> {
    version: Version,
    chain_id: &'a str,
    height: Int<i64>,
    time: Time,
    last_block_id: BlockId<'a>,
    last_commit_hash: Hex<'a>,
    data_hash: Hex<'a>,
    validators_hash: Hex<'a>,
    next_validators_hash: Hex<'a>,
    consensus_hash: Hex<'a>,
    app_hash: Hex<'a>,
    last_results_hash: Hex<'a>,
    evidence_hash: Hex<'a>,
    proposer_address: Hex<'a>,
}

impl<'a> From<&'a types::Header> for Header<'a> {
    fn from(header: &'a types::Header) -> Header<'a> {
        Header {
            version: header.version.into(),
            chain_id: &header.chain_id,
            height: Int(header.height),
            time: Time(timestamp(header.time)),
            last_block_id: block_id(header.last_block_id.as_ref()),
            last_commit_hash: Hex(&header.last_commit_hash),
            data_hash: Hex(&header.data_hash),
            validators_hash: Hex(&header.validators_hash),
            next_validators_hash: Hex(&header.next_validators_hash),
            consensus_hash: Hex(&header.consensus_hash),
            app_hash: Hex(&header.app_hash),
            last_results_hash: Hex(&header.last_results_hash),
            evidence_hash: Hex(&header.evidence_hash),
            proposer_address: Hex(&header.proposer_address),
        }
    }
}

#[derive(Serialize)]
struct CommitSig<'a> {
    block_id_flag: i32,
    validator_address: Hex<'a>,
    timestamp: Time,
    signature: Base64<'a>,
}

#[derive(Serialize)]
pub(crate) struct Commit<'a> {
    height: Int<i64>,
    round: i32,
    block_id: BlockId<'a>,
    signatures: Vec<CommitSig<'a>>,
}

impl<'a> From<&'a types::Commit> for Commit<'a> {
    fn from(commit: &'a types::Commit) -> Commit<'a> {
        let signature = |sig: &'a types::CommitSig| CommitSig {
            block_id_flag: sig.block_id_flag,
            validator_address: Hex(&sig.validator_address),
            timestamp: Time(timestamp(sig.timestamp)),
            signature: Base64(&sig.signature),
        };
        Commit {
            height: Int(commit.height),
            round: commit.round,
            block_id: block_id(commit.block_id.as_ref()),
            signatures: commit.signatures.iter().map(signature).collect(),
        }
    }
}

#[derive(Serialize)]
struct Data<'a> {
    txs: Vec<Base64<'a>>,
}

#[derive(Serialize)]
struct Evidence {
    evidence: [(); 0],
}

#[derive(Serialize)]
pub(crate) struct Block<'a> {
    header: Header<'a>,
    data: Data<'a>,
    evidence: Evidence,
    last_commit: Commit<'a>,
}

/// A header for a block that has none, which does not happen.
static NO_HEADER: std::sync::LazyLock<types::Header> =
    std::sync::LazyLock::new(types::Header::default);
static NO_COMMIT: std::sync::LazyLock<types::Commit> =
    std::sync::LazyLock::new(types::Commit::default);

impl<'a> From<&'a types::Block> for Block<'a> {
    fn from(block: &'a types::Block) -> Block<'a> {
        let txs = block.data.as_ref().map_or(&[][..], |data| &data.txs);
        Block {
            header: block.header.as_ref().unwrap_or(&NO_HEADER).into(),
            data: Data { txs: txs.iter().map(|tx| Base64(tx)).collect() },
            evidence: Evidence { evidence: [] },
            last_commit: block.last_commit.as_ref().unwrap_or(&NO_COMMIT).into(),
        }
    }
}

/// `block`, `block_by_hash`, and each hit of `block_search`.
#[derive(Serialize)]
pub(crate) struct ResultBlock<'a> {
    pub(crate) block_id: BlockId<'a>,
    pub(crate) block: Option<Block<'a>>,
}

/// `header`, `header_by_hash`.
#[derive(Serialize)]
pub(crate) struct ResultHeader<'a> {
    pub(crate) header: Option<Header<'a>>,
}

#[derive(Serialize)]
struct SignedHeader<'a> {
    header: Header<'a>,
    commit: Commit<'a>,
}

/// `commit`.
#[derive(Serialize)]
pub(crate) struct ResultCommit<'a> {
    signed_header: SignedHeader<'a>,
    canonical: bool,
}

impl<'a> ResultCommit<'a> {
    pub(crate) fn new(
        header: &'a types::Header,
        commit: &'a types::Commit,
        canonical: bool,
    ) -> ResultCommit<'a> {
        ResultCommit {
            signed_header: SignedHeader { header: header.into(), commit: commit.into() },
            canonical,
        }
    }
}

/// One entry of `blockchain`.
#[derive(Serialize)]
pub(crate) struct BlockMeta<'a> {
    pub(crate) block_id: BlockId<'a>,
    pub(crate) block_size: Int<usize>,
    pub(crate) header: Header<'a>,
    pub(crate) num_txs: Int<usize>,
}
