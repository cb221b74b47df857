//! The transactions of a block: what the story says, what hosts do for proof of compute, and the
//! seeded background of choices, failures and unrelated traffic.
//!
//! A pure function of the spec and the state before the block, so that any node that replays the
//! blocks proposes the same ones.

mod background;
mod scripted;
mod work;

use std::collections::BTreeSet;

use super::address::{Address, ModelId};
use super::dice::Dice;
use super::roster::{Host, Roster};
use super::spec::Spec;
use super::state::State;
use super::story::{Action, Choice, Moment, Via};
use super::tx::{Draft, message, type_url, wrapped};
use super::wire::{Any, MsgDeclarePoCIntent, MsgRefusePoCDelegation, MsgSetPoCDelegation};

/// Everything that decides about a block's transactions.
struct Scene<'a> {
    spec: &'a Spec,
    roster: &'a Roster,
    state: &'a State,
    dice: Dice,
    height: i64,
}

/// What goes into a block.
enum Item {
    Draft(Draft),
    Bytes(Vec<u8>),
}

/// The transactions for the block `height`.
pub(crate) fn transactions(
    spec: &Spec,
    roster: &Roster,
    state: &State,
    height: i64,
) -> Vec<Vec<u8>> {
    let scene = Scene { spec, roster, state, dice: Dice::new(spec.seed), height };
    let mut items = scene.scripted();
    items.extend(scene.work());
    items.extend(scene.background());
    items
        .into_iter()
        .zip(0_u64..)
        .map(|(item, index)| match item {
            Item::Bytes(bytes) => bytes,
            Item::Draft(draft) => {
                let number = height.unsigned_abs().saturating_mul(10_000).saturating_add(index);
                draft.encode(scene.dice, height, number)
            }
        })
        .collect()
}

impl Scene<'_> {
    fn resolve(&self, moment: &Moment) -> Option<i64> {
        let window = self.state.params.delegation_params.as_ref().map_or(0, |p| p.deploy_window);
        moment.height(&self.state.epoch_params(), window, &self.state.epochs)
    }

    fn is_registered(&self, host: &Host) -> bool {
        self.state.participants.contains(&host.address)
    }

    /// The models that a host computes for: what it can serve, with the story's `serve` and `stop`
    /// up to this height.
    fn serving(&self, host: &Host) -> BTreeSet<ModelId> {
        let mut models = host.serves.clone();
        for step in &self.spec.story.steps {
            let (name, model, starts) = match &step.action {
                Action::Serve { host, model } => (host, model, true),
                Action::Stop { host, model } => (host, model, false),
                _ => continue,
            };
            if *name != host.name || self.resolve(&step.moment).is_none_or(|at| at > self.height) {
                continue;
            }
            match (model, starts) {
                (Some(model), true) => drop(models.insert(model.as_str().into())),
                (Some(model), false) => drop(models.remove(model.as_str())),
                (None, true) => models.extend(host.serves.iter().cloned()),
                (None, false) => models.clear(),
            }
        }
        models
    }

    /// Whether the story keeps a host from sending what it computed.
    fn withholds(&self, host: &Host) -> bool {
        self.spec.story.steps.iter().any(|step| {
            matches!(&step.action, Action::Withhold { host: name } if *name == host.name)
                && self.resolve(&step.moment).is_some_and(|at| at <= self.height)
        })
    }

    /// A choice as a transaction, the way it travels.
    fn choose(&self, host: &Host, model: &str, choice: &Choice, via: Via) -> Draft {
        self.travel(host, choice_message(&host.address, model, choice), via)
    }

    fn travel(&self, host: &Host, message: Any, via: Via) -> Draft {
        match via {
            Via::Direct => Draft::new(&host.address, vec![message]),
            Via::Authz => Draft::new(&host.warm, vec![wrapped(&host.warm, vec![message])]),
            Via::Nested => {
                let inner = wrapped(&host.warm, vec![message]);
                Draft::new(&host.warm, vec![wrapped(&host.warm, vec![inner])])
            }
        }
    }
}

fn choice_message(host: &Address, model: &str, choice: &Choice) -> Any {
    let (sender, model_id) = (host.to_string(), model.to_owned());
    match choice {
        Choice::Delegate(to) => {
            let delegate_to = to.clone();
            message(type_url::SET, &MsgSetPoCDelegation { sender, model_id, delegate_to })
        }
        Choice::Refuse => message(type_url::REFUSE, &MsgRefusePoCDelegation { sender, model_id }),
        Choice::Intent => message(type_url::INTENT, &MsgDeclarePoCIntent { sender, model_id }),
    }
}
