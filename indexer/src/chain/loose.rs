//! JSON values that never fail a whole block because one of them is of an unexpected type.
//!
//! CometBFT writes 64-bit integers as strings and empty lists as null, and drops what is empty in
//! some places and not in others. Only broken JSON syntax is an error here; anything else reads as
//! absent, and whoever needs the value reports it as malformed.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize,
    de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

/// A text; none when it is absent, null or of another type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text<'a>(pub Option<Cow<'a, str>>);

impl Text<'_> {
    /// The text, or an empty one.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

/// An integer, written as a number or as a string; none when it is neither or does not fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Int(pub Option<i64>);

/// A list; empty when it is absent, null or of another type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T>(pub Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// An object; none when it is null or of another type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object<T>(pub Option<T>);

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

/// Items of one list. No block has as many transactions; a list with more is refused, so that a
/// hostile node cannot fill the memory with a body of empty things.
const MAX_ITEMS: usize = 1 << 20;

/// What a value becomes for each JSON type. Types that are not overridden read as absent.
pub(super) trait Loose<'de>: Sized + Default {
    fn text(_: Cow<'de, str>) -> Self {
        Self::default()
    }

    /// A text that had escapes and is gone after this.
    fn passing(text: &str) -> Self {
        Self::text(Cow::Owned(text.to_owned()))
    }

    fn integer(_: Option<i64>) -> Self {
        Self::default()
    }

    fn sequence<A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    fn object<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

impl<'de: 'a, 'a> Loose<'de> for Text<'a> {
    fn text(text: Cow<'de, str>) -> Self {
        Self(Some(text))
    }
}

impl<'de> Loose<'de> for Int {
    fn text(text: Cow<'de, str>) -> Self {
        Self(text.parse().ok())
    }

    fn integer(value: Option<i64>) -> Self {
        Self(value)
    }
}

impl<'de, T: Deserialize<'de>> Loose<'de> for List<T> {
    fn sequence<A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            if items.len() >= MAX_ITEMS {
                return Err(A::Error::custom("a list longer than a block can hold"));
            }
            items.push(item);
        }
        Ok(Self(items))
    }
}

impl<'de, T: Deserialize<'de>> Loose<'de> for Object<T> {
    fn object<A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|value| Self(Some(value)))
    }
}

pub(super) struct LooseVisitor<T>(pub(super) PhantomData<T>);

impl<'de, T: Loose<'de>> Visitor<'de> for LooseVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<T, E> {
        Ok(T::text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok(T::passing(text))
    }

    fn visit_string<E>(self, text: String) -> Result<T, E> {
        Ok(T::text(Cow::Owned(text)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<T, E> {
        Ok(T::integer(Some(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<T, E> {
        Ok(T::integer(i64::try_from(value).ok()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<T, A::Error> {
        T::sequence(seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::object(map)
    }
}

macro_rules! deserialize_loosely {
    ($(($($bounds:tt)*) $name:ty;)*) => {$(
        impl<$($bounds)*> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                d.deserialize_any($crate::chain::loose::LooseVisitor(std::marker::PhantomData))
            }
        }
    )*};
}
pub(super) use deserialize_loosely;

deserialize_loosely! {
    ('de: 'a, 'a) Text<'a>;
    ('de) Int;
    ('de, T: Deserialize<'de>) List<T>;
    ('de, T: Deserialize<'de>) Object<T>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Inner {
        #[serde(default)]
        n: Int,
    }

    #[test]
    fn every_json_type_reads_as_something() {
        for json in ["null", "true", "1", "-1", "1.5", "\"x\"", "[1,[2]]", "{\"a\":{\"b\":[]}}"] {
            let text: Text<'_> = serde_json::from_str(json).unwrap();
            assert_eq!(text.0.is_some(), json == "\"x\"", "{json}");
            let int: Int = serde_json::from_str(json).unwrap();
            assert_eq!(int.0.is_some(), matches!(json, "1" | "-1"), "{json}");
            serde_json::from_str::<List<IgnoredAny>>(json).unwrap();
            serde_json::from_str::<Object<Inner>>(json).unwrap();
        }
    }

    #[test]
    fn integers_come_as_strings_or_numbers() {
        let list: List<Int> = serde_json::from_str(r#"["5", 5, "-5", "", "5x", 5e3]"#).unwrap();
        let values: Vec<_> = list.0.iter().map(|i| i.0).collect();
        assert_eq!(values, [Some(5), Some(5), Some(-5), None, None, None]);
        let big: Int = serde_json::from_str("18446744073709551615").unwrap();
        assert_eq!(big.0, None);
    }

    #[test]
    fn odd_items_do_not_spoil_a_list() {
        let list: List<Object<Inner>> =
            serde_json::from_str(r#"[{"n":"7","x":{}}, null, 3, [], {}]"#).unwrap();
        let values: Vec<_> = list.0.iter().map(|o| o.0.as_ref().map(|i| i.n.0)).collect();
        assert_eq!(values, [Some(Some(7)), None, None, None, Some(None)]);
    }

    #[test]
    fn a_list_without_end_is_refused() {
        let long = |items: usize| format!("[{}0]", "0,".repeat(items - 1));
        let list: List<IgnoredAny> = serde_json::from_str(&long(MAX_ITEMS)).unwrap();
        assert_eq!(list.0.len(), MAX_ITEMS);
        let error = serde_json::from_str::<List<IgnoredAny>>(&long(MAX_ITEMS + 1)).unwrap_err();
        assert!(error.to_string().contains("longer than a block can hold"), "{error}");
    }

    #[test]
    fn plain_text_is_borrowed_and_escapes_are_decoded() {
        let plain: Text<'_> = serde_json::from_str(r#""abc""#).unwrap();
        assert!(matches!(plain.0, Some(Cow::Borrowed("abc"))));
        let escaped: Text<'_> = serde_json::from_str(r#""a<b""#).unwrap();
        assert_eq!(escaped.as_str(), "a<b");
    }
}
