//! Why a transaction or a message was refused.

use super::super::outcome::{Event, TxResult};

/// A registered error with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    codespace: &'static str,
    code: u32,
    log: String,
}

impl Failure {
    pub(crate) fn sdk(code: u32, log: &str) -> Self {
        Self { codespace: "sdk", code, log: log.to_owned() }
    }

    pub(crate) fn inference(code: u32, log: &str) -> Self {
        Self { codespace: "inference", code, log: log.to_owned() }
    }

    pub(crate) fn authz(code: u32, log: &str) -> Self {
        Self { codespace: "authz", code, log: log.to_owned() }
    }

    pub(crate) fn gov(code: u32, log: &str) -> Self {
        Self { codespace: "gov", code, log: log.to_owned() }
    }

    /// Bytes that are no transaction.
    pub(crate) fn parse(what: &str) -> Self {
        Self::sdk(2, &format!("{what}: tx parse error"))
    }

    /// The same, with what was being done in front, as `errorsmod.Wrap` writes it.
    pub(crate) fn within(self, context: &str) -> Self {
        Self { log: format!("{context}: {}", self.log), ..self }
    }

    pub(crate) fn result(self, gas: (i64, i64), events: Vec<Event>) -> TxResult {
        TxResult {
            code: self.code,
            codespace: self.codespace.to_owned(),
            log: self.log,
            gas_wanted: gas.0,
            gas_used: gas.1,
            events,
            ..TxResult::default()
        }
    }
}
