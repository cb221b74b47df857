//! What messages do to the state.

mod choice;
mod governance;
mod work;

use std::sync::Arc;

use super::event::push;
use super::outcome::Event;
use super::roster::Roster;
use super::state::State;
use super::tx::{Failure, Message, transfer_events};

pub(crate) use governance::{Resolution, VOTING_BLOCKS};

/// What a message left behind.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) events: Vec<Event>,
    /// The response, protobuf; most are empty.
    pub(crate) response: Vec<u8>,
}

/// Executes a message. A message other than `MsgExec` that fails has changed nothing.
pub(crate) fn run(state: &mut State, roster: &Roster, message: &Message) -> Result<Done, Failure> {
    match message {
        Message::Set(message) => choice::set(state, message)?,
        Message::Refuse(message) => choice::refuse(state, message)?,
        Message::Intent(message) => choice::intent(state, message)?,
        Message::Exec { grantee, inner } => return exec(state, roster, grantee, inner),
        Message::Commit(message) => work::commit(state, message)?,
        Message::Distribute(message) => work::distribute(state, message)?,
        Message::Validate(message) => work::validate(state, message)?,
        Message::Seed(message) => work::seed(state, message)?,
        Message::Register(message) => {
            Arc::make_mut(&mut state.participants).insert(message.creator.as_str().into());
        }
        Message::Hardware(_) => {}
        Message::Send(message) => {
            let coins = message.amount.iter().map(|coin| format!("{}{}", coin.amount, coin.denom));
            let amount = coins.collect::<Vec<_>>().join(",");
            let events = transfer_events(&message.from_address, &message.to_address, &amount);
            return Ok(Done { events: events.into(), response: Vec::new() });
        }
        Message::Propose(message) => return governance::propose(state, message),
        Message::Vote(message) => return governance::vote(state, message),
        Message::UpdateParams { .. } => {
            // Only the governance module may, and it does so at the end of a block.
            return Err(Failure::gov(
                8,
                "invalid authority; expected the gov module: expected gov account as only signer for proposal message",
            ));
        }
    }
    Ok(Done::default())
}

/// Executes messages for whoever granted it. The SDK emits no `message.action` event for them;
/// what they emit themselves gets `authz_msg_index`.
fn exec(
    state: &mut State,
    roster: &Roster,
    grantee: &str,
    inner: &[Message],
) -> Result<Done, Failure> {
    let mut done = Done::default();
    for (index, message) in inner.iter().enumerate() {
        let granter = message.signer();
        // Whoever acts for itself needs no grant.
        if granter != grantee && !roster.may_act(grantee, granter) {
            let log = format!(
                "failed to get grant with given granter: {granter}, grantee: {grantee} & msgType: {} : authorization not found",
                message.type_url()
            );
            return Err(Failure::authz(2, &log));
        }
        let ran = run(state, roster, message).map_err(|failure| {
            failure.within(&format!("failed to execute message; message {index}"))
        })?;
        for mut event in ran.events {
            push(&mut event, "authz_msg_index", index.to_string());
            done.events.push(event);
        }
    }
    Ok(done)
}
