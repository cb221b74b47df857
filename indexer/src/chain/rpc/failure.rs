//! What went wrong with a request, in one form for every way to send it.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bootwatch_rules::Height;

use super::Rpc;
use crate::chain::{
    ChainError, Class, Problem,
    error::{Known, classify_rpc},
    tls,
};

impl Rpc {
    pub(in crate::chain) fn error(
        &self,
        method: &'static str,
        height: Option<Height>,
        problem: Problem,
        class: Class,
    ) -> ChainError {
        ChainError { endpoint: Arc::clone(self.endpoint().name()), method, height, problem, class }
    }

    pub(in crate::chain) fn unreadable(
        &self,
        method: &'static str,
        height: Option<Height>,
        reason: &dyn std::fmt::Display,
    ) -> ChainError {
        let reason = reason.to_string().chars().take(200).collect();
        self.error(method, height, Problem::Body(reason), Class::Retry)
    }

    /// A JSON-RPC error of the node.
    pub(in crate::chain) fn rpc_error(
        &self,
        method: &'static str,
        at: Option<Height>,
        code: i64,
        text: String,
    ) -> ChainError {
        let known = Known {
            head: self.inner.known.head.load(Ordering::Relaxed),
            earliest: self.inner.known.earliest.load(Ordering::Relaxed),
        };
        // -32601 is "method not found": no retry changes that.
        let class = if code == -32601 { Class::Fatal } else { classify_rpc(at, known, &text) };
        self.error(method, at, Problem::Rpc { code, text }, class)
    }

    /// An answer that the library could not take.
    pub(super) fn typed_error(
        &self,
        method: &'static str,
        at: Option<Height>,
        error: &tendermint_rpc::Error,
    ) -> ChainError {
        use tendermint_rpc::error::ErrorDetail;
        match error.detail() {
            ErrorDetail::Response(detail) => {
                let source = &detail.source;
                let text = format!("{}: {}", source.message(), source.data().unwrap_or_default());
                let text = text.chars().take(300).collect();
                self.rpc_error(method, at, source.code().value().into(), text)
            }
            other => self.unreadable(method, at, other),
        }
    }

    pub(super) fn timeout(
        &self,
        method: &'static str,
        at: Option<Height>,
        limit: Duration,
    ) -> ChainError {
        self.error(method, at, Problem::Timeout(limit.as_secs()), Class::Retry)
    }

    pub(super) fn transport(
        &self,
        method: &'static str,
        at: Option<Height>,
        limit: Duration,
        error: &reqwest::Error,
    ) -> ChainError {
        if error.is_timeout() && !error.is_connect() {
            return self.timeout(method, at, limit);
        }
        self.error(method, at, Problem::Transport(cause(error)), Class::Retry)
    }

    pub(super) fn http_status(
        &self,
        method: &'static str,
        at: Option<Height>,
        status: u16,
    ) -> ChainError {
        let hint = match status {
            300..=399 => " (a redirect; write the URL it leads to)",
            401 | 403 => " (not allowed; check user, password and headers)",
            404 => " (no RPC there; check the path, and that the operator serves it)",
            429 | 503 => " (too many requests, or overloaded)",
            _ => "",
        };
        self.error(method, at, Problem::Http { status, hint }, Class::Retry)
    }
}

/// The innermost cause, with what to do about it where that is known; reqwest names only the
/// outermost. Without the URL.
pub(super) fn cause(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    if text.is_empty() {
        text = if error.is_connect() { "cannot connect".into() } else { "connection broke".into() };
    }
    let hint = tls::hint(&text);
    text.chars().take(200).chain(hint.chars()).collect()
}
