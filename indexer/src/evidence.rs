//! What the store can prove: why a host is charged, what another choice would change, and the
//! evidence of an epoch. Read-only; each answer opens the database anew and is bounded.
//!
//! Nothing is guessed: what is not stored is named, in words, beside what is.

mod course;
mod explain;
mod export;
mod frozen;
mod lists;
mod table;
#[cfg(test)]
mod tests;
pub mod text;

use std::path::{Path, PathBuf};

use bootwatch_rules::{
    Address, ChoiceAction, ModelId,
    situation::{Situation, Watched},
    whatif::{self, Comparison, WhatIfError},
};
use bootwatch_schema::{Loaded, ReadStore as _, SqliteReader, StoreError};
use jiff::Timestamp;

pub use self::{
    course::Course,
    explain::{Explanation, ModelExplanation, RuleSource},
    export::{Evidence, MAX_ROWS},
    frozen::{Completeness, Frozen},
    lists::{CaptureRecord, Page},
};
use crate::{
    config::{ADDRESS_PREFIX, Config},
    situation::{Moment, Subject},
};

/// Where answers come from.
#[derive(Debug)]
pub struct Desk {
    path: PathBuf,
    /// None without a configuration: the database alone tells which chain it is.
    subject: Option<Subject>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The question is wrong.
    #[error("{0}")]
    Question(String),
    /// Nothing of what was asked is stored.
    #[error("{0}")]
    NotStored(String),
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One view of the database.
struct Opened {
    reader: SqliteReader,
    loaded: Loaded,
    now: Timestamp,
}

impl Desk {
    /// Answers for the hosts and the chain of a configuration.
    #[must_use]
    pub fn of_config(config: &Config) -> Self {
        Self { path: config.store.path.clone(), subject: Some(Subject::new(config)) }
    }

    /// Answers from a database alone.
    #[must_use]
    pub fn of_store(path: &Path) -> Self {
        Self { path: path.to_owned(), subject: None }
    }

    /// What another choice would change, now.
    ///
    /// # Errors
    /// [`EvidenceError`] when the chain would refuse it, or it cannot be told.
    pub fn whatif(
        &self,
        host: &Address,
        model: &ModelId,
        action: &ChoiceAction,
        now: Timestamp,
    ) -> Result<Comparison, EvidenceError> {
        let opened = self.open(now)?;
        let subject = self.about(&opened, Vec::new());
        let inputs = subject.inputs(&opened.loaded.ledger, Moment::stored(&opened.loaded, now));
        whatif::compare(&inputs, host, model, action).map_err(|error| match error {
            WhatIfError::NoState | WhatIfError::UnknownHost(_) => {
                EvidenceError::NotStored(error.to_string())
            }
            _ => EvidenceError::Question(error.to_string()),
        })
    }

    /// Why an epoch takes what it takes from a host.
    ///
    /// # Errors
    /// [`EvidenceError`] when the epoch or the model is not known.
    pub fn explain(
        &self,
        host: &Address,
        model: Option<&ModelId>,
        epoch: Option<u64>,
        now: Timestamp,
    ) -> Result<Explanation, EvidenceError> {
        let opened = self.open(now)?;
        let name = self.name_of(host);
        let watched = Watched { name, address: host.clone(), models: None };
        let subject = self.about(&opened, vec![watched]);
        let situation = opened.judge(&subject);
        explain::explain(&opened, &subject, &situation, host, model, epoch)
    }

    /// The evidence of an epoch, for these hosts or for the watched ones.
    ///
    /// # Errors
    /// [`EvidenceError`] when the epoch is not known at all.
    pub fn export(
        &self,
        epoch: u64,
        hosts: &[Address],
        now: Timestamp,
    ) -> Result<Evidence, EvidenceError> {
        let opened = self.open(now)?;
        let watched = self.subject.as_ref().map(|s| s.addresses.clone()).unwrap_or_default();
        let hosts = if hosts.is_empty() { watched } else { hosts.to_vec() };
        export::export(&opened, epoch, &hosts)
    }

    fn open(&self, now: Timestamp) -> Result<Opened, EvidenceError> {
        let reader = SqliteReader::open(&self.path)?;
        let loaded = reader.load()?;
        if let Some(subject) = &self.subject
            && !loaded.chain_id.is_empty()
            && loaded.chain_id != *subject.chain_id
        {
            return Err(EvidenceError::Question(format!(
                "the database {} holds the chain {:?}, the configuration says {:?}",
                self.path.display(),
                loaded.chain_id,
                subject.chain_id
            )));
        }
        Ok(Opened { reader, loaded, now })
    }

    fn about(&self, opened: &Opened, watched: Vec<Watched>) -> Subject {
        let base = self.subject.as_ref();
        Subject {
            addresses: watched.iter().map(|host| host.address.clone()).collect(),
            watched,
            chain_id: opened.loaded.chain_id.as_str().into(),
            rule_set: base.and_then(|subject| subject.rule_set),
            node: base.map(|subject| subject.node.clone()).unwrap_or_default(),
        }
    }

    fn name_of(&self, host: &Address) -> String {
        let watched = self.subject.iter().flat_map(|subject| &subject.watched);
        let found = watched.into_iter().find(|watched| watched.address == *host);
        found.map(|watched| watched.name.clone()).unwrap_or_default()
    }
}

impl Opened {
    fn judge(&self, subject: &Subject) -> Situation {
        subject.judge(&self.loaded.ledger, Moment::stored(&self.loaded, self.now))
    }

    /// The last block that was taken in; 0 before the first.
    fn tip(&self) -> i64 {
        self.loaded.ledger.tip.map_or(0, |tip| tip.height)
    }
}

/// A host's address as a person typed it.
///
/// # Errors
/// Says what is wrong with it.
pub fn address(text: &str) -> Result<Address, String> {
    // The chain writes addresses in lower case; bech32 itself allows capitals.
    Address::parse(&text.to_ascii_lowercase(), ADDRESS_PREFIX).map_err(|error| error.to_string())
}

/// A choice as a person typed it: `delegate=ADDR`, `refuse`, `intent` or `none`.
///
/// # Errors
/// Says what was expected.
pub fn choice(text: &str) -> Result<ChoiceAction, String> {
    match text.split_once('=') {
        Some(("delegate", to)) => Ok(ChoiceAction::Delegate { delegate_to: address(to)? }),
        None if text == "refuse" => Ok(ChoiceAction::Refuse),
        None if text == "intent" => Ok(ChoiceAction::Intent),
        None if text == "none" => Ok(ChoiceAction::Clear),
        _ => Err("expected delegate=ADDRESS, refuse, intent or none".to_owned()),
    }
}
