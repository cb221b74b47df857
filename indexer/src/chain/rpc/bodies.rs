//! A block and its results, fetched together and read later.

use bootwatch_rules::Height;
use serde::Deserialize;

use super::{Large, Rpc};
use crate::chain::{
    ChainError, Class, Problem,
    body::{Answer, BlockAnswer, ResultsAnswer},
};

impl Rpc {
    /// Fetches a block and its results, unread.
    ///
    /// # Errors
    /// [`ChainError`]; the JSON-RPC errors inside the bodies show when they are read.
    pub async fn bodies(&self, height: Height) -> Result<Bodies, ChainError> {
        let (block, results) = tokio::try_join!(
            self.at_height("block", height),
            self.at_height("block_results", height),
        )?;
        Ok(Bodies { rpc: self.clone(), height, block, results })
    }

    /// The body that a method with nothing but a height answers.
    pub(super) async fn at_height(
        &self,
        method: &'static str,
        height: Height,
    ) -> Result<Vec<u8>, ChainError> {
        let request = serde_json::json!({
            "jsonrpc": "2.0", "id": 1, "method": method, "params": { "height": height.to_string() },
        });
        let answered = self.exchange(method, Some(height), request.to_string(), Large).await?;
        Ok(answered.body)
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
