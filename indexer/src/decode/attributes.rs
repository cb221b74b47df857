//! The attributes of one event, read only when the event is wanted.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::chain::body::{Attribute, List, Object};

/// Attributes in order; keys may repeat.
#[derive(Debug, Default)]
pub(super) struct Attributes<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Attributes<'a> {
    /// Reads the list; one without attributes is empty.
    pub(super) fn read(raw: Option<&'a RawValue>) -> Result<Self, String> {
        let Some(raw) = raw else { return Ok(Self::default()) };
        let list: List<Object<Attribute<'a>>> =
            serde_json::from_str(raw.get()).map_err(|e| e.to_string())?;
        let mut pairs = Vec::with_capacity(list.0.len());
        for (index, attribute) in list.0.into_iter().enumerate() {
            let attribute = attribute.0.ok_or_else(|| format!("attribute {index} is no object"))?;
            let key = attribute.key.0.ok_or_else(|| format!("attribute {index} has no key"))?;
            // A value of null is how Go writes an empty one.
            pairs.push((key, attribute.value.0.unwrap_or_default()));
        }
        Ok(Self(pairs))
    }

    /// The value of a key that must be there once.
    pub(super) fn one(&self, key: &str) -> Result<&str, String> {
        let mut values = self.0.iter().filter(|(k, _)| k == key).map(|(_, value)| value);
        let first = values.next().ok_or_else(|| format!("{key} is missing"))?;
        if values.any(|other| other != first) {
            return Err(format!("{key} occurs with different values"));
        }
        Ok(first)
    }

    /// A decimal integer.
    pub(super) fn integer(&self, key: &str) -> Result<i64, String> {
        let text = self.one(key)?;
        text.parse().map_err(|_| format!("{key} is no integer: {text:?}"))
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self, key: &str) -> Result<bool, String> {
        match self.one(key)? {
            "true" => Ok(true),
            "false" => Ok(false),
            text => Err(format!("{key} is neither true nor false: {text:?}")),
        }
    }

    /// Owned pairs, without those whose value is longer than `limit`.
    pub(super) fn small(self, limit: usize) -> Vec<(String, String)> {
        self.0
            .into_iter()
            .filter(|(key, value)| key.len() <= limit && value.len() <= limit)
            .map(|(key, value)| (key.into_owned(), value.into_owned()))
            .collect()
    }
}
