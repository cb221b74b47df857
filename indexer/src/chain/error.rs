//! What can go wrong between us and a node, and what follows from it.

use std::sync::Arc;

use bootwatch_rules::Height;

/// A request that did not give what was asked for.
#[derive(Debug, Clone, thiserror::Error)]
#[error("endpoint {endpoint}: {method}{}: {problem}", .height.map(|h| format!(" at height {h}")).unwrap_or_default())]
pub struct ChainError {
    /// The endpoint's name.
    pub endpoint: Arc<str>,
    /// The RPC method, or `websocket`.
    pub method: &'static str,
    /// The height that was asked for.
    pub height: Option<Height>,
    /// What happened.
    pub problem: Problem,
    /// What to do about it.
    pub class: Class,
}

/// What to do about a [`ChainError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Ask again later, here or elsewhere.
    Retry,
    /// This node has not come so far yet.
    NotYet,
    /// This node no longer has it, or never keeps it.
    Unavailable,
    /// This node serves another chain.
    WrongChain,
    /// Asking again gives the same: the node does not offer this, or we cannot read it.
    Fatal,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// No connection, or it broke.
    #[error("{0}")]
    Transport(String),
    /// No answer in time.
    #[error("no answer within {0} s")]
    Timeout(u64),
    /// An HTTP status other than 200.
    #[error("HTTP status {status}{hint}")]
    Http {
        /// The status.
        status: u16,
        /// What it usually means here, or empty.
        hint: &'static str,
    },
    /// A JSON-RPC error.
    #[error("error {code}: {text}")]
    Rpc {
        /// JSON-RPC's code.
        code: i64,
        /// The node's words: a hint for people, never for decisions alone.
        text: String,
    },
    /// The application refused a query.
    #[error("query refused with {codespace} code {code}: {log}")]
    Query {
        /// The application's code.
        code: u32,
        /// Whose code it is.
        codespace: String,
        /// The application's words.
        log: String,
    },
    /// The body is larger than we are willing to hold.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The answer cannot be read.
    #[error("unreadable answer: {0}")]
    Body(String),
    /// The answer is readable but contradicts the question or itself.
    #[error("contradictory answer: {0}")]
    Inconsistent(String),
    /// It serves another chain.
    #[error("it serves the chain {found:?}, not {expected:?}")]
    OtherChain {
        /// The configured chain.
        expected: String,
        /// The node's.
        found: String,
    },
    /// A CometBFT whose events we cannot read.
    #[error("it runs CometBFT {0}; bootwatch reads 0.38 and newer")]
    OldNode(String),
}

impl ChainError {
    /// The reason as a label: few values, none of them from the node.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self.problem {
            Problem::Transport(_) => "connection",
            Problem::Timeout(_) => "timeout",
            Problem::Http { .. } => "http_status",
            Problem::Rpc { .. } | Problem::Query { .. } => match self.class {
                Class::NotYet => "not_yet",
                Class::Unavailable => "unavailable",
                _ => "refused",
            },
            Problem::TooLarge { .. } => "too_large",
            Problem::Body(_) => "unreadable",
            Problem::Inconsistent(_) => "contradictory",
            Problem::OtherChain { .. } => "other_chain",
            Problem::OldNode(_) => "old_node",
        }
    }
}

/// What is known of a node when it answers with an error.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Known {
    /// The newest height it told of.
    pub(crate) head: Height,
    /// The oldest height it still has.
    pub(crate) earliest: Height,
}

/// A node saves a block before its results and before the application's state: the newest heights
/// may lack both for a moment (CometBFT 0.38 `finalizeCommit`).
const RACE: Height = 2;

/// Decides by method and by what we know of the node; its words only where that leaves it open.
pub(crate) fn classify_rpc(height: Option<Height>, known: Known, text: &str) -> Class {
    let Some(height) = height else { return Class::Retry };
    if known.earliest > 0 && height < known.earliest {
        return Class::Unavailable;
    }
    if known.head > 0 && height > known.head {
        return Class::NotYet;
    }
    if text.contains("lowest height is") || text.contains("not persisting") {
        return Class::Unavailable;
    }
    if text.contains("must be less than or equal") {
        return Class::NotYet;
    }
    if text.contains("could not find results") {
        let near = height.saturating_add(RACE) >= known.head;
        return if near { Class::NotYet } else { Class::Unavailable };
    }
    Class::Retry
}

/// `sdk` codes of a query at a pinned height (cosmos-sdk `types/errors`): 26 is a height that the
/// application has not reached, 38 a version that it no longer keeps. Releases before 0.50 used 18
/// for both, so there the words decide.
pub(crate) fn classify_query(code: u32, codespace: &str, log: &str) -> Class {
    match (codespace, code) {
        ("sdk", 26) => Class::NotYet,
        ("sdk", 38) => Class::Unavailable,
        ("sdk", 6) => Class::Fatal,
        ("sdk", 18) if log.contains("failed to load state") => Class::Unavailable,
        ("sdk", 18) if log.contains("in the future") => Class::NotYet,
        _ => Class::Retry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_knowledge_comes_before_words() {
        let known = Known { head: 100, earliest: 50 };
        let cases = [
            (49, "anything", Class::Unavailable),
            (101, "anything", Class::NotYet),
            (99, "could not find results for height #99", Class::NotYet),
            (60, "could not find results for height #60", Class::Unavailable),
            (60, "height 60 is not available, lowest height is 70", Class::Unavailable),
            (
                100,
                "height 100 must be less than or equal to the current blockchain height 99",
                Class::NotYet,
            ),
            (60, "node is not persisting finalize block responses", Class::Unavailable),
            (60, "something else", Class::Retry),
        ];
        for (height, text, expected) in cases {
            assert_eq!(classify_rpc(Some(height), known, text), expected, "{height} {text}");
        }
        assert_eq!(classify_rpc(None, known, "x"), Class::Retry);
    }
}
