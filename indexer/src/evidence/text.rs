//! Explanations and comparisons for a terminal, narrow enough for a phone.

mod comparison;
mod explanation;

use std::fmt::Write as _;

use bootwatch_rules::{Address, Choice, situation::ModelState};
use bootwatch_schema::StoredChoice;

pub use self::{comparison::comparison, explanation::explanation};
use crate::report::words::clean;

fn chosen(stored: &StoredChoice) -> String {
    match &stored.choice {
        Choice::Delegate { delegate_to } => view("delegate", Some(delegate_to)),
        Choice::Refuse => "refuse".to_owned(),
        Choice::Intent => "intent".to_owned(),
    }
}

fn view(kind: &str, delegate: Option<&Address>) -> String {
    match delegate {
        Some(delegate) => format!("delegate to {}", clean(delegate.as_str())),
        None => clean(kind),
    }
}

fn state(state: ModelState) -> &'static str {
    match state {
        ModelState::Active => "active",
        ModelState::Candidate => "candidate",
    }
}

fn line(out: &mut String, depth: usize, text: &str) {
    let indent = depth * 2;
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{}", format!("{:indent$}{text}", "").trim_end());
}
