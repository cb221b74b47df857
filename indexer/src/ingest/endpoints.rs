//! What is known of the endpoints, and which of them is asked.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bootwatch_rules::{
    Height,
    situation::{EndpointState, EndpointView},
};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use crate::chain::{ChainError, Class, NodeStatus, Rpc};

/// Blocks that an endpoint may be behind the best one before it counts as lagging.
const LAG: Height = 5;
/// For how long an endpoint whose blocks do not link to ours is not asked for blocks.
const QUARANTINE: Duration = Duration::from_secs(600);

/// All endpoints, in the order of preference. Their watchers write, everybody reads.
#[derive(Debug)]
pub(crate) struct Endpoints {
    rpcs: Vec<Rpc>,
    views: Mutex<Vec<EndpointView>>,
    /// Changes whenever a view does.
    version: watch::Sender<u64>,
    /// The endpoint that blocks are taken from.
    selected: watch::Sender<Option<usize>>,
    /// Asks a watcher to look again at once.
    pokes: Vec<Notify>,
    /// Until when an endpoint stays wrong, whatever it says of itself.
    quarantine: Mutex<Vec<Option<Instant>>>,
}

impl Endpoints {
    pub(crate) fn new(rpcs: Vec<Rpc>) -> Self {
        let views = rpcs
            .iter()
            .map(|rpc| EndpointView {
                name: rpc.endpoint().name().to_string(),
                state: EndpointState::Unknown,
                reason: None,
                height: None,
                earliest: None,
                selected: false,
                websocket: false,
            })
            .collect();
        let pokes = rpcs.iter().map(|_| Notify::new()).collect();
        let quarantine = Mutex::new(vec![None; rpcs.len()]);
        Self {
            quarantine,
            rpcs,
            views: Mutex::new(views),
            version: watch::Sender::new(0),
            selected: watch::Sender::new(None),
            pokes,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rpcs.len()
    }

    pub(crate) fn rpc(&self, index: usize) -> &Rpc {
        &self.rpcs[index]
    }

    pub(crate) fn name(&self, index: usize) -> &str {
        self.rpcs[index].endpoint().name()
    }

    pub(crate) fn views(&self) -> Vec<EndpointView> {
        self.lock().clone()
    }

    /// Sees every change of a view.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Sees which endpoint blocks are taken from.
    pub(crate) fn selection(&self) -> watch::Receiver<Option<usize>> {
        self.selected.subscribe()
    }

    /// Asks the watcher of an endpoint to look at it again.
    pub(crate) fn poke(&self, index: usize) {
        self.pokes[index].notify_one();
    }

    pub(crate) async fn poked(&self, index: usize) {
        self.pokes[index].notified().await;
    }

    /// The newest height that any endpoint of our chain has told of; 0 before the first.
    pub(crate) fn head(&self) -> Height {
        self.lock().iter().filter(|view| usable(view)).filter_map(|v| v.height).max().unwrap_or(0)
    }

    /// Endpoints worth asking, the preferred first.
    pub(crate) fn usable(&self) -> Vec<usize> {
        let views = self.lock();
        let with = |state| {
            views.iter().enumerate().filter(move |(_, v)| v.state == state).map(|(index, _)| index)
        };
        with(EndpointState::Up).chain(with(EndpointState::Lagging)).collect()
    }

    /// Every endpoint has answered and serves another chain, or blocks that do not link to ours.
    pub(crate) fn all_wrong(&self) -> bool {
        self.lock().iter().all(|view| view.state == EndpointState::Wrong)
    }

    /// What each endpoint says for itself, for an error message.
    pub(crate) fn reasons(&self) -> String {
        let views = self.lock();
        let lines = views.iter().map(|view| {
            format!("{}: {}", view.name, view.reason.as_deref().unwrap_or("no answer"))
        });
        lines.collect::<Vec<_>>().join("; ")
    }

    /// An endpoint has told of itself.
    pub(crate) fn note_status(&self, index: usize, status: &NodeStatus) {
        let until = self.quarantine.lock().unwrap_or_else(PoisonError::into_inner)[index];
        let quarantined = until.is_some_and(|until| Instant::now() < until);
        self.change(index, |view, best| {
            view.height = Some(status.head);
            view.earliest = Some(status.earliest);
            if quarantined {
                return;
            }
            let behind = best.saturating_sub(status.head);
            let (state, reason) = if status.catching_up {
                (EndpointState::Lagging, Some("it is catching up".to_owned()))
            } else if behind > LAG {
                let reason = format!(
                    "its newest block {} is {behind} behind {best}: it lags, or its chain was \
                     started anew (then give bootwatch a new [store] path)",
                    status.head
                );
                (EndpointState::Lagging, Some(reason))
            } else {
                (EndpointState::Up, None)
            };
            if view.state != state || reason.is_some() {
                view.reason = reason;
            }
            view.state = state;
        });
    }

    /// An endpoint could not be asked, or serves the wrong thing.
    pub(crate) fn note_failure(&self, index: usize, error: &ChainError) {
        self.change(index, |view, _| {
            view.state = match error.class {
                Class::WrongChain | Class::Fatal => EndpointState::Wrong,
                _ => EndpointState::Down,
            };
            view.reason = Some(format!("{}: {}", error.method, error.problem));
        });
    }

    /// An endpoint's blocks do not link to ours: it is left alone for a while.
    pub(crate) fn note_wrong(&self, index: usize, reason: String) {
        self.quarantine.lock().unwrap_or_else(PoisonError::into_inner)[index] =
            Some(Instant::now() + QUARANTINE);
        self.change(index, |view, _| {
            view.state = EndpointState::Wrong;
            view.reason = Some(reason);
        });
    }

    /// An endpoint works, with a reservation; none takes an earlier one back.
    pub(crate) fn note_reservation(&self, index: usize, reason: Option<String>) {
        self.change(index, |view, _| view.reason = reason);
    }

    /// An endpoint has sent a block of this height.
    pub(crate) fn note_head(&self, index: usize, height: Height) {
        self.rpcs[index].heard_of(height);
        self.change(index, |view, _| view.height = view.height.max(Some(height)));
    }

    pub(crate) fn note_websocket(&self, index: usize, connected: bool) {
        self.change(index, |view, _| view.websocket = connected);
    }

    fn change(&self, index: usize, change: impl FnOnce(&mut EndpointView, Height)) {
        {
            let mut views = self.lock();
            let best = views
                .iter()
                .enumerate()
                .filter(|(other, view)| *other != index && usable(view))
                .filter_map(|(_, view)| view.height)
                .max()
                .unwrap_or(0);
            let before = views[index].clone();
            change(&mut views[index], best);
            if views[index] == before {
                return;
            }
            log_change(&before, &views[index]);
            let selected = select(&views);
            for (other, view) in views.iter_mut().enumerate() {
                view.selected = selected == Some(other);
            }
            self.selected.send_if_modified(|current| {
                let changed = *current != selected;
                *current = selected;
                changed
            });
        }
        self.version.send_modify(|version| *version = version.wrapping_add(1));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<EndpointView>> {
        // A panic while it was held left whole views: each change is one assignment.
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn usable(view: &EndpointView) -> bool {
    matches!(view.state, EndpointState::Up | EndpointState::Lagging)
}

/// The first that is up; without one, the first that answers at all.
fn select(views: &[EndpointView]) -> Option<usize> {
    let first = |state| views.iter().position(|view| view.state == state);
    first(EndpointState::Up).or_else(|| first(EndpointState::Lagging))
}

fn log_change(before: &EndpointView, after: &EndpointView) {
    if before.state == after.state && before.reason == after.reason {
        return;
    }
    let reason = after.reason.as_deref().unwrap_or("");
    match after.state {
        EndpointState::Up if before.state != EndpointState::Up => {
            tracing::info!(endpoint = after.name, height = after.height, "endpoint is up");
        }
        EndpointState::Up if after.reason.is_none() => {}
        EndpointState::Up | EndpointState::Unknown => {
            tracing::warn!(endpoint = after.name, reason, "endpoint works with a reservation");
        }
        EndpointState::Lagging if before.state == after.state => {
            tracing::debug!(endpoint = after.name, reason, "endpoint lags");
        }
        EndpointState::Lagging => {
            tracing::warn!(endpoint = after.name, reason, "endpoint lags");
        }
        EndpointState::Down => {
            tracing::warn!(endpoint = after.name, reason, "endpoint is down; trying again");
        }
        EndpointState::Wrong => {
            tracing::error!(endpoint = after.name, reason, "endpoint serves the wrong data");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use reqwest::Url;

    use super::*;
    use crate::{
        chain::{Endpoint, Problem, RpcLimits},
        metrics::Metrics,
    };

    fn endpoints(count: usize) -> Endpoints {
        let metrics = Arc::new(Metrics::new([]));
        let url = Url::parse("http://127.0.0.1:1").unwrap();
        let rpcs = (0..count).map(|n| {
            let endpoint = Endpoint::new(&format!("e{n}"), &url);
            Rpc::new(endpoint, "c", RpcLimits::default(), Arc::clone(&metrics)).unwrap()
        });
        Endpoints::new(rpcs.collect())
    }

    fn status(head: Height) -> NodeStatus {
        NodeStatus {
            head,
            head_hash: String::new(),
            head_time: jiff::Timestamp::UNIX_EPOCH,
            earliest: 1,
            catching_up: false,
            version: "0.38.21".into(),
            took: Duration::ZERO,
        }
    }

    fn failure(class: Class) -> ChainError {
        ChainError {
            endpoint: "x".into(),
            method: "status",
            height: None,
            problem: Problem::Transport("refused".into()),
            class,
        }
    }

    #[test]
    fn the_first_that_is_up_is_selected() {
        let endpoints = endpoints(3);
        let selection = endpoints.selection();
        assert_eq!(*selection.borrow(), None);
        endpoints.note_status(2, &status(100));
        assert_eq!(*selection.borrow(), Some(2));
        endpoints.note_status(1, &status(99));
        assert_eq!(*selection.borrow(), Some(1));
        endpoints.note_status(0, &status(50));
        assert_eq!(*selection.borrow(), Some(1), "one that lags is not preferred");
        assert_eq!(endpoints.usable(), [1, 2, 0]);
        endpoints.note_failure(1, &failure(Class::Retry));
        assert_eq!(*selection.borrow(), Some(2));
        endpoints.note_failure(2, &failure(Class::Retry));
        assert_eq!(*selection.borrow(), Some(0), "one that lags is better than none");
        assert!(endpoints.views()[0].selected && !endpoints.views()[2].selected);
    }

    #[test]
    fn heights_of_wrong_endpoints_do_not_count() {
        let endpoints = endpoints(2);
        endpoints.note_status(0, &status(1000));
        endpoints.note_failure(0, &failure(Class::WrongChain));
        assert_eq!(endpoints.head(), 0);
        endpoints.note_status(1, &status(10));
        assert_eq!(endpoints.head(), 10);
        assert!(!endpoints.all_wrong());
        endpoints.note_wrong(1, "fork".into());
        assert!(endpoints.all_wrong());
        endpoints.note_status(1, &status(11));
        assert!(endpoints.usable().is_empty(), "what it says of itself does not clear it");
        assert!(endpoints.reasons().contains("e1: fork"));
    }
}
