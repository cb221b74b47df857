//! The events of a block: the few that are wanted, picked while the list is read.
//!
//! A block has hundreds of events, a key generation megabytes of them. Nothing is built of those
//! that nobody wants: they are skipped in the text, and only counted, because the place of an event
//! among all others is its identity.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::loose::{Loose, Text, deserialize_loosely};

/// One for each candidate model, at the end of a capture block.
pub const CAPTURE: &str = "bootstrap_model_preeligibility";
/// A group of hosts changed; many at a formation, all alike but for the group.
pub const GROUP_CHANGED: &str = "cosmos.group.v1.EventUpdateGroup";

/// Events that are kept with their attributes, wherever in the block they occur.
pub const KEPT: &[&str] = &[
    "epoch_error",
    "empty_epoch_fallback_applied",
    "maintenance_activated",
    "maintenance_completed",
    "maintenance_canceled",
    "slash_collateral",
    "deposit_collateral",
    "withdraw_collateral",
    "inference.bls.EventKeyGenerationInitiated",
    "active_proposal",
    "inactive_proposal",
    "cancel_proposal",
    "submit_proposal",
    "proposal_deposit",
    "proposal_vote",
    GROUP_CHANGED,
];

/// Wanted events of one list. More than any block can hold by honest means; a list with more is
/// refused, so that a hostile node cannot fill the memory with a body of empty events.
const MAX_WANTED: usize = 1 << 18;

/// A list of events; empty when it is absent, null or of another type.
#[derive(Debug, Clone, Default)]
pub struct Events<'a> {
    /// How many there are, wanted or not, of whatever JSON type.
    pub count: u32,
    /// Those that are wanted, in order.
    pub wanted: Vec<Event<'a>>,
    /// Attributes of the first events that have any, wanted or not: they show the node's dialect.
    pub sample: [Option<&'a RawValue>; 2],
}

/// An event that is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// Its place in its list.
    pub place: u32,
    /// Its type: [`CAPTURE`] or one of [`KEPT`].
    pub kind: &'static str,
    /// A list of [`Attribute`], as it came; absent when it is empty.
    pub attributes: Option<&'a RawValue>,
}

/// An attribute of an event.
#[derive(Debug, Default, Deserialize)]
pub struct Attribute<'a> {
    /// Its key.
    #[serde(default, borrow)]
    pub key: Text<'a>,
    /// Its value.
    #[serde(default, borrow)]
    pub value: Text<'a>,
}

impl<'de: 'a, 'a> Loose<'de> for Events<'a> {
    fn sequence<A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        let mut events = Self::default();
        while let Some(Element { kind, attributes }) = seq.next_element()? {
            if let Some(free) = events.sample.iter_mut().find(|sample| sample.is_none()) {
                *free = attributes.filter(|raw| raw.get() != "[]");
            }
            if let Some(kind) = kind {
                if events.wanted.len() >= MAX_WANTED {
                    return Err(A::Error::custom("more events than a block can hold"));
                }
                events.wanted.push(Event { place: events.count, kind, attributes });
            }
            events.count = events
                .count
                .checked_add(1)
                .ok_or_else(|| A::Error::custom("more events than can be counted"))?;
        }
        Ok(events)
    }
}

/// One event, or whatever stands in its place.
#[derive(Default)]
struct Element<'a> {
    /// Its type, when it is wanted.
    kind: Option<&'static str>,
    attributes: Option<&'a RawValue>,
}

impl<'de: 'a, 'a> Loose<'de> for Element<'a> {
    fn object<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut event = Self::default();
        while let Some(key) = map.next_key()? {
            match key {
                Key::Type => event.kind = map.next_value::<Kind>()?.0,
                Key::Attributes => {
                    let raw: &RawValue = map.next_value()?;
                    event.attributes = Some(raw).filter(|raw| raw.get() != "null");
                }
                Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(event)
    }
}

/// The type of an event, if it is wanted.
#[derive(Default)]
struct Kind(Option<&'static str>);

impl<'de> Loose<'de> for Kind {
    fn text(text: std::borrow::Cow<'de, str>) -> Self {
        Self::of(&text)
    }

    fn passing(text: &str) -> Self {
        Self::of(text)
    }
}

impl Kind {
    fn of(text: &str) -> Self {
        if text == CAPTURE {
            return Self(Some(CAPTURE));
        }
        Self(KEPT.iter().copied().find(|kind| *kind == text))
    }
}

/// The keys of an event.
enum Key {
    Type,
    Attributes,
    Other,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl Visitor<'_> for KeyVisitor {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_str<E>(self, key: &str) -> Result<Key, E> {
                Ok(match key {
                    "type" => Key::Type,
                    "attributes" => Key::Attributes,
                    _ => Key::Other,
                })
            }
        }

        deserializer.deserialize_identifier(KeyVisitor)
    }
}

deserialize_loosely! {
    ('de: 'a, 'a) Events<'a>;
    ('de: 'a, 'a) Element<'a>;
    ('de) Kind;
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = (u32, &'static str, Option<String>);

    fn read(json: &str) -> (u32, Vec<Read>) {
        let events: Events<'_> = serde_json::from_str(json).unwrap();
        let wanted = events.wanted.iter();
        let wanted =
            wanted.map(|e| (e.place, e.kind, e.attributes.map(|raw| raw.get().to_owned())));
        (events.count, wanted.collect())
    }

    #[test]
    fn wanted_events_keep_their_place_among_all() {
        let json = r#"[
            {"type":"transfer","attributes":[{"key":"a"}]}, null, 7, [],
            {"type":"epoch_error","attributes":[1]},
            {"attributes":{"x":[]},"type":"proposal_vote","more":{"type":"epoch_error"}},
            {"type":"proposal_\u0076ote"},
            {"type":"active_proposal","attributes":null},
            {"type":3,"attributes":[]}, {"type":null}, {}
        ]"#;
        let (count, wanted) = read(json);
        assert_eq!(count, 11);
        let expected = [
            (4, "epoch_error", Some("[1]".to_owned())),
            (5, "proposal_vote", Some("{\"x\":[]}".to_owned())),
            (6, "proposal_vote", None),
            (7, "active_proposal", None),
        ];
        assert_eq!(wanted, expected);
        let events: Events<'_> = serde_json::from_str(json).unwrap();
        let sample = events.sample.map(|raw| raw.map(RawValue::get));
        assert_eq!(sample, [Some(r#"[{"key":"a"}]"#), Some("[1]")]);
    }

    #[test]
    fn anything_else_is_no_list() {
        for json in ["null", "true", "7", "\"x\"", "{\"type\":\"epoch_error\"}", "[]"] {
            assert_eq!(read(json), (0, vec![]), "{json}");
        }
        assert!(serde_json::from_str::<Events<'_>>("[{]").is_err());
    }

    /// A body of wanted events without end is refused before it fills the memory.
    #[test]
    fn a_flood_of_wanted_events_is_refused() {
        let flood = format!("[{}{{}}]", "{\"type\":\"epoch_error\"},".repeat(MAX_WANTED + 1));
        let error = serde_json::from_str::<Events<'_>>(&flood).unwrap_err();
        assert!(error.to_string().contains("more events than a block can hold"), "{error}");
    }
}
