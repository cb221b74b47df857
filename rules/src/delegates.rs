//! What is known about a delegate, and which hosts would be sound ones for a model. Facts with
//! their numbers; the choice is the host's.

use std::collections::{BTreeMap, BTreeSet};

use bech32::{Bech32, Hrp};
use serde::{Deserialize, Serialize};

use crate::{
    Address, ChainState, Choice, Exclusion, Fraction, GroupMember, ModelId, Network, Params,
    Weight,
    ledger::{Ledger, Work},
};

/// Hosts that a list of sound delegates names.
pub const MAX_SOUND: usize = 10;

/// What is known about one host as a delegate for one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelegateFacts {
    /// The host.
    pub host: Address,
    /// Its weight in the network; null when it is no live member.
    pub weight: Option<Weight>,
    /// Why and when it was removed from the running epoch.
    pub excluded: Option<Exclusion>,
    /// It is one of the chain's guardians.
    pub guardian: bool,
    /// It serves the model in the running epoch: a member of its group with voting power.
    pub serves: bool,
    /// Its raw PoC weight in the model's group; 0 for none.
    pub group_weight: Weight,
    /// Its voting power in the model's group; 0 for none.
    pub voting_power: Weight,
    /// Its part of the group's voting power, such as `3/20`; null without a group.
    pub voting_share: Option<Fraction>,
    /// Its standing choice for the model; null when it has none.
    pub choice: Option<Choice>,
    /// Nonces that it committed in the newest PoC stage; null without a commit.
    pub committed: Option<u32>,
    /// It sent the weight distribution without which a commit counts nothing.
    pub distributed: bool,
    /// Live hosts with weight that delegate to it now.
    pub delegators: u32,
    /// Their weight.
    pub delegated_weight: Weight,
    /// What the cap on one host's voting power would burn if the group formed from today's weights
    /// and choices; null when there is no group to compare with.
    pub burned: Option<Weight>,
}

/// The delegates of one model.
#[derive(Debug, Clone)]
pub struct Delegates<'a> {
    state: &'a ChainState,
    network: &'a Network<'a>,
    guardians: &'a BTreeSet<Address>,
    choices: BTreeMap<&'a Address, &'a Choice>,
    work: Option<&'a BTreeMap<Address, Work>>,
    group: BTreeMap<&'a Address, &'a GroupMember>,
    group_power: i128,
    delegated: BTreeMap<&'a Address, (u32, Weight)>,
    active: bool,
    /// The most voting power that one host can have after the next formation.
    cap: Option<i128>,
}

/// The guardians as account addresses. The chain lists `gonkavaloper1…`, the same bytes under
/// another prefix; an entry that is no address is no host either and is left out.
#[must_use]
pub fn guardian_accounts(params: &Params) -> BTreeSet<Address> {
    let account = |listed: &String| {
        let (prefix, bytes) = bech32::decode(listed).ok()?;
        let prefix = prefix.to_lowercase();
        let prefix = Hrp::parse(prefix.strip_suffix("valoper").unwrap_or(&prefix)).ok()?;
        bech32::encode::<Bech32>(prefix, &bytes).ok().map(Address::from)
    };
    params.guardians.iter().filter_map(account).collect()
}

impl<'a> Delegates<'a> {
    /// The delegates of `model`, from the standing choices. `guardians` come from
    /// [`guardian_accounts`]. None before the first state.
    #[must_use]
    pub fn new(
        ledger: &'a Ledger,
        network: &'a Network<'a>,
        guardians: &'a BTreeSet<Address>,
        model: &ModelId,
    ) -> Option<Self> {
        let state = ledger.state.as_ref()?;
        let standing = ledger.choices.get(model).into_iter().flatten();
        let choices: BTreeMap<_, _> = standing.map(|(host, s)| (host, &s.choice)).collect();
        let mut delegated = BTreeMap::<_, (u32, Weight)>::new();
        for (host, choice) in &choices {
            let Choice::Delegate { delegate_to } = choice else { continue };
            let Some(weight) = network.weight(host).filter(|weight| *weight > 0) else { continue };
            let (hosts, sum) = delegated.entry(delegate_to).or_default();
            // Each host delegates once, so the sum stays within the network's.
            (*hosts, *sum) = (*hosts + 1, *sum + weight);
        }
        let groups = state.model_groups.iter().filter(|group| group.model_id == *model);
        let live = groups.flat_map(|group| &group.members).filter(|m| network.contains(&m.host));
        let group: BTreeMap<_, _> = live.map(|member| (&member.host, member)).collect();
        let group_power = group.values().map(|member| i128::from(member.voting_power)).sum();
        let mut delegates = Self {
            state,
            network,
            guardians,
            choices,
            work: ledger.work.get(model),
            active: group.values().any(|member| member.voting_power > 0),
            group,
            group_power,
            delegated,
            cap: None,
        };
        delegates.cap = delegates.cap();
        Some(delegates)
    }

