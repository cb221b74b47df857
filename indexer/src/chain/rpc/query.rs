//! Questions to the application: ten in one request, where the node takes batches.

use std::sync::{Arc, atomic::Ordering};

use bootwatch_rules::Height;
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::value::RawValue;
use tendermint_rpc::{Response as _, endpoint::abci_query, request::RequestMessage as _};

use super::{Rpc, Small, height_of};
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
        let single = self.inner.known.no_batches.load(Ordering::Relaxed);
        let size = if single { 1 } else { BATCH };
        let batches: Vec<Vec<Question>> = questions.chunks(size).map(<[_]>::to_vec).collect();
        let answers: Vec<Vec<_>> = stream::iter(batches)
            .map(|batch| self.batch_of_queries(batch, height))
            .buffered(CONCURRENT)
            .collect()
            .await;
        answers.into_iter().flatten().collect()
    }
}

/// One element of an answer to a batch.
#[derive(Deserialize)]
struct Element {
    #[serde(default)]
    id: Int,
}

impl Rpc {
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
    ) -> Vec<Result<Vec<u8>, ChainError>> {
        if questions.len() > 1 {
            match self.try_batch(&questions, height).await {
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
            answers.push(self.query(method, &path, data, height).await);
        }
        answers
    }

    /// None when the node, or a proxy before it, refuses the batch as such.
    async fn try_batch(
        &self,
        questions: &[Question],
        height: Height,
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
        let mut by_question: Vec<Option<&str>> = vec![None; questions.len()];
        for element in elements {
            let id = serde_json::from_str(element.get()).ok().and_then(|e: Element| e.id.0);
            let place = id.and_then(|id| usize::try_from(id).ok());
            if let Some(place) = place.and_then(|place| by_question.get_mut(place)) {
                *place = Some(element.get());
            }
        }
        let answers = questions.iter().zip(by_question).map(|(question, element)| {
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
