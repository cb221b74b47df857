//! Requests to one node over HTTP. All of them, the websocket's handshake included, take a slot of
//! the node's [`Budget`] first; every JSON-RPC body goes through [`Rpc::exchange`].

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use bootwatch_rules::Height;
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use rustls::ClientConfig;
use tendermint_rpc::{Response as _, endpoint::status, request::RequestMessage as _};

use super::{
    ChainError, Class, Endpoint, Problem,
    budget::{Budget, Priority, Slot},
    tls,
};
use crate::metrics::Metrics;

mod bodies;
mod examine;
mod failure;
mod query;

pub(super) use Size::{Large, Small};
pub use bodies::Bodies;
pub use query::AtBlock;

/// A connection that was not used for so long is not used again. A CometBFT 0.38 node closes one after
/// 10 s (`rpc/jsonrpc/server/http_server.go`: `ReadTimeout`, which Go's `http.Server` takes for idle
/// connections too); a request that is sent just then is lost.
const IDLE: Duration = Duration::from_secs(8);

/// How long to wait and how much to hold.
#[derive(Debug, Clone, Copy)]
pub struct RpcLimits {
    /// For a connection.
    pub connect: Duration,
    /// For a small answer. A node itself gives up after 11 s.
    pub answer: Duration,
    /// For a whole block body.
    pub body: Duration,
    /// Bytes of a small answer: a group of thousands of members is a few megabytes.
    pub answer_bytes: usize,
    /// Bytes of one body, unpacked. Blocks of key generation have had 100 MB of results; what is
    /// larger than this no node gets out of its door in 11 s.
    pub body_bytes: usize,
}

impl Default for RpcLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(15),
            body: Duration::from_secs(60),
            answer_bytes: 32 << 20,
            body_bytes: 256 << 20,
        }
    }
}

/// What an answer may take, of [`RpcLimits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// A status or the application's state.
    Small,
    /// Blocks or their results.
    Large,
}

/// An answer's body, unread.
#[derive(Debug)]
pub(super) struct Answered {
    /// The JSON text as it came, unpacked.
    pub(super) body: Vec<u8>,
    /// From sending the request to the head of the answer.
    pub(super) took: Duration,
}

/// A node as it describes itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeStatus {
    /// Its newest block. The results of that block may not be there yet.
    pub head: Height,
    /// That block's hash, upper-case hex; empty before the first block.
    pub head_hash: String,
    /// The time of that block.
    pub head_time: Timestamp,
    /// Its oldest block.
    pub earliest: Height,
    /// It is still syncing.
    pub catching_up: bool,
    /// CometBFT's version.
    pub version: String,
    /// How long it took to answer.
    pub took: Duration,
}

/// One node's RPC over HTTP. Clones share the node's budget.
#[derive(Debug, Clone)]
pub struct Rpc {
    inner: Arc<Inner>,
    priority: Priority,
}

#[derive(Debug)]
struct Inner {
    endpoint: Endpoint,
    chain_id: Arc<str>,
    http: reqwest::Client,
    /// Where the URL is `https`.
    tls: Option<Arc<ClientConfig>>,
    limits: RpcLimits,
    budget: Budget,
    known: Knowledge,
    metrics: Arc<Metrics>,
}

