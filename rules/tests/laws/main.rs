//! Laws that hold for every input, checked on thousands of random ones.

#![allow(clippy::unwrap_used, reason = "helpers of tests are not marked as tests")]

mod networks;

mod closing;
mod forecast;
mod numbers;
mod preeligibility;
mod resolution;
mod scenario;

use proptest::test_runner::Config;

/// Many cases, and no file written next to the sources on failure: the seed is printed.
fn cases(number: u32) -> Config {
    Config { cases: number, failure_persistence: None, ..Config::default() }
}
