//! `abci_query`.

use super::Chain;
use super::outcome::QueryAnswer;

pub(crate) fn answer(chain: &Chain, path: &str, _data: &[u8], _height: i64) -> QueryAnswer {
    QueryAnswer {
        code: 6,
        codespace: "sdk".to_owned(),
        log: format!("{path}: unknown query path: unknown request"),
        height: chain.height(),
        ..QueryAnswer::default()
    }
}
