//! JSON-RPC: requests, arguments, answers and errors, independent of the transport.
//!
//! Sources: CometBFT v0.38 `rpc/jsonrpc/types/types.go`, `rpc/jsonrpc/server/*.go`,
//! `rpc/core/routes.go`.

pub(crate) mod args;
pub(crate) mod methods;
pub(crate) mod routes;

use std::collections::HashMap;

use serde_json::Value;
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
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) id: Option<Id>,
    pub(crate) method: String,
    pub(crate) params: Option<Box<RawValue>>,
}

/// What Go prints as the type that a request is decoded into.
const GO_REQUEST: &str = r#"struct { JSONRPC string "json:\"jsonrpc\""; ID interface {} "json:\"id,omitempty\""; Method string "json:\"method\""; Params json.RawMessage "json:\"params\"" }"#;

impl Request {
    /// Reads one request, or says what Go would.
    pub(crate) fn parse(text: &str) -> Result<Request, String> {
        let value: &RawValue =
            serde_json::from_str(text).map_err(|error| go_syntax_error(text, &error))?;
        Request::from_raw(value)
    }

    /// Reads the first value of a message, as Go's streaming decoder does: what follows it does
    /// not matter.
    pub(crate) fn parse_message(text: &str) -> Result<Request, String> {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
        match values.next() {
            None => Err("EOF".to_owned()),
            Some(Err(error)) if error.is_eof() => Err("unexpected EOF".to_owned()),
            Some(Err(error)) => Err(go_syntax_error(text, &error)),
            Some(Ok(value)) => Request::from_raw(value),
        }
    }

    /// Reads a batch; `None` when it is not one.
    pub(crate) fn parse_batch(text: &str) -> Option<Vec<Request>> {
        let batch: Option<Vec<&RawValue>> = serde_json::from_str(text).ok()?;
        batch.unwrap_or_default().into_iter().map(Request::from_raw).collect::<Result<_, _>>().ok()
    }

    fn from_raw(value: &RawValue) -> Result<Request, String> {
        let mismatch = |found: &str, field: &str, go_type: &str| {
            format!("json: cannot unmarshal {found} into Go {field} of type {go_type}")
        };
        let fields: Option<HashMap<String, &RawValue>> = serde_json::from_str(value.get())
            .map_err(|_| mismatch(json_kind(value.get()), "value", GO_REQUEST))?;
        let Some(fields) = fields else { return Ok(Request::default()) };
        let method = match fields.get("method") {
            Some(method) => {
                let text: Option<String> = serde_json::from_str(method.get()).map_err(|_| {
                    mismatch(json_kind(method.get()), "struct field .method", "string")
                })?;
                text.unwrap_or_default()
            }
            None => String::new(),
        };
        let id = fields.get("id").map_or(Ok(None), |id| id_of(id.get()))?;
        let params = fields.get("params").map(|params| (*params).to_owned());
        Ok(Request { id, method, params })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the fraction of an id is cut off on purpose")]
fn id_of(text: &str) -> Result<Option<Id>, String> {
    let unknown = |value: &str, go_type: &str| {
        Err(format!("json-rpc ID ({value}) is of unknown type ({go_type})"))
    };
    match serde_json::from_str(text).map_err(|error| go_syntax_error(text, &error))? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(Id::Text(text))),
        Value::Number(number) => Ok(number.as_f64().map(|number| Id::Number(number as i64))),
        Value::Bool(value) => unknown(&value.to_string(), "bool"),
        // Go prints what is inside too; nobody reads it.
        Value::Object(_) => unknown("map[]", "map[string]interface {}"),
        Value::Array(_) => unknown("[]", "[]interface {}"),
    }
}

/// The kind of a JSON value, as Go names it.
pub(crate) fn json_kind(text: &str) -> &'static str {
    match text.as_bytes().first() {
        Some(b'"') => "string",
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b't' | b'f') => "bool",
        _ => "number",
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
