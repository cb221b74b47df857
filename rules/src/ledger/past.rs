//! What is left of epochs that are over: who served what, and who was excluded.

use std::collections::{BTreeMap, BTreeSet};

use super::Ledger;
use crate::{Address, ChainState, EpochIndex, Exclusion, Member, ModelGroup, ModelId};

/// Epochs that a ledger remembers besides the running one.
pub const MAX_PAST: usize = 3;

/// An epoch that is over, by the last reading while its group was in force.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PastEpoch {
    /// Its number.
    pub index: EpochIndex,
    /// Models that had a live member with voting power.
    pub active: BTreeSet<ModelId>,
    /// Hosts whose work for each of them was accepted.
    pub served: BTreeMap<ModelId, BTreeSet<Address>>,
    /// Hosts that were excluded.
    pub excluded: BTreeMap<Address, Exclusion>,
}

impl PastEpoch {
    /// The epoch with these members and groups.
    #[must_use]
    pub fn new(index: EpochIndex, members: &[Member], groups: &[ModelGroup]) -> Self {
        let live: BTreeSet<&Address> =
            members.iter().filter(|m| m.excluded.is_none()).map(|m| &m.host).collect();
        let is_active = |group: &&ModelGroup| {
            group.members.iter().any(|m| m.voting_power > 0 && live.contains(&m.host))
        };
        let mut past = Self { index, ..Self::default() };
        // The chain's epoch 0 has no model groups.
        for group in groups.iter().filter(is_active).filter(|_| index != 0) {
            past.active.insert(group.model_id.clone());
            let hosts = group.members.iter().filter(|member| member.weight > 0);
            let served = past.served.entry(group.model_id.clone()).or_default();
            served.extend(hosts.map(|member| member.host.clone()));
        }
        for member in members {
            if let Some(exclusion) = &member.excluded {
                past.excluded.insert(member.host.clone(), exclusion.clone());
            }
        }
        past
    }
}

impl Ledger {
    /// Remembers the epoch of the state that `next` replaces, when it is another one.
    pub(super) fn remember(&mut self, next: &ChainState) {
        let Some(state) = &self.state else { return };
        let index = state.effective.index;
        if index >= next.effective.index {
            return;
        }
        self.past.retain(|past| past.index < index);
        self.past.insert(0, PastEpoch::new(index, &state.members, &state.model_groups));
        self.past.truncate(MAX_PAST);
    }

    /// The newest remembered epoch in which the model was active, and the first one known after it
    /// in which it was not. None while it is active, and when it never was as far as is known.
    #[must_use]
    pub fn fell_out(&self, model: &ModelId) -> Option<(EpochIndex, EpochIndex)> {
        let mut without = self.state.as_ref()?.effective.index;
        for past in &self.past {
            if past.active.contains(model) {
                return Some((past.index, without));
            }
            without = past.index;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Epoch, GroupMember};

    // Fails when a model of which only an excluded host has voting power counts as active.
    #[test]
    fn an_excluded_host_keeps_no_model_active() {
        let members = [("gone", true), ("live", false)].map(|(host, gone)| Member {
            host: Address::from(host),
            weight: 10,
            excluded: gone.then(|| Exclusion { reason: "downtime".to_owned(), height: 5 }),
        });
        let group = |model: &str, host: &str| ModelGroup {
            model_id: ModelId::from(model),
            members: vec![GroupMember { host: Address::from(host), weight: 7, voting_power: 7 }],
        };
        let groups = [group("lost", "gone"), group("kept", "live")];
        let past = PastEpoch::new(3, &members, &groups);
        assert_eq!(past.active, [ModelId::from("kept")].into());
        assert_eq!(past.excluded.keys().collect::<Vec<_>>(), [&Address::from("gone")]);
    }

    // Fails when the first epoch without the model is taken to be the newest one.
    #[test]
    fn a_model_fell_out_in_the_first_epoch_without_it() {
        let past = |index, active: &[&str]| PastEpoch {
            active: active.iter().map(|id| ModelId::from(*id)).collect(),
            ..PastEpoch::new(index, &[], &[])
        };
        let ledger = Ledger {
            state: Some(ChainState {
                effective: Epoch { index: 13, poc_start: 0 },
                ..ChainState::default()
            }),
            past: vec![past(12, &[]), past(11, &["short"]), past(10, &["short", "long"])],
            ..Ledger::default()
        };
        assert_eq!(ledger.fell_out(&"long".into()), Some((10, 11)));
        assert_eq!(ledger.fell_out(&"short".into()), Some((11, 12)));
        assert_eq!(ledger.fell_out(&"never".into()), None);
    }
}
