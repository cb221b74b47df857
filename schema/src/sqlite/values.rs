//! How values that SQLite does not know are written.

use bootwatch_rules::{Choice, forecast::Outcome, situation::EndpointState};
use jiff::Timestamp;
use rusqlite::{
    ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};

use crate::{Ending, IncidentState, Severity, StoreError};

/// A time as nanoseconds since 1970: block times carry nine places, and the ledger must come back
/// equal. Years before 1677 and after 2262 do not fit and are an error.
pub(crate) struct Nanos(pub(crate) Timestamp);

impl ToSql for Nanos {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        i64::try_from(self.0.as_nanosecond())
            .map(ToSqlOutput::from)
            .map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
    }
}

impl FromSql for Nanos {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Timestamp::from_nanosecond(i128::from(value.as_i64()?))
            .map(Self)
            .map_err(|e| FromSqlError::Other(Box::new(e)))
    }
}

/// An enum that is stored as a word.
pub(crate) trait Word: Copy + PartialEq + 'static {
    /// Every value with its word.
    const WORDS: &'static [(Self, &'static str)];

    fn word(self) -> &'static str {
        Self::WORDS
            .iter()
            .find_map(|&(value, word)| (value == self).then_some(word))
            .expect("every value has a word, as a test checks")
    }

    fn read(word: &str) -> Result<Self, StoreError> {
        Self::WORDS
            .iter()
            .find_map(|&(value, known)| (known == word).then_some(value))
            .ok_or_else(|| StoreError::Damaged(format!("unknown word {word:?}")))
    }
}

impl Word for IncidentState {
    const WORDS: &'static [(Self, &'static str)] =
        &[(Self::Pending, "pending"), (Self::Firing, "firing"), (Self::Resolved, "resolved")];
}

impl Word for Severity {
    const WORDS: &'static [(Self, &'static str)] =
        &[(Self::Info, "info"), (Self::Warning, "warning"), (Self::Critical, "critical")];
}

impl Word for Ending {
    const WORDS: &'static [(Self, &'static str)] =
        &[(Self::Met, "met"), (Self::Missed, "missed"), (Self::Expired, "expired")];
}

impl Word for Outcome {
    const WORDS: &'static [(Self, &'static str)] =
        &[(Self::Right, "right"), (Self::Wrong, "wrong")];
}

impl Word for EndpointState {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Unknown, "unknown"),
        (Self::Up, "up"),
        (Self::Lagging, "lagging"),
        (Self::Down, "down"),
        (Self::Wrong, "wrong"),
    ];
}

/// A choice as its two columns.
pub(crate) fn choice_columns(choice: &Choice) -> (&'static str, Option<&str>) {
    match choice {
        Choice::Delegate { delegate_to } => ("delegate", Some(delegate_to.as_str())),
        Choice::Refuse => ("refuse", None),
        Choice::Intent => ("intent", None),
    }
}

/// A choice from its two columns.
pub(crate) fn read_choice(kind: &str, delegate_to: Option<String>) -> Result<Choice, StoreError> {
    match (kind, delegate_to) {
        ("delegate", Some(delegate_to)) => Ok(Choice::Delegate { delegate_to: delegate_to.into() }),
        ("refuse", None) => Ok(Choice::Refuse),
        ("intent", None) => Ok(Choice::Intent),
        (kind, _) => Err(StoreError::Damaged(format!("unknown choice {kind:?}"))),
    }
}

/// JSON of our own types, which cannot fail: no map has keys other than text, no number is a float.
pub(crate) fn json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::Damaged(format!("cannot write JSON: {e}")))
}

/// JSON that this crate has written.
pub(crate) fn read_json<T: serde::de::DeserializeOwned>(
    what: &str,
    text: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|e| StoreError::Damaged(format!("{what}: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value without a word would stop a commit.
    #[test]
    fn words_go_both_ways() {
        fn check<W: Word + std::fmt::Debug>() {
            for &(value, word) in W::WORDS {
                assert_eq!((value.word(), W::read(word).unwrap()), (word, value));
            }
            assert!(W::read("nonsense").is_err());
        }
        check::<IncidentState>();
        check::<Severity>();
        check::<Ending>();
        check::<Outcome>();
        check::<EndpointState>();
    }
}
