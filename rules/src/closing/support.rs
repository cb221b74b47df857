//! Who supports a model, by host: what a single choice would add is then known at once.

use std::{cmp::Reverse, collections::BinaryHeap, sync::OnceLock};

use super::Step;
use crate::{Address, Choice, Network, Weight, preeligibility::Tally};

/// The choices of the live members for one model, counted by host.
#[derive(Debug, Clone)]
pub struct Support<'a> {
    network: &'a Network<'a>,
    choices: Vec<Option<&'a Choice>>,
    /// How many members with weight delegate to each.
    delegators: Vec<u32>,
    stands: Vec<Stand>,
    tally: Tally,
    /// A host with intent to delegate to: the one with the most weight.
    anchor: Option<usize>,
    /// Members by what their intent would add to reach; ordered when it is first asked for.
    gains: OnceLock<BinaryHeap<(Weight, Reverse<usize>)>>,
}

/// Where one live member stands; small, because plans copy all of them.
#[derive(Debug, Clone, Copy)]
struct Stand {
    /// Weight of the members that delegate to it.
    followers: Weight,
    /// The member that it delegates to, or [`NOBODY`].
    delegate: u32,
    intends: bool,
}

const NOBODY: u32 = u32::MAX;

impl<'a> Support<'a> {
    /// Counts the choices for one model, each host once.
    pub fn new(
        network: &'a Network<'a>,
        choices: impl IntoIterator<Item = (&'a Address, &'a Choice)>,
    ) -> Self {
        let hosts = network.members().len();
        let nowhere = Stand { followers: 0, delegate: NOBODY, intends: false };
        let mut support = Self {
            network,
            choices: vec![None; hosts],
            delegators: vec![0; hosts],
            stands: vec![nowhere; hosts],
            tally: Tally { total_network_weight: network.total(), ..Tally::default() },
            anchor: None,
            gains: OnceLock::new(),
        };
        for (host, choice) in choices {
            let Some((at, weight)) = network.seat(host) else { continue };
            if support.choices[at].is_some() {
                continue;
            }
            support.choices[at] = Some(choice);
            match choice {
                Choice::Refuse => {}
                Choice::Intent => {
                    support.stands[at].intends = true;
                    support.tally.intent_host_count += i64::from(weight > 0);
                    support.tally.intent_weight += weight;
                    if support.anchor.is_none_or(|best| support.weight(best) < weight) {
                        support.anchor = Some(at);
                    }
                }
                Choice::Delegate { delegate_to } => {
                    // The chain refuses a delegation to oneself; should one stand, it leads
                    // nowhere.
                    let to = network.position(delegate_to).filter(|to| *to != at);
                    if let Some(to) = to {
                        support.stands[at].delegate = u32::try_from(to).unwrap_or(NOBODY);
                        support.stands[to].followers += weight;
                        support.delegators[to] += u32::from(weight > 0);
                    }
                }
            }
        }
        // Every member delegates to one host at most: nobody is counted twice.
        let followers = support.stands.iter().filter(|stand| stand.intends);
        let followers: Weight = followers.map(|stand| stand.followers).sum();
        support.tally.reachable_voting_power = support.tally.intent_weight + followers;
        support
    }

    /// The numbers of the event.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    pub(crate) fn position(&self, host: &Address) -> Option<usize> {
        self.network.position(host)
    }

    /// Live members by their place.
    pub(crate) fn places(&self) -> std::ops::Range<usize> {
        0..self.stands.len()
    }

    pub(crate) fn host(&self, at: usize) -> &'a Address {
        self.network.member(at).0
    }

    pub(crate) fn weight(&self, at: usize) -> Weight {
        self.network.member(at).1
    }

    pub(crate) fn intends(&self, at: usize) -> bool {
        self.stands[at].intends
    }

    pub(crate) fn choice(&self, at: usize) -> Option<&'a Choice> {
        self.choices[at]
    }

    /// The choice of a live member; none when it has none, or is none.
    pub(crate) fn choice_of(&self, host: &Address) -> Option<&'a Choice> {
        self.choices[self.position(host)?]
    }

    /// How many live members with weight delegate to that one, and the weight of all that do.
    pub(crate) fn delegated(&self, at: usize) -> (u32, Weight) {
        (self.delegators[at], self.stands[at].followers)
    }

    fn is_reached(&self, at: usize) -> bool {
        is_reached(&self.stands, at)
    }

    fn gains(&self) -> &BinaryHeap<(Weight, Reverse<usize>)> {
        self.gains.get_or_init(|| {
            let all = self.places().map(|at| (gain(self.network, &self.stands, at), Reverse(at)));
            all.filter(|(gain, _)| *gain > 0).collect()
        })
    }

    /// The numbers if that member declared intent; none when it has.
    pub(super) fn if_declared(&self, at: usize) -> Option<Tally> {
        (!self.stands[at].intends).then(|| Tally {
            intent_host_count: self.tally.intent_host_count + i64::from(self.weight(at) > 0),
            intent_weight: self.tally.intent_weight + self.weight(at),
            reachable_voting_power: self.tally.reachable_voting_power
                + gain(self.network, &self.stands, at),
            ..self.tally
        })
    }

    /// The numbers if that member delegated to another one with intent; none when it does, and
    /// when there is no other.
    pub(super) fn if_delegated(&self, at: usize) -> Option<Tally> {
        let stand = self.stands[at];
        let other = self.stands.iter().enumerate().any(|(n, s)| n != at && s.intends);
        let delegates = self.is_reached(at) && !stand.intends;
        (other && !delegates).then(|| {
            let mut tally = self.tally;
            if stand.intends {
                // Its own weight stays reached, over the delegate; its followers' does not.
                tally.intent_host_count -= i64::from(self.weight(at) > 0);
                tally.intent_weight -= self.weight(at);
                tally.reachable_voting_power -= stand.followers;
            } else {
                tally.reachable_voting_power += self.weight(at);
            }
            tally
        })
    }

    /// Members with weight and without intent, the heaviest first, and among equals the undecided
    /// before those who chose, in the order of the network.
    pub(super) fn undeclared(&self) -> impl Iterator<Item = usize> + '_ {
        let equals = self.network.by_weight().chunk_by(|a, b| self.weight(*a) == self.weight(*b));
        let chose = |at: &usize| self.choices[*at].is_some();
        equals
            .take_while(|equals| self.weight(equals[0]) > 0)
            .flat_map(move |equals| {
                let (first, then) = (equals.iter().copied(), equals.iter().copied());
                first.filter(move |at| !chose(at)).chain(then.filter(chose))
            })
            .filter(|at| !self.intends(*at))
    }

    /// A move in words.
    pub(super) fn step(&self, Move { at, delegate, adds_reach }: Move) -> Step {
        let choose = delegate
            .map_or(Choice::Intent, |to| Choice::Delegate { delegate_to: self.host(to).clone() });
        let now = self.choices[at].cloned();
        Step { host: self.host(at).clone(), weight: self.weight(at), now, choose, adds_reach }
    }

    pub(super) fn ahead(&self) -> Ahead<'_, 'a> {
        Ahead {
            support: self,
            stands: self.stands.clone(),
            tally: self.tally,
            anchor: self.anchor,
            gains: None,
        }
    }
}

