//! Questions to the application: ten in one request, where the node takes batches.
//!
//! An answer to `abci_query` names a height and no block, and at one address another chain of the
//! same name may answer for a moment: behind it may be many nodes, or another program takes over. So
//! whoever needs the state after one very block, [`AtBlock`], has that block shown within the same
//! request, by whoever answers it.

use std::sync::{Arc, atomic::Ordering};

use bootwatch_rules::Height;
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::value::RawValue;
use tendermint_rpc::{Response as _, endpoint::abci_query, request::RequestMessage as _};

use super::{Rpc, Small, examine::hash_request, height_of};
use crate::chain::{
    ChainError, Class, Problem, Question, StateSource, body::Int, error::classify_query,
};

/// CometBFT 0.38 takes ten requests in a batch (`max_request_batch_size`).
const BATCH: usize = 10;
/// Requests under way at a time.
const CONCURRENT: usize = 4;

impl StateSource for Rpc {
    fn name(&self) -> &Arc<str> {
        self.endpoint().name()
    }

    async fn query(
        &self,
        method: &'static str,
        path: &str,
        data: Vec<u8>,
        height: Height,
    ) -> Result<Vec<u8>, ChainError> {
        let request = self.request(method, path, data, height)?;
        let answered = self.exchange(method, Some(height), request.into_json(), Small).await?;
        let value = self.value(method, height, &answered.body);
        self.judged(method, value)
    }

    async fn queries(
        &self,
        questions: Vec<Question>,
        height: Height,
    ) -> Vec<Result<Vec<u8>, ChainError>> {
        self.all_queries(questions, height, None).await
    }
}

/// A node, asked for the state after one very block: what comes from a node that does not show this
/// block in the same breath is refused.
#[derive(Debug, Clone, Copy)]
pub struct AtBlock<'a> {
    rpc: &'a Rpc,
    hash: &'a str,
}

impl StateSource for AtBlock<'_> {
    fn name(&self) -> &Arc<str> {
        self.rpc.endpoint().name()
    }

    async fn query(
        &self,
        method: &'static str,
        path: &str,
        data: Vec<u8>,
        height: Height,
    ) -> Result<Vec<u8>, ChainError> {
        let question = Question { method, path: path.to_owned(), data };
        let answers = self.queries(vec![question], height).await;
        answers.into_iter().next().unwrap_or_else(|| {
            Err(self.rpc.unreadable(method, Some(height), &"no answer to the question"))
        })
    }

    async fn queries(
        &self,
        questions: Vec<Question>,
        height: Height,
    ) -> Vec<Result<Vec<u8>, ChainError>> {
        self.rpc.all_queries(questions, height, Some(self.hash)).await
    }
}

/// One element of an answer to a batch.
#[derive(Deserialize)]
struct Element {
    #[serde(default)]
    id: Int,
}

impl Rpc {
    /// The state after the block of that hash, upper-case hex, and no other.
    #[must_use]
    pub fn at_block<'a>(&'a self, hash: &'a str) -> AtBlock<'a> {
        AtBlock { rpc: self, hash }
    }

    async fn all_queries(
        &self,
        questions: Vec<Question>,
        height: Height,
        block: Option<&str>,
    ) -> Vec<Result<Vec<u8>, ChainError>> {
        let single = self.inner.known.no_batches.load(Ordering::Relaxed);
        let size = match block {
            _ if single => 1,
            // One request of the batch shows the block.
            Some(_) => BATCH - 1,
            None => BATCH,
        };
        let batches: Vec<Vec<Question>> = questions.chunks(size).map(<[_]>::to_vec).collect();
        let answers: Vec<Vec<_>> = stream::iter(batches)
            .map(|batch| self.batch_of_queries(batch, height, block))
            .buffered(CONCURRENT)
            .collect()
            .await;
        answers.into_iter().flatten().collect()
    }

    fn request(
        &self,
        method: &'static str,
        path: &str,
        data: Vec<u8>,
        height: Height,
    ) -> Result<abci_query::Request, ChainError> {
        let pinned = tendermint::block::Height::try_from(height).map_err(|_| {
            let problem = Problem::Inconsistent("no such height".to_owned());
            self.error(method, Some(height), problem, Class::Fatal)
        })?;
        Ok(abci_query::Request::new(Some(path.to_owned()), data, Some(pinned), false))
    }

