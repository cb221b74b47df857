//! Who supports a candidate, by host: what a single choice would add is then known at once.

use std::collections::BinaryHeap;

use super::Step;
use crate::{Address, Choice, Network, Weight, preeligibility::Tally};

/// The choices of the live members for one model, counted by host.
#[derive(Debug, Clone)]
pub struct Support<'a> {
    network: &'a Network<'a>,
    seats: Vec<Seat<'a>>,
    tally: Tally,
    /// A host with intent to delegate to: the one with the most weight.
    anchor: Option<usize>,
}

/// One live member.
#[derive(Debug, Clone, Copy)]
struct Seat<'a> {
    host: &'a Address,
    weight: Weight,
    choice: Option<&'a Choice>,
    /// Weight of the members that delegate to it.
    followers: Weight,
    /// How many of them have weight.
    delegators: u32,
    intends: bool,
    /// Its weight counts towards reach.
    reached: bool,
    /// The member that it delegates to.
    delegate: Option<usize>,
}

impl<'a> Support<'a> {
    /// Counts the choices for one model, each host once.
    pub fn new(
        network: &'a Network<'a>,
        choices: impl IntoIterator<Item = (&'a Address, &'a Choice)>,
    ) -> Self {
        let mut seats: Vec<_> = network
            .members()
            .map(|(host, weight)| Seat {
                host,
                weight,
                choice: None,
                followers: 0,
                delegators: 0,
                intends: false,
                reached: false,
                delegate: None,
            })
            .collect();
        for (host, choice) in choices {
            let Some(at) = network.position(host).filter(|at| seats[*at].choice.is_none()) else {
                continue;
            };
            seats[at].choice = Some(choice);
            seats[at].intends = *choice == Choice::Intent;
            if let Choice::Delegate { delegate_to } = choice {
                // The chain refuses a delegation to oneself; should one stand, it leads nowhere.
                seats[at].delegate = network.position(delegate_to).filter(|to| *to != at);
                if let Some(to) = seats[at].delegate {
                    seats[to].followers += seats[at].weight;
                    seats[to].delegators += u32::from(seats[at].weight > 0);
                }
            }
        }
        let mut tally = Tally { total_network_weight: network.total(), ..Tally::default() };
        let mut anchor: Option<usize> = None;
        for at in 0..seats.len() {
            let seat = seats[at];
            seats[at].reached = seat.intends || seat.delegate.is_some_and(|to| seats[to].intends);
            if seat.intends {
                tally.intent_host_count += i64::from(seat.weight > 0);
                tally.intent_weight += seat.weight;
                if anchor.is_none_or(|best| seats[best].weight < seat.weight) {
                    anchor = Some(at);
                }
            }
            if seats[at].reached {
                tally.reachable_voting_power += seat.weight;
            }
        }
        Self { network, seats, tally, anchor }
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
        0..self.seats.len()
    }

