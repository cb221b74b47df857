//! For every alert a story on the simulated chain.
#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

mod calendar;
mod choices;
mod course;
#[path = "../rules_follow_the_chain/player.rs"]
#[allow(dead_code, reason = "shared with the tests of the rules")]
mod player;
mod steps;

/// A story, and the alert that it is told for.
pub(crate) struct Story {
    alert: &'static str,
    /// The test that tells it.
    told: fn(),
}
