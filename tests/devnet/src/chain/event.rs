//! Events as the SDK writes them.

use super::outcome::{Attribute, Event};

/// An event with indexed attributes: nodes leave `index_events` empty, which indexes all.
pub(crate) fn event<K: Into<String>, V: Into<String>>(
    kind: &str,
    attributes: impl IntoIterator<Item = (K, V)>,
) -> Event {
    let attributes = attributes
        .into_iter()
        .map(|(key, value)| Attribute { key: key.into(), value: value.into(), index: true })
        .collect();
    Event { kind: kind.to_owned(), attributes }
}

/// Appends an attribute.
pub(crate) fn push(event: &mut Event, key: &str, value: impl Into<String>) {
    event.attributes.push(Attribute { key: key.to_owned(), value: value.into(), index: true });
}

/// Marks the events of the end of a block: the application appends `mode` after everything else
/// (baseapp `endBlock`).
pub(crate) fn mark_end_block(events: &mut [Event]) {
    for event in events {
        push(event, "mode", "EndBlock");
    }
}

/// A string inside a typed event: every attribute value is itself JSON.
pub(crate) fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
