//! Tools that a machine may lack.

use std::{env, io::Write, path::PathBuf};

/// Whether `tool` must be there.
fn required(tool: &str) -> bool {
    env::var("REQUIRE_TOOLS").is_ok_and(|list| list.split(',').any(|t| t.trim() == tool))
}

/// Finds a program on PATH.
fn on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join(program)).find(|p| p.is_file())
}

/// The program, or a plain word that the test is skipped and how to get it.
pub(crate) fn tool(tool: &str, program: &str, how: &str) -> Option<PathBuf> {
    let found = on_path(program);
    report(tool, found, how)
}

/// As [`tool`], for a file that another tool put there.
pub(crate) fn file(tool: &str, path: PathBuf, how: &str) -> Option<PathBuf> {
    report(tool, Some(path).filter(|path| path.is_file()), how)
}

/// As [`tool`], for the real node, which `COMETBFT_BIN` may name.
pub(crate) fn cometbft() -> Option<PathBuf> {
    report(
        "cometbft",
        bootwatch_devnet::cometbft::find(),
        "go install github.com/cometbft/cometbft/cmd/cometbft@v0.38.21, or set COMETBFT_BIN",
    )
}

/// A tool is there and cannot be used here: as [`tool`], when it is missing.
pub(crate) fn unusable<T>(tool: &str, why: &str) -> Option<T> {
    report(tool, None, why);
    None
}

fn report(tool: &str, found: Option<PathBuf>, how: &str) -> Option<PathBuf> {
    if found.is_none() {
        assert!(!required(tool), "{tool} is required and was not found: {how}");
        // Past the test harness, which swallows what tests that pass print.
        let skipped = format!("SKIPPED: {tool} was not found; to run this test: {how}\n");
        std::io::stderr().write_all(skipped.as_bytes()).expect("write to standard error");
    }
    found
}
