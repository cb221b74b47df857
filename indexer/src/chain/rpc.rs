//! Requests to one node over HTTP.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use bootwatch_rules::Height;
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde::Deserialize;
use tendermint_rpc::{Client, HttpClient, client::CompatMode};

use super::{
    ChainError, Class, Endpoint, Problem, StateSource,
    body::{Answer, BlockAnswer, ResultsAnswer},
    error::{Known, classify_query, classify_rpc},
};
use crate::metrics::Metrics;

/// How long to wait and how much to hold.
#[derive(Debug, Clone, Copy)]
pub struct RpcLimits {
    /// For a connection.
    pub connect: Duration,
    /// For a small answer. A node itself gives up after 11 s.
    pub answer: Duration,
    /// For a whole block body.
    pub body: Duration,
    /// Bytes of one body.
    pub body_bytes: usize,
}

impl Default for RpcLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(15),
            body: Duration::from_secs(60),
            body_bytes: 256 << 20,
        }
    }
}

/// A node as it describes itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeStatus {
    /// Its newest block. The results of that block may not be there yet.
    pub head: Height,
    /// The time of that block.
    pub head_time: Timestamp,
    /// Its oldest block.
    pub earliest: Height,
    /// It is still syncing.
    pub catching_up: bool,
    /// CometBFT's version.
    pub version: String,
}

/// One node's RPC over HTTP.
#[derive(Debug, Clone)]
pub struct Rpc {
    endpoint: Endpoint,
    chain_id: Arc<str>,
    http: reqwest::Client,
    typed: HttpClient,
    limits: RpcLimits,
    known: Arc<Knowledge>,
    metrics: Arc<Metrics>,
}

#[derive(Debug, Default)]
struct Knowledge {
    head: AtomicI64,
    earliest: AtomicI64,
}