#[derive(Debug, Default)]
struct Knowledge {
    head: AtomicI64,
    earliest: AtomicI64,
    /// It refused a batch of requests.
    no_batches: AtomicBool,
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
        let unusable = |reason: String| ChainError {
            endpoint: Arc::clone(endpoint.name()),
            method: "connect",
            height: None,
            problem: Problem::Transport(reason),
            class: Class::Fatal,
        };
        let access = endpoint.access();
        let tls = match endpoint.url().scheme() {
            "https" => Some(tls::client(&access.authorities).map_err(unusable)?),
            _ => None,
        };
        let http = reqwest::Client::builder()
            .user_agent(concat!("bootwatch/", env!("CARGO_PKG_VERSION")))
            .default_headers(access.headers.clone())
            .connect_timeout(limits.connect)
            .pool_idle_timeout(IDLE)
            // A redirected POST becomes a GET, which asks something else.
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true);
        let http = match &tls {
            Some(tls) => http.use_preconfigured_tls(ClientConfig::clone(tls)),
            // The system's authorities are half a megabyte that nobody would use.
            None => http.tls_built_in_root_certs(false),
        };
        let http = http.build().map_err(|error| unusable(failure::cause(&error)))?;
        let budget = Budget::new(access.max_requests_per_minute);
        let (chain_id, known) = (chain_id.into(), Knowledge::default());
        let inner = Inner { endpoint, chain_id, http, tls, limits, budget, known, metrics };
        Ok(Self { inner: Arc::new(inner), priority: Priority::Urgent })
    }

    /// The same node, for requests that may wait.
    #[must_use]
    pub fn routine(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), priority: Priority::Routine }
    }

    /// The node this talks to.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.inner.endpoint
    }

    /// The chain it must serve.
    #[must_use]
    pub fn chain_id(&self) -> &Arc<str> {
        &self.inner.chain_id
    }

    /// What it may be asked in a minute, and what it was.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.inner.budget
    }

    /// Notes a height that the node has told of elsewhere, such as in a frame.
    pub fn heard_of(&self, height: Height) {
        self.inner.known.head.fetch_max(height, Ordering::Relaxed);
    }

    pub(super) fn tls(&self) -> Option<&Arc<ClientConfig>> {
        self.inner.tls.as_ref()
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// Waits for leave to send one request over HTTP; it is over when the slot is dropped.
    pub(super) async fn slot(&self) -> Slot<'_> {
        self.inner.budget.slot(self.priority).await
    }

    /// Posts a JSON-RPC body, one request or a batch, and gives the body of the answer, unread.
    /// `method` names it in metrics and errors.
    ///
    /// # Errors
    /// [`ChainError`] when no answer came, or one with another HTTP status, or one too large.
    /// JSON-RPC errors are inside the body: see [`Rpc::rpc_error`], and report what comes of reading
    /// to [`Rpc::judged`].
    pub(super) async fn exchange(
        &self,
        method: &'static str,
        at: Option<Height>,
        request: String,
        size: Size,
    ) -> Result<Answered, ChainError> {
        let slot = self.slot().await;
        let began = Instant::now();
        let answer = self.post(method, at, request, size, slot).await;
        let failure = answer.as_ref().err().map(ChainError::label);
        self.inner.metrics.rpc(self.endpoint().name(), method, began.elapsed(), failure);
        answer
    }

    async fn post(
        &self,
        method: &'static str,
        at: Option<Height>,
        request: String,
        size: Size,
        slot: Slot<'_>,
    ) -> Result<Answered, ChainError> {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        let limits = &self.inner.limits;
        let (wait, limit) = match size {
            Small => (limits.answer, limits.answer_bytes),
            Large => (limits.body, limits.body_bytes),
        };
        let broken = |error: reqwest::Error| self.transport(method, at, wait, &error);
        let began = Instant::now();
        let mut answer = self
            .inner
            .http
            .post(self.endpoint().url().clone())
            .header(CONTENT_TYPE, JSON)
            .timeout(wait)
            .body(request)
            .send()
            .await
            .map_err(broken)?;
        drop(slot);
        let took = began.elapsed();
        if !answer.status().is_success() {
            return Err(self.http_status(method, at, answer.status().as_u16()));
        }
        let announced = answer.content_length().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        let too_large = || self.error(method, at, Problem::TooLarge { limit }, Class::Fatal);
        if announced > limit {
            return Err(too_large());
        }
        let mut body = Vec::with_capacity(announced);
        while let Some(chunk) = answer.chunk().await.map_err(broken)? {
            if body.len().saturating_add(chunk.len()) > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answered { body, took })
    }

    /// Counts an answer that came and was of no use.
    pub(super) fn judged<T>(
        &self,
        method: &'static str,
        outcome: Result<T, ChainError>,
    ) -> Result<T, ChainError> {
        if let Err(error) = &outcome {
            self.inner.metrics.rpc_refused(self.endpoint().name(), method, error.label());
        }
        outcome
    }

    /// Asks the node about itself and checks that it serves our chain and speaks our dialect.
    ///
    /// # Errors
    /// [`ChainError`], with [`Class::WrongChain`] when it serves another chain.
    pub async fn status(&self) -> Result<NodeStatus, ChainError> {
        const METHOD: &str = "status";
        let request = status::Request.into_json();
        let answered = self.exchange(METHOD, None, request, Small).await?;
        self.judged(METHOD, self.read_status(METHOD, &answered))
    }

    fn read_status(
        &self,
        method: &'static str,
        answered: &Answered,
    ) -> Result<NodeStatus, ChainError> {
        let answer = status::Response::from_string(&answered.body)
            .map_err(|error| self.typed_error(method, None, &error))?;
        let found = answer.node_info.network.as_str();
        if found != &**self.chain_id() {
            let problem = Problem::OtherChain {
                expected: self.chain_id().to_string(),
                found: found.chars().take(64).collect(),
            };
            return Err(self.error(method, None, problem, Class::WrongChain));
        }
        let version = answer.node_info.version.to_string();
        if !reads(&version) {
            let version = version.chars().take(32).collect();
            return Err(self.error(method, None, Problem::OldNode(version), Class::Fatal));
        }
        let sync = answer.sync_info;
        let head_time = Timestamp::from_nanosecond(sync.latest_block_time.unix_timestamp_nanos())
            .map_err(|e| self.unreadable(method, None, &e))?;
        let status = NodeStatus {
            head: height_of(sync.latest_block_height),
            head_hash: sync.latest_block_hash.to_string(),
            head_time,
            earliest: height_of(sync.earliest_block_height),
            catching_up: sync.catching_up,
            version,
            took: answered.took,
        };
        // The head of a reset node is lower than what it was: what it says now holds.
        self.inner.known.head.store(status.head, Ordering::Relaxed);
        self.inner.known.earliest.store(status.earliest, Ordering::Relaxed);
        Ok(status)
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
