//! What is looked at now and then.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

const EVERY: Duration = Duration::from_secs(15);

/// Measures the database's files until it is stopped.
pub(super) async fn run(database: PathBuf, metrics: Arc<Metrics>, stop: CancellationToken) {
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        let mut log = database.clone().into_os_string();
        log.push("-wal");
        metrics.database_size(size(&database).await, size(Path::new(&log)).await);
    }
}

/// 0 for a file that is not there.
async fn size(path: &Path) -> u64 {
    tokio::fs::metadata(path).await.map_or(0, |metadata| metadata.len())
}
