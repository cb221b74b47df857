//! The messages that this chain knows.

use prost::Message as _;

use super::super::address;
use super::super::wire::{
    Any, MsgDeclarePoCIntent, MsgExec, MsgMLNodeWeightDistribution, MsgPoCV2StoreCommit,
    MsgRefusePoCDelegation, MsgSend, MsgSetPoCDelegation, MsgSubmitHardwareDiff,
    MsgSubmitNewParticipant, MsgSubmitPocValidationsV2, MsgSubmitProposal, MsgSubmitSeed,
    MsgUpdateParams, MsgVote,
};
use super::Failure;

/// Type URLs.
pub(crate) mod type_url {
    pub(crate) const SET: &str = "/inference.inference.MsgSetPoCDelegation";
    pub(crate) const REFUSE: &str = "/inference.inference.MsgRefusePoCDelegation";
    pub(crate) const INTENT: &str = "/inference.inference.MsgDeclarePoCIntent";
    pub(crate) const EXEC: &str = "/cosmos.authz.v1beta1.MsgExec";
    pub(crate) const COMMIT: &str = "/inference.inference.MsgPoCV2StoreCommit";
    pub(crate) const DISTRIBUTE: &str = "/inference.inference.MsgMLNodeWeightDistribution";
    pub(crate) const VALIDATE: &str = "/inference.inference.MsgSubmitPocValidationsV2";
    pub(crate) const SEED: &str = "/inference.inference.MsgSubmitSeed";
    pub(crate) const REGISTER: &str = "/inference.inference.MsgSubmitNewParticipant";
    pub(crate) const HARDWARE: &str = "/inference.inference.MsgSubmitHardwareDiff";
    pub(crate) const SEND: &str = "/cosmos.bank.v1beta1.MsgSend";
    pub(crate) const PROPOSE: &str = "/cosmos.gov.v1.MsgSubmitProposal";
    pub(crate) const VOTE: &str = "/cosmos.gov.v1.MsgVote";
    pub(crate) const UPDATE_PARAMS: &str = "/inference.inference.MsgUpdateParams";
    pub(crate) const SOFTWARE_UPGRADE: &str = "/cosmos.upgrade.v1beta1.MsgSoftwareUpgrade";
    pub(crate) const CANCEL_UPGRADE: &str = "/cosmos.upgrade.v1beta1.MsgCancelUpgrade";
}

/// How deep `MsgExec` may nest before the decoder gives up.
const MAX_DEPTH: usize = 16;

/// A decoded message.
#[derive(Debug)]
pub(crate) enum Message {
    Set(MsgSetPoCDelegation),
    Refuse(MsgRefusePoCDelegation),
    Intent(MsgDeclarePoCIntent),
    Exec { grantee: String, inner: Vec<Message> },
    Commit(MsgPoCV2StoreCommit),
    Distribute(MsgMLNodeWeightDistribution),
    Validate(MsgSubmitPocValidationsV2),
    Seed(MsgSubmitSeed),
    Register(MsgSubmitNewParticipant),
    Hardware(MsgSubmitHardwareDiff),
    Send(MsgSend),
    Propose(MsgSubmitProposal),
    Vote(MsgVote),
    UpdateParams { authority: String },
}

