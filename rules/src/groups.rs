//! Who is in which model's group, to be asked for many hosts.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::BuildHasherDefault,
    rc::Rc,
};

use crate::{Address, ChainState, ModelId, Network, ledger::Ledger, network::AddressHasher};

/// Models with a live member that has voting power. In the chain's epoch 0 there are none: its
/// base state has no model groups at all. `network` is none when the members make no sense.
pub(crate) fn active_models<'a>(
    state: Option<&'a ChainState>,
    network: Option<&Network<'_>>,
) -> BTreeSet<&'a ModelId> {
    let Some(state) = state.filter(|state| state.effective.index != 0) else {
        return BTreeSet::new();
    };
    let is_live = |host: &Address| match network {
        Some(network) => network.contains(host),
        None => state.members.iter().any(|m| m.host == *host && m.excluded.is_none()),
    };
    state
        .model_groups
        .iter()
        .filter(|group| group.members.iter().any(|m| m.voting_power > 0 && is_live(&m.host)))
        .map(|group| &group.model_id)
        .collect()
}

/// The members of the effective epoch's model groups, whatever their weight, live or not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Groups<'a>(BTreeMap<&'a ModelId, Group<'a>>);

/// The members of one group, and whether they have voting power.
pub(crate) type Group<'a> = HashMap<&'a Address, bool, BuildHasherDefault<AddressHasher>>;

impl<'a> Groups<'a> {
    /// The groups that a ledger knows; none before the first state.
    pub(crate) fn of(ledger: &'a Ledger) -> Option<Rc<Self>> {
        ledger.state.as_ref().map(|state| Rc::new(Self::new(state)))
    }

    fn new(state: &'a ChainState) -> Self {
        let mut groups = Self::default();
        for group in &state.model_groups {
            let hosts = groups.0.entry(&group.model_id).or_default();
            for member in &group.members {
                *hosts.entry(&member.host).or_default() |= member.voting_power > 0;
            }
        }
        groups
    }

    pub(crate) fn contains(&self, model: &ModelId, host: &Address) -> bool {
        self.0.get(model).is_some_and(|hosts| hosts.contains_key(host))
    }

    pub(crate) fn of_model(&self, model: &ModelId) -> Option<&Group<'a>> {
        self.0.get(model)
    }
}
