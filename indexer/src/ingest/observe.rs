//! What has to be asked of the chain besides its blocks, at the height of one block.

use std::{collections::BTreeSet, time::Duration};

use bootwatch_rules::{
    Address, BlockFacts, Height, Observation,
    ledger::{Ledger, Needs},
};
use tokio::time::sleep;

use super::endpoints::Endpoints;
use crate::chain::{ChainError, Class, Rpc, StateSource};

/// Rounds over all endpoints before a block goes on without its observation.
const ROUNDS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(25);
/// Blocks after which a state that was pruned everywhere is asked for again.
const PRUNED_AGAIN: Height = 100;
/// Blocks to the head within which a state can be expected to be there.
const RECENT: Height = 50;

/// What could not be read at its own height and is still wanted.
#[derive(Debug, Default)]
pub(crate) struct Owed {
    wanted: Wanted,
    not_before: Height,
}

/// What to read at one block.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    needs: Needs,
    /// Choices of every member, watched host and host that ever chose, known or not.
    all_choices: bool,
}

impl Wanted {
    pub(crate) fn is_empty(&self) -> bool {
        self.needs.is_empty() && !self.all_choices
    }
}

impl Owed {
    /// State and all choices, to be compared with what is known.
    pub(crate) fn everything() -> Self {
        let needs = Needs { state: true, ..Needs::default() };
        Self { wanted: Wanted { needs, all_choices: true }, not_before: 0 }
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.wanted.is_empty()
    }

    /// What to read at this block: what the ledger needs, and what is owed from before.
    pub(crate) fn wanted(
        &self,
        ledger: &Ledger,
        facts: &BlockFacts,
        watched: &[Address],
        every: Height,
        head: Height,
    ) -> Wanted {
        let mut needs = ledger.needs(facts, watched, every);
        let owed = &self.wanted;
        let recent = head.saturating_sub(facts.height) <= RECENT;
        if facts.height < self.not_before && !recent {
            // Nothing this old can be read; asking for every block would only cost requests.
            return Wanted::default();
        }
        needs.state |= owed.needs.state;
        needs.charges |= owed.needs.charges;
        // Estimates are of use while they can still move.
        needs.rewards &= recent;
        let more = owed.needs.choices.iter().filter(|host| !needs.choices.contains(host));
        let more: Vec<Address> = more.cloned().collect();
        needs.choices.extend(more);
        Wanted { needs, all_choices: owed.all_choices }
    }

    /// Notes what was asked for and what came of it.
    fn settle(&mut self, height: Height, asked: Wanted, got: &Got, class: Option<Class>) {
        let asked_choices = if got.choices { Vec::new() } else { asked.needs.choices };
        self.wanted = Wanted {
            needs: Needs {
                state: asked.needs.state && got.observation.state.is_none(),
                choices: asked_choices,
                charges: asked.needs.charges && !got.charges,
                // Estimates of the past are worth nothing, and the next state asks anew.
                rewards: false,
            },
            all_choices: asked.all_choices && !got.choices,
        };
        self.not_before =
            if class == Some(Class::Unavailable) { height.saturating_add(PRUNED_AGAIN) } else { 0 };
    }
}

/// What was read so far, all at one height.
#[derive(Debug, Default)]
struct Got {
    observation: Observation,
    choices: bool,
    charges: bool,
}

/// Reads what is needed. What cannot be read is left out and owed; the block goes on without it,
/// because its facts must not wait for a node that has forgotten its state.
pub(crate) async fn observe(
    endpoints: &Endpoints,
    owed: &mut Owed,
    ledger: &Ledger,
    facts: &BlockFacts,
    watched: &[Address],
    wanted: Wanted,
) -> Option<Observation> {
    if wanted.is_empty() {
        // What is put off stays owed.
        return None;
    }
    let height = facts.height;
    let mut got = Got::default();
    let mut failure: Option<ChainError> = None;
    let mut pause = FIRST_PAUSE;
    for _ in 0..ROUNDS {
        failure = None;
        let mut unavailable = true;
        for index in endpoints.usable() {
            let rpc = endpoints.rpc(index);
            match read(rpc, &mut got, ledger, facts, watched, &wanted).await {
                Ok(()) => {
                    failure = None;
                    unavailable = false;
                    break;
                }
                Err(error) => {
                    unavailable &= error.class == Class::Unavailable;
                    if error.class != Class::NotYet {
                        endpoints.poke(index);
                    }
                    failure = Some(error);
                }
            }
        }
        if failure.is_none() || unavailable {
            break;
        }
        sleep(pause).await;
        pause *= 2;
    }
    if let Some(error) = &failure {
        tracing::warn!(height, %error, "the chain's state was not read; it stays wanted");
    }
    owed.settle(height, wanted, &got, failure.map(|error| error.class));
    Some(got.observation)
}

/// One endpoint, one height. Parts that were read stay when a later one fails: all are of the same
/// height.
async fn read(
    rpc: &Rpc,
    got: &mut Got,
    ledger: &Ledger,
    facts: &BlockFacts,
    watched: &[Address],
    wanted: &Wanted,
) -> Result<(), ChainError> {
    let height = facts.height;
    if wanted.needs.state && got.observation.state.is_none() {
        let (state, version) = rpc.read_state(height).await?;
        got.observation.state = Some(state);
        got.observation.app_version = Some(version).filter(|version| !version.is_empty());
    }
    if wanted.needs.charges && !got.charges {
        got.observation.charges = rpc.read_charges(height).await?;
        got.charges = true;
    }
    if wanted.needs.rewards && got.observation.rewards.is_none() {
        let (state, charges) = (got.observation.state.as_ref(), got.observation.charges.as_ref());
        if let Some(epoch) = ledger.can_estimate(state, charges) {
            got.observation.rewards = rpc.read_rewards(epoch, watched, height).await;
        }
    }
    if !got.choices {
        let state = got.observation.state.as_ref();
        let mut hosts: BTreeSet<Address> = wanted.needs.choices.iter().cloned().collect();
        if state.is_some() {
            // Members that this very state brought.
            hosts.extend(ledger.hosts_to_read(facts, watched, state));
        }
        if wanted.all_choices {
            let members = state.or(ledger.state.as_ref()).map_or(&[][..], |state| &state.members);
            hosts.extend(members.iter().map(|member| member.host.clone()));
            hosts.extend(watched.iter().cloned());
            hosts.extend(ledger.choices.values().flat_map(|by_host| by_host.keys()).cloned());
            hosts.extend(choosers(rpc, height).await?);
        }
        // Those that were read before an error stay: all are of the same height.
        for read in &got.observation.choices {
            hosts.remove(&read.host);
        }
        let (read, failure) = rpc.read_choices(hosts, height).await;
        got.observation.choices.extend(read);
        if let Some(error) = failure {
            return Err(error);
        }
        got.choices = true;
    }
    Ok(())
}

/// Hosts that chose without being members, as far as the node lists them. A node that does not is
/// no obstacle: members and watched hosts are asked for in any case, the others show with their
/// next transaction.
async fn choosers(rpc: &Rpc, height: Height) -> Result<BTreeSet<Address>, ChainError> {
    match rpc.read_choosers(height).await {
        Err(error) if matches!(error.class, Class::Retry | Class::NotYet) => Err(error),
        Err(error) => {
            tracing::info!(height, %error, "the node does not list the hosts that chose");
            Ok(BTreeSet::new())
        }
        Ok(hosts) => Ok(hosts),
    }
}