fn is_reached(stands: &[Stand], at: usize) -> bool {
    let stand = stands[at];
    stand.intends || stands.get(stand.delegate as usize).is_some_and(|to| to.intends)
}

/// What an intent of that member would add to reach: its own weight and that of the members that
/// delegate to it, who reach nobody while it has no intent.
fn gain(network: &Network<'_>, stands: &[Stand], at: usize) -> Weight {
    if stands[at].intends {
        return 0;
    }
    let own = if is_reached(stands, at) { 0 } else { network.member(at).1 };
    stands[at].followers + own
}

/// One member's new choice, by its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Move {
    at: usize,
    /// The member that it delegates to; none when it declares intent.
    delegate: Option<usize>,
    adds_reach: Weight,
}

/// The support as it would be after some hosts chose anew.
pub(super) struct Ahead<'s, 'a> {
    support: &'s Support<'a>,
    stands: Vec<Stand>,
    pub(super) tally: Tally,
    anchor: Option<usize>,
    /// Members by what they would add to reach.
    gains: Option<BinaryHeap<(Weight, Reverse<usize>)>>,
}

impl Ahead<'_, '_> {
    fn gain(&self, at: usize) -> Weight {
        gain(self.support.network, &self.stands, at)
    }

    /// The member that adds most to reach now. A gain only shrinks while others act, so an entry
    /// that is still worth what it was worth is the best.
    pub(super) fn best(&mut self) -> Option<usize> {
        let mut gains = self.gains.take().unwrap_or_else(|| self.support.gains().clone());
        let mut best = None;
        while let Some((gain, place)) = gains.pop() {
            let now = self.gain(place.0);
            if now == gain {
                best = Some(place.0);
                break;
            }
            if now > 0 {
                gains.push((now, place));
            }
        }
        self.gains = Some(gains);
        best
    }

    /// That member declares intent.
    pub(super) fn declare(&mut self, at: usize) -> Move {
        let weight = self.support.weight(at);
        let adds_reach = self.gain(at);
        self.tally.intent_host_count += i64::from(weight > 0);
        self.tally.intent_weight += weight;
        self.tally.reachable_voting_power += adds_reach;
        self.leave_delegate(at);
        self.stands[at].intends = true;
        if self.anchor.is_none_or(|best| self.support.weight(best) < weight) {
            self.anchor = Some(at);
        }
        Move { at, delegate: None, adds_reach }
    }

    /// That member becomes reached: by a delegation if that adds as much as an intent would.
    pub(super) fn connect(&mut self, at: usize) -> Move {
        match self.anchor {
            Some(anchor) if self.stands[at].followers == 0 => {
                let weight = self.support.weight(at);
                self.tally.reachable_voting_power += weight;
                self.leave_delegate(at);
                self.stands[at].delegate = u32::try_from(anchor).unwrap_or(NOBODY);
                self.stands[anchor].followers += weight;
                Move { at, delegate: Some(anchor), adds_reach: weight }
            }
            _ => self.declare(at),
        }
    }

    /// A member that chooses anew no longer hangs on its old delegate.
    fn leave_delegate(&mut self, at: usize) {
        let to = std::mem::replace(&mut self.stands[at].delegate, NOBODY);
        let weight = self.support.weight(at);
        if let Some(to) = self.stands.get_mut(to as usize) {
            to.followers -= weight;
        }
    }
}
