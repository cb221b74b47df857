//! Deciding proposals whose voting period ends with this block.

use std::sync::Arc;

use super::super::event::event;
use super::super::outcome::Event;
use super::super::state::{Proposal, State};

/// New parameters are in force for the rest of this block's end, and after.
pub(super) fn decide(state: &mut State) -> Vec<Event> {
    if state.proposals.iter().all(|proposal| proposal.decided_at > state.height) {
        return Vec::new();
    }
    let open = Arc::unwrap_or_clone(std::mem::take(&mut state.proposals));
    let (due, later): (Vec<_>, Vec<_>) =
        open.into_iter().partition(|proposal| proposal.decided_at <= state.height);
    state.proposals = Arc::new(later);
    due.into_iter().map(|proposal| decide_one(state, proposal)).collect()
}

fn decide_one(state: &mut State, proposal: Proposal) -> Event {
    let weights = state.live_weights();
    let tally = |wanted: bool| -> i64 {
        let voters = proposal.votes.iter().filter(|(_, yes)| **yes == wanted);
        voters.filter_map(|(voter, _)| weights.get(voter)).sum()
    };
    let passed = tally(true) > tally(false);
    let (result, log) = match (passed, proposal.params) {
        (true, Some(params)) => {
            state.params = Arc::new(params);
            ("proposal_passed", "passed")
        }
        (true, None) => ("proposal_passed", "passed"),
        (false, _) => ("proposal_rejected", "rejected"),
    };
    let id = proposal.id.to_string();
    let attributes =
        [("proposal_id", id.as_str()), ("proposal_result", result), ("proposal_log", log)];
    event("active_proposal", attributes)
}
