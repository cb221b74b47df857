//! What each method answers (`rpc/core/*.go`). Answers are JSON; errors are the data of an
//! internal error.

use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use tendermint_proto::v0_38::abci::{ExecTxResult, ResponseInfo};

use super::args::Args;
use super::routes::Method;
use crate::abci::response;
use crate::node::block::timestamp;
use crate::node::core::Core;
use crate::node::face::{Shown, View};
use crate::node::go_json::{self, Base64, Hex, Int, Time};
use crate::node::merkle;
use crate::node::search;
use crate::node::shapes::*;
use crate::node::store::Stored;

type Answer = Result<String, String>;

/// `per_page` when it is not given.
const DEFAULT_PER_PAGE: i64 = 30;
/// The largest `per_page`.
const MAX_PER_PAGE: i64 = 100;
/// `blockchain` returns this many headers at most.
const MAX_HEADERS: i64 = 20;
/// `genesis_chunked` cuts the document into chunks of this size.
const GENESIS_CHUNK_BYTES: usize = 16 * 1024 * 1024;

/// Answers a method that neither waits nor needs a websocket.
pub(crate) fn call(view: &View, method: Method, args: &Args) -> Answer {
    match method {
        Method::Health => Ok(go_json::to_string(&Empty {})),
        Method::Status => Ok(status(view)),
        Method::NetInfo => Ok(go_json::to_string(&ResultNetInfo {
            listening: true,
            listeners: ["Listener(@)"],
            n_peers: Int(0),
            peers: [],
        })),
        Method::Blockchain => blockchain(view, args),
        Method::Genesis => genesis(&view.core),
        Method::GenesisChunked => genesis_chunked(&view.core, args.int(0).unwrap_or(0)),
        Method::Block => kept(view, args).map(|stored| block(Some(&stored))),
        Method::BlockByHash => Ok(block(view.store().by_hash(args.bytes(0)).as_deref())),
        Method::BlockResults => block_results(view, args),
        Method::Commit => commit(view, args),
        Method::Header => kept(view, args).map(|stored| header(Some(&stored))),
        Method::HeaderByHash => Ok(header(view.store().by_hash(args.bytes(0)).as_deref())),
        Method::CheckTx => {
            let result = response::tx_result(view.core.chain().check(args.bytes(0)));
            Ok(go_json::to_string(&FullTxResult::from(&result)))
        }
        Method::Tx => tx(view, args.bytes(0)),
        Method::TxSearch => tx_search(view, args),
        Method::BlockSearch => block_search(view, args),
        Method::Validators => validators(view, args),
        Method::ConsensusParams => {
            let block_height = Int(uncommitted_height(view, args)?);
            let consensus_params = ConsensusParams::new();
            Ok(go_json::to_string(&ResultConsensusParams { block_height, consensus_params }))
        }
        Method::UnconfirmedTxs => Ok(unconfirmed_txs(&view.core, Some(per_page(args.int(0))))),
        Method::NumUnconfirmedTxs => Ok(unconfirmed_txs(&view.core, None)),
        Method::BroadcastTxSync => broadcast(&view.core, args.bytes(0))
            .map(|checked| broadcast_answer(&checked, args.bytes(0))),
        Method::BroadcastTxAsync => broadcast(&view.core, args.bytes(0))
            .map(|_| broadcast_answer(&ExecTxResult::default(), args.bytes(0))),
        Method::AbciQuery => {
            let height = args.int(2).unwrap_or(0);
            let answer = view.query(args.text(0), args.bytes(1), height);
            let answer = response::query(answer);
            Ok(go_json::to_string(&Response { response: Query::from(&answer) }))
        }
        Method::AbciInfo => Ok(abci_info(&view.core)),
        Method::Subscribe
        | Method::Unsubscribe
        | Method::UnsubscribeAll
        | Method::BroadcastTxCommit => Err("the transport answers this method".to_owned()),
    }
}

