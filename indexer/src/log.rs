//! The log: one line for each thing that changed, with fields, to standard error.

use std::io::{self, IsTerminal as _};

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// The variable with the filter, such as `info,bootwatch::chain=debug`.
pub const FILTER_VARIABLE: &str = "BOOTWATCH_LOG";
/// What is logged without it. `tendermint_rpc` writes URLs and bodies at `debug`.
pub const DEFAULT_FILTER: &str = "info,tendermint_rpc=warn";
/// For commands whose output is not the log.
pub const QUIET_FILTER: &str = "warn,tendermint_rpc=warn";

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be read.
    #[error("{FILTER_VARIABLE}: {0}; an example is \"info,bootwatch=debug\"")]
    Filter(String),
    /// There is one already.
    #[error("the log is set up already")]
    Twice,
}

/// Starts the log and sends panics to it. `default_filter` holds unless the variable is set.
///
/// # Errors
/// [`LogError`] when the filter is wrong, or on a second call.
pub fn start(format: Format, default_filter: &str) -> Result<(), LogError> {
    let given = std::env::var(FILTER_VARIABLE).unwrap_or_default();
    let given = given.trim();
    let filter = if given.is_empty() { default_filter } else { given };
    let filter = EnvFilter::try_new(filter).map_err(|e| LogError::Filter(e.to_string()))?;
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match format {
        Format::Text => log.with_ansi(colour).try_init(),
        Format::Json => log.json().flatten_event(true).try_init(),
    }
    .map_err(|_| LogError::Twice)?;
    log_panics();
    Ok(())
}

/// A panic is a defect; its message belongs where the operator looks, with the thread it ended.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("no message");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current();
        let backtrace = std::backtrace::Backtrace::capture();
        tracing::error!(
            place,
            thread = thread.name().unwrap_or("unnamed"),
            %backtrace,
            "panic: {message}"
        );
    }));
}
