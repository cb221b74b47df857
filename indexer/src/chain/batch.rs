//! Several requests in one: a JSON-RPC batch. On an endpoint with a budget of requests, one must
//! carry as much as possible; on any other it saves round trips.
//!
//! A node takes at most ten requests in a batch and carries them out one after another (CometBFT
//! 0.38 `max_request_batch_size`), so a batch is no faster than its parts, and one heavy part can
//! lose them all. How many go into one is for the caller to find out.

use std::{fmt::Write as _, time::Duration};

use bootwatch_rules::Height;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    ChainError, Class, Problem, Rpc,
    body::{BlockAnswer, Fault, Int, MetasAnswer, ResultsAnswer},
    rpc::Large,
};

/// Requests in a batch.
pub(crate) const MAX_CALLS: usize = 10;
/// Headers in one answer to `blockchain`.
pub(crate) const MAX_METAS: Height = 20;

/// One request of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// A block.
    Block(Height),
    /// A block's results.
    Results(Height),
    /// Headers from the first to the last height, at most [`MAX_METAS`].
    Metas(Height, Height),
}

impl Call {
    fn method(self) -> &'static str {
        match self {
            Self::Block(_) => "block",
            Self::Results(_) => "block_results",
            Self::Metas(..) => "blockchain",
        }
    }

    /// The height that an error is about.
    fn height(self) -> Height {
        match self {
            Self::Block(height) | Self::Results(height) | Self::Metas(height, _) => height,
        }
    }

    fn write(self, id: usize, body: &mut String) {
        let method = self.method();
        // Writing to a text cannot fail.
        let _ = match self {
            Self::Block(height) | Self::Results(height) => write!(
                body,
                r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{"height":"{height}"}}}}"#
            ),
            Self::Metas(first, last) => write!(
                body,
                r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{"minHeight":"{first}","maxHeight":"{last}"}}}}"#
            ),
        };
    }
}

/// A stored block that whoever answers a batch has to show within it. At one address another chain
/// of the same name may answer for a moment, and nothing in a block that touches no stored one says
/// whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Witness {
    pub(crate) height: Height,
    /// Upper-case hex.
    pub(crate) hash: String,
}

/// The answers to a batch as the node sent them.
#[derive(Debug)]
pub(crate) struct Batch {
    rpc: Rpc,
    /// Those that were asked for, and behind them the one that shows the witness.
    calls: Vec<Call>,
    witness: Option<Witness>,
    body: Vec<u8>,
    took: Duration,
}

