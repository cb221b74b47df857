//! What executing a block or answering a query gives.

/// An ABCI event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its type.
    pub kind: String,
    /// Its attributes, in order.
    pub attributes: Vec<Attribute>,
}

/// An attribute of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Whether nodes index it.
    pub index: bool,
}

/// The result of one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TxResult {
    /// 0 for success.
    pub code: u32,
    /// The responses of its messages, protobuf.
    pub data: Vec<u8>,
    /// The error, or empty.
    pub log: String,
    /// Empty in practice.
    pub info: String,
    /// Gas asked for.
    pub gas_wanted: i64,
    /// Gas used.
    pub gas_used: i64,
    /// Events of the ante handler and, on success, of the messages.
    pub events: Vec<Event>,
    /// Whose code it is, such as `inference`.
    pub codespace: String,
}

/// The result of one block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Executed {
    /// One result for each transaction.
    pub tx_results: Vec<TxResult>,
    /// The block's own events: pre-block, begin-block, end-block.
    pub events: Vec<Event>,
    /// The state's hash after it.
    pub app_hash: Vec<u8>,
}

/// The answer to `abci_query`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueryAnswer {
    /// 0 for success.
    pub code: u32,
    /// The error, or empty.
    pub log: String,
    /// Whose code it is.
    pub codespace: String,
    /// The key that was asked for, in store queries.
    pub key: Vec<u8>,
    /// The answer, protobuf.
    pub value: Vec<u8>,
    /// The height it holds for.
    pub height: i64,
}
