//! SIGTERM and SIGINT.

use std::sync::{Arc, OnceLock};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::failure::Failure;

/// The exit code after a second signal.
const IMPATIENT: i32 = 130;

/// The signal that came first, once one has come.
#[derive(Debug, Clone, Default)]
pub(super) struct Received(Arc<OnceLock<(&'static str, u8)>>);

impl Received {
    /// Its name, and the exit code of a process that it stopped before the end of its work: 128 and
    /// its number, as a shell has it.
    pub(super) fn name_and_code(&self) -> Option<(&'static str, u8)> {
        self.0.get().copied()
    }
}

/// From now on a SIGTERM or SIGINT cancels `stop`. A second one ends the process at once: the
/// database is safe at every moment, so that impatience costs nothing but the last answers.
pub(super) fn stop_on_signal(stop: &CancellationToken) -> Result<Received, Failure> {
    let failed = |error| Failure::failed("cannot listen for signals", &error);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let stop = stop.clone();
    let received = Received::default();
    let first = received.clone();
    tokio::spawn(async move {
        loop {
            let (name, number) = tokio::select! {
                _ = terminate.recv() => ("SIGTERM", 15),
                _ = interrupt.recv() => ("SIGINT", 2),
            };
            if stop.is_cancelled() {
                tracing::warn!(signal = name, "second signal: ending at once");
                std::process::exit(IMPATIENT);
            }
            tracing::info!(signal = name, "stopping");
            let _ = first.0.set((name, 128 + number));
            stop.cancel();
        }
    });
    Ok(received)
}
