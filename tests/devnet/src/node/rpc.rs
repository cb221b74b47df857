//! JSON-RPC: requests, arguments, answers and errors, independent of the transport.
//!
//! Sources: CometBFT v0.38 `rpc/jsonrpc/types/types.go`, `rpc/jsonrpc/server/*.go`,
//! `rpc/core/routes.go`.

pub(crate) mod args;
pub(crate) mod methods;
pub(crate) mod routes;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::go_json;

/// The id of a request: a string, or a number without its fraction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Id {
    Text(String),
    Number(i64),
}

impl Id {
    /// The id of answers to requests that carry none.
    pub(crate) const NONE: Id = Id::Number(-1);

    fn json(&self) -> String {
        match self {
            Id::Text(text) => go_json::to_string(text),
            Id::Number(number) => number.to_string(),
        }
    }
}

/// A request; without an id it is a notification, which nobody answers.
#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    #[serde(default, deserialize_with = "id")]
    pub(crate) id: Option<Id>,
    #[serde(default)]
    pub(crate) method: String,
    #[serde(default)]
    pub(crate) params: Option<Box<RawValue>>,
}

#[expect(clippy::cast_possible_truncation, reason = "the fraction of an id is cut off on purpose")]
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Id>, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Null => Ok(None),
        serde_json::Value::String(text) => Ok(Some(Id::Text(text))),
        serde_json::Value::Number(number) => {
            Ok(number.as_f64().map(|number| Id::Number(number as i64)))
        }
        other => Err(D::Error::custom(format!("json-rpc ID ({other}) is of unknown type"))),
    }
}

/// An error of the protocol or of a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RpcError {
    code: i32,
    message: &'static str,
    data: String,
}

impl RpcError {
    fn new(code: i32, message: &'static str, data: impl ToString) -> RpcError {
        RpcError { code, message, data: data.to_string() }
    }

    pub(crate) fn parse(data: impl ToString) -> RpcError {
        RpcError::new(-32700, "Parse error. Invalid JSON", data)
    }

    pub(crate) fn invalid_request(data: impl ToString) -> RpcError {
        RpcError::new(-32600, "Invalid Request", data)
    }

    pub(crate) fn method_not_found() -> RpcError {
        RpcError::new(-32601, "Method not found", "")
    }

    pub(crate) fn invalid_params(data: impl ToString) -> RpcError {
        RpcError::new(-32602, "Invalid params", data)
    }

    pub(crate) fn internal(data: impl ToString) -> RpcError {
        RpcError::new(-32603, "Internal error", data)
    }

    pub(crate) fn server(data: impl ToString) -> RpcError {
        RpcError::new(-32000, "Server error", data)
    }
}

/// A successful answer around `result`, which is JSON already.
pub(crate) fn success(id: &Id, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#, id.json())
}

/// An error answer; the id is left out when the request's could not be read.
pub(crate) fn failure(id: Option<&Id>, error: &RpcError) -> String {
    let id = id.map(|id| format!(r#""id":{},"#, id.json())).unwrap_or_default();
    let data = match error.data.as_str() {
        "" => String::new(),
        data => format!(r#","data":{}"#, go_json::to_string(data)),
    };
    let RpcError { code, message, .. } = error;
    format!(r#"{{"jsonrpc":"2.0",{id}"error":{{"code":{code},"message":"{message}"{data}}}}}"#)
}

/// An event frame: an answer to the subscription's request, again and again.
pub(crate) fn event_frame(id: &Id, query: &str, data: &str, events: &str) -> String {
    let query = go_json::to_string(query);
    success(id, &format!(r#"{{"query":{query},"data":{data},"events":{events}}}"#))
}

/// What Go's decoder says about text that is not JSON, in the common cases.
pub(crate) fn go_syntax_error(text: &str, error: &serde_json::Error) -> String {
    let first = text.trim_start().chars().next();
    match first {
        _ if error.is_eof() => "unexpected end of JSON input".to_owned(),
        Some(c) if error.is_syntax() && !matches!(c, '{' | '[' | '"' | '-' | '0'..='9') => {
            format!("invalid character '{}' looking for beginning of value", c.escape_default())
        }
        _ => error.to_string(),
    }
}
