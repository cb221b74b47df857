//! How a command ends badly.

use std::{error::Error, fmt, process::ExitCode};

use crate::{daemon::DaemonError, evidence::EvidenceError, orders::OrderError};

/// The exit code for a wrong command line or configuration; clap's own.
pub(super) const USAGE: u8 = 2;

/// Why a command failed, in words for standard error.
#[derive(Debug)]
pub(super) enum Failure {
    /// The command line, the configuration or an input file is wrong: exit code 2.
    Usage(String),
    /// A signal stopped it before the end: 128 and the signal's number.
    Interrupted(String, u8),
    /// Anything else: exit code 1.
    Failed(String),
}

impl Failure {
    /// `what`, with the error's whole chain of causes on one line.
    pub(super) fn failed(what: &str, error: &dyn Error) -> Self {
        Self::Failed(format!("{what}: {}", chain(error)))
    }

    /// An error whose own words are enough.
    pub(super) fn of(error: &dyn Error) -> Self {
        Self::Failed(chain(error))
    }

    /// The daemon's own verdict on whether the configuration must change.
    pub(super) fn of_daemon(error: &DaemonError) -> Self {
        match error.exit_code() {
            USAGE => Self::Usage(chain(error)),
            _ => Self::Failed(chain(error)),
        }
    }

    /// A wrong question is usage; what is not stored, or cannot be read, is a failure.
    #[expect(clippy::needless_pass_by_value, reason = "for map_err")]
    pub(super) fn of_evidence(error: EvidenceError) -> Self {
        match error {
            EvidenceError::Question(_) => Self::Usage(chain(&error)),
            EvidenceError::NotStored(_) | EvidenceError::Store(_) => Self::Failed(chain(&error)),
        }
    }

    /// A wrong order is usage, as is one about something that does not exist.
    #[expect(clippy::needless_pass_by_value, reason = "for map_err")]
    pub(super) fn of_order(error: OrderError) -> Self {
        match error {
            OrderError::Wrong(_) | OrderError::Unknown(_) => Self::Usage(chain(&error)),
            OrderError::Store(_) => Self::Failed(chain(&error)),
        }
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(USAGE),
            Self::Interrupted(_, code) => ExitCode::from(*code),
            Self::Failed(_) => ExitCode::FAILURE,
        }
    }
}

/// An error and its causes. A cause that the message already contains is not said again.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Interrupted(text, _) | Self::Failed(text) => {
                f.write_str(text)
            }
        }
    }
}
