//! Reads the past anew when it can have grown.

use std::{path::PathBuf, sync::Arc, time::Duration};

use bootwatch_rules::{
    Address, EpochIndex, RuleSet,
    forecast::TrackRecord,
    situation::{CaptureBlock, Situation},
};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{chronicle::Chronicle, situation::Newest};

/// History that is being filled, and a database that could not be read, are looked at again after
/// this.
const AGAIN: Duration = Duration::from_secs(30);
/// Least time between two readings.
const PAUSE: Duration = Duration::from_secs(1);

/// What is read, and where it goes.
#[derive(Debug)]
pub(super) struct Annals {
    pub(super) path: PathBuf,
    pub(super) watched: Vec<Address>,
    pub(super) rule_set: Option<RuleSet>,
    pub(super) newest: Newest,
    pub(super) readers: watch::Sender<Arc<Chronicle>>,
}

/// What tells that the past has grown.
type Mark = (Option<CaptureBlock>, EpochIndex, TrackRecord, Vec<Option<EpochIndex>>);

fn mark(s: &Situation) -> Mark {
    let fixed = s.hosts.iter().map(|host| host.fixed.map(|fixed| fixed.epoch)).collect();
    (s.epoch.captured, s.epoch.index, s.record, fixed)
}

/// Reads until it is stopped.
pub(super) async fn run(mut annals: Annals, stop: CancellationToken) {
    let mut read: Option<Mark> = None;
    let mut again = Instant::now();
    loop {
        let changed = tokio::select! {
            () = stop.cancelled() => return,
            changed = annals.newest.changed() => changed,
        };
        if changed.is_err() {
            // The daemon is going; the stop follows.
            return stop.cancelled().await;
        }
        let Some(situation) = annals.newest.borrow_and_update().clone() else { continue };
        let mark = mark(&situation);
        let due = situation.data.history.is_some() && Instant::now() >= again;
        if read.as_ref() == Some(&mark) && !due {
            continue;
        }
        let (path, watched, rule_set) =
            (annals.path.clone(), annals.watched.clone(), annals.rule_set);
        let reading =
            tokio::task::spawn_blocking(move || Chronicle::read(&path, &watched, rule_set));
        match reading.await {
            Ok(Ok(chronicle)) => {
                annals.readers.send_if_modified(|known| {
                    let changed = **known != chronicle;
                    *known = Arc::new(chronicle);
                    changed
                });
                read = Some(mark);
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "the past cannot be read for the page; trying again");
                again = Instant::now() + AGAIN;
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = sleep_until(again) => continue,
                }
            }
            Err(error) => {
                tracing::error!(%error, "the past is not read any more");
                return stop.cancelled().await;
            }
        }
        again = Instant::now() + AGAIN;
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}
