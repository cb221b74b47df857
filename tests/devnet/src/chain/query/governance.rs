//! What governance is about to do: x/gov's proposals under vote and x/upgrade's plan.

use super::super::state::{Proposal, State};
use super::super::wire::{
    GovProposal, PageResponse, QueryCurrentPlanResponse, QueryProposalsRequest,
    QueryProposalsResponse, Timestamp,
};
use super::Refusal;

pub(super) const PROPOSALS: &str = "/cosmos.gov.v1.Query/Proposals";
pub(super) const CURRENT_PLAN: &str = "/cosmos.upgrade.v1beta1.Query/CurrentPlan";

/// `PROPOSAL_STATUS_VOTING_PERIOD`: a deposit is always enough here, and what was decided is gone.
const VOTING: i32 = 2;

/// A page of proposals, 100 when the request does not say; a page begins at a proposal's number.
pub(super) fn proposals(
    state: &State,
    request: &QueryProposalsRequest,
) -> Result<QueryProposalsResponse, Refusal> {
    let page = request.pagination.clone().unwrap_or_default();
    let limit = match page.limit {
        0 => 100,
        limit => usize::try_from(limit).unwrap_or(usize::MAX),
    };
    let first = match page.key.as_slice() {
        [] => 0,
        key => u64::from_be_bytes(
            key.try_into().map_err(|_| Refusal::invalid("invalid pagination key"))?,
        ),
    };
    let wanted = [0, VOTING].contains(&request.proposal_status);
    let mut open = state.proposals.iter().filter(|open| wanted && open.id >= first);
    let shown = open.by_ref().take(limit).map(shown).collect();
    let next_key = open.next().map(|next| next.id.to_be_bytes().to_vec()).unwrap_or_default();
    Ok(QueryProposalsResponse {
        proposals: shown,
        pagination: Some(PageResponse { next_key, total: 0 }),
    })
}

fn shown(proposal: &Proposal) -> GovProposal {
    let submitted = &proposal.submitted;
    let at = |time: jiff::Timestamp| {
        Some(Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() })
    };
    GovProposal {
        id: proposal.id,
        messages: submitted.messages.clone(),
        status: VOTING,
        submit_time: at(proposal.submitted_at),
        total_deposit: submitted.initial_deposit.clone(),
        voting_start_time: at(proposal.submitted_at),
        voting_end_time: at(proposal.voting_end),
        metadata: submitted.metadata.clone(),
        title: submitted.title.clone(),
        summary: submitted.summary.clone(),
        proposer: submitted.proposer.clone(),
    }
}

pub(super) fn current_plan(state: &State) -> QueryCurrentPlanResponse {
    QueryCurrentPlanResponse { plan: state.upgrade.clone() }
}
