//! The JSON shapes of answers and frames, field by field as CometBFT 0.38 writes them.
//!
//! Three encoders meet in one answer, and they differ in what is left out:
//! * `libs/json` on plain structs: nil slices are `null`, `omitempty` is obeyed;
//! * jsonpb on `ExecTxResult`, `EventAttribute`, `ResponseQuery` and `ResponseCheckTx`: every
//!   field is written, empty lists are `[]`, empty bytes `null`;
//! * plain structs generated from protobuf (`Event`, `ResponseInfo`, and `ExecTxResult` where it
//!   is not addressable: inside a `Tx` event): every field has `omitempty`.

mod abci;
mod block;
mod event;
mod node;

pub(crate) use abci::*;
pub(crate) use block::*;
pub(crate) use event::*;
pub(crate) use node::*;
