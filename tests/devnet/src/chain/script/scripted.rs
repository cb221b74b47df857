//! What the story says for this height, and the votes on open proposals.

use super::super::address;
use super::super::genesis;
use super::super::messages::VOTING_BLOCKS;
use super::super::roster::Host;
use super::super::story::{Action, Choice, Motion, Via};
use super::super::tx::{Draft, message, type_url};
use super::super::wire::{
    Coin, MsgCancelUpgrade, MsgSend, MsgSetPoCDelegation, MsgSoftwareUpgrade,
    MsgSubmitNewParticipant, MsgSubmitProposal, MsgUpdateParams, MsgVote, Plan,
};
use super::{Item, Scene};

/// How many of the heaviest hosts vote on a proposal.
const VOTERS: usize = 12;

impl Scene<'_> {
    pub(super) fn scripted(&self) -> Vec<Item> {
        let mut items = self.votes();
        for step in &self.spec.story.steps {
            let Some(at) = self.resolve(&step.moment) else { continue };
            // A proposal is submitted so that it is decided at the moment the story names.
            let due = match step.action {
                Action::Govern { .. } => at.saturating_sub(VOTING_BLOCKS).max(1),
                _ => at,
            };
            if due == self.height {
                items.extend(self.act(&step.action));
            }
        }
        items
    }

    fn act(&self, action: &Action) -> Option<Item> {
        let host = |name: &str| self.roster.named(name);
        let draft = match action {
            Action::Choose { host: name, model, choice, via } => {
                let choice = match choice {
                    Choice::Delegate(to) => Choice::Delegate(self.address_of(to)),
                    other => other.clone(),
                };
                self.choose(host(name)?, model, &choice, *via)
            }
            Action::Fail { host: name, via } => self.failing(host(name)?, *via),
            Action::Join { host: name } => {
                let host = host(name)?;
                let register = MsgSubmitNewParticipant {
                    creator: host.address.to_string(),
                    url: format!("http://{}.example:8000", host.name),
                };
                Draft::new(&host.address, vec![message(type_url::REGISTER, &register)])
            }
            Action::Govern { title, motion } => self.propose(title.as_deref(), motion)?,
            Action::Raw(bytes) => return Some(Item::Bytes(bytes.clone())),
            Action::Send { host: name, to, memo } => {
                let mut draft = self.send(host(name)?, &self.address_of(to), 1);
                draft.memo.clone_from(memo);
                draft
            }
            // The chain's own doing, and what hosts compute for and send of it.
            Action::Exclude { .. }
            | Action::FailCapture
            | Action::Serve { .. }
            | Action::Stop { .. }
            | Action::Withhold { .. } => return None,
        };
        Some(Item::Draft(draft))
    }

    /// A host's address by its name; anything else is taken as it is.
    fn address_of(&self, name: &str) -> String {
        self.roster.named(name).map_or_else(|| name.to_owned(), |host| host.address.to_string())
    }

    /// A delegation for a model that governance does not know.
    pub(super) fn failing(&self, host: &Host, via: Via) -> Draft {
        let set = MsgSetPoCDelegation {
            sender: host.address.to_string(),
            model_id: "nobody/Unheard-Of-1B".to_owned(),
            delegate_to: String::new(),
        };
        self.travel(host, message(type_url::SET, &set), via)
    }

    pub(super) fn send(&self, from: &Host, to: &str, amount: u64) -> Draft {
        let send = MsgSend {
            from_address: from.address.to_string(),
            to_address: to.to_owned(),
            amount: vec![Coin { denom: "ngonka".to_owned(), amount: amount.to_string() }],
        };
        Draft::new(&from.address, vec![message(type_url::SEND, &send)])
    }

    fn propose(&self, title: Option<&str>, motion: &Motion) -> Option<Draft> {
        let authority = address::module("gov").to_string();
        let (resolution, plain) = match motion {
            Motion::SetParams(change) => {
                let mut params = (*self.state.params).clone();
                genesis::change(&mut params, change, self.roster, self.spec.version);
                let update = MsgUpdateParams { authority, params: Some(params) };
                (message(type_url::UPDATE_PARAMS, &update), "Change parameters".to_owned())
            }
            Motion::Upgrade { name, after } => {
                let height = self.height.saturating_add(VOTING_BLOCKS).saturating_add(*after);
                let plan = Plan { name: name.clone(), height, info: String::new() };
                let upgrade = MsgSoftwareUpgrade { authority, plan: Some(plan) };
                (message(type_url::SOFTWARE_UPGRADE, &upgrade), format!("Upgrade to {name}"))
            }
            Motion::CancelUpgrade => {
                let cancel = MsgCancelUpgrade { authority };
                (message(type_url::CANCEL_UPGRADE, &cancel), "Cancel the upgrade".to_owned())
            }
        };
        let proposer = self.roster.hosts.iter().find(|host| self.is_registered(host))?;
        let proposal = MsgSubmitProposal {
            messages: vec![resolution],
            initial_deposit: vec![Coin {
                denom: "ngonka".to_owned(),
                amount: "25000000000".to_owned(),
            }],
            proposer: proposer.address.to_string(),
            title: title.map_or(plain, str::to_owned),
            summary: self.spec.story.shows.clone(),
            ..MsgSubmitProposal::default()
        };
        Some(Draft::new(&proposer.address, vec![message(type_url::PROPOSE, &proposal)]))
    }

    /// The heaviest hosts vote yes on every proposal, one or two blocks after its submission.
    fn votes(&self) -> Vec<Item> {
        let mut items = Vec::new();
        for proposal in self.state.proposals.iter() {
            let age = self.height - (proposal.decided_at - VOTING_BLOCKS);
            if !(1..=2).contains(&age) {
                continue;
            }
            let weights = self.state.live_weights();
            let mut voters = self.roster.hosts.iter().collect::<Vec<_>>();
            voters.sort_by_key(|host| {
                (-weights.get(&host.address).copied().unwrap_or_default(), &host.name)
            });
            for (index, host) in voters.into_iter().take(VOTERS).enumerate() {
                if (index % 2 == 0) != (age == 1) || !weights.contains_key(&host.address) {
                    continue;
                }
                let vote = MsgVote {
                    proposal_id: proposal.id,
                    voter: host.address.to_string(),
                    option: 1,
                    ..MsgVote::default()
                };
                let draft = Draft::new(&host.address, vec![message(type_url::VOTE, &vote)]);
                items.push(Item::Draft(draft));
            }
        }
        items
    }
}
