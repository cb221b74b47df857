//! Questions to the application, one by one.

use std::sync::Arc;

use bootwatch_rules::Height;
use tendermint_rpc::{Response as _, endpoint::abci_query, request::RequestMessage as _};

use super::{Rpc, Small, height_of};
use crate::chain::{ChainError, Class, Problem, StateSource, error::classify_query};

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
        let pinned = tendermint::block::Height::try_from(height).map_err(|_| {
            let problem = Problem::Inconsistent("no such height".to_owned());
            self.error(method, Some(height), problem, Class::Fatal)
        })?;
        let request = abci_query::Request::new(Some(path.to_owned()), data, Some(pinned), false);
        let answered = self.exchange(method, Some(height), request.into_json(), Small).await?;
        let value = self.value(method, height, &answered.body);
        self.judged(method, value)
    }
}

impl Rpc {
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
