//! `abci_query`: which state answers, and the errors that the SDK gives instead
//! (cosmos-sdk v0.50 baseapp/abci.go, `Query`).

mod governance;
mod grpc;
mod reward;
mod store;

use super::Chain;
use super::outcome::QueryAnswer;
use super::state::State;

/// An error as `abci_query` shows it.
#[derive(Debug)]
pub(crate) struct Refusal {
    code: u32,
    log: String,
}

impl Refusal {
    fn sdk(code: u32, log: impl Into<String>) -> Self {
        Self { code, log: log.into() }
    }

    /// A gRPC `NotFound`, as baseapp turns it into an SDK error.
    fn not_found(what: &str) -> Self {
        Self::sdk(22, format!("rpc error: code = NotFound desc = {what}: key not found"))
    }

    fn invalid(what: &str) -> Self {
        Self::sdk(18, format!("rpc error: code = InvalidArgument desc = {what}: invalid request"))
    }
}

/// `latest` is the newest state that whoever is asked has.
pub(crate) fn answer(
    chain: &Chain,
    path: &str,
    data: &[u8],
    height: i64,
    latest: i64,
) -> QueryAnswer {
    let at = if height == 0 { latest } else { height };
    let refused = |refusal: Refusal| QueryAnswer {
        code: refusal.code,
        codespace: "sdk".to_owned(),
        log: refusal.log,
        height: 0,
        ..QueryAnswer::default()
    };
    if let Some(kind) = path.strip_prefix("/store/") {
        return match store::answer(chain, kind, data, at, latest) {
            Ok(answer) => answer,
            Err(refusal) => refused(refusal),
        };
    }
    if !grpc::serves(path) {
        return refused(Refusal::sdk(6, "unknown query path: unknown request"));
    }
    let value =
        state_at(chain, at, latest).and_then(|state| grpc::answer(chain, state, path, data));
    match value {
        Ok(value) => QueryAnswer { value, height: at, ..QueryAnswer::default() },
        Err(refusal) => refused(refusal),
    }
}

/// The state that a gRPC query at `height` reads.
fn state_at(chain: &Chain, height: i64, latest: i64) -> Result<&State, Refusal> {
    if height < 0 {
        return Err(Refusal::sdk(
            18,
            "cannot query with height < 0; please provide a valid height: invalid request",
        ));
    }
    if latest == 0 {
        return Err(Refusal::sdk(
            26,
            "app is not ready; please wait for first block: invalid height",
        ));
    }
    if height > latest {
        return Err(Refusal::sdk(
            26,
            "cannot query with height in the future; please provide a valid height: invalid height",
        ));
    }
    kept(chain, height).ok_or_else(|| {
        let log = format!(
            "failed to load state at height {height}; version does not exist (latest height: {latest}): invalid request"
        );
        Refusal::sdk(18, log)
    })
}

/// A state that is still kept.
fn kept(chain: &Chain, height: i64) -> Option<&State> {
    let first = chain.history.front()?.height;
    let index = usize::try_from(height.checked_sub(first)?).ok()?;
    // The state before the first block is no version of its own.
    chain.history.get(index).filter(|state| state.height > 0)
}
