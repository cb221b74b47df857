//! The `bootwatch` command; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    bootwatch::cli::main()
}
