//! Who is in which model's group, to be asked for many hosts.

use std::{
    collections::{BTreeMap, HashSet},
    hash::BuildHasherDefault,
};

use crate::{Address, ChainState, ModelId, network::AddressHasher};

/// The members of the effective epoch's model groups, whatever their weight, live or not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Groups<'a>(
    BTreeMap<&'a ModelId, HashSet<&'a Address, BuildHasherDefault<AddressHasher>>>,
);

impl<'a> Groups<'a> {
    pub(crate) fn new(state: &'a ChainState) -> Self {
        let mut groups = Self::default();
        for group in &state.model_groups {
            let hosts = group.members.iter().map(|member| &member.host);
            groups.0.entry(&group.model_id).or_default().extend(hosts);
        }
        groups
    }

    pub(crate) fn contains(&self, model: &ModelId, host: &Address) -> bool {
        self.0.get(model).is_some_and(|hosts| hosts.contains(host))
    }
}
