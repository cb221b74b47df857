//! JSON in Go's manner.
//!
//! CometBFT writes its answers with `encoding/json`, its own `libs/json` and gogoproto's jsonpb.
//! All three escape `<`, `>`, `&` and the line separators in strings; 64-bit integers are strings.

use std::io;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;

/// `value` as Go would write it.
pub(crate) fn to_string<T: Serialize + ?Sized>(value: &T) -> String {
    let mut bytes = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, GoFormatter);
    value.serialize(&mut serializer).expect("shapes have string keys and are written to memory");
    String::from_utf8(bytes).expect("serde_json writes UTF-8")
}

struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (plain, tail) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut chars = tail.chars();
            if let Some(escaped) = chars.next() {
                write!(writer, "\\u{:04x}", u32::from(escaped))?;
            }
            rest = chars.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

/// An integer written as a string.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Int<T>(pub(crate) T);

impl<T: std::fmt::Display> Serialize for Int<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Bytes as upper-case hex: `HexBytes`, `Address`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl Serialize for Hex<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode_upper(self.0))
    }
}

/// Bytes as base64; `null` when there are none, as a byte slice is after protobuf.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Base64<'a>(pub(crate) &'a [u8]);

impl Base64<'_> {
    /// For fields with `omitempty`.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [] => serializer.serialize_none(),
            bytes => serializer.serialize_str(&BASE64_STANDARD.encode(bytes)),
        }
    }
}

/// A time as `RFC3339Nano` in UTC.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time(pub(crate) Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Whether a field with `omitempty` is left out.
pub(crate) fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_like_go() {
        assert_eq!(
            to_string("a<b>&\u{2028}\"\n\u{1}é"),
            r#""a\u003cb\u003e\u0026\u2028\"\n\u0001é""#
        );
    }

    #[test]
    fn times_drop_trailing_zeros() {
        let time = |nanos| to_string(&Time(Timestamp::new(1_700_000_000, nanos).unwrap()));
        assert_eq!(time(0), r#""2023-11-14T22:13:20Z""#);
        assert_eq!(time(120_000_000), r#""2023-11-14T22:13:20.12Z""#);
        assert_eq!(time(1), r#""2023-11-14T22:13:20.000000001Z""#);
    }

    #[test]
    fn numbers_and_bytes() {
        assert_eq!(to_string(&Int(-5i64)), r#""-5""#);
        assert_eq!(to_string(&Hex(&[0xab, 1])), r#""AB01""#);
        assert_eq!(to_string(&Base64(&[])), "null");
        assert_eq!(to_string(&Base64(b"a=b")), r#""YT1i""#);
    }
}
