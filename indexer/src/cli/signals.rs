//! SIGTERM and SIGINT.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::failure::Failure;

/// The exit code after a second signal.
const IMPATIENT: i32 = 130;

/// From now on a SIGTERM or SIGINT cancels `stop`. A second one ends the process at once: the
/// database is safe at every moment, so that impatience costs nothing but the last answers.
pub(super) fn stop_on_signal(stop: &CancellationToken) -> Result<(), Failure> {
    let failed = |error| Failure::failed("cannot listen for signals", &error);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let stop = stop.clone();
    tokio::spawn(async move {
        loop {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            if stop.is_cancelled() {
                tracing::warn!(signal = name, "second signal: ending at once");
                std::process::exit(IMPATIENT);
            }
            tracing::info!(signal = name, "stopping");
            stop.cancel();
        }
    });
    Ok(())
}
