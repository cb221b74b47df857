//! What the server is told to do wrong.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// Where in a conversation a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// In place of the greeting.
    Greeting,
    /// `EHLO` or `HELO`.
    Hello,
    /// The end of `AUTH`.
    Auth,
    /// `MAIL`.
    Mail,
    /// `RCPT`.
    Rcpt,
    /// `DATA`, before the message.
    Data,
    /// After the message: it has been read whole.
    Body,
}

/// A fault: where, what, for whom and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    stage: Stage,
    recipient: Option<String>,
    times: Option<u32>,
    act: Act,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    /// Answers this instead. 421 also closes the connection.
    Reply(String),
    /// Closes the connection without an answer.
    Drop,
    /// Never answers again.
    Hang,
}

impl Fault {
    /// Answers `reply` (such as `451 4.7.1 later`) at a stage, always.
    #[must_use]
    pub fn reply(stage: Stage, reply: &str) -> Self {
        Self { stage, recipient: None, times: None, act: Act::Reply(reply.to_owned()) }
    }

    /// Closes the connection at a stage, always. After [`Stage::Body`] the mail is kept: the
    /// client cannot know, and will send it again.
    #[must_use]
    pub fn drop_at(stage: Stage) -> Self {
        Self { stage, recipient: None, times: None, act: Act::Drop }
    }

    /// Falls silent at a stage, always. After [`Stage::Body`] the mail is kept.
    #[must_use]
    pub fn hang_at(stage: Stage) -> Self {
        Self { stage, recipient: None, times: None, act: Act::Hang }
    }

    /// Greylisting: 451 to the first `times` recipients.
    #[must_use]
    pub fn greylist(times: u32) -> Self {
        Self::reply(Stage::Rcpt, "451 4.7.1 greylisted, come back later").times(times)
    }

    /// 550 whenever this recipient is named.
    #[must_use]
    pub fn refuse(recipient: &str) -> Self {
        Self::reply(Stage::Rcpt, "550 5.1.1 no such mailbox").only(recipient)
    }

    /// 421 in place of the greeting.
    #[must_use]
    pub fn busy() -> Self {
        Self::reply(Stage::Greeting, "421 4.3.2 too busy")
    }

    /// Only so often; then it is spent.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Only when the transaction's newest recipient is this one.
    #[must_use]
    pub fn only(mut self, recipient: &str) -> Self {
        self.recipient = Some(recipient.to_owned());
        self
    }
}

/// The faults that are left.
#[derive(Debug, Default)]
pub(crate) struct Script {
    faults: Mutex<Vec<Fault>>,
    connections: AtomicU64,
}

impl Script {
    fn faults(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, fault: Fault) {
        self.faults().push(fault);
    }

    pub(crate) fn clear(&self) {
        self.faults().clear();
    }

    pub(crate) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// What to do wrong at this stage, if anything; uses up one of its times.
    pub(crate) fn strike(&self, stage: Stage, recipient: Option<&str>) -> Option<Act> {
        let mut faults = self.faults();
        let index = faults.iter().position(|fault| {
            fault.stage == stage
                && fault.times != Some(0)
                && fault.recipient.as_deref().is_none_or(|only| Some(only) == recipient)
        })?;
        let fault = &mut faults[index];
        let act = fault.act.clone();
        if let Some(times) = &mut fault.times {
            *times -= 1;
            if *times == 0 {
                faults.remove(index);
            }
        }
        Some(act)
    }
}
