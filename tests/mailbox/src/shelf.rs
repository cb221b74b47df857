//! The mails that were accepted, in bounded memory.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::Mail;

/// Mails kept.
const MAILS: usize = 1024;
/// Bytes of messages kept; one message may be larger than that only until the next comes.
const BYTES: usize = 32 << 20;

#[derive(Debug, Default)]
pub(crate) struct Shelf {
    kept: Mutex<Kept>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Kept {
    mails: VecDeque<Mail>,
    bytes: usize,
    /// Mails dropped from the front so far: the number of the first one kept.
    dropped: u64,
    /// The number of the mail that `next` returns next.
    cursor: u64,
}

impl Kept {
    fn received(&self) -> u64 {
        self.dropped.saturating_add(self.mails.len() as u64)
    }
}

impl Shelf {
    /// A panic in another holder leaves whole mails behind, so the lock is taken all the same.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn put(&self, mail: Mail) {
        let mut kept = self.kept();
        kept.bytes = kept.bytes.saturating_add(mail.data.len());
        kept.mails.push_back(mail);
        while kept.mails.len() > MAILS || (kept.bytes > BYTES && kept.mails.len() > 1) {
            if let Some(old) = kept.mails.pop_front() {
                kept.bytes = kept.bytes.saturating_sub(old.data.len());
                kept.dropped = kept.dropped.saturating_add(1);
            }
        }
        drop(kept);
        self.arrived.notify_waiters();
    }

    pub(crate) fn all(&self) -> Vec<Mail> {
        self.kept().mails.iter().cloned().collect()
    }

    pub(crate) fn received(&self) -> u64 {
        self.kept().received()
    }

    pub(crate) async fn next(&self) -> Mail {
        loop {
            // Registered before the look, so that a mail between look and wait still wakes.
            let arrived = self.arrived.notified();
            if let Some(mail) = self.take() {
                return mail;
            }
            arrived.await;
        }
    }

    fn take(&self) -> Option<Mail> {
        let mut kept = self.kept();
        let number = kept.cursor.max(kept.dropped);
        let index = usize::try_from(number - kept.dropped).ok()?;
        let mail = kept.mails.get(index).cloned()?;
        kept.cursor = number.saturating_add(1);
        Some(mail)
    }
}
