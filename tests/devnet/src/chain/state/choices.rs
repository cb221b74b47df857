//! What every host chose for every model.

use std::collections::{BTreeMap, BTreeSet};

use super::super::address::{Address, ModelId};

/// The three kinds of choice; a host has at most one for a model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Choices {
    /// (model, delegator) → delegate.
    pub(crate) delegations: BTreeMap<(ModelId, Address), Address>,
    pub(crate) refusals: BTreeSet<(ModelId, Address)>,
    pub(crate) intents: BTreeSet<(ModelId, Address)>,
}

impl Choices {
    /// Delegates, or clears every kind of choice when there is no delegate
    /// (`SetPoCDelegation` and `ClearOtherDelegationState`, x/inference/keeper/poc_delegation.go).
    pub(crate) fn delegate(&mut self, model: ModelId, host: Address, delegate: Option<Address>) {
        let key = (model, host);
        self.refusals.remove(&key);
        self.intents.remove(&key);
        match delegate {
            Some(delegate) => self.delegations.insert(key, delegate),
            None => self.delegations.remove(&key),
        };
    }

    pub(crate) fn refuse(&mut self, model: ModelId, host: Address) {
        let key = (model, host);
        self.delegations.remove(&key);
        self.intents.remove(&key);
        self.refusals.insert(key);
    }

    pub(crate) fn declare_intent(&mut self, model: ModelId, host: Address) {
        let key = (model, host);
        self.delegations.remove(&key);
        self.refusals.remove(&key);
        self.intents.insert(key);
    }

    /// What validation end does for everybody; delegations stay.
    pub(crate) fn wipe(&mut self) {
        self.refusals.clear();
        self.intents.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> (ModelId, Address) {
        ("m".into(), "a".into())
    }

    #[test]
    fn the_last_choice_replaces_every_other_kind() {
        let (model, host) = key();
        let mut choices = Choices::default();
        choices.delegate(model.clone(), host.clone(), Some("b".into()));
        assert_eq!(choices.delegations.get(&key()).map(AsRef::as_ref), Some("b"));
        choices.declare_intent(model.clone(), host.clone());
        assert!(choices.delegations.is_empty() && choices.intents.contains(&key()));
        choices.refuse(model.clone(), host.clone());
        assert!(choices.intents.is_empty() && choices.refusals.contains(&key()));
        choices.delegate(model.clone(), host.clone(), Some("c".into()));
        assert!(choices.refusals.is_empty());
        choices.delegate(model.clone(), host.clone(), None);
        assert_eq!(choices, Choices::default());
    }

    #[test]
    fn clearing_removes_a_refusal_and_an_intent_too() {
        let (model, host) = key();
        let mut choices = Choices::default();
        choices.refuse(model.clone(), host.clone());
        choices.delegate(model.clone(), host.clone(), None);
        assert_eq!(choices, Choices::default());
        choices.declare_intent(model.clone(), host.clone());
        choices.delegate(model, host, None);
        assert_eq!(choices, Choices::default());
    }

    #[test]
    fn the_wipe_leaves_delegations() {
        let (model, host) = key();
        let mut choices = Choices::default();
        choices.delegate(model.clone(), "b".into(), Some(host.clone()));
        choices.refuse(model.clone(), host.clone());
        choices.declare_intent(model, "c".into());
        choices.wipe();
        assert_eq!(
            (choices.delegations.len(), choices.refusals.len(), choices.intents.len()),
            (1, 0, 0)
        );
    }
}