fn status(view: &View) -> String {
    let store = view.store();
    let (first, last) = (store.get(store.base()), store.get(store.height()));
    let header =
        |stored: &Option<Arc<Stored>>| stored.as_deref().map(Stored::header).unwrap_or_default();
    let hash = |stored: &Option<Arc<Stored>>| {
        stored.as_deref().map(|stored| stored.block_id.hash.clone()).unwrap_or_default()
    };
    let (first_header, last_header) = (header(&first), header(&last));
    let sync_info = SyncInfo {
        latest_block_hash: Hex(&hash(&last)),
        latest_app_hash: Hex(&last_header.app_hash),
        latest_block_height: Int(store.height()),
        latest_block_time: Time(timestamp(last_header.time)),
        earliest_block_hash: Hex(&hash(&first)),
        earliest_app_hash: Hex(&first_header.app_hash),
        earliest_block_height: Int(store.base()),
        earliest_block_time: Time(timestamp(first_header.time)),
        catching_up: false,
    };
    go_json::to_string(&ResultStatus::new(&view.core.identity, &view.core.rpc_address, sync_info))
}

fn block_results(view: &View, args: &Args) -> Answer {
    let stored = kept(view, args)?;
    if stored.height > view.executed() {
        return Err(format!("could not find results for height #{}", stored.height));
    }
    Ok(go_json::to_string(&ResultBlockResults::new(stored.height, &stored.results())))
}

fn block(stored: Option<&Stored>) -> String {
    let block = stored.map(Stored::block);
    go_json::to_string(&ResultBlock {
        block_id: stored.map_or(BlockId::EMPTY, |stored| BlockId::from(&stored.block_id)),
        block: block.as_ref().map(Block::from),
    })
}

fn header(stored: Option<&Stored>) -> String {
    let header = stored.map(Stored::header);
    go_json::to_string(&ResultHeader { header: header.as_ref().map(Header::from) })
}

fn commit(view: &View, args: &Args) -> Answer {
    let stored = kept(view, args)?;
    // The canonical commit of a block is in the next one.
    let (next, seen) = {
        let store = view.store();
        (store.get(stored.height + 1), store.seen_commit())
    };
    let canonical = next.and_then(|next| next.block().last_commit);
    let commit = canonical.as_ref().unwrap_or(&seen);
    let header = stored.header();
    Ok(go_json::to_string(&ResultCommit::new(&header, commit, canonical.is_some())))
}

/// The block at the height argument, or the last one.
fn kept(view: &View, args: &Args) -> Result<Arc<Stored>, String> {
    let store = view.store();
    let height = height(&store, args, store.height())?;
    store.get(height).ok_or_else(|| format!("could not find results for height #{height}"))
}

/// The height argument within what is kept (`rpc/core/env.go getHeight`).
fn height(store: &Shown<'_>, args: &Args, latest: i64) -> Result<i64, String> {
    let Some(height) = args.int(0) else { return Ok(latest) };
    if height <= 0 {
        return Err(format!("height must be greater than 0, but got {height}"));
    }
    if height > latest {
        return Err(format!(
            "height {height} must be less than or equal to the current blockchain height {latest}"
        ));
    }
    let base = store.base();
    if height < base {
        return Err(format!("height {height} is not available, lowest height is {base}"));
    }
    Ok(height)
}

/// Like [`height`], up to the block that is being made.
fn uncommitted_height(view: &View, args: &Args) -> Result<i64, String> {
    let store = view.store();
    height(&store, args, store.height() + 1)
}

