//! Proposals and votes (SDK 0.50 x/gov), enough to change parameters and to schedule upgrades.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use prost::{DecodeError, Message as _};

use super::super::event::event;
use super::super::state::{Proposal, State};
use super::super::tx::{Failure, type_url};
use super::super::wire::{
    Any, MsgSoftwareUpgrade, MsgSubmitProposal, MsgSubmitProposalResponse, MsgUpdateParams,
    MsgVote, Params, Plan,
};
use super::Done;

/// How many blocks after its submission a proposal is decided.
pub(crate) const VOTING_BLOCKS: i64 = 4;

/// How long a vote says that it lasts. It is decided by height, so that a story knows when; blocks
/// that come late must not make it look overdue.
const VOTING_TIME: SignedDuration = SignedDuration::from_mins(5);

/// Proposals that wait at the same time, at most: each keeps a whole set of parameters.
const MAX_OPEN: usize = 100;

/// What a message of a proposal does once that has passed.
#[derive(Debug)]
pub(crate) enum Resolution {
    Params(Option<Box<Params>>),
    Upgrade(Plan),
    CancelUpgrade,
    /// Something that this chain does not know how to do.
    Other,
}

impl Resolution {
    pub(crate) fn decode(any: &Any) -> Result<Self, DecodeError> {
        let value = any.value.as_slice();
        Ok(match any.type_url.as_str() {
            type_url::UPDATE_PARAMS => {
                Self::Params(MsgUpdateParams::decode(value)?.params.map(Box::new))
            }
            type_url::SOFTWARE_UPGRADE => {
                Self::Upgrade(MsgSoftwareUpgrade::decode(value)?.plan.unwrap_or_default())
            }
            type_url::CANCEL_UPGRADE => Self::CancelUpgrade,
            _ => Self::Other,
        })
    }
}

pub(super) fn propose(state: &mut State, message: &MsgSubmitProposal) -> Result<Done, Failure> {
    if state.proposals.len() >= MAX_OPEN {
        return Err(Failure::gov(2, "too many open proposals: inactive proposal"));
    }
    for any in &message.messages {
        Resolution::decode(any).map_err(|error| Failure::parse(&error.to_string()))?;
    }
    let id = state.last_proposal + 1;
    state.last_proposal = id;
    let proposal = Proposal {
        id,
        submitted: Arc::new(message.clone()),
        submitted_at: state.time,
        voting_end: state.time.saturating_add(VOTING_TIME).unwrap_or(state.time),
        decided_at: state.height + VOTING_BLOCKS,
        votes: BTreeMap::new(),
    };
    Arc::make_mut(&mut state.proposals).push(proposal);
    let id_text = id.to_string();
    // The list starts with a comma: the keeper joins ",url" (x/gov/keeper/proposal.go).
    let urls = message.messages.iter().map(|any| format!(",{}", any.type_url)).collect::<String>();
    let deposit =
        message.initial_deposit.iter().map(|coin| format!("{}{}", coin.amount, coin.denom));
    let deposit = deposit.collect::<Vec<_>>().join(",");
    let events = vec![
        event(
            "submit_proposal",
            [
                ("proposal_id", id_text.as_str()),
                ("proposal_proposer", &message.proposer),
                ("proposal_messages", &urls),
            ],
        ),
        event(
            "proposal_deposit",
            [
                ("depositor", message.proposer.as_str()),
                ("amount", &deposit),
                ("proposal_id", &id_text),
            ],
        ),
        event("submit_proposal", [("voting_period_start", id_text.as_str())]),
    ];
    let response = MsgSubmitProposalResponse { proposal_id: id }.encode_to_vec();
    Ok(Done { events, response })
}

pub(super) fn vote(state: &mut State, message: &MsgVote) -> Result<Done, Failure> {
    let proposals = Arc::make_mut(&mut state.proposals);
    let Some(proposal) = proposals.iter_mut().find(|open| open.id == message.proposal_id) else {
        let log = format!("{}: inactive proposal", message.proposal_id);
        return Err(Failure::gov(3, &log));
    };
    if !(1..=4).contains(&message.option) {
        return Err(Failure::gov(7, "invalid vote option"));
    }
    proposal.votes.insert(message.voter.as_str().into(), message.option == 1);
    let option = format!("[{{\"option\":{},\"weight\":\"1.000000000000000000\"}}]", message.option);
    let id = message.proposal_id.to_string();
    let attributes = [("voter", message.voter.as_str()), ("option", &option), ("proposal_id", &id)];
    Ok(Done { events: vec![event("proposal_vote", attributes)], response: Vec::new() })
}
