//! How many requests a node may be asked in a minute, obeyed exactly.
//!
//! A slot is taken before a request is sent and is free again a minute after the node has answered
//! it, not after it was sent: so whatever the network does to the time between, no minute of the
//! node's own clock ever holds more requests than the limit. A full budget may be spent at once,
//! which is what the base needs; part of it is kept for what must not wait.

use std::{
    collections::VecDeque,
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Mutex as Turn, Notify},
    time::{Instant, sleep_until},
};

/// The time that a limit is for, and a hair: timers round to a millisecond.
const WINDOW: Duration = Duration::from_millis(60_005);

/// Who goes first when a budget is short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// What keeps the tip and the state at a capture alive. May spend the whole budget.
    Urgent,
    /// Routine looks and history: leave a third of the budget alone, and wait while anything urgent
    /// waits.
    Routine,
}

/// The budget of one node. Shared by everything that sends it a request.
#[derive(Debug)]
pub struct Budget {
    limit: Option<NonZeroU32>,
    spent: Mutex<Spent>,
    /// Requests of one priority go in the order in which they came; only the first of each waits
    /// for a slot.
    turns: [Turn<()>; 2],
    /// A slot may be free earlier than was computed, or nothing urgent waits any more.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Spent {
    /// Requests that the node has not answered yet.
    open: usize,
    /// When the others were answered, oldest first.
    ended: VecDeque<Instant>,
    /// Urgent requests that wait.
    waiting: usize,
}

impl Spent {
    fn used(&mut self, now: Instant) -> usize {
        while self.ended.front().is_some_and(|ended| *ended + WINDOW <= now) {
            self.ended.pop_front();
        }
        self.open.saturating_add(self.ended.len())
    }
}

impl Budget {
    /// A budget of so many requests in any minute; none is no limit.
    #[must_use]
    pub fn new(limit: Option<NonZeroU32>) -> Self {
        Self {
            limit,
            spent: Mutex::default(),
            turns: [Turn::new(()), Turn::new(())],
            changed: Notify::new(),
        }
    }

    /// Requests in any minute; none is no limit.
    #[must_use]
    pub fn limit(&self) -> Option<NonZeroU32> {
        self.limit
    }

    /// Requests of the last minute, those without an answer yet included; 0 without a limit, where
    /// nobody counts.
    #[must_use]
    pub fn used(&self) -> usize {
        self.lock().used(Instant::now())
    }

    /// A request of this priority could be sent now.
    #[must_use]
    pub fn has_room(&self, priority: Priority) -> bool {
        let mut spent = self.lock();
        self.room(&mut spent, priority, Instant::now())
    }

    /// Waits for a slot. May be dropped while it waits: then nothing is spent.
    pub async fn slot(&self, priority: Priority) -> Slot<'_> {
        if self.limit.is_none() {
            return Slot { budget: self };
        }
        let _waiting = Waiting::new(self, priority);
        let _turn = match priority {
            Priority::Urgent => self.turns[0].lock().await,
            Priority::Routine => self.turns[1].lock().await,
        };
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before the look, so that no change between the two is missed.
            changed.as_mut().enable();
            let free_at = {
                let mut spent = self.lock();
                let now = Instant::now();
                if self.room(&mut spent, priority, now) {
                    spent.open = spent.open.saturating_add(1);
                    return Slot { budget: self };
                }
                spent.ended.front().map(|ended| *ended + WINDOW)
            };
            match free_at {
                Some(free_at) => tokio::select! {
                    () = sleep_until(free_at) => {}
                    () = changed => {}
                },
                None => changed.await,
            }
        }
    }

    fn room(&self, spent: &mut Spent, priority: Priority, now: Instant) -> bool {
        let Some(limit) = self.limit else { return true };
        let used = spent.used(now);
        let limit = usize::try_from(limit.get()).unwrap_or(usize::MAX);
        match priority {
            Priority::Urgent => used < limit,
            Priority::Routine => spent.waiting == 0 && used < limit - limit / 3,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Spent> {
        // Each change is whole: a panic elsewhere left nothing half done.
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leave to send one request. Dropped when the node has answered, or never will.
#[derive(Debug)]
pub struct Slot<'a> {
    budget: &'a Budget,
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        if self.budget.limit.is_none() {
            return;
        }
        {
            let mut spent = self.budget.lock();
            spent.open = spent.open.saturating_sub(1);
            spent.ended.push_back(Instant::now());
        }
        self.budget.changed.notify_waiters();
    }
}

/// Counts an urgent request as waiting for as long as it does.
struct Waiting<'a> {
    budget: &'a Budget,
    counts: usize,
}

impl<'a> Waiting<'a> {
    fn new(budget: &'a Budget, priority: Priority) -> Self {
        let counts = usize::from(priority == Priority::Urgent);
        budget.lock().waiting += counts;
        Self { budget, counts }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut spent = self.budget.lock();
        spent.waiting = spent.waiting.saturating_sub(self.counts);
        drop(spent);
        if self.counts > 0 {
            self.budget.changed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests;
