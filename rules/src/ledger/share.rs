//! One text for equal addresses. Every answer and every row brings its own copy of an address; a
//! network of thousands of hosts then spends most of a block's time on fetching those copies.

use std::collections::{BTreeMap, HashSet};

use super::Ledger;
use crate::{Address, Choice};

impl Ledger {
    /// Lets equal addresses share one text, which changes no value. A ledger does it whenever it
    /// takes in answers from the chain; one that was put together otherwise may ask for it.
    pub fn share_addresses(&mut self) {
        let mut texts = Texts::default();
        if let Some(state) = &mut self.state {
            let members = state.members.iter_mut().map(|member| &mut member.host);
            let groups = state.model_groups.iter_mut().flat_map(|group| &mut group.members);
            members.chain(groups.map(|member| &mut member.host)).for_each(|host| texts.share(host));
        }
        let penalties = self.charges.iter_mut().flat_map(|charges| &mut charges.penalties);
        penalties.for_each(|penalty| texts.share(&mut penalty.host));
        let known = std::mem::take(&mut self.known_hosts).into_iter();
        self.known_hosts = known.map(|host| texts.shared(host)).collect();
        for hosts in self.choices.values_mut() {
            for standing in hosts.values_mut() {
                if let Choice::Delegate { delegate_to } = &mut standing.choice {
                    texts.share(delegate_to);
                }
            }
            texts.share_keys(hosts);
        }
        self.work.values_mut().for_each(|hosts| texts.share_keys(hosts));
    }
}

/// The texts so far.
#[derive(Default)]
struct Texts(HashSet<Address>);

impl Texts {
    fn share(&mut self, address: &mut Address) {
        *address = self.shared(address.clone());
    }

    fn shared(&mut self, address: Address) -> Address {
        match self.0.get(&address) {
            Some(first) => first.clone(),
            None => {
                self.0.insert(address.clone());
                address
            }
        }
    }

    fn share_keys<V>(&mut self, hosts: &mut BTreeMap<Address, V>) {
        let own = std::mem::take(hosts).into_iter();
        *hosts = own.map(|(host, value)| (self.shared(host), value)).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        BlockFacts, ChainState, HostChoices, Member, ModelId, Observation, ledger::Standing,
    };

    /// Every copy with a text of its own, as answers bring them.
    fn copy(name: &str) -> Address {
        Address::from(name.to_owned())
    }

    fn same(a: &Address, b: &Address) -> bool {
        std::ptr::eq(a.as_str(), b.as_str())
    }

    #[test]
    fn what_the_chain_answers_is_kept_once() {
        let delegate = || Choice::Delegate { delegate_to: copy("b") };
        let member = |name| Member { host: copy(name), weight: 1, excluded: None };
        let answer = |host, choice| HostChoices {
            host: copy(host),
            choices: [(ModelId::from("m"), choice)].into_iter().collect(),
        };
        let observation = Observation {
            state: Some(ChainState {
                members: vec![member("a"), member("b")],
                ..ChainState::default()
            }),
            choices: vec![answer("a", delegate()), answer("b", Choice::Intent)],
            ..Observation::default()
        };
        let block = BlockFacts {
            height: 1,
            hash: String::new(),
            parent: String::new(),
            time: jiff::Timestamp::UNIX_EPOCH,
            tx_count: 0,
            captures: vec![],
            choices: vec![],
            commits: vec![],
            distributions: vec![],
            events: vec![],
            malformed: vec![],
        };
        let mut ledger = Ledger::default();
        ledger.apply(&block, Some(&observation));

        let members = &ledger.state.as_ref().unwrap().members;
        let hosts = &ledger.choices[&ModelId::from("m")];
        let (key, Standing { choice: Choice::Delegate { delegate_to }, .. }) =
            hosts.first_key_value().unwrap()
        else {
            panic!("{hosts:?}");
        };
        assert!(same(key, &members[0].host) && same(delegate_to, &members[1].host));
        assert!(ledger.known_hosts.iter().zip(members).all(|(a, b)| same(a, &b.host)));
    }
}
