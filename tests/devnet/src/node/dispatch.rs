//! Calls methods off the reactor, and answers the one that waits for a block.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tendermint_proto::v0_38::abci::ExecTxResult;

use super::bus::ClientId;
use super::face::{Face, View};
use super::go_json::{self, Hex, Int};
use super::merkle;
use super::rpc::args::Args;
use super::rpc::methods;
use super::rpc::routes::Method;
use super::shapes::ResultBroadcastTxCommit;

/// `timeout_broadcast_tx_commit`.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(10);
/// What a real node's reflection says when a method with parameters is called without `params`.
pub(crate) const TOO_FEW_ARGUMENTS: &str = "reflect: Call with too few input arguments";

/// A number for a new client of the bus.
pub(crate) fn new_client() -> ClientId {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Calls `method` at the node that `view` is of; the error is the data of an internal error.
pub(crate) async fn call(
    face: &Arc<Face>,
    view: &View,
    method: Method,
    args: Args,
) -> Result<String, String> {
    if method == Method::BroadcastTxCommit {
        return broadcast_tx_commit(face, args.bytes(0).to_vec()).await;
    }
    let view = view.clone();
    // Searches and key-generation blocks take milliseconds: not on the reactor.
    tokio::task::spawn_blocking(move || methods::call(&view, method, &args))
        .await
        .unwrap_or_else(|error| Err(error.to_string()))
}

/// Sends a transaction and waits for its block.
async fn broadcast_tx_commit(face: &Arc<Face>, tx: Vec<u8>) -> Result<String, String> {
    let (client, hash) = (new_client(), merkle::sha256(&tx));
    let query = format!("tm.event='Tx' AND tx.hash='{}'", hex::encode_upper(hash));
    let view: View = face.view();
    let mut subscription = face
        .bus
        .subscribe(client, &query)
        .map_err(|error| format!("failed to subscribe to tx: {error}"))?;
    let answer = |checked: &ExecTxResult, result: &ExecTxResult, height| {
        go_json::to_string(&ResultBroadcastTxCommit {
            check_tx: checked.into(),
            tx_result: result.into(),
            hash: Hex(&hash),
            height: Int(height),
        })
    };
    let checked = methods::broadcast(&view.core, &tx)
        .map_err(|error| format!("error on broadcastTxCommit: {error}"));
    let checked = match checked {
        Ok(checked) if checked.code == 0 => checked,
        other => {
            let _ = face.bus.unsubscribe_all(client);
            return other.map(|checked| answer(&checked, &ExecTxResult::default(), 0));
        }
    };
    let included = tokio::time::timeout(COMMIT_TIMEOUT, subscription.events.recv()).await;
    let _ = face.bus.unsubscribe_all(client);
    let place = included.ok().flatten().and_then(|_| view.store().by_tx(&hash));
    let (height, index) =
        place.ok_or("timed out waiting for tx to be included in a block".to_owned())?;
    let results = view.store().get(height).map(|stored| stored.results().tx_results);
    let at = usize::try_from(index).unwrap_or(usize::MAX);
    let result = results.as_ref().and_then(|results| results.get(at)).cloned().unwrap_or_default();
    Ok(answer(&checked, &result, height))
}
