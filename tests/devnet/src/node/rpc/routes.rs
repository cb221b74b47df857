//! The methods a node answers, with their parameters (`rpc/core/routes.go`).

use super::args::{Args, Kind};

/// A method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Subscribe,
    Unsubscribe,
    UnsubscribeAll,
    Health,
    Status,
    NetInfo,
    Blockchain,
    Genesis,
    GenesisChunked,
    Block,
    BlockByHash,
    BlockResults,
    Commit,
    Header,
    HeaderByHash,
    CheckTx,
    Tx,
    TxSearch,
    BlockSearch,
    Validators,
    ConsensusParams,
    UnconfirmedTxs,
    NumUnconfirmedTxs,
    BroadcastTxCommit,
    BroadcastTxSync,
    BroadcastTxAsync,
    AbciQuery,
    AbciInfo,
}

/// Whether answers may be cached for a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cache {
    Never,
    Always,
    /// Unless this argument is left out.
    Given(usize),
}

/// A method's entry.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) name: &'static str,
    pub(crate) method: Method,
    pub(crate) params: &'static [(&'static str, Kind)],
    cache: Cache,
}

impl Route {
    /// The route of `name`.
    pub(crate) fn find(name: &str) -> Option<&'static Route> {
        ROUTES.iter().find(|route| route.name == name)
    }

    /// Whether the method works only on a websocket.
    pub(crate) fn needs_websocket(&self) -> bool {
        matches!(self.method, Method::Subscribe | Method::Unsubscribe | Method::UnsubscribeAll)
    }

    /// Whether an answer to `args` may be cached.
    pub(crate) fn is_cacheable(&self, args: &Args) -> bool {
        match self.cache {
            Cache::Never => false,
            Cache::Always => true,
            Cache::Given(at) => !args.is_zero(at),
        }
    }
}

const fn route(
    name: &'static str,
    method: Method,
    params: &'static [(&'static str, Kind)],
    cache: Cache,
) -> Route {
    Route { name, method, params, cache }
}

const HEIGHT: &[(&str, Kind)] = &[("height", Kind::Int)];
const TX: &[(&str, Kind)] = &[("tx", Kind::Bytes)];
const QUERY: &[(&str, Kind)] = &[("query", Kind::Text)];

pub(crate) static ROUTES: &[Route] = &[
    route("subscribe", Method::Subscribe, QUERY, Cache::Never),
    route("unsubscribe", Method::Unsubscribe, QUERY, Cache::Never),
    route("unsubscribe_all", Method::UnsubscribeAll, &[], Cache::Never),
    route("health", Method::Health, &[], Cache::Never),
    route("status", Method::Status, &[], Cache::Never),
    route("net_info", Method::NetInfo, &[], Cache::Never),
    route(
        "blockchain",
        Method::Blockchain,
        &[("minHeight", Kind::Int), ("maxHeight", Kind::Int)],
        Cache::Always,
    ),
    route("genesis", Method::Genesis, &[], Cache::Always),
    route("genesis_chunked", Method::GenesisChunked, &[("chunk", Kind::Int)], Cache::Always),
    route("block", Method::Block, HEIGHT, Cache::Given(0)),
    route("block_by_hash", Method::BlockByHash, &[("hash", Kind::Bytes)], Cache::Always),
    route("block_results", Method::BlockResults, HEIGHT, Cache::Given(0)),
    route("commit", Method::Commit, HEIGHT, Cache::Given(0)),
    route("header", Method::Header, HEIGHT, Cache::Given(0)),
    route("header_by_hash", Method::HeaderByHash, &[("hash", Kind::HexBytes)], Cache::Always),
    route("check_tx", Method::CheckTx, TX, Cache::Never),
    route("tx", Method::Tx, &[("hash", Kind::Bytes), ("prove", Kind::Bool)], Cache::Always),
    route(
        "tx_search",
        Method::TxSearch,
        &[
            ("query", Kind::Text),
            ("prove", Kind::Bool),
            ("page", Kind::Int),
            ("per_page", Kind::Int),
            ("order_by", Kind::Text),
        ],
        Cache::Never,
    ),
    route(
        "block_search",
        Method::BlockSearch,
        &[
            ("query", Kind::Text),
            ("page", Kind::Int),
            ("per_page", Kind::Int),
            ("order_by", Kind::Text),
        ],
        Cache::Never,
    ),
    route(
        "validators",
        Method::Validators,
        &[("height", Kind::Int), ("page", Kind::Int), ("per_page", Kind::Int)],
        Cache::Given(0),
    ),
    route("consensus_params", Method::ConsensusParams, HEIGHT, Cache::Given(0)),
    route("unconfirmed_txs", Method::UnconfirmedTxs, &[("limit", Kind::Int)], Cache::Never),
    route("num_unconfirmed_txs", Method::NumUnconfirmedTxs, &[], Cache::Never),
    route("broadcast_tx_commit", Method::BroadcastTxCommit, TX, Cache::Never),
    route("broadcast_tx_sync", Method::BroadcastTxSync, TX, Cache::Never),
    route("broadcast_tx_async", Method::BroadcastTxAsync, TX, Cache::Never),
    route(
        "abci_query",
        Method::AbciQuery,
        &[
            ("path", Kind::Text),
            ("data", Kind::HexBytes),
            ("height", Kind::Int),
            ("prove", Kind::Bool),
        ],
        Cache::Never,
    ),
    route("abci_info", Method::AbciInfo, &[], Cache::Always),
];
