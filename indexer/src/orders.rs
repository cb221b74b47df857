//! What operators order: silences and acknowledgements. The command line and the API both order here,
//! with the same checks; the daemon reads the orders every second.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use bootwatch_alerts::alert_names;
use bootwatch_schema::{
    Acknowledgement, Incident, IncidentState, OrderBook, Orders, Silence, SqliteReader, StoreError,
};
use jiff::{SignedDuration, Timestamp};

use crate::config::nearest;

/// Longer silences are forgotten and hide what matters.
const LONGEST: Duration = Duration::from_secs(90 * 24 * 3600);
/// Silences in force at a time.
const MOST: usize = 500;
/// Matchers of one silence.
const MATCHERS: usize = 10;
/// Characters of a label or its value.
const LABEL_LENGTH: usize = 256;
/// Characters of an author.
const AUTHOR_LENGTH: usize = 64;
/// Characters of a comment.
const COMMENT_LENGTH: usize = 500;

/// Where orders are kept.
#[derive(Debug, Clone)]
pub struct OrderDesk {
    path: PathBuf,
}

/// A silence that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SilenceOrder {
    /// What to keep quiet: `alert`, `host`, `model`, `severity` or another label; all must match.
    pub matchers: Vec<(String, String)>,
    /// For how long.
    pub length: Option<Duration>,
    /// Until this epoch is in force.
    pub until_epoch: Option<u64>,
    /// Who asks.
    pub author: String,
    /// Why.
    pub comment: String,
}

/// Why an order was not taken.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// It is wrong.
    #[error("{0}")]
    Wrong(String),
    /// What it is about does not exist.
    #[error("{0}")]
    Unknown(String),
    /// The database cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OrderDesk {
    /// The orders of a database.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Everything that was ordered.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn orders(&self) -> Result<Orders, StoreError> {
        SqliteReader::open(&self.path)?.orders()
    }

    /// Incidents that go on, and those that ended last.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub fn incidents(&self) -> Result<Vec<Incident>, StoreError> {
        SqliteReader::open(&self.path)?.incidents()
    }

    /// Adds a silence; gives it as it is kept, with its number.
    ///
    /// # Errors
    /// [`OrderError`] when it has no end, matches nothing that can be, or is one too many.
    pub fn silence(&self, order: SilenceOrder, now: Timestamp) -> Result<Silence, OrderError> {
        let SilenceOrder { matchers, length, until_epoch, author, comment } = order;
        let matchers = matching(matchers)?;
        if length.is_none() && until_epoch.is_none() {
            return Err(wrong("a silence must end: say for how long, or until which epoch"));
        }
        if comment.trim().is_empty() {
            return Err(wrong("say in the comment why"));
        }
        let mut silence = Silence {
            id: 0,
            matchers,
            starts_at: now,
            ends_at: length.map(|length| end(now, length)).transpose()?,
            ends_epoch: until_epoch,
            author: line("the author", author, AUTHOR_LENGTH)?,
            comment: line("the comment", comment, COMMENT_LENGTH)?,
            expired_at: None,
        };
        let in_force = self.orders()?.silences.iter().filter(|s| !is_over(s, now)).count();
        if in_force >= MOST {
            return Err(OrderError::Wrong(format!(
                "{in_force} silences are in force, which is the most; end one first"
            )));
        }
        silence.id = OrderBook::open(&self.path)?.silence(&silence)?;
        Ok(silence)
    }

    /// Ends a silence now.
    ///
    /// # Errors
    /// [`OrderError::Unknown`] when there is none of that number in force.
    pub fn expire(&self, id: i64, now: Timestamp) -> Result<(), OrderError> {
        if OrderBook::open(&self.path)?.expire(id, now)? {
            return Ok(());
        }
        Err(OrderError::Unknown(format!("there is no silence {id} in force")))
    }

    /// Notes that somebody knows about the incident whose id begins with `id`; gives the incident.
    ///
    /// # Errors
    /// [`OrderError`] when there is no such incident, or it does not fire.
    pub fn acknowledge(
        &self,
        id: &str,
        author: String,
        comment: String,
        now: Timestamp,
    ) -> Result<Incident, OrderError> {
        let author = line("the author", author, AUTHOR_LENGTH)?;
        let comment = line("the comment", comment, COMMENT_LENGTH)?;
        let incident = find(&self.incidents()?, id)?;
        if incident.state != IncidentState::Firing {
            return Err(OrderError::Wrong(format!("{} does not fire", incident.fingerprint)));
        }
        let ack = Acknowledgement {
            occurrence: incident.occurrence,
            severity: incident.severity,
            author,
            comment,
            at: now,
        };
        OrderBook::open(&self.path)?.acknowledge(&incident.fingerprint, &ack)?;
        Ok(incident)
    }
}

