//! The chain as an application: what ABCI would ask of it, without a transport.

mod outcome;

pub use outcome::{Attribute, Event, Executed, QueryAnswer, TxResult};

// The chain's type and its construction belong here:
//
//   Chain::new(spec: Spec) -> Result<Chain, SpecError>
//   chain.chain_id() -> &str
//   chain.genesis_state() -> serde_json::Value               app_state of genesis.json
//   chain.height() -> i64, chain.app_hash() -> Vec<u8>
//   chain.proposal(height: i64) -> Vec<Vec<u8>>              the script's transactions for `height`
//   chain.check(tx: &[u8]) -> TxResult                       CheckTx
//   chain.execute(height: i64, time: Timestamp, txs: &[Vec<u8>]) -> Executed
//   chain.query(path: &str, data: &[u8], height: i64) -> QueryAnswer
//   chain.hosts() -> Vec<HostInfo { address, name, weight }>
//
// Execution is deterministic in (spec, txs): replaying the same blocks gives the same state and the
// same app hash, which is how both nodes recover after a crash.