    /// At most [`BATCH`] questions in one request; one by one when the node takes no batches.
    async fn batch_of_queries(
        &self,
        questions: Vec<Question>,
        height: Height,
        block: Option<&str>,
    ) -> Vec<Result<Vec<u8>, ChainError>> {
        let batches = !self.inner.known.no_batches.load(Ordering::Relaxed);
        if batches && (questions.len() > 1 || block.is_some()) {
            match self.try_batch(&questions, height, block).await {
                Ok(Some(answers)) => return answers,
                Ok(None) => {
                    tracing::info!(endpoint = %self.endpoint().name(), "it takes no batches");
                    self.inner.known.no_batches.store(true, Ordering::Relaxed);
                }
                Err(error) => return questions.iter().map(|_| Err(error.clone())).collect(),
            }
        }
        let mut answers = Vec::with_capacity(questions.len());
        for question in questions {
            let Question { method, path, data } = question;
            let answer = self.query(method, &path, data, height);
            answers.push(match block {
                Some(hash) => self.between(answer, height, hash).await,
                None => answer.await,
            });
        }
        answers
    }

    /// Without batches, the block is shown before and after: the next best.
    async fn between(
        &self,
        answer: impl Future<Output = Result<Vec<u8>, ChainError>>,
        height: Height,
        hash: &str,
    ) -> Result<Vec<u8>, ChainError> {
        self.shows(height, hash, self.hash_at(height).await)?;
        let answer = answer.await?;
        self.shows(height, hash, self.hash_at(height).await)?;
        Ok(answer)
    }

    fn shows(
        &self,
        height: Height,
        hash: &str,
        theirs: Result<String, ChainError>,
    ) -> Result<(), ChainError> {
        let theirs = theirs?;
        if theirs == hash {
            return Ok(());
        }
        let theirs: String = theirs.chars().take(64).collect();
        let problem = Problem::Inconsistent(format!("its block is {theirs}, ours is {hash}"));
        Err(self.error("blockchain", Some(height), problem, Class::Retry))
    }

    /// None when the node, or a proxy before it, refuses the batch as such.
    async fn try_batch(
        &self,
        questions: &[Question],
        height: Height,
        block: Option<&str>,
    ) -> Result<Option<Vec<Result<Vec<u8>, ChainError>>>, ChainError> {
        const METHOD: &str = "batch";
        let mut requests = Vec::with_capacity(questions.len());
        for (id, question) in questions.iter().enumerate() {
            let Question { method, path, data } = question.clone();
            let params = self.request(method, &path, data, height)?;
            requests.push(serde_json::json!({
                "jsonrpc": "2.0", "id": id, "method": "abci_query", "params": params,
            }));
        }
        let witness = block.map(|_| requests.len());
        requests.extend(witness.map(|id| hash_request(id, height)));
        let request = serde_json::Value::from(requests).to_string();
        let answered = match self.exchange(METHOD, Some(height), request, Small).await {
            Err(ChainError {
                problem: Problem::Http { status: 400 | 405 | 413 | 501, .. },
                ..
            }) => {
                return Ok(None);
            }
            answered => answered?,
        };
        let text = std::str::from_utf8(&answered.body)
            .map_err(|e| self.unreadable(METHOD, Some(height), &e))?;
        if !text.trim_start().starts_with('[') {
            return Ok(None);
        }
        let elements: Vec<&RawValue> =
            serde_json::from_str(text).map_err(|e| self.unreadable(METHOD, Some(height), &e))?;
        let mut by_id: Vec<Option<&str>> = vec![None; questions.len() + 1];
        for element in elements {
            let id = serde_json::from_str(element.get()).ok().and_then(|e: Element| e.id.0);
            let place = id.and_then(|id| usize::try_from(id).ok());
            if let Some(place) = place.and_then(|place| by_id.get_mut(place)) {
                *place = Some(element.get());
            }
        }
        if let (Some(witness), Some(hash)) = (witness, block) {
            let shown = by_id[witness].unwrap_or_default();
            self.shows(height, hash, self.read_hash(height, shown))?;
        }
        let answers = questions.iter().zip(by_id).map(|(question, element)| {
            let method = question.method;
            let value = match element {
                Some(element) => self.value(method, height, element.as_bytes()),
                None => Err(self.unreadable(method, Some(height), &"the batch lacks its answer")),
            };
            self.judged(method, value)
        });
        Ok(Some(answers.collect()))
    }

    /// The value in an answer to `abci_query`.
    fn value(
        &self,
        method: &'static str,
        height: Height,
        body: &[u8],
    ) -> Result<Vec<u8>, ChainError> {
        let answer = abci_query::Response::from_string(body)
            .map_err(|error| self.typed_error(method, Some(height), &error))?
            .response;
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
}