impl Message {
    pub(crate) fn decode(any: &Any, depth: usize) -> Result<Self, Failure> {
        let value = any.value.as_slice();
        let decoded = match any.type_url.as_str() {
            type_url::SET => MsgSetPoCDelegation::decode(value).map(Self::Set),
            type_url::REFUSE => MsgRefusePoCDelegation::decode(value).map(Self::Refuse),
            type_url::INTENT => MsgDeclarePoCIntent::decode(value).map(Self::Intent),
            type_url::COMMIT => MsgPoCV2StoreCommit::decode(value).map(Self::Commit),
            type_url::DISTRIBUTE => {
                MsgMLNodeWeightDistribution::decode(value).map(Self::Distribute)
            }
            type_url::VALIDATE => MsgSubmitPocValidationsV2::decode(value).map(Self::Validate),
            type_url::SEED => MsgSubmitSeed::decode(value).map(Self::Seed),
            type_url::REGISTER => MsgSubmitNewParticipant::decode(value).map(Self::Register),
            type_url::HARDWARE => MsgSubmitHardwareDiff::decode(value).map(Self::Hardware),
            type_url::SEND => MsgSend::decode(value).map(Self::Send),
            type_url::PROPOSE => MsgSubmitProposal::decode(value).map(Self::Propose),
            type_url::VOTE => MsgVote::decode(value).map(Self::Vote),
            type_url::UPDATE_PARAMS => MsgUpdateParams::decode(value)
                .map(|update| Self::UpdateParams { authority: update.authority }),
            type_url::EXEC => {
                if depth >= MAX_DEPTH {
                    return Err(Failure::parse("max depth exceeded"));
                }
                let exec = MsgExec::decode(value)
                    .map_err(|error| Failure::parse(&format!("{}: {error}", any.type_url)))?;
                let inner = exec.msgs.iter().map(|any| Self::decode(any, depth + 1));
                let inner = inner.collect::<Result<_, _>>()?;
                Ok(Self::Exec { grantee: exec.grantee, inner })
            }
            unknown => {
                return Err(Failure::parse(&format!("unable to resolve type URL {unknown}")));
            }
        };
        decoded.map_err(|error| Failure::parse(&format!("{}: {error}", any.type_url)))
    }

    pub(crate) fn type_url(&self) -> &'static str {
        match self {
            Self::Set(_) => type_url::SET,
            Self::Refuse(_) => type_url::REFUSE,
            Self::Intent(_) => type_url::INTENT,
            Self::Exec { .. } => type_url::EXEC,
            Self::Commit(_) => type_url::COMMIT,
            Self::Distribute(_) => type_url::DISTRIBUTE,
            Self::Validate(_) => type_url::VALIDATE,
            Self::Seed(_) => type_url::SEED,
            Self::Register(_) => type_url::REGISTER,
            Self::Hardware(_) => type_url::HARDWARE,
            Self::Send(_) => type_url::SEND,
            Self::Propose(_) => type_url::PROPOSE,
            Self::Vote(_) => type_url::VOTE,
            Self::UpdateParams { .. } => type_url::UPDATE_PARAMS,
        }
    }

    /// The account whose signature, or whose grant, the message needs.
    pub(crate) fn signer(&self) -> &str {
        match self {
            Self::Set(message) => &message.sender,
            Self::Refuse(message) => &message.sender,
            Self::Intent(message) => &message.sender,
            Self::Exec { grantee, .. } => grantee,
            Self::Commit(message) => &message.creator,
            Self::Distribute(message) => &message.creator,
            Self::Validate(message) => &message.creator,
            Self::Seed(message) => &message.creator,
            Self::Register(message) => &message.creator,
            Self::Hardware(message) => &message.creator,
            Self::Send(message) => &message.from_address,
            Self::Propose(message) => &message.proposer,
            Self::Vote(message) => &message.voter,
            Self::UpdateParams { authority } => authority,
        }
    }

    /// Checks without state. For choices: x/inference/types/message_poc_delegation.go.
    pub(crate) fn check_basics(&self) -> Result<(), Failure> {
        address_ok("sender", self.signer())?;
        let model = match self {
            Self::Set(message) => {
                if !message.delegate_to.is_empty() {
                    address_ok("delegate_to", &message.delegate_to)?;
                }
                &message.model_id
            }
            Self::Refuse(message) => &message.model_id,
            Self::Intent(message) => &message.model_id,
            Self::Exec { inner, .. } => {
                if inner.is_empty() {
                    return Err(Failure::sdk(18, "messages cannot be empty: invalid request"));
                }
                return inner.iter().try_for_each(Self::check_basics);
            }
            _ => return Ok(()),
        };
        if model.is_empty() {
            return Err(Failure::sdk(18, "model_id cannot be empty: invalid request"));
        }
        match self {
            Self::Set(message) if message.sender == message.delegate_to => {
                Err(Failure::inference(1175, "self-delegation not allowed"))
            }
            _ => Ok(()),
        }
    }
}

fn address_ok(field: &str, text: &str) -> Result<(), Failure> {
    address::check(text).map_err(|problem| {
        Failure::sdk(7, &format!("invalid {field} address ({problem}): invalid address"))
    })
}
