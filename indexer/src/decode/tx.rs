//! Transactions: their messages, through any depth of authz.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bootwatch_rules::{BlockFacts, MessagePath, Position};
use prost::Message;
use sha2::{Digest, Sha256};

use super::{malformed::Report, messages};
use crate::chain::wire::{Any, MsgExec, TxBody, TxRaw};

const MSG_EXEC: &str = "/cosmos.authz.v1beta1.MsgExec";

/// The SDK unpacks at most 10 levels of `Any` (`codec/types` `MaxUnpackAnyRecursionDepth`), so
/// nothing deeper can have succeeded.
const MAX_DEPTH: usize = 16;

/// Where a message stands, and what became of its transaction.
pub(super) struct Place<'a> {
    pub(super) tx_index: u32,
    pub(super) tx_hash: &'a str,
    pub(super) path: &'a [u32],
    pub(super) code: u32,
}

impl Place<'_> {
    pub(super) fn position(&self, facts: &BlockFacts) -> Position {
        Position {
            height: facts.height,
            tx_index: self.tx_index,
            path: MessagePath(self.path.to_vec()),
        }
    }

    pub(super) fn describe(&self) -> String {
        let path = MessagePath(self.path.to_vec());
        let message = if self.path.is_empty() { String::new() } else { format!(" message {path}") };
        let failed = if self.code == 0 { "" } else { " (failed, so it changed nothing)" };
        format!("tx {}{message}{failed}", self.tx_index)
    }
}

/// Reads one transaction into the facts; gives its hash, unless it is not even base64.
pub(super) fn read(
    facts: &mut BlockFacts,
    report: &mut Report,
    tx_index: u32,
    text: &str,
    code: u32,
) -> Option<[u8; 32]> {
    let refuse = |report: &mut Report, reason: String| {
        let place = Place { tx_index, tx_hash: "", path: &[], code };
        // Base64 grows by a third: this is more than the report keeps.
        report.push("tx", place.describe(), reason, text.chars().take(8192).collect());
    };
    let bytes = match STANDARD.decode(text) {
        Ok(bytes) => bytes,
        Err(error) => {
            refuse(report, format!("not base64: {error}"));
            return None;
        }
    };
    let hash: [u8; 32] = Sha256::digest(&bytes).into();
    let body =
        TxRaw::decode(bytes.as_slice()).and_then(|raw| TxBody::decode(raw.body_bytes.as_slice()));
    let body = match body {
        Ok(body) => body,
        Err(error) => {
            refuse(report, error.to_string());
            return Some(hash);
        }
    };
    let tx_hash = hex::encode_upper(hash);
    let mut walk = Walk { facts, report, tx_index, tx_hash: &tx_hash, code, path: Vec::new() };
    walk.messages(body.messages);
    Some(hash)
}

struct Walk<'a> {
    facts: &'a mut BlockFacts,
    report: &'a mut Report,
    tx_index: u32,
    tx_hash: &'a str,
    code: u32,
    path: Vec<u32>,
}

impl Walk<'_> {
    fn messages(&mut self, messages: Vec<Any>) {
        for (index, message) in (0u32..).zip(messages) {
            self.path.push(index);
            self.message(&message);
            self.path.pop();
        }
    }

    fn message(&mut self, message: &Any) {
        let outcome = if message.type_url == MSG_EXEC {
            self.exec(message)
        } else {
            let place = Place {
                tx_index: self.tx_index,
                tx_hash: self.tx_hash,
                path: &self.path,
                code: self.code,
            };
            messages::read(self.facts, &place, message)
        };
        if let Err(reason) = outcome {
            let place = Place {
                tx_index: self.tx_index,
                tx_hash: self.tx_hash,
                path: &self.path,
                code: self.code,
            };
            let what = message.type_url.rsplit('.').next().unwrap_or("message");
            let value = message.value.get(..4096).unwrap_or(&message.value);
            self.report.push(what, place.describe(), reason, STANDARD.encode(value));
        }
    }

    fn exec(&mut self, message: &Any) -> Result<(), String> {
        if self.path.len() >= MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH} levels"));
        }
        let exec = MsgExec::decode(message.value.as_slice()).map_err(|e| e.to_string())?;
        self.messages(exec.msgs);
        Ok(())
    }
}
