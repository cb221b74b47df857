//! Misbehaviour on demand, for tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};

use tokio::sync::watch;

/// A handle that makes a running node misbehave. Clones act on the same node.
#[derive(Debug, Clone)]
pub struct Faults {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Incremented to drop every websocket that is open.
    dropped: watch::Sender<u64>,
    stalled: AtomicBool,
    /// No block is made after this height.
    last_height: AtomicI64,
    failing_requests: AtomicU32,
    duplicates: AtomicU32,
    garbled: AtomicU32,
}

impl Faults {
    pub(crate) fn new() -> Faults {
        Faults {
            shared: Arc::new(Shared {
                dropped: watch::Sender::new(0),
                stalled: AtomicBool::new(false),
                last_height: AtomicI64::new(i64::MAX),
                failing_requests: AtomicU32::new(0),
                duplicates: AtomicU32::new(0),
                garbled: AtomicU32::new(0),
            }),
        }
    }

    /// Cuts every open websocket now, without a close frame.
    pub fn drop_websockets(&self) {
        self.shared.dropped.send_modify(|drops| *drops += 1);
    }

    /// While `stalled`, events are swallowed; connections stay open and pings go on, as when a
    /// real node drops events for a slow client.
    pub fn stall_frames(&self, stalled: bool) {
        self.shared.stalled.store(stalled, Ordering::SeqCst);
    }

    /// Halts the chain after the block `height`, or at once if it is further; `None` lets it go on.
    pub fn halt_at(&self, height: Option<i64>) {
        self.shared.last_height.store(height.unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// Answers the next `count` HTTP requests with 503 and no JSON.
    pub fn fail_requests(&self, count: u32) {
        self.shared.failing_requests.store(count, Ordering::SeqCst);
    }

    /// Sends each of the next `count` event frames twice.
    pub fn duplicate_frames(&self, count: u32) {
        self.shared.duplicates.store(count, Ordering::SeqCst);
    }

    /// Cuts each of the next `count` event frames in the middle, so that it is not JSON.
    pub fn garble_frames(&self, count: u32) {
        self.shared.garbled.store(count, Ordering::SeqCst);
    }

    /// Resolves when the websockets that are open now must be dropped.
    pub(crate) fn drops(&self) -> watch::Receiver<u64> {
        self.shared.dropped.subscribe()
    }

    /// Whether the chain is halted at `height`.
    pub(crate) fn is_halted(&self, height: i64) -> bool {
        height >= self.shared.last_height.load(Ordering::SeqCst)
    }

    pub(crate) fn request_fails(&self) -> bool {
        take(&self.shared.failing_requests)
    }

    /// The frames to send in place of `frame`.
    pub(crate) fn frames(&self, mut frame: String) -> Vec<String> {
        if self.shared.stalled.load(Ordering::SeqCst) {
            return Vec::new();
        }
        if take(&self.shared.garbled) {
            let middle = frame.floor_char_boundary(frame.len() / 2);
            frame.truncate(middle);
        }
        let copies = if take(&self.shared.duplicates) { 2 } else { 1 };
        vec![frame; copies]
    }
}

/// Takes one of what is left.
fn take(left: &AtomicU32) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}
