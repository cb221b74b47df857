//! Who is told, and when.

mod ladder;
mod quiet;
mod thresholds;

use std::collections::BTreeSet;

use bootwatch_schema::Severity;
use jiff::SignedDuration;

pub use self::{
    ladder::{Ladder, LadderError, Rung},
    quiet::QuietHours,
    thresholds::Thresholds,
};
use crate::recipient::Recipient;

/// What the engine decides by. Part of the configuration; checked before anything is opened.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Who is told. Nobody is fine: incidents are kept all the same.
    pub recipients: Vec<Recipient>,
    /// How early a deadline is spoken of, and how loudly.
    pub ladder: Ladder,
    /// From when on something is worth a word.
    pub thresholds: Thresholds,
    /// How often people are disturbed.
    pub pacing: Pacing,
    /// Alerts that are not watched.
    pub off: BTreeSet<String>,
    /// The page as people reach it, for links.
    pub page: Option<String>,
}

impl Default for Policy {
    /// Tells nobody; the default ladder.
    fn default() -> Self {
        Self {
            recipients: Vec::new(),
            ladder: Ladder::default(),
            thresholds: Thresholds::default(),
            pacing: Pacing::default(),
            off: BTreeSet::new(),
            page: None,
        }
    }
}

/// How often people are disturbed. What is critical waits for none of it.
#[derive(Debug, Clone)]
pub struct Pacing {
    /// What is not critical has to last so long before its first notice.
    pub first_notice_delay: SignedDuration,
    /// Between two messages to one recipient; what comes in between goes together.
    pub batch_every: SignedDuration,
    /// So many notices that are due together become one message.
    pub bundle_from: usize,
    /// A reminder of what is critical and goes on; none for no reminders.
    pub remind_critical: Option<SignedDuration>,
    /// The same for warnings. What is good to know is never repeated.
    pub remind_warning: Option<SignedDuration>,
    /// Messages to one recipient in an hour that are not critical; more wait and go together.
    pub per_hour: u32,
    /// When to be quiet, on the clock of each recipient.
    pub quiet: Option<QuietHours>,
}

impl Pacing {
    /// Nothing waits: for a chain whose epochs take seconds.
    #[must_use]
    pub fn hurried() -> Self {
        let (first_notice_delay, batch_every) = (SignedDuration::ZERO, SignedDuration::ZERO);
        Self { first_notice_delay, batch_every, per_hour: u32::MAX, ..Self::default() }
    }

    /// The time after which a notice is repeated.
    pub(crate) fn remind(&self, severity: Severity) -> Option<SignedDuration> {
        match severity {
            Severity::Critical => self.remind_critical,
            Severity::Warning => self.remind_warning,
            Severity::Info => None,
        }
    }
}

impl Default for Pacing {
    fn default() -> Self {
        Self {
            first_notice_delay: SignedDuration::from_secs(30),
            batch_every: SignedDuration::from_mins(5),
            bundle_from: 3,
            remind_critical: Some(SignedDuration::from_hours(4)),
            remind_warning: Some(SignedDuration::from_hours(24)),
            per_hour: 20,
            quiet: None,
        }
    }
}
