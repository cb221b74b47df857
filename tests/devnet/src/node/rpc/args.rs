//! Arguments of methods, from JSON parameters or from a URI.
//!
//! Sources: CometBFT v0.38 `rpc/jsonrpc/server/http_json_handler.go`, `http_uri_handler.go`,
//! `libs/json/decoder.go`. 64-bit integers are strings in JSON; bytes are base64 there, except
//! where the method's parameter is `HexBytes`.

use std::collections::HashMap;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::value::RawValue;

use super::{go_syntax_error, json_kind};

/// The Go type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `int64`, `int` and pointers to them.
    Int,
    Text,
    Bool,
    /// `[]byte`
    Bytes,
    /// `bytes.HexBytes`
    HexBytes,
}

impl Kind {
    fn is_bytes(self) -> bool {
        matches!(self, Kind::Bytes | Kind::HexBytes)
    }

    /// `reflect.Kind` as Go prints it.
    fn go_name(self) -> &'static str {
        match self {
            Kind::Int => "int64",
            Kind::Text => "string",
            Kind::Bool => "bool",
            Kind::Bytes | Kind::HexBytes => "slice",
        }
    }
}

/// A parameter's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Int(i64),
    Text(String),
    Bool(bool),
    Bytes(Vec<u8>),
}

/// A method's arguments by position; `None` where the caller gave none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Args(Vec<Option<Value>>);

impl Args {
    /// An integer, if given.
    pub(crate) fn int(&self, at: usize) -> Option<i64> {
        match self.0.get(at) {
            Some(Some(Value::Int(value))) => Some(*value),
            _ => None,
        }
    }

    /// Text, empty when not given.
    pub(crate) fn text(&self, at: usize) -> &str {
        match self.0.get(at) {
            Some(Some(Value::Text(value))) => value,
            _ => "",
        }
    }

    /// Bytes, empty when not given.
    pub(crate) fn bytes(&self, at: usize) -> &[u8] {
        match self.0.get(at) {
            Some(Some(Value::Bytes(value))) => value,
            _ => &[],
        }
    }

    /// Whether the argument was left out or is its type's zero value.
    pub(crate) fn is_zero(&self, at: usize) -> bool {
        match self.0.get(at) {
            Some(Some(Value::Int(_))) => false,
            Some(Some(Value::Text(text))) => text.is_empty(),
            Some(Some(Value::Bool(value))) => !value,
            Some(Some(Value::Bytes(bytes))) => bytes.is_empty(),
            Some(None) | None => true,
        }
    }

