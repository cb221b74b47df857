//! Standard output and standard error. A reader that goes away, as `head` does, is no failure.

use std::io::{self, IsTerminal as _, Write as _};

use super::failure::Failure;
use crate::report::text::Colour;

/// Writes to standard output, all of it at once.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed("cannot write to standard output", &error))
        }
        _ => Ok(()),
    }
}

/// Writes a note to standard error; when even that fails there is nobody left to tell.
pub(super) fn note(text: &str) {
    let mut out = io::stderr().lock();
    let _ = writeln!(out, "{text}");
}

/// Says why the command failed.
pub(super) fn complain(failure: &Failure) {
    note(&format!("error: {failure}"));
}

/// A value as indented JSON with a line end.
pub(super) fn json<T: serde::Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| Failure::failed("cannot write JSON", &error))
}

/// Colours on a terminal that has them.
pub(super) fn colour() -> Colour {
    let wanted = io::stdout().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    if wanted { Colour::On } else { Colour::Off }
}
