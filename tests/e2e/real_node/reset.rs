//! The same address, the same chain id, another chain.

use std::{collections::BTreeMap, path::Path, time::Duration};

use bootwatch_schema::ReadStore;
use tempfile::TempDir;

use crate::harness::{
    compare,
    config::Config,
    daemon::{Daemon, complete_to},
    network,
    node::{EPOCH_LENGTH, Node},
    require,
};

/// How long the new chain may take until it is recognised: it has to grow past the old one's tip.
const PATIENCE: Duration = Duration::from_secs(60);

/// The chain starts anew under a running daemon, then the daemon is started again. Both times it
/// ends with 1 and says why, and the old chain's blocks stay as they were. A daemon that goes on
/// mixes two chains, and one that waits for the old chain's next block never ends.
#[tokio::test(flavor = "multi_thread")]
async fn another_chain_of_the_same_name_is_refused() {
    let Some(binary) = require::cometbft() else { return };
    let _turn = network::turn().await;
    let dir = TempDir::new().unwrap();
    let mut node = Node::cometbft(binary, "default", dir.path()).await;
    let config = Config::new(&node.chain_id(), node.url()).write(dir.path());
    let oracle = node.oracle();
    let mut daemon = Daemon::start(dir.path(), &config);
    daemon.reaches(EPOCH_LENGTH + 5).await;
    let began = complete_to(&dir.path().join("bootwatch.db")).unwrap();
    let said = oracle.hashes(1, began).await;
    compare::blocks(&oracle, &compare::reader(dir.path()), began).await;
    compare::events(&oracle, &compare::reader(dir.path()), 1).await;

    node.reset().await;
    refuses(&mut daemon).await;
    let before = stored(dir.path());
    for (height, hash) in &said {
        if let Some(kept) = before.get(height) {
            assert_eq!(kept, hash, "block {height} is not the old chain's any more");
        }
    }

    let mut daemon = Daemon::named("again", dir.path(), &config);
    refuses(&mut daemon).await;
    assert_eq!(stored(dir.path()), before, "something was stored of the new chain");
}

/// It ends by itself with 1, and its last words name the cause and the way out.
async fn refuses(daemon: &mut Daemon) {
    let status = daemon.process().wait(PATIENCE).await;
    let log = daemon.process().log();
    assert_eq!(status.code(), Some(1), "{log}");
    let last = log.lines().last().unwrap_or_default();
    assert!(last.contains("reset") && last.contains("[store] path"), "{log}");
}

/// The hash of every stored block.
fn stored(dir: &Path) -> BTreeMap<i64, String> {
    let reader = compare::reader(dir);
    let ranges = reader.load().expect("load").coverage.stored;
    let heights = ranges.into_iter().flat_map(|(first, last)| first..=last);
    heights
        .map(|height| (height, reader.block(height).expect("a stored block").expect("a row").hash))
        .collect()
}