fn blockchain(view: &View, args: &Args) -> Answer {
    let store = view.store();
    let (min, max) = (args.int(0).unwrap_or(0), args.int(1).unwrap_or(0));
    if min < 0 || max < 0 {
        return Err("heights must be non-negative".to_owned());
    }
    let max = if max == 0 { store.height() } else { max.min(store.height()) };
    let min = min.max(1).max(store.base()).max(max - MAX_HEADERS + 1);
    if min > max {
        return Err(format!("min height {min} can't be greater than max height {max}"));
    }
    let blocks: Vec<_> = (min..=max).rev().filter_map(|height| store.get(height)).collect();
    let meta = |stored: &Arc<Stored>| -> String {
        go_json::to_string(&BlockMeta {
            block_id: (&stored.block_id).into(),
            block_size: Int(stored.size),
            header: (&stored.header()).into(),
            num_txs: Int(stored.num_txs),
        })
    };
    let metas: Vec<String> = blocks.iter().map(meta).collect();
    let last_height = store.height();
    Ok(format!(r#"{{"last_height":"{last_height}","block_metas":[{}]}}"#, metas.join(",")))
}

fn genesis_document(core: &Core) -> String {
    go_json::to_string(&Genesis::new(&core.identity, &core.app_state))
}

fn genesis(core: &Core) -> Answer {
    let document = genesis_document(core);
    if document.len() > GENESIS_CHUNK_BYTES {
        return Err(
            "genesis response is large, please use the genesis_chunked API instead".to_owned()
        );
    }
    Ok(format!(r#"{{"genesis":{document}}}"#))
}

fn genesis_chunked(core: &Core, chunk: i64) -> Answer {
    let document = genesis_document(core);
    let chunks: Vec<&[u8]> = document.as_bytes().chunks(GENESIS_CHUNK_BYTES).collect();
    let data = usize::try_from(chunk)
        .ok()
        .and_then(|chunk| chunks.get(chunk))
        .ok_or_else(|| format!("there are {} chunks, {chunk} is invalid", chunks.len() - 1))?;
    let data = BASE64_STANDARD.encode(data);
    Ok(format!(r#"{{"chunk":"{chunk}","total":"{}","data":"{data}"}}"#, chunks.len()))
}

fn validators(view: &View, args: &Args) -> Answer {
    let height = uncommitted_height(view, args)?;
    page(args.int(1), per_page(args.int(2)), 1)?;
    Ok(go_json::to_string(&ResultValidators::new(&view.core.identity, height)))
}

fn abci_info(core: &Core) -> String {
    let info = core.info();
    go_json::to_string(&Response { response: Info::from(&info) })
}

impl Core {
    /// What the application says about itself.
    pub(crate) fn info(&self) -> ResponseInfo {
        response::info(&self.chain())
    }
}

fn unconfirmed_txs(core: &Core, limit: Option<i64>) -> String {
    let mempool = core.mempool();
    let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(0));
    let txs = limit.map(|limit| mempool.iter().take(limit).map(|tx| Base64(tx)).collect());
    let txs: Option<Vec<Base64<'_>>> = txs;
    go_json::to_string(&ResultUnconfirmedTxs {
        n_txs: Int(txs.as_ref().map_or(mempool.len(), Vec::len)),
        total: Int(mempool.len()),
        total_bytes: Int(mempool.bytes()),
        txs,
    })
}

/// Checks a transaction and queues it when it passes.
pub(crate) fn broadcast(core: &Core, tx: &[u8]) -> Result<ExecTxResult, String> {
    core.mempool().admit(tx).map_err(|error| error.to_string())?;
    let checked = response::tx_result(core.chain().check(tx));
    let mut mempool = core.mempool();
    if checked.code == 0 {
        mempool.push(tx.to_vec())
    } else {
        mempool.forget(tx)
    }
    Ok(checked)
}

fn broadcast_answer(checked: &ExecTxResult, tx: &[u8]) -> String {
    go_json::to_string(&ResultBroadcastTx {
        code: checked.code,
        data: Hex(&checked.data),
        log: &checked.log,
        codespace: &checked.codespace,
        hash: Hex(&merkle::sha256(tx)),
    })
}

fn tx(view: &View, hash: &[u8]) -> Answer {
    if hash.is_empty() {
        return Err("transaction hash cannot be empty".to_owned());
    }
    let store = view.store();
    let found = store.by_tx(hash).and_then(|(height, index)| Some((store.get(height)?, index)));
    let (stored, index) =
        found.ok_or_else(|| format!("tx ({}) not found", hex::encode_upper(hash)))?;
    Ok(tx_json(&stored, index))
}

/// One transaction of a block with its result.
fn tx_json(stored: &Stored, index: u32) -> String {
    let (txs, results) = (stored.block().data.unwrap_or_default().txs, stored.results());
    let at = usize::try_from(index).unwrap_or(usize::MAX);
    let tx = txs.get(at).map_or(&[][..], Vec::as_slice);
    let none = ExecTxResult::default();
    go_json::to_string(&ResultTx {
        hash: Hex(&merkle::sha256(tx)),
        height: Int(stored.height),
        index,
        tx_result: results.tx_results.get(at).unwrap_or(&none).into(),
        tx: Base64(tx),
    })
}

fn tx_search(view: &View, args: &Args) -> Answer {
    let text = args.text(0);
    if text.len() > 512 {
        return Err("maximum query length exceeded".to_owned());
    }
    let query = crate::node::query::Query::parse(text).map_err(|error| error.to_string())?;
    let blocks: Vec<_> = view.store().iter().cloned().collect();
    let mut found = search::txs(&blocks, &query)?;
    order(&mut found, args.text(4), false)?;
    let hits = paged(&found, args.int(2), args.int(3))?;
    let hits: Vec<String> = hits
        .iter()
        .filter_map(|(height, index)| Some(tx_json(&*view.store().get(*height)?, *index)))
        .collect();
    Ok(format!(r#"{{"txs":[{}],"total_count":"{}"}}"#, hits.join(","), found.len()))
}

fn block_search(view: &View, args: &Args) -> Answer {
    let query =
        crate::node::query::Query::parse(args.text(0)).map_err(|error| error.to_string())?;
    let blocks: Vec<_> = view.store().iter().cloned().collect();
    let mut found = search::blocks(&blocks, &query);
    order(&mut found, args.text(3), true)?;
    let hits = paged(&found, args.int(1), args.int(2))?;
    let hits: Vec<String> = hits
        .iter()
        .filter_map(|height| view.store().get(*height))
        .map(|stored| block(Some(&stored)))
        .collect();
    Ok(format!(r#"{{"blocks":[{}],"total_count":"{}"}}"#, hits.join(","), found.len()))
}

/// Sorts hits, which come in ascending order.
fn order<T>(found: &mut [T], order_by: &str, descending_by_default: bool) -> Result<(), String> {
    match order_by {
        "desc" => found.reverse(),
        "asc" => {}
        "" if descending_by_default => found.reverse(),
        "" => {}
        _ => return Err("expected order_by to be either `asc` or `desc` or empty".to_owned()),
    }
    Ok(())
}

fn paged<T>(found: &[T], number: Option<i64>, size: Option<i64>) -> Result<&[T], String> {
    let size = per_page(size);
    let number = page(number, size, found.len())?;
    let skip = usize::try_from((number - 1) * size).unwrap_or(usize::MAX).min(found.len());
    let size = usize::try_from(size).unwrap_or(usize::MAX).min(found.len() - skip);
    Ok(&found[skip..skip + size])
}

fn per_page(given: Option<i64>) -> i64 {
    match given {
        Some(size) if size >= 1 => size.min(MAX_PER_PAGE),
        _ => DEFAULT_PER_PAGE,
    }
}

fn page(given: Option<i64>, per_page: i64, total: usize) -> Result<i64, String> {
    let Some(page) = given else { return Ok(1) };
    // Integer division rounds towards zero in Go too: no hits are still one page.
    let total = i64::try_from(total).unwrap_or(i64::MAX);
    let pages = ((total - 1) / per_page + 1).max(1);
    if page <= 0 || page > pages {
        return Err(format!("page should be within [1, {pages}] range, given {page}"));
    }
    Ok(page)
}