impl Rpc {
    /// Prepares requests; opens no connection.
    ///
    /// # Errors
    /// [`ChainError`] when the TLS roots of the system cannot be loaded.
    pub fn new(
        endpoint: Endpoint,
        chain_id: &str,
        limits: RpcLimits,
        metrics: Arc<Metrics>,
    ) -> Result<Self, ChainError> {
        let mut headers = HeaderMap::new();
        if let Some(value) = endpoint.authorization() {
            headers.insert(AUTHORIZATION, value.clone());
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("bootwatch/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .connect_timeout(limits.connect)
            .timeout(limits.body)
            // A redirected POST becomes a GET, which asks something else.
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .build()
            .map_err(|error| ChainError {
                endpoint: Arc::clone(endpoint.name()),
                method: "connect",
                height: None,
                problem: Problem::Transport(chain_of(&error)),
                class: Class::Fatal,
            })?;
        let typed =
            HttpClient::new_from_parts(http.clone(), endpoint.url().clone(), CompatMode::V0_38);
        let known = Arc::default();
        Ok(Self { endpoint, chain_id: chain_id.into(), http, typed, limits, known, metrics })
    }

    /// The node this talks to.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The chain it must serve.
    #[must_use]
    pub fn chain_id(&self) -> &Arc<str> {
        &self.chain_id
    }

    /// Notes a height that the node has told of elsewhere, such as in a frame.
    pub fn heard_of(&self, height: Height) {
        self.known.head.fetch_max(height, Ordering::Relaxed);
    }

    /// Asks the node about itself and checks that it serves our chain and speaks our dialect.
    ///
    /// # Errors
    /// [`ChainError`], with [`Class::WrongChain`] when it serves another chain.
    pub async fn status(&self) -> Result<NodeStatus, ChainError> {
        self.measured("status", self.status_now()).await
    }

    async fn status_now(&self) -> Result<NodeStatus, ChainError> {
        const METHOD: &str = "status";
        let answer = tokio::time::timeout(self.limits.answer, self.typed.status())
            .await
            .map_err(|_| self.timeout(METHOD, None, self.limits.answer))?
            .map_err(|error| self.typed_error(METHOD, None, &error))?;
        let found = answer.node_info.network.as_str();
        if found != &*self.chain_id {
            let problem = Problem::OtherChain {
                expected: self.chain_id.to_string(),
                found: found.chars().take(64).collect(),
            };
            return Err(self.error(METHOD, None, problem, Class::WrongChain));
        }
        let version = answer.node_info.version.to_string();
        if !reads(&version) {
            let version = version.chars().take(32).collect();
            return Err(self.error(METHOD, None, Problem::OldNode(version), Class::Fatal));
        }
        let sync = answer.sync_info;
        let head_time = Timestamp::from_nanosecond(sync.latest_block_time.unix_timestamp_nanos())
            .map_err(|e| self.unreadable(METHOD, None, &e))?;
        let status = NodeStatus {
            head: height_of(sync.latest_block_height),
            head_time,
            earliest: height_of(sync.earliest_block_height),
            catching_up: sync.catching_up,
            version,
        };
        // The head of a reset node is lower than what it was: what it says now holds.
        self.known.head.store(status.head, Ordering::Relaxed);
        self.known.earliest.store(status.earliest, Ordering::Relaxed);
        Ok(status)
    }

    async fn query_now(
        &self,
        method: &'static str,
        path: &str,
        data: Vec<u8>,
        height: Height,
    ) -> Result<Vec<u8>, ChainError> {
        let pinned = tendermint::block::Height::try_from(height).map_err(|_| {
            let problem = Problem::Inconsistent("no such height".to_owned());
            self.error(method, Some(height), problem, Class::Fatal)
        })?;
        let request = self.typed.abci_query(Some(path.to_owned()), data, Some(pinned), false);
        let answer = tokio::time::timeout(self.limits.answer, request)
            .await
            .map_err(|_| self.timeout(method, Some(height), self.limits.answer))?
            .map_err(|error| self.typed_error(method, Some(height), &error))?;
        let code = answer.code.value();
        if code != 0 {
            let log: String = answer.log.chars().take(300).collect();
            let class = classify_query(code, &answer.codespace, &log);
            let problem = Problem::Query { code, codespace: answer.codespace, log };
            return Err(self.error(method, Some(height), problem, class));
        }
        let answered = height_of(answer.height);
        if answered != height {
            let problem = Problem::Inconsistent(format!("it is for height {answered}"));
            return Err(self.error(method, Some(height), problem, Class::Retry));
        }
        // The IAVL store answers a pruned version with success, no value, and a log.
        if answer.value.is_empty() && answer.log.contains("version does not exist") {
            let problem = Problem::Query { code, codespace: answer.codespace, log: answer.log };
            return Err(self.error(method, Some(height), problem, Class::Unavailable));
        }
        Ok(answer.value)
    }

    /// Fetches a block and its results, unread.
    ///
    /// # Errors
    /// [`ChainError`]; the JSON-RPC errors inside the bodies show when they are read.
    pub async fn bodies(&self, height: Height) -> Result<Bodies, ChainError> {
        let (block, results) = tokio::try_join!(
            self.measured("block", self.post("block", height)),
            self.measured("block_results", self.post("block_results", height)),
        )?;
        Ok(Bodies { rpc: self.clone(), height, block, results })
    }

    /// Counts a request and how it went.
    async fn measured<T>(
        &self,
        method: &'static str,
        request: impl Future<Output = Result<T, ChainError>>,
    ) -> Result<T, ChainError> {
        let began = Instant::now();
        let answer = request.await;
        let failure = answer.as_ref().err().map(ChainError::label);
        self.metrics.rpc(self.endpoint.name(), method, began.elapsed(), failure);
        answer
    }

    async fn post(&self, method: &'static str, height: Height) -> Result<Vec<u8>, ChainError> {
        let at = Some(height);
        let request = serde_json::json!({
            "jsonrpc": "2.0", "id": 1, "method": method, "params": { "height": height.to_string() },
        });
        let mut answer = self
            .http
            .post(self.endpoint.url().clone())
            .json(&request)
            .send()
            .await
            .map_err(|error| self.transport(method, at, &error))?;
        if !answer.status().is_success() {
            return Err(self.http_status(method, at, answer.status().as_u16()));
        }
        let limit = self.limits.body_bytes;
        let announced = answer.content_length().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        let mut body = Vec::with_capacity(announced.min(limit));
        while let Some(chunk) =
            answer.chunk().await.map_err(|error| self.transport(method, at, &error))?
        {
            if body.len().saturating_add(chunk.len()) > limit {
                let problem = Problem::TooLarge { limit };
                return Err(self.error(method, at, problem, Class::Fatal));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    pub(super) fn error(
        &self,
        method: &'static str,
        height: Option<Height>,
        problem: Problem,
        class: Class,
    ) -> ChainError {
        ChainError { endpoint: Arc::clone(self.endpoint.name()), method, height, problem, class }
    }

    pub(super) fn unreadable(
        &self,
        method: &'static str,
        height: Option<Height>,
        reason: &dyn std::fmt::Display,
    ) -> ChainError {
        let reason = reason.to_string().chars().take(200).collect();
        self.error(method, height, Problem::Body(reason), Class::Retry)
    }

    fn timeout(&self, method: &'static str, at: Option<Height>, limit: Duration) -> ChainError {
        self.error(method, at, Problem::Timeout(limit.as_secs()), Class::Retry)
    }

    fn transport(
        &self,
        method: &'static str,
        at: Option<Height>,
        error: &reqwest::Error,
    ) -> ChainError {
        if error.is_timeout() && !error.is_connect() {
            return self.timeout(method, at, self.limits.body);
        }
        self.error(method, at, Problem::Transport(chain_of(error)), Class::Retry)
    }

    fn http_status(&self, method: &'static str, at: Option<Height>, status: u16) -> ChainError {
        let hint = match status {
            300..=399 => " (a redirect; write the URL it leads to)",
            401 | 403 => " (not allowed; check user and password)",
            404 => " (no RPC there; check the path, and that the operator serves it)",
            429 | 503 => " (too many requests, or overloaded)",
            _ => "",
        };
        self.error(method, at, Problem::Http { status, hint }, Class::Retry)
    }

    fn rpc_error(
        &self,
        method: &'static str,
        at: Option<Height>,
        code: i64,
        text: String,
    ) -> ChainError {
        let known = Known {
            head: self.known.head.load(Ordering::Relaxed),
            earliest: self.known.earliest.load(Ordering::Relaxed),
        };
        // -32601 is "method not found": no retry changes that.
        let class = if code == -32601 { Class::Fatal } else { classify_rpc(at, known, &text) };
        self.error(method, at, Problem::Rpc { code, text }, class)
    }

    fn typed_error(
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
            ErrorDetail::HttpRequestFailed(detail) => {
                self.http_status(method, at, detail.status.as_u16())
            }
            // Only the text of the cause is kept by the library, its outermost part first.
            ErrorDetail::Http(_) => {
                let text = error.to_string();
                let cause = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
                let cause = cause.unwrap_or("connection failed").chars().take(200).collect();
                self.error(method, at, Problem::Transport(cause), Class::Retry)
            }
            other => self.unreadable(method, at, other),
        }
    }
}

impl StateSource for Rpc {
    fn name(&self) -> &Arc<str> {
        self.endpoint.name()
    }

    async fn query(
        &self,
        method: &'static str,
        path: &str,
        data: Vec<u8>,
        height: Height,
    ) -> Result<Vec<u8>, ChainError> {
        self.measured(method, self.query_now(method, path, data, height)).await
    }
}

/// A block and its results as the node sent them.
#[derive(Debug)]
pub struct Bodies {
    rpc: Rpc,
    height: Height,
    block: Vec<u8>,
    results: Vec<u8>,
}

impl Bodies {
    /// Bytes of both.
    #[must_use]
    pub fn len(&self) -> usize {
        self.block.len().saturating_add(self.results.len())
    }

    /// Neither holds anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads both. What is read borrows from the bodies.
    ///
    /// # Errors
    /// [`ChainError`] when the node answered with an error or with something unreadable.
    pub fn read(&self) -> Result<(BlockAnswer<'_>, ResultsAnswer<'_>), ChainError> {
        let block = self.answer("block", &self.block)?;
        let results = self.answer("block_results", &self.results)?;
        Ok((block, results))
    }

    /// An error about these bodies, found by whoever read them.
    #[must_use]
    pub fn contradiction(&self, reason: String) -> ChainError {
        self.rpc.error("block", Some(self.height), Problem::Inconsistent(reason), Class::Retry)
    }

    fn answer<'a, T: Deserialize<'a>>(
        &self,
        method: &'static str,
        body: &'a [u8],
    ) -> Result<T, ChainError> {
        let at = Some(self.height);
        let text = std::str::from_utf8(body).map_err(|e| self.rpc.unreadable(method, at, &e))?;
        let answer: Answer<'a, T> =
            serde_json::from_str(text).map_err(|e| self.rpc.unreadable(method, at, &e))?;
        if let Some(fault) = answer.error {
            return Err(self.rpc.rpc_error(
                method,
                at,
                fault.code.0.unwrap_or_default(),
                fault.text(),
            ));
        }
        answer.result.ok_or_else(|| self.rpc.unreadable(method, at, &"neither result nor error"))
    }
}

fn height_of(height: tendermint::block::Height) -> Height {
    Height::try_from(height.value()).unwrap_or(Height::MAX)
}

/// Attributes are plain text since CometBFT 0.38; before, they were base64, which cannot be told
/// apart from text.
fn reads(version: &str) -> bool {
    let mut parts = version.trim_start_matches('v').split('.');
    let major = parts.next().and_then(|p| p.parse::<u32>().ok());
    let minor = parts.next().and_then(|p| p.parse::<u32>().ok());
    match (major, minor) {
        (Some(0), Some(minor)) => minor >= 38,
        // A version we cannot read says nothing against it.
        _ => true,
    }
}

/// The error with its causes; reqwest names only the outermost. Without the URL.
fn chain_of(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    if text.is_empty() {
        text = if error.is_connect() { "cannot connect".into() } else { "connection broke".into() };
    }
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::reads;

    #[test]
    fn old_nodes_are_told_by_version() {
        for version in ["0.38.21", "v0.38.0", "1.0.0", "", "custom"] {
            assert!(reads(version), "{version}");
        }
        for version in ["0.37.5", "0.34.29"] {
            assert!(!reads(version), "{version}");
        }
    }
}