/// The one incident whose id begins so.
///
/// # Errors
/// [`OrderError`] when there is none, or several.
pub fn find(incidents: &[Incident], id: &str) -> Result<Incident, OrderError> {
    let found: Vec<&Incident> =
        incidents.iter().filter(|i| !id.is_empty() && i.fingerprint.starts_with(id)).collect();
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(OrderError::Unknown(format!(
            "no incident has an id that begins with {id:?}; see `bootwatch alerts list --all`"
        ))),
        _ => Err(OrderError::Wrong(format!("{} incidents begin with {id:?}", found.len()))),
    }
}

/// Whether a silence is over by time; whether its epoch has come only the daemon can tell.
#[must_use]
pub fn is_over(silence: &Silence, now: Timestamp) -> bool {
    silence.expired_at.is_some() || silence.ends_at.is_some_and(|end| end <= now)
}

fn matching(pairs: Vec<(String, String)>) -> Result<BTreeMap<String, String>, OrderError> {
    if pairs.is_empty() {
        return Err(wrong("say what to keep quiet, such as alert=EndpointDown"));
    }
    if pairs.len() > MATCHERS {
        return Err(OrderError::Wrong(format!("a silence has at most {MATCHERS} matchers")));
    }
    let mut matchers = BTreeMap::new();
    for (label, value) in pairs {
        let label = line("a label", label, LABEL_LENGTH)?;
        let value = line("the value of a label", value, LABEL_LENGTH)?;
        if label.is_empty() || value.is_empty() {
            return Err(wrong("a label and its value must not be empty"));
        }
        if label == "alert" && !alert_names().contains(value.as_str()) {
            let known: Vec<String> = alert_names().into_iter().map(str::to_owned).collect();
            let hint = nearest(&value, &known);
            return Err(OrderError::Wrong(format!("no alert is called {value:?}; {hint}")));
        }
        if let Some(before) = matchers.insert(label.clone(), value) {
            return Err(OrderError::Wrong(format!(
                "{label} is given twice, first as {before:?}; all must match"
            )));
        }
    }
    Ok(matchers)
}

fn end(now: Timestamp, length: Duration) -> Result<Timestamp, OrderError> {
    if length.is_zero() {
        return Err(wrong("a silence must last longer than nothing"));
    }
    if length > LONGEST {
        return Err(wrong("a silence may last 90 days at most"));
    }
    SignedDuration::try_from(length)
        .ok()
        .and_then(|length| now.checked_add(length).ok())
        .ok_or_else(|| wrong("that is beyond all time"))
}

/// One line of bounded length: it is shown in lists and messages.
fn line(what: &str, text: String, most: usize) -> Result<String, OrderError> {
    if text.chars().count() > most || text.chars().any(char::is_control) {
        return Err(OrderError::Wrong(format!(
            "{what} must be one line of at most {most} characters"
        )));
    }
    Ok(text)
}

fn wrong(text: &str) -> OrderError {
    OrderError::Wrong(text.to_owned())
}
