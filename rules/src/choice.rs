//! What a host chose for a model, and the transactions that choose.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Address, Height, ModelId};

/// What the chain stores for one host and model. No stored choice is `None` of an `Option`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Choice {
    /// Another host serves in its place. Kept until replaced or cleared.
    Delegate {
        /// That host.
        delegate_to: Address,
    },
    /// Declines the model; wiped at every validation end.
    Refuse,
    /// Will serve a candidate model; wiped at every validation end.
    Intent,
}

/// What a transaction asks for. The last write wins for each host and model.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum ChoiceAction {
    /// `MsgSetPoCDelegation` with a delegate.
    Delegate {
        /// The host that is to serve.
        delegate_to: Address,
    },
    /// `MsgSetPoCDelegation` with an empty delegate: removes every kind of choice.
    Clear,
    /// `MsgRefusePoCDelegation`.
    Refuse,
    /// `MsgDeclarePoCIntent`; removes a delegation of the same model.
    Intent,
}

impl ChoiceAction {
    /// The choice that stands once this has been executed.
    #[must_use]
    pub fn outcome(&self) -> Option<Choice> {
        match self {
            Self::Delegate { delegate_to } => {
                Some(Choice::Delegate { delegate_to: delegate_to.clone() })
            }
            Self::Clear => None,
            Self::Refuse => Some(Choice::Refuse),
            Self::Intent => Some(Choice::Intent),
        }
    }
}

/// Where a message stands in its transaction: its index, then its index inside each `MsgExec`
/// around it. Written `0`, or `1.0.2`.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
pub struct MessagePath(pub Vec<u32>);

impl fmt::Display for MessagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, index) in self.0.iter().enumerate() {
            if depth > 0 {
                f.write_str(".")?;
            }
            write!(f, "{index}")?;
        }
        Ok(())
    }
}

/// Where on the chain a message stands. The order of positions is the order of execution.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
pub struct Position {
    /// The block.
    pub height: Height,
    /// The transaction's index in the block.
    pub tx_index: u32,
    /// The message in the transaction.
    pub path: MessagePath,
}

/// One choice message, wherever it was found: direct or inside authz.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChoiceTx {
    /// Where it stands.
    pub position: Position,
    /// Upper-case hex SHA-256 of the raw transaction.
    pub tx_hash: String,
    /// The host whose choice it is (`sender` of the message, not of an authz wrapper).
    pub host: Address,
    /// The model.
    pub model_id: ModelId,
    /// What it asks for.
    pub action: ChoiceAction,
    /// The transaction's result code; only 0 changes state.
    pub code: u32,
}