    /// The cap if the group formed from today's weights: those who serve it now, or for a candidate
    /// those who declared intent. A group of one host is not capped.
    fn cap(&self) -> Option<i128> {
        let servers: Vec<&Address> = if self.active {
            self.group.keys().copied().collect()
        } else {
            let intends = |(_, choice): &(_, &&Choice)| **choice == &Choice::Intent;
            self.choices.iter().filter(intends).map(|(host, _)| *host).collect()
        };
        let servers: Vec<_> = servers.into_iter().filter(|h| self.network.contains(h)).collect();
        if servers.len() < 2 {
            return None;
        }
        let total: i128 = servers.iter().map(|host| i128::from(self.power_ahead(host))).sum();
        let share = self.state.params.delegation.as_ref()?.max_model_voting_power;
        // A total of weights of one network fits 64 bits.
        share.floor_of(Weight::try_from(total).ok()?).ok()
    }

    /// Own weight and that of the hosts that delegate to it.
    fn power_ahead(&self, host: &Address) -> Weight {
        let own = self.network.weight(host).unwrap_or(0);
        let delegated = self.delegated.get(host).map_or(0, |(_, weight)| *weight);
        own.saturating_add(delegated)
    }

    /// What is known about one host.
    #[must_use]
    pub fn facts(&self, host: &Address) -> DelegateFacts {
        let member = self.group.get(host);
        let voting_power = member.map_or(0, |member| member.voting_power);
        let work = self.work.and_then(|hosts| hosts.get(host));
        let (delegators, delegated_weight) = self.delegated.get(host).copied().unwrap_or_default();
        DelegateFacts {
            host: host.clone(),
            weight: self.network.weight(host),
            excluded: self
                .state
                .members
                .iter()
                .find(|member| member.host == *host)
                .and_then(|member| member.excluded.clone()),
            guardian: self.guardians.contains(host),
            serves: voting_power > 0,
            group_weight: member.map_or(0, |member| member.weight),
            voting_power,
            voting_share: Fraction::new(i128::from(voting_power), self.group_power),
            choice: self.choices.get(host).map(|choice| (*choice).clone()),
            committed: work.and_then(|work| work.committed),
            distributed: work.is_some_and(|work| work.distributed.is_some()),
            delegators,
            delegated_weight,
            burned: self.burned(host),
        }
    }

    fn burned(&self, host: &Address) -> Option<Weight> {
        let excess = (i128::from(self.power_ahead(host)) - self.cap?).max(0);
        Weight::try_from(excess).ok()
    }

    /// Hosts that nothing known speaks against, those with the least voting power ahead first, so
    /// that delegations spread. For an active model they serve it now and have not delegated or
    /// refused it; for a candidate they declared intent, because no other delegate counts at the
    /// capture. All have weight, are no guardians, and would lose nothing to the cap.
    #[must_use]
    pub fn sound(&self) -> Vec<DelegateFacts> {
        let mut sound: Vec<(Weight, &Address)> = self
            .candidates()
            .filter(|host| self.network.weight(host).is_some_and(|weight| weight > 0))
            .filter(|host| !self.guardians.contains(*host))
            .filter(|host| self.cap.is_none() || self.burned(host) == Some(0))
            .map(|host| (self.power_ahead(host), host))
            .collect();
        sound.sort_unstable();
        sound.truncate(MAX_SOUND);
        sound.into_iter().map(|(_, host)| self.facts(host)).collect()
    }

    fn candidates(&self) -> Box<dyn Iterator<Item = &'a Address> + '_> {
        if self.active {
            let serving = self.group.iter().filter(|(_, member)| member.voting_power > 0);
            let withdrawn = |host: &Address| {
                matches!(self.choices.get(host), Some(Choice::Delegate { .. } | Choice::Refuse))
            };
            Box::new(serving.map(|(host, _)| *host).filter(move |host| !withdrawn(host)))
        } else {
            let intends = self.choices.iter().filter(|(_, choice)| ***choice == Choice::Intent);
            Box::new(intends.map(|(host, _)| *host))
        }
    }
}

#[cfg(test)]
mod tests;