    pub(crate) fn host(&self, at: usize) -> &'a Address {
        self.seats[at].host
    }

    pub(crate) fn weight(&self, at: usize) -> Weight {
        self.seats[at].weight
    }

    pub(crate) fn choice(&self, at: usize) -> Option<&'a Choice> {
        self.seats[at].choice
    }

    /// How many live members with weight delegate to that one, and the weight of all that do.
    pub(crate) fn delegated(&self, at: usize) -> (u32, Weight) {
        (self.seats[at].delegators, self.seats[at].followers)
    }

    /// The numbers if that member declared intent; none when it has.
    pub(super) fn if_declared(&self, at: usize) -> Option<Tally> {
        let seat = self.seats[at];
        (!seat.intends).then(|| Tally {
            intent_host_count: self.tally.intent_host_count + i64::from(seat.weight > 0),
            intent_weight: self.tally.intent_weight + seat.weight,
            reachable_voting_power: self.tally.reachable_voting_power + self.gain(at),
            ..self.tally
        })
    }

    /// The numbers if that member delegated to another one with intent; none when it does, and
    /// when there is no other.
    pub(super) fn if_delegated(&self, at: usize) -> Option<Tally> {
        let seat = self.seats[at];
        let other = self.seats.iter().enumerate().any(|(n, s)| n != at && s.intends);
        let delegates = seat.reached && !seat.intends;
        (other && !delegates).then(|| {
            let mut tally = self.tally;
            if seat.intends {
                // Its own weight stays reached, over the delegate; its followers' does not.
                tally.intent_host_count -= i64::from(seat.weight > 0);
                tally.intent_weight -= seat.weight;
                tally.reachable_voting_power -= seat.followers;
            } else {
                tally.reachable_voting_power += seat.weight;
            }
            tally
        })
    }

    /// What an intent of that member would add to reach: its own weight and that of the members
    /// that delegate to it, who reach nobody while it has no intent. A member that delegates to
    /// it and has been counted since is not counted again.
    fn gain(&self, at: usize) -> Weight {
        let seat = self.seats[at];
        if seat.intends {
            return 0;
        }
        seat.followers + if seat.reached { 0 } else { seat.weight }
    }

    /// Members with weight and without intent; the heaviest is popped first.
    pub(super) fn undeclared(&self) -> Undeclared {
        let seats = self.seats.iter().enumerate();
        let open = seats.filter(|(_, seat)| !seat.intends && seat.weight > 0);
        // Among equals the undecided come first, then the order of the network.
        let rank = |(at, seat): (usize, &Seat<'_>)| {
            (seat.weight, seat.choice.is_none(), std::cmp::Reverse(at))
        };
        Undeclared(open.map(rank).collect())
    }

    pub(super) fn gains(&self) -> Gains {
        let ranked = (0..self.seats.len())
            .map(|at| (self.gain(at), std::cmp::Reverse(at)))
            .filter(|(gain, _)| *gain > 0);
        Gains(ranked.collect())
    }

    /// That member declares intent.
    pub(super) fn declare(&mut self, at: usize) -> Step {
        let seat = self.seats[at];
        let adds_reach = self.gain(at);
        self.tally.intent_host_count += i64::from(seat.weight > 0);
        self.tally.intent_weight += seat.weight;
        self.tally.reachable_voting_power += adds_reach;
        self.leave_delegate(at);
        (self.seats[at].intends, self.seats[at].reached) = (true, true);
        if seat.followers > 0 {
            for follower in &mut self.seats {
                follower.reached |= follower.delegate == Some(at);
            }
        }
        if self.anchor.is_none_or(|best| self.seats[best].weight < seat.weight) {
            self.anchor = Some(at);
        }
        self.step(at, Choice::Intent, adds_reach)
    }

    /// That member becomes reached: by a delegation if that adds as much as an intent would.
    pub(super) fn connect(&mut self, at: usize) -> Step {
        let seat = self.seats[at];
        match self.anchor {
            Some(anchor) if seat.followers == 0 => {
                self.tally.reachable_voting_power += seat.weight;
                self.leave_delegate(at);
                self.seats[at].reached = true;
                let delegate_to = self.seats[anchor].host.clone();
                self.step(at, Choice::Delegate { delegate_to }, seat.weight)
            }
            _ => self.declare(at),
        }
    }

    /// A member that chooses anew no longer hangs on its old delegate.
    fn leave_delegate(&mut self, at: usize) {
        if let Some(to) = self.seats[at].delegate.take() {
            self.seats[to].followers -= self.seats[at].weight;
        }
    }

    fn step(&self, at: usize, choose: Choice, adds_reach: Weight) -> Step {
        let seat = self.seats[at];
        Step {
            host: seat.host.clone(),
            weight: seat.weight,
            now: seat.choice.cloned(),
            choose,
            adds_reach,
        }
    }
}

/// Members that can still declare intent.
pub(super) struct Undeclared(BinaryHeap<(Weight, bool, std::cmp::Reverse<usize>)>);

impl Undeclared {
    pub(super) fn pop(&mut self) -> Option<usize> {
        self.0.pop().map(|(_, _, std::cmp::Reverse(at))| at)
    }
}

/// Members by what they would add to reach.
pub(super) struct Gains(BinaryHeap<(Weight, std::cmp::Reverse<usize>)>);

impl Gains {
    /// The member that adds most now. A gain only shrinks while others act, so an entry that is
    /// still worth what it was worth is the best.
    pub(super) fn next(&mut self, support: &Support<'_>) -> Option<usize> {
        while let Some((gain, place)) = self.0.pop() {
            let now = support.gain(place.0);
            if now == gain {
                return Some(place.0);
            }
            if now > 0 {
                self.0.push((now, place));
            }
        }
        None
    }
}
