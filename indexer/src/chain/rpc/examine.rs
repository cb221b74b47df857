//! What tells one node from another: the block it has at a height, and whether it keeps results.

use bootwatch_rules::Height;
use serde::Deserialize;

use super::{Rpc, Small};
use crate::chain::{
    ChainError, Class, Problem,
    body::{Answer, Attribute, BlockId, List, ResultsAnswer},
};

#[derive(Deserialize)]
struct Metas<'a> {
    #[serde(default, borrow)]
    block_metas: List<Meta<'a>>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow)]
    block_id: BlockId<'a>,
}

impl Rpc {
    /// The hash of the node's block at a height, upper-case hex.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn hash_at(&self, height: Height) -> Result<String, ChainError> {
        const METHOD: &str = "blockchain";
        let (at, request) = (Some(height), hash_request(1, height).to_string());
        let answered = self.exchange(METHOD, at, request, Small).await?;
        let text = std::str::from_utf8(&answered.body);
        let hash = text.map_err(|e| self.unreadable(METHOD, at, &e));
        self.judged(METHOD, hash.and_then(|text| self.read_hash(height, text)))
    }

    /// The hash in the answer to a [`hash_request`].
    pub(super) fn read_hash(&self, height: Height, text: &str) -> Result<String, ChainError> {
        const METHOD: &str = "blockchain";
        let at = Some(height);
        let answer: Answer<'_, Metas<'_>> =
            serde_json::from_str(text).map_err(|e| self.unreadable(METHOD, at, &e))?;
        if let Some(fault) = answer.error {
            let code = fault.code.0.unwrap_or_default();
            return Err(self.rpc_error(METHOD, at, code, fault.text()));
        }
        let metas = answer.result.map(|metas| metas.block_metas.0).unwrap_or_default();
        match metas.first().map(|meta| meta.block_id.hash.as_str()) {
            Some(hash) if !hash.is_empty() => Ok(hash.to_owned()),
            _ => Err(self.unreadable(METHOD, at, &"no block of that height")),
        }
    }

    /// Whether the node keeps the results of past blocks (`discard_abci_responses = false`), seen at
    /// a height that it has.
    ///
    /// # Errors
    /// [`ChainError`]; [`Class::Fatal`] when the attributes of events are base64, as a CometBFT
    /// before 0.38 writes them: some builds report a version that does not tell.
    pub async fn keeps_results(&self, height: Height) -> Result<bool, ChainError> {
        const METHOD: &str = "block_results";
        let body = match self.at_height(METHOD, height).await {
            // Whoever has that much to say keeps it.
            Err(ChainError { problem: Problem::TooLarge { .. }, .. }) => return Ok(true),
            body => body?,
        };
        let text =
            std::str::from_utf8(&body).map_err(|e| self.unreadable(METHOD, Some(height), &e))?;
        let answer: Answer<'_, ResultsAnswer<'_>> =
            serde_json::from_str(text).map_err(|e| self.unreadable(METHOD, Some(height), &e))?;
        if let Some(fault) = answer.error {
            // Whatever else is wrong, it would not say this.
            return Ok(!fault.text().contains("not persisting"));
        }
        if answer.result.is_some_and(|results| is_base64(&results)) {
            let problem = Problem::OldNode("before 0.38: its events are base64".to_owned());
            return Err(self.error(METHOD, Some(height), problem, Class::Fatal));
        }
        Ok(true)
    }
}

/// The question with the smallest answer that holds a block's hash.
pub(super) fn hash_request(id: usize, height: Height) -> serde_json::Value {
    serde_json::json!({
        "jsonrpc": "2.0", "id": id, "method": "blockchain",
        "params": { "minHeight": height.to_string(), "maxHeight": height.to_string() },
    })
}

/// Keys of attributes that are asked about: enough that chance is out of the question.
const KEYS: usize = 4;

/// Every key of an attribute is the base64 of a plain name. Keys as they are (`amount`, `spender`,
/// `mode`) are no base64, or not that of a name, so one of them is enough to say no.
fn is_base64(results: &ResultsAnswer<'_>) -> bool {
    let of_txs = results.txs_results.0.iter().flat_map(|tx| &tx.0).map(|tx| &tx.events);
    let lists = [&results.finalize_block_events].into_iter().chain(of_txs);
    let mut keys = 0;
    for text in lists.flat_map(|events| events.sample).flatten() {
        let Ok(attributes) = serde_json::from_str::<Vec<Attribute<'_>>>(text.get()) else {
            return false;
        };
        for attribute in &attributes {
            if !is_encoded_name(attribute.key.as_str()) {
                return false;
            }
            keys += 1;
        }
    }
    keys >= KEYS
}

fn is_encoded_name(key: &str) -> bool {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let name = STANDARD.decode(key).unwrap_or_default();
    !name.is_empty() && name.iter().all(|b| b.is_ascii_alphanumeric() || b"_-. ".contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(keys: &[&str]) -> String {
        let attributes: Vec<_> =
            keys.iter().map(|key| serde_json::json!({ "key": key, "value": "x" })).collect();
        serde_json::json!({
            "height": "5", "txs_results": null,
            "finalize_block_events": [{ "type": "coin_spent", "attributes": attributes }],
        })
        .to_string()
    }

    #[test]
    fn base64_keys_are_told_from_plain_ones() {
        let encoded = ["c3BlbmRlcg==", "YW1vdW50", "cmVjZWl2ZXI=", "bW9kZQ=="];
        let judge = |keys: &[&str]| is_base64(&serde_json::from_str(&results(keys)).unwrap());
        assert!(judge(&encoded));
        assert!(!judge(&encoded[..3]), "too few to say");
        let plain = ["spender", "amount", "receiver", "mode", "model_id", "sender", "msg_index"];
        assert!(!judge(&plain));
        for key in plain {
            assert!(!is_encoded_name(key), "{key}");
            assert!(!judge(&[encoded[0], encoded[1], encoded[2], encoded[3], key]), "{key}");
        }
        assert!(!judge(&[]));
    }
}
