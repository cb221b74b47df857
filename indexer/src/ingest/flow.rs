//! How much is asked of one endpoint at a time. Nobody knows beforehand what a node bears, so it is
//! found out: a little more while all goes well, half of it when something goes wrong (AIMD, as TCP
//! does).

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use crate::chain::{ChainError, MAX_CALLS, Problem};

/// Requests under way at one endpoint, at most: more would only wait in the node.
const MAX_RUNNING: f64 = 8.0;
const FIRST_RUNNING: f64 = 2.0;
/// Bytes that one answer should have: a node gives up after 11 s, and we hold a few of them.
const TARGET_BYTES: f64 = 2_000_000.0;
/// An answer that took longer than this is no reason to ask for more.
const SLOW: Duration = Duration::from_secs(3);

/// The limits of one endpoint, as far as they are known.
#[derive(Debug)]
pub(crate) struct Flow {
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug, Clone, Copy)]
struct State {
    running: u32,
    /// Requests that may run at a time.
    limit: f64,
    /// Calls in a request.
    calls: f64,
    /// Bytes of the answer to one call, a moving mean.
    call_bytes: f64,
}

/// Leave for one request; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Leave<'f>(&'f Flow);

impl Default for Flow {
    fn default() -> Self {
        #[expect(clippy::cast_precision_loss, reason = "ten")]
        let calls = MAX_CALLS as f64;
        let state = State { running: 0, limit: FIRST_RUNNING, calls, call_bytes: 0.0 };
        Self { state: Mutex::new(state), freed: Notify::new() }
    }
}

impl Flow {
    /// Waits until another request may begin.
    pub(crate) async fn leave(&self) -> Leave<'_> {
        loop {
            let freed = self.freed.notified();
            {
                let mut state = self.lock();
                if f64::from(state.running) < state.limit.floor().max(1.0) {
                    state.running += 1;
                    return Leave(self);
                }
            }
            freed.await;
        }
    }

    /// Requests that may run at a time.
    pub(crate) fn limit(&self) -> usize {
        whole(self.lock().limit)
    }

    /// Calls that one request should carry, from 1 to [`MAX_CALLS`].
    pub(crate) fn calls(&self) -> usize {
        let state = self.lock();
        let fitting = TARGET_BYTES / state.call_bytes.max(1.0);
        whole(state.calls.min(fitting)).clamp(1, MAX_CALLS)
    }

    /// A request of so many calls was answered.
    pub(crate) fn answered(&self, calls: usize, bytes: usize, took: Duration) {
        let mut state = self.lock();
        #[expect(clippy::cast_precision_loss, reason = "a mean")]
        let each = bytes as f64 / calls.max(1) as f64;
        // Quick to see that blocks have become large, slow to forget it.
        let weight = if each > state.call_bytes { 0.5 } else { 0.05 };
        state.call_bytes += (each - state.call_bytes) * weight;
        if took > SLOW {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "ten")]
        let most = MAX_CALLS as f64;
        state.calls = (state.calls + 0.25).min(most);
        // Only a limit that is used is known to be too low.
        if f64::from(state.running) >= state.limit.floor() {
            state.limit = (state.limit + 1.0 / state.limit).min(MAX_RUNNING);
        }
    }

    /// A request failed. Halves what the failure speaks against; true when the same calls may do
    /// better in smaller requests.
    pub(crate) fn failed(&self, calls: usize, error: &ChainError) -> bool {
        let mut state = self.lock();
        if is_overload(error) {
            state.limit = (state.limit / 2.0).max(1.0);
        }
        let smaller = is_size(error) && calls > 1;
        if smaller {
            #[expect(clippy::cast_precision_loss, reason = "ten")]
            let half = calls as f64 / 2.0;
            state.calls = state.calls.min(half).max(1.0);
        }
        smaller
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.running = state.running.saturating_sub(1);
        drop(state);
        self.0.freed.notify_one();
    }
}

/// The node, or something before it, had enough.
fn is_overload(error: &ChainError) -> bool {
    match error.problem {
        Problem::Transport(_) | Problem::Timeout(_) => true,
        Problem::Http { status, .. } => status == 429 || status >= 500,
        _ => false,
    }
}

/// The answer may have been too much at once: it was cut off, came too late, or was refused whole.
fn is_size(error: &ChainError) -> bool {
    match error.problem {
        Problem::Transport(_) | Problem::Timeout(_) | Problem::TooLarge { .. } => true,
        Problem::Body(_) => true,
        Problem::Http { status, .. } => status == 413 || (status >= 500 && status != 503),
        // Not about one height: the batch itself was refused.
        Problem::Rpc { .. } => error.method == "batch",
        _ => false,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 1 and the few that the limits allow"
)]
fn whole(value: f64) -> usize {
    value.max(1.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Class;

    fn error(problem: Problem) -> ChainError {
        ChainError {
            endpoint: "e".into(),
            method: "batch",
            height: Some(1),
            problem,
            class: Class::Retry,
        }
    }

    #[test]
    fn a_cut_answer_halves_the_batch_and_success_brings_it_back() {
        let flow = Flow::default();
        assert_eq!(flow.calls(), 10);
        let cut = error(Problem::Transport("EOF".into()));
        assert!(flow.failed(10, &cut));
        assert_eq!(flow.calls(), 5);
        assert!(flow.failed(5, &cut));
        assert_eq!(flow.calls(), 2);
        assert!(flow.failed(2, &cut));
        assert_eq!(flow.calls(), 1);
        assert!(!flow.failed(1, &cut), "nothing is smaller than one");
        for _ in 0..40 {
            flow.answered(1, 100, Duration::ZERO);
        }
        assert_eq!(flow.calls(), 10);
        assert!(!flow.failed(10, &error(Problem::Inconsistent("x".into()))));
        assert_eq!(flow.calls(), 10, "a lie is no matter of size");
    }

    #[test]
    fn large_answers_make_small_batches() {
        let flow = Flow::default();
        for _ in 0..8 {
            flow.answered(10, 10 << 20, Duration::ZERO);
        }
        assert!((1..=2).contains(&flow.calls()), "{}", flow.calls());
    }

    #[tokio::test]
    async fn requests_wait_for_leave_and_the_limit_follows_success() {
        let flow = Flow::default();
        let (a, b) = (flow.leave().await, flow.leave().await);
        let third = tokio::time::timeout(Duration::from_millis(5), flow.leave()).await;
        assert!(third.is_err(), "two may run at first");
        for _ in 0..4 {
            flow.answered(10, 100, Duration::ZERO);
        }
        assert_eq!(flow.limit(), 3);
        let c = flow.leave().await;
        assert!(!flow.failed(10, &error(Problem::Http { status: 503, hint: "" })));
        assert_eq!(flow.limit(), 1);
        drop((a, b, c));
        let only = flow.leave().await;
        let second = tokio::time::timeout(Duration::from_millis(5), flow.leave()).await;
        assert!(second.is_err());
        drop(only);
        drop(flow.leave().await);
    }
}
