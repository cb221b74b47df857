//! What is known about a delegate, and which hosts would be sound ones for a model. Facts with
//! their numbers; the choice is the host's.

use std::collections::{BTreeMap, BTreeSet};

use bech32::{Bech32, Hrp};
use serde::{Deserialize, Serialize};

use crate::{
    Address, ChainState, Choice, EpochIndex, Exclusion, Fraction, GroupMember, ModelId, Params,
    Weight,
    closing::Support,
    ledger::{Ledger, PastEpoch, Work},
};

/// Hosts that a list of sound delegates names.
pub const MAX_SOUND: usize = 10;

/// What is known about one host as a delegate for one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
    /// Its standing choice for the model; null when it has none or is no live member.
    pub choice: Option<Choice>,
    /// Nonces that it committed in the newest PoC stage; null without a commit.
    pub committed: Option<u32>,
    /// It sent the weight distribution without which a commit counts nothing.
    pub distributed: bool,
    /// Live hosts with weight that delegate to it now; counted for a live member only.
    pub delegators: u32,
    /// Their weight.
    pub delegated_weight: Weight,
    /// What is known of earlier epochs, the newest first.
    pub before: Vec<Service>,
    /// What the cap on one host's voting power would burn if the group formed from today's weights
    /// and choices; null when there is no group to compare with.
    pub burned: Option<Weight>,
}

/// What a host did for a model in an epoch that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Service {
    /// The epoch.
    pub epoch: EpochIndex,
    /// The model was active, and the host's work for it was accepted.
    pub served: bool,
    /// Why and when it was removed from that epoch.
    pub excluded: Option<Exclusion>,
}

/// The delegates of one model.
#[derive(Debug, Clone)]
pub struct Delegates<'a> {
    state: &'a ChainState,
    support: &'a Support<'a>,
    guardians: &'a BTreeSet<Address>,
    past: &'a [PastEpoch],
    model: &'a ModelId,
    work: Option<&'a BTreeMap<Address, Work>>,
    /// The model's group, by the place of the live member.
    group: Vec<Option<&'a GroupMember>>,
    group_power: i128,
    /// Who would form the group: who is in it now, or for a candidate who declared intent.
    servers: Vec<usize>,
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
    /// The delegates of `model`. `support` counts the standing choices for it, and `guardians`
    /// come from [`guardian_accounts`]. None before the first state.
    #[must_use]
    pub fn new(
        ledger: &'a Ledger,
        support: &'a Support<'a>,
        guardians: &'a BTreeSet<Address>,
        model: &'a ModelId,
    ) -> Option<Self> {
        let state = ledger.state.as_ref()?;
        let groups = state.model_groups.iter().filter(|group| group.model_id == *model);
        let mut group = vec![None; support.places().len()];
        for member in groups.flat_map(|group| &group.members) {
            if let Some(at) = support.position(&member.host) {
                group[at] = Some(member);
            }
        }
        let powers = || group.iter().flatten().map(|member| member.voting_power);
        let active = powers().any(|power| power > 0);
        let is_server =
            |at: &usize| if active { group[*at].is_some() } else { support.intends(*at) };
        let mut delegates = Self {
            state,
            support,
            guardians,
            past: &ledger.past,
            model,
            work: ledger.work.get(model),
            active,
            group_power: powers().map(i128::from).sum(),
            servers: support.places().filter(is_server).collect(),
            group,
            cap: None,
        };
        delegates.cap = delegates.cap();
        Some(delegates)
    }

    /// The cap if the group formed from today's weights. A group of one host is not capped.
    fn cap(&self) -> Option<i128> {
        if self.servers.len() < 2 {
            return None;
        }
        let total: i128 = self.servers.iter().map(|at| i128::from(self.power_ahead(*at))).sum();
        let share = self.state.params.delegation.as_ref()?.max_model_voting_power;
        share.floor_of(Weight::try_from(total).ok()?).ok()
    }

    /// Own weight and that of the hosts that delegate to it.
    fn power_ahead(&self, at: usize) -> Weight {
        self.support.weight(at).saturating_add(self.support.delegated(at).1)
    }

    /// What is known about one host.
    #[must_use]
    pub fn facts(&self, host: &Address) -> DelegateFacts {
        let at = self.support.position(host);
        let member = at.and_then(|at| self.group[at]);
        let voting_power = member.map_or(0, |member| member.voting_power);
        let work = self.work.and_then(|hosts| hosts.get(host));
        let (delegators, delegated_weight) = at.map_or((0, 0), |at| self.support.delegated(at));
        // A live member is not excluded, so only the few others are searched for.
        let mut members = self.state.members.iter().filter(|_| at.is_none());
        let listed = members.find(|member| member.host == *host);
        DelegateFacts {
            host: host.clone(),
            weight: at.map(|at| self.support.weight(at)),
            excluded: listed.and_then(|member| member.excluded.clone()),
            guardian: self.guardians.contains(host),
            serves: voting_power > 0,
            group_weight: member.map_or(0, |member| member.weight),
            voting_power,
            voting_share: Fraction::new(i128::from(voting_power), self.group_power),
            choice: at.and_then(|at| self.support.choice(at)).cloned(),
            committed: work.and_then(|work| work.committed),
            distributed: work.is_some_and(|work| work.distributed.is_some()),
            delegators,
            delegated_weight,
            before: self.past.iter().map(|past| self.service(past, host)).collect(),
            burned: at.and_then(|at| self.burned(at)),
        }
    }

    fn service(&self, past: &PastEpoch, host: &Address) -> Service {
        let served = past.served.get(self.model).is_some_and(|hosts| hosts.contains(host));
        Service { epoch: past.index, served, excluded: past.excluded.get(host).cloned() }
    }

    fn burned(&self, at: usize) -> Option<Weight> {
        let excess = (i128::from(self.power_ahead(at)) - self.cap?).max(0);
        Weight::try_from(excess).ok()
    }

    /// Hosts that nothing known speaks against, those with the least voting power ahead first, so
    /// that delegations spread. For an active model they serve it now and have not delegated or
    /// refused it; for a candidate they declared intent, because no other delegate counts at the
    /// capture. All have weight, are no guardians, and would lose nothing to the cap.
    #[must_use]
    pub fn sound(&self) -> Vec<DelegateFacts> {
        let serves =
            |at: &usize| !self.active || self.group[*at].is_some_and(|m| m.voting_power > 0);
        let withdrew = |at: &usize| {
            // A candidate's servers all intend to serve it; their choices need not be read.
            !self.support.intends(*at)
                && matches!(
                    self.support.choice(*at),
                    Some(Choice::Delegate { .. } | Choice::Refuse)
                )
        };
        let sound: Vec<(Weight, &Address)> = self
            .servers
            .iter()
            .copied()
            .filter(serves)
            .filter(|at| self.support.weight(*at) > 0)
            .filter(|at| self.cap.is_none() || self.burned(*at) == Some(0))
            .filter(|at| !withdrew(at))
            .map(|at| (self.power_ahead(at), self.support.host(at)))
            .filter(|(_, host)| !self.guardians.contains(*host))
            .collect();
        least(sound, MAX_SOUND).into_iter().map(|(_, host)| self.facts(host)).collect()
    }
}

/// The first `count` of all, in their order.
pub(crate) fn least<T: Ord>(mut all: Vec<T>, count: usize) -> Vec<T> {
    if all.len() > count {
        all.select_nth_unstable(count);
        all.truncate(count);
    }
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests;
