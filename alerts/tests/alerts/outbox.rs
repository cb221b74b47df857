//! An outbox in memory, with the order that the store keeps.

use std::sync::{Arc, Mutex};

use bootwatch_alerts::{
    courier::{Outbox, OutboxError},
    trouble::Trouble,
};
use bootwatch_schema::{Delivery, NewMessage, PendingMessage, Severity};
use jiff::Timestamp;

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) pending: PendingMessage,
    pub(crate) next: Timestamp,
    /// How it was settled.
    pub(crate) end: Option<Delivery>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    entries: Arc<Mutex<Vec<Entry>>>,
    /// So many writes fail.
    pub(crate) broken: Arc<Mutex<u32>>,
    troubles: Arc<Mutex<Vec<Trouble>>>,
    /// What stands, for channels that say it again.
    pub(crate) stands: Arc<Mutex<Vec<NewMessage>>>,
}

impl Memory {
    pub(crate) fn put(&self, message: NewMessage) {
        let next = message.created_at;
        let pending = PendingMessage { message, attempts: 0, last_error: None };
        self.entries.lock().unwrap().push(Entry { pending, next, end: None });
    }

    pub(crate) fn entry(&self, index: usize) -> Entry {
        self.entries.lock().unwrap()[index].clone()
    }

    pub(crate) fn troubles(&self) -> Vec<Trouble> {
        self.troubles.lock().unwrap().clone()
    }

    pub(crate) fn waiting(&self) -> usize {
        self.entries.lock().unwrap().iter().filter(|entry| entry.end.is_none()).count()
    }
}

impl Outbox for Memory {
    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<PendingMessage>, OutboxError> {
        let entries = self.entries.lock().unwrap();
        let waits: Vec<&Entry> = entries.iter().filter(|entry| entry.end.is_none()).collect();
        let key =
            |e: &Entry| (e.pending.message.incident.clone(), e.pending.message.recipient.clone());
        Ok(waits
            .iter()
            .enumerate()
            .filter(|(index, entry)| waits[..*index].iter().all(|older| key(older) != key(entry)))
            .filter(|(_, entry)| entry.next <= now)
            .take(usize::try_from(limit).unwrap())
            .map(|(_, entry)| entry.pending.clone())
            .collect())
    }

    async fn tell(&self, trouble: Trouble) -> Result<(), OutboxError> {
        self.troubles.lock().unwrap().push(trouble);
        Ok(())
    }

    async fn standing(&self) -> Result<Vec<NewMessage>, OutboxError> {
        Ok(self.stands.lock().unwrap().clone())
    }

    async fn settle(&self, deliveries: Vec<Delivery>) -> Result<(), OutboxError> {
        let mut broken = self.broken.lock().unwrap();
        if *broken > 0 {
            *broken -= 1;
            return Err("disk full".into());
        }
        let mut entries = self.entries.lock().unwrap();
        for delivery in deliveries {
            let (Delivery::Delivered { message_id, .. }
            | Delivery::Retry { message_id, .. }
            | Delivery::Rejected { message_id, .. }) = &delivery;
            let entry = entries
                .iter_mut()
                .find(|e| e.pending.message.message_id == *message_id && e.end.is_none())
                .expect("settled once");
            entry.pending.attempts += 1;
            match &delivery {
                Delivery::Retry { next, error, .. } => {
                    entry.next = *next;
                    entry.pending.last_error = Some(error.clone());
                }
                _ => entry.end = Some(delivery),
            }
        }
        Ok(())
    }
}

/// A message of an incident.
pub(crate) fn message(id: &str, incident: &str, recipient: &str, at: Timestamp) -> NewMessage {
    NewMessage {
        message_id: id.into(),
        incident: incident.into(),
        parts: vec![],
        channel: "email".into(),
        recipient: recipient.into(),
        severity: Severity::Warning,
        subject: format!("subject {id}"),
        text: "text\n.dot at the start\n".into(),
        html: Some("<p>html</p>".into()),
        created_at: at,
        created_height: 1,
    }
}
