//! Misbehaviour on demand, for tests: of the websocket, of HTTP, and of the node behind them.
//!
//! Frames and answers are spoilt one by one, in the order in which the faults were given; what a
//! node has and shows is a state that stays until it is changed. Every fault is counted when it
//! takes effect, so that a test can tell whether anything happened.

mod answer;
mod frame;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::core::Core;
pub use answer::AnswerFault;
pub(crate) use answer::Spoilt;
pub use frame::FrameFault;

/// A handle that makes a running node misbehave. Clones act on the same node.
#[derive(Debug, Clone)]
pub struct Faults {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Incremented to drop every websocket that is open.
    dropped: watch::Sender<u64>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    stalled: bool,
    /// No block is made after this height.
    last_height: i64,
    answers: VecDeque<AnswerFault>,
    frames: VecDeque<FrameFault>,
    /// A frame that waits for the next one to overtake it.
    held: Option<String>,
    /// Another chain that answers instead.
    stand_in: Option<Arc<Core>>,
    /// Nothing above is shown.
    head: i64,
    /// How far the slowest of the nodes behind the address is behind.
    lag: i64,
    late: i64,
    base: i64,
    asked: u64,
    taken: BTreeMap<&'static str, u64>,
}

/// Which node answers now.
#[derive(Debug)]
pub(crate) struct Standing {
    /// Another chain than the address's own.
    pub(crate) core: Option<Arc<Core>>,
    pub(crate) head: i64,
    pub(crate) base: i64,
    pub(crate) late: i64,
}

impl Faults {
    pub(crate) fn new() -> Faults {
        let state = State {
            stalled: false,
            last_height: i64::MAX,
            answers: VecDeque::new(),
            frames: VecDeque::new(),
            held: None,
            stand_in: None,
            head: i64::MAX,
            lag: 0,
            late: 0,
            base: 0,
            asked: 0,
            taken: BTreeMap::new(),
        };
        let shared = Shared { dropped: watch::Sender::new(0), state: Mutex::new(state) };
        Faults { shared: Arc::new(shared) }
    }

    /// Cuts every open websocket now, without a close frame.
    pub fn drop_websockets(&self) {
        self.shared.dropped.send_modify(|drops| *drops += 1);
    }

    /// While `stalled`, events are swallowed; connections stay open and pings go on, as when a
    /// real node drops events for a slow client.
    pub fn stall_frames(&self, stalled: bool) {
        self.state().stalled = stalled;
    }

    /// Halts the chain after the block `height`, or at once if it is further; `None` lets it go on.
    pub fn halt_at(&self, height: Option<i64>) {
        self.state().last_height = height.unwrap_or(i64::MAX);
    }

    /// Answers the next `count` HTTP requests with 503 and no JSON, and none after them.
    pub fn fail_requests(&self, count: usize) {
        self.state().answers.clear();
        self.spoil_answers(AnswerFault::Status(503), count);
    }

    /// Sends each of the next `count` event frames twice.
    pub fn duplicate_frames(&self, count: usize) {
        self.spoil_frames(FrameFault::Twice, count);
    }

    /// Cuts each of the next `count` event frames in the middle, so that it is not JSON.
    pub fn garble_frames(&self, count: usize) {
        self.spoil_frames(FrameFault::Cut, count);
    }

    /// Spoils the answers to `count` HTTP requests, after those that are to be spoilt already.
    pub fn spoil_answers(&self, fault: AnswerFault, count: usize) {
        self.state().answers.extend(vec![fault; count]);
    }

    /// Spoils `count` event frames, after those that are to be spoilt already.
    pub fn spoil_frames(&self, fault: FrameFault, count: usize) {
        self.state().frames.extend(vec![fault; count]);
    }

    /// Plays a load balancer: requests are answered in turn by nodes that are up to `blocks` behind.
    pub fn lag(&self, blocks: i64) {
        self.state().lag = blocks.max(0);
    }

    /// The newest `blocks` are there, but neither their results nor the state after them.
    pub fn delay_results(&self, blocks: i64) {
        self.state().late = blocks.max(0);
    }

    /// Blocks below `height` are pruned; the newest one never is.
    pub fn prune_below(&self, height: i64) {
        self.state().base = height;
    }

    /// Takes back everything but a halt and another chain.
    pub fn heal(&self) {
        let mut state = self.state();
        state.stalled = false;
        state.answers.clear();
        state.frames.clear();
        state.held = None;
        (state.lag, state.late, state.base) = (0, 0, 0);
    }

    /// How often each fault took effect so far.
    pub fn taken(&self) -> BTreeMap<&'static str, u64> {
        self.state().taken.clone()
    }

    /// Another chain answers instead.
    pub(crate) fn stand_in(&self, core: Option<Arc<Core>>) {
        self.state().stand_in = core;
    }

    /// Nothing above `height` is shown.
    pub(crate) fn show(&self, height: i64) {
        self.state().head = height;
    }

    pub(crate) fn shown(&self) -> i64 {
        self.state().head
    }

    /// Who answers the next request.
    pub(crate) fn standing(&self) -> Standing {
        let mut state = self.state();
        let mut behind = 0;
        if state.lag > 0 {
            state.asked += 1;
            // Now the best, now the worst, now one between them.
            behind = [0, state.lag, (state.lag + 1) / 2][(state.asked % 3) as usize];
        }
        let effects = [
            ("lagging balancer", behind > 0),
            ("results not ready", state.late > 0),
            ("pruned base", state.base > 0),
            ("wrong chain", state.stand_in.is_some()),
        ];
        for (name, _) in effects.into_iter().filter(|(_, takes)| *takes) {
            state.count(name);
        }
        Standing {
            core: state.stand_in.clone(),
            head: state.head.saturating_sub(behind),
            base: state.base,
            late: state.late,
        }
    }

    /// Resolves when the websockets that are open now must be dropped.
    pub(crate) fn drops(&self) -> watch::Receiver<u64> {
        self.shared.dropped.subscribe()
    }

    /// A websocket that was open is cut.
    pub(crate) fn cut(&self) {
        self.state().count("websocket dropped");
    }

    /// Whether the chain is halted at `height`.
    pub(crate) fn is_halted(&self, height: i64) -> bool {
        height >= self.state().last_height
    }

    /// What happens to the answer to the request that just came.
    pub(crate) fn answer(&self) -> Option<AnswerFault> {
        let mut state = self.state();
        let fault = state.answers.pop_front()?;
        state.count(fault.name());
        Some(fault)
    }

    /// The frames to send in place of `frame`.
    pub(crate) fn frames(&self, frame: String) -> Vec<String> {
        let mut state = self.state();
        if state.stalled {
            state.count("frames stalled");
            return Vec::new();
        }
        let overtaken = state.held.take();
        let fault = match overtaken {
            // The one that waits follows now.
            Some(_) => None,
            None => state.frames.pop_front(),
        };
        let mut frames = match fault {
            None => vec![frame],
            Some(fault) => {
                state.count(fault.name());
                if fault == FrameFault::Overtaken {
                    state.held = Some(frame);
                    return Vec::new();
                }
                fault.spoil(frame)
            }
        };
        frames.extend(overtaken);
        frames
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn count(&mut self, name: &'static str) {
        *self.taken.entry(name).or_default() += 1;
    }
}
