//! What the mail server does, and what comes there.

use std::collections::BTreeMap;

use bootwatch_mailbox::{Fault, Mail, Stage};
use bootwatch_rules::Height;
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::Run;
use crate::schedule::{MailFault, SECOND};

/// A mail, when it came.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    /// Its Message-ID without the domain.
    pub(crate) id: String,
    pub(crate) recipient: String,
    /// The last block that the nodes showed then.
    pub(crate) head: Height,
}

/// How the world was from a time on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Health {
    pub(crate) from: Timestamp,
    /// The mail server takes mail, a node answers, and the disk can be written.
    pub(crate) sound: bool,
}

impl Run<'_> {
    pub(super) fn post_fails(&mut self, fault: MailFault) {
        let (inject, name) = match fault {
            MailFault::Away => (Fault::drop_at(Stage::Greeting), "mail server away"),
            MailFault::Busy => (Fault::busy(), "mail server busy"),
            MailFault::Silent => (Fault::hang_at(Stage::Greeting), "mail server silent"),
            MailFault::Later => (Fault::reply(Stage::Rcpt, "451 4.3.0 later"), "mail put off"),
            MailFault::Greylist(times) => (Fault::greylist(times), "mail greylisted"),
            MailFault::Unsaid(times) => (Fault::drop_at(Stage::Body).times(times), "mail unsaid"),
            MailFault::Unread(times) => {
                let fault = Fault::reply(Stage::Body, "451 4.3.0 once more");
                (fault.times(times), "mail wanted again")
            }
            MailFault::Refused(times) => (Fault::refuse(SECOND).times(times), "mail refused"),
        };
        self.mailbox.inject(inject);
        self.post_is_down |= fault.lasts();
        self.count(name);
    }

    pub(super) fn receive(&mut self, mail: &Mail) -> Result<(), std::io::Error> {
        let recipient = mail.to.first().cloned().unwrap_or_default();
        let id = message_id(&mail.text()).unwrap_or_default();
        self.arrivals.push(Arrival { id, recipient, head: self.head });
        if std::mem::take(&mut self.kill_at_mail)
            && let Some(daemon) = &mut self.daemon
        {
            self.ending = true;
            daemon.kill()?;
        }
        Ok(())
    }

    /// What came while nobody looked.
    pub(super) async fn receive_the_rest(&mut self) -> Result<(), std::io::Error> {
        while self.pace.is_fast() && (self.arrivals.len() as u64) < self.mailbox.received() {
            let Some(mail) = self.mailbox.next().await else { break };
            self.receive(&mail)?;
        }
        Ok(())
    }

    /// Keeps what the database says of incidents: it forgets the oldest of a month.
    pub(super) fn keep_incidents(&mut self) -> Result<(), rusqlite::Error> {
        if !self.pace.is_fast() || self.head < self.kept_at + EVERY {
            return Ok(());
        }
        self.kept_at = self.head;
        let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let db = Connection::open_with_flags(&self.database, read_only)?;
        self.incidents.extend(incidents(&db)?);
        Ok(())
    }

    /// Notes when the world becomes sound or ceases to be.
    pub(super) fn note_health(&mut self) {
        let answers = self.down.len() < self.nodes.len();
        let written = self.disk == crate::victim::Disk::Sound && self.locked == 0;
        let sound = !self.post_is_down && answers && written;
        if self.health.last().is_none_or(|last| last.sound != sound) {
            self.health.push(Health { from: self.pace.now(), sound });
        }
    }
}

/// Blocks between two looks at the incidents.
const EVERY: Height = 100;

/// An incident of the store.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) alert: String,
    pub(crate) window: String,
    pub(crate) host: String,
    pub(crate) model: String,
    pub(crate) deadline: Option<Height>,
    pub(crate) ending: Option<String>,
}

/// The incidents that a database knows, by fingerprint.
pub(crate) fn incidents(db: &Connection) -> Result<BTreeMap<String, Kept>, rusqlite::Error> {
    let mut select = db.prepare(
        "SELECT fingerprint, alert, window, ifnull(labels ->> 'host', ''),
             ifnull(labels ->> 'model', ''), deadline, ending FROM incident",
    )?;
    let rows = select.query_map([], |row| {
        let kept = Kept {
            alert: row.get(1)?,
            window: row.get(2)?,
            host: row.get(3)?,
            model: row.get(4)?,
            deadline: row.get(5)?,
            ending: row.get(6)?,
        };
        Ok((row.get(0)?, kept))
    })?;
    rows.collect()
}

/// The local part of a mail's Message-ID.
fn message_id(mail: &str) -> Option<String> {
    let line = mail
        .lines()
        .take_while(|line| !line.is_empty())
        .find_map(|line| line.strip_prefix("Message-ID:"))?;
    let id = line.trim().trim_matches(['<', '>']);
    Some(id.split_once('@').map_or(id, |(local, _)| local).to_owned())
}