/// An answer; it borrows from the batch.
#[derive(Debug)]
pub(crate) enum Reply<'a> {
    Block(BlockAnswer<'a>),
    Results(ResultsAnswer<'a>),
    Metas(MetasAnswer<'a>),
}

/// One element of the body.
#[derive(Debug, Deserialize)]
struct Element<'a> {
    #[serde(default)]
    id: Int,
    #[serde(default, borrow)]
    result: Option<&'a RawValue>,
    #[serde(default, borrow)]
    error: Option<Fault<'a>>,
}

impl Rpc {
    /// Sends the calls, at least one and with a witness less than [`MAX_CALLS`], in one request.
    ///
    /// # Errors
    /// [`ChainError`] when no answer came at all; errors of single calls show when it is read.
    pub(crate) async fn batch(
        &self,
        mut calls: Vec<Call>,
        witness: Option<Witness>,
    ) -> Result<Batch, ChainError> {
        calls.extend(witness.iter().map(|known| Call::Metas(known.height, known.height)));
        let mut request = String::with_capacity(96 * calls.len());
        // Some proxies know no batches: a single request goes without brackets.
        if let [call] = calls[..] {
            call.write(0, &mut request);
        } else {
            for (id, call) in calls.iter().enumerate() {
                request.push(if id == 0 { '[' } else { ',' });
                call.write(id, &mut request);
            }
            request.push(']');
        }
        let (method, at) = label(&calls);
        let answered = self.exchange(method, at, request, Large).await?;
        let (rpc, body, took) = (self.clone(), answered.body, answered.took);
        Ok(Batch { rpc, calls, witness, body, took })
    }

    /// An error about what the node says of a height, found by whoever read it.
    pub(crate) fn contradiction(&self, height: Height, reason: String) -> ChainError {
        self.error("block", Some(height), Problem::Inconsistent(reason), Class::Retry)
    }
}

/// What the batch is called in metrics and errors: it is one HTTP request.
fn label(calls: &[Call]) -> (&'static str, Option<Height>) {
    let method = match calls {
        [call] => call.method(),
        _ => "batch",
    };
    (method, calls.first().map(|call| call.height()))
}

impl Batch {
    /// Bytes of the whole answer.
    pub(crate) fn len(&self) -> usize {
        self.body.len()
    }

    /// From sending the request to the head of the answer.
    pub(crate) fn took(&self) -> Duration {
        self.took
    }

    /// One reply for each call, in their order; an error in the place of one that was refused or
    /// cannot be read.
    ///
    /// # Errors
    /// [`ChainError`] when the body is no JSON, the batch was refused as a whole, or whoever answered
    /// does not show the witness.
    pub(crate) fn read(&self) -> Result<Vec<Result<Reply<'_>, ChainError>>, ChainError> {
        let (method, at) = label(&self.calls);
        let text =
            std::str::from_utf8(&self.body).map_err(|e| self.rpc.unreadable(method, at, &e))?;
        let unreadable = |e: serde_json::Error| self.rpc.unreadable(method, at, &e);
        // A node answers a batch of one, and one that it refuses as a whole, without a list.
        let elements: Vec<Element<'_>> = if text.trim_start().starts_with('[') {
            serde_json::from_str(text).map_err(unreadable)?
        } else {
            vec![serde_json::from_str(text).map_err(unreadable)?]
        };
        if let ([Element { error: Some(fault), .. }], 2..) = (&elements[..], self.calls.len()) {
            return Err(self.refused_whole(fault));
        }
        let mut by_call: Vec<Option<Element<'_>>> = self.calls.iter().map(|_| None).collect();
        for element in elements {
            let place = element.id.0.and_then(|id| usize::try_from(id).ok());
            if let Some(slot) = place.and_then(|place| by_call.get_mut(place)) {
                *slot = Some(element);
            }
        }
        let pairs = self.calls.iter().zip(by_call);
        let mut replies: Vec<_> = pairs
            .map(|(call, element)| self.rpc.judged(call.method(), self.reply(*call, element)))
            .collect();
        if let Some(witness) = &self.witness {
            self.shows(witness, replies.pop())?;
        }
        Ok(replies)
    }

    fn shows(
        &self,
        witness: &Witness,
        reply: Option<Result<Reply<'_>, ChainError>>,
    ) -> Result<(), ChainError> {
        let metas = match reply {
            Some(Ok(Reply::Metas(answer))) => answer.block_metas.0,
            // That it has not got the witness says nothing of what was asked for.
            Some(Err(error)) => return Err(ChainError { class: Class::Retry, ..error }),
            _ => Vec::new(),
        };
        let theirs = metas.first().and_then(|meta| meta.0.as_ref());
        match theirs.map(|meta| meta.block_id.hash.as_str()) {
            Some(theirs) if theirs == witness.hash => Ok(()),
            theirs => {
                let theirs: String = theirs.unwrap_or("missing").chars().take(64).collect();
                let reason = format!("its block is {theirs}, ours is {}", witness.hash);
                Err(self.contradiction(witness.height, reason))
            }
        }
    }

    fn reply<'a>(
        &'a self,
        call: Call,
        element: Option<Element<'a>>,
    ) -> Result<Reply<'a>, ChainError> {
        let (method, at) = (call.method(), Some(call.height()));
        let missing = || self.rpc.unreadable(method, at, &"neither result nor error");
        let element = element.ok_or_else(missing)?;
        if let Some(fault) = element.error {
            let code = fault.code.0.unwrap_or_default();
            return Err(self.rpc.rpc_error(method, at, code, fault.text()));
        }
        let result = element.result.ok_or_else(missing)?.get();
        let unreadable = |e: serde_json::Error| self.rpc.unreadable(method, at, &e);
        Ok(match call {
            Call::Block(_) => Reply::Block(serde_json::from_str(result).map_err(unreadable)?),
            Call::Results(_) => Reply::Results(serde_json::from_str(result).map_err(unreadable)?),
            Call::Metas(..) => Reply::Metas(serde_json::from_str(result).map_err(unreadable)?),
        })
    }

    /// The node does not take this batch; it may take a smaller one.
    fn refused_whole(&self, fault: &Fault<'_>) -> ChainError {
        let (method, at) = label(&self.calls);
        let problem = Problem::Rpc { code: fault.code.0.unwrap_or_default(), text: fault.text() };
        self.rpc.error(method, at, problem, Class::Retry)
    }

    /// An error about what the batch says of a height.
    pub(crate) fn contradiction(&self, height: Height, reason: String) -> ChainError {
        self.rpc.contradiction(height, reason)
    }
}
