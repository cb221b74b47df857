//! Several real nodes of one chain.

use std::{path::Path, path::PathBuf, time::Duration};

use bootwatch_devnet::{
    chain::Spec,
    cometbft::{Member, Network, Plan},
};
use tokio::sync::{Mutex, MutexGuard};

use super::{oracle::Oracle, process::until};

/// The least time between blocks; several validators need some more to agree.
const BLOCK_TIME: Duration = Duration::from_millis(50);

static TURN: Mutex<()> = Mutex::const_new(());

/// One at a time: many nodes at once would make a small machine miss every timeout.
pub(crate) async fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().await
}

/// Starts these validators with the same chain behind each.
pub(crate) async fn start(
    binary: PathBuf,
    spec: &Spec,
    dir: &Path,
    validators: Vec<Member>,
) -> Network {
    let plan = Plan {
        binary,
        directory: dir.join("network"),
        spec: spec.clone(),
        block_time: BLOCK_TIME,
        validators,
    };
    Network::start(plan).await.expect("the network starts")
}

/// Waits until the chain has `height`.
pub(crate) async fn chain_reaches(oracle: &Oracle, height: i64) {
    until(&format!("block {height} of the chain"), Duration::from_secs(60), || async {
        oracle.height().await.filter(|head| *head >= height)
    })
    .await;
}