    /// From `params`: an object by name or an array by position.
    pub(crate) fn from_json(
        names: &[(&'static str, Kind)],
        params: &RawValue,
    ) -> Result<Args, String> {
        let text = params.get();
        if let Ok(map) = serde_json::from_str::<Option<HashMap<String, &RawValue>>>(text) {
            let map = map.unwrap_or_default();
            let value = |(name, kind): &(&str, Kind)| {
                map.get(*name).map_or(Ok(None), |raw| from_json(*kind, raw.get()))
            };
            return names.iter().map(value).collect::<Result<_, _>>().map(Args);
        }
        let list: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| {
            let kind = json_kind(text);
            format!(
                "unknown type for JSON params: json: cannot unmarshal {kind} into Go value of \
                 type []json.RawMessage. Expected map or array"
            )
        })?;
        if list.len() != names.len() {
            let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
            // Go prints raw messages as lists of byte values.
            let raw = |value: &&RawValue| {
                let bytes: Vec<String> = value.get().bytes().map(|b| b.to_string()).collect();
                format!("[{}]", bytes.join(" "))
            };
            return Err(format!(
                "expected {} parameters ([{}]), got {} ([{}])",
                names.len(),
                names.join(" "),
                list.len(),
                list.iter().map(raw).collect::<Vec<_>>().join(" ")
            ));
        }
        let value = |(raw, (_, kind)): (&&RawValue, &(&str, Kind))| from_json(*kind, raw.get());
        list.iter().zip(names).map(value).collect::<Result<_, _>>().map(Args)
    }

    /// From the query part of a URI.
    pub(crate) fn from_uri(
        names: &[(&'static str, Kind)],
        query: &HashMap<String, String>,
    ) -> Result<Args, String> {
        let value = |(name, kind): &(&str, Kind)| match query.get(*name).map(String::as_str) {
            None | Some("") => Ok(None),
            Some(arg) => from_uri(*kind, arg),
        };
        names.iter().map(value).collect::<Result<_, _>>().map(Args)
    }
}

/// A JSON value as `libs/json` decodes it into a parameter.
fn from_json(kind: Kind, text: &str) -> Result<Option<Value>, String> {
    if text == "null" {
        return Ok(None);
    }
    let mismatch = |go_type: &str| {
        let found = json_kind(text);
        format!("json: cannot unmarshal {found} into Go value of type {go_type}")
    };
    match kind {
        Kind::Int => integer(text).map(|value| Some(Value::Int(value))),
        Kind::Text => {
            let value = serde_json::from_str(text).map_err(|error| {
                if error.is_data() { mismatch("string") } else { go_syntax_error(text, &error) }
            })?;
            Ok(Some(Value::Text(value)))
        }
        Kind::Bool => {
            let value = serde_json::from_str(text).map_err(|error| {
                if error.is_data() { mismatch("bool") } else { go_syntax_error(text, &error) }
            })?;
            Ok(Some(Value::Bool(value)))
        }
        Kind::Bytes => {
            let value: String = serde_json::from_str(text).map_err(|_| mismatch("[]uint8"))?;
            let decoded = BASE64_STANDARD.decode(value.as_bytes()).map_err(|error| {
                let at = match error {
                    base64::DecodeError::InvalidByte(at, _)
                    | base64::DecodeError::InvalidLastSymbol(at, _) => at,
                    _ => value.len(),
                };
                format!("illegal base64 data at input byte {at}")
            })?;
            Ok(Some(Value::Bytes(decoded)))
        }
        Kind::HexBytes => {
            let digits = text
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'))
                .ok_or_else(|| format!("invalid hex string: {text}"))?;
            unhex(digits).map(|bytes| Some(Value::Bytes(bytes)))
        }
    }
}

/// A 64-bit integer: a string that holds a number.
fn integer(text: &str) -> Result<i64, String> {
    let digits = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .ok_or_else(|| format!("invalid 64-bit integer encoding {text:?}, expected string"))?;
    serde_json::from_str(digits).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => {
            let what = match json_kind(digits) {
                "number" => format!("number {digits}"),
                kind => kind.to_owned(),
            };
            format!("json: cannot unmarshal {what} into Go value of type int64")
        }
        _ => go_syntax_error(digits, &error),
    })
}

/// A URI's argument: numbers bare or quoted, text quoted, bytes quoted or as `0x` hex.
fn from_uri(kind: Kind, arg: &str) -> Result<Option<Value>, String> {
    let digits = arg.strip_prefix('-').unwrap_or(arg);
    let is_integer = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if is_integer && kind == Kind::Int {
        return integer(&format!("\"{arg}\"")).map(|value| Some(Value::Int(value)));
    }
    if let Some(digits) = arg.get(..2).filter(|p| p.eq_ignore_ascii_case("0x")).map(|_| &arg[2..]) {
        if kind != Kind::Text && !kind.is_bytes() {
            return Err(format!("got a hex string arg, but expected '{}'", kind.go_name()));
        }
        let bytes = unhex(digits)?;
        return Ok(Some(match kind {
            Kind::Text => Value::Text(String::from_utf8_lossy(&bytes).into_owned()),
            _ => Value::Bytes(bytes),
        }));
    }
    if kind.is_bytes() && arg.starts_with('"') && arg.ends_with('"') {
        let text: String =
            serde_json::from_str(arg).map_err(|error| go_syntax_error(arg, &error))?;
        return Ok(Some(Value::Bytes(text.into_bytes())));
    }
    from_json(kind, arg)
}

/// Hex digits as Go's `encoding/hex` reads them.
fn unhex(digits: &str) -> Result<Vec<u8>, String> {
    hex::decode(digits).map_err(|_| match digits.bytes().find(|b| !b.is_ascii_hexdigit()) {
        Some(byte) => {
            format!("encoding/hex: invalid byte: U+{:04X} '{}'", byte, char::from(byte))
        }
        None => "encoding/hex: odd length hex string".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[(&str, Kind)] = &[("height", Kind::Int), ("query", Kind::Text)];

    fn json(params: &str) -> Result<Args, String> {
        Args::from_json(NAMES, &serde_json::from_str::<Box<RawValue>>(params).unwrap())
    }

    #[test]
    fn integers_are_strings_in_json_and_bare_in_uris() {
        assert_eq!(json(r#"{"height":"7"}"#).unwrap().int(0), Some(7));
        assert_eq!(json(r#"["7","x"]"#).unwrap().text(1), "x");
        assert_eq!(json("null").unwrap().int(0), None);
        assert_eq!(
            json(r#"{"height":7}"#).unwrap_err(),
            "invalid 64-bit integer encoding \"7\", expected string"
        );
        for arg in ["7", "\"7\""] {
            assert_eq!(from_uri(Kind::Int, arg), Ok(Some(Value::Int(7))), "{arg}");
        }
        assert_eq!(
            from_uri(Kind::Int, "0x7").unwrap_err(),
            "got a hex string arg, but expected 'int64'"
        );
    }

    #[test]
    fn errors_name_what_go_names() {
        assert_eq!(
            json(r#"["7"]"#).unwrap_err(),
            "expected 2 parameters ([height query]), got 1 ([[34 55 34]])"
        );
        assert_eq!(
            json("5").unwrap_err(),
            "unknown type for JSON params: json: cannot unmarshal number into Go value of type \
             []json.RawMessage. Expected map or array"
        );
        assert_eq!(
            from_uri(Kind::Text, "bob").unwrap_err(),
            "invalid character 'b' looking for beginning of value"
        );
        assert_eq!(
            from_json(Kind::Int, "\"x\"").unwrap_err(),
            "invalid character 'x' looking for beginning of value"
        );
    }

    #[test]
    fn bytes_are_hex_quoted_or_base64() {
        let bytes = |value: &[u8]| Ok(Some(Value::Bytes(value.to_vec())));
        assert_eq!(from_uri(Kind::Bytes, "0x6162"), bytes(b"ab"));
        assert_eq!(from_uri(Kind::Bytes, "\"ab\""), bytes(b"ab"));
        assert_eq!(from_json(Kind::Bytes, "\"YWI=\""), bytes(b"ab"));
        assert_eq!(from_json(Kind::HexBytes, "\"6162\""), bytes(b"ab"));
        assert_eq!(
            from_json(Kind::HexBytes, "\"6x\"").unwrap_err(),
            "encoding/hex: invalid byte: U+0078 'x'"
        );
    }
}
