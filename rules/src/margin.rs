//! How far an active model's group is from losing its place: the vote on its hosts' work, and the
//! thresholds of the next formation.

use serde::{Deserialize, Serialize};

use crate::{
    Address, ChainState, Fraction, ModelId, Network, RuleSet, Weight, preeligibility::Needs,
    situation::Gap,
};

/// Hosts that [`Margin::pivotal`] names.
const MAX_PIVOTAL: usize = 10;

/// An active model's group against what it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Margin {
    /// Voting power of its live members against what must vote for a host's work.
    pub votes: Gap,
    /// How much voting power it can lose; negative when the vote cannot be won.
    pub votes_spare: Weight,
    /// Live members with PoC weight and network weight against `v_min`.
    pub hosts: Gap,
    /// Network weight of the live members against the weight threshold.
    pub weight: Gap,
    /// The base model forms without enough hosts while the whole network is smaller than `v_min`.
    pub exempt_from_hosts: bool,
    /// The largest part of the group's voting power in one hand.
    pub largest_share: Fraction,
    /// The fewest hosts without whose votes the vote is lost, largest first; empty when it is
    /// lost already.
    pub pivotal: Vec<Address>,
    /// How many those are.
    pub pivotal_count: usize,
}

impl Margin {
    /// The margin of a model's group in the effective epoch. None when it has no voting power (a
    /// candidate), and without delegation parameters.
    #[must_use]
    pub fn new(
        state: &ChainState,
        network: &Network<'_>,
        rule_set: RuleSet,
        model: &ModelId,
    ) -> Option<Self> {
        let params = state.params.delegation.as_ref()?;
        let groups = state.model_groups.iter().filter(|group| group.model_id == *model);
        let live: Vec<_> = groups
            .flat_map(|group| &group.members)
            .filter_map(|member| Some((member, network.weight(&member.host)?)))
            .collect();
        let mut powers: Vec<_> = live
            .iter()
            .filter(|(member, _)| member.voting_power > 0)
            .map(|(member, _)| (member.voting_power, &member.host))
            .collect();
        powers.sort_unstable_by(|(a, host_a), (b, host_b)| b.cmp(a).then(host_a.cmp(host_b)));
        let power: i128 = powers.iter().map(|(power, _)| i128::from(*power)).sum();
        let largest_share =
            Fraction::new(i128::from(powers.first()?.0), power).filter(Fraction::is_share)?;
        let votes_need = votes_needed(network.total(), rule_set, state)?;
        let mut left = power;
        let pivotal: Vec<_> = powers
            .iter()
            .take_while(|(own, _)| {
                let wins = left >= i128::from(votes_need);
                left -= i128::from(*own);
                wins
            })
            .map(|(_, host)| (*host).clone())
            .collect();
        let power = Weight::try_from(power).ok()?;
        let hosts = live.iter().filter(|(m, weight)| m.weight > 0 && *weight > 0).count();
        let needs = Needs::new(params, network.total());
        let with_weight = network.members().filter(|(_, weight)| *weight > 0).count();
        Some(Self {
            votes: gap(power, Some(votes_need)),
            votes_spare: power.saturating_sub(votes_need),
            hosts: gap(count(hosts), Some(needs.hosts)),
            weight: gap(live.iter().map(|(_, weight)| weight).sum(), needs.weight),
            exempt_from_hosts: *model == params.initial_model_id
                && count(with_weight) < params.v_min,
            largest_share,
            pivotal_count: pivotal.len(),
            pivotal: pivotal.into_iter().take(MAX_PIVOTAL).collect(),
        })
    }
}

/// The least voting power that accepts a host's work. Since 0.2.14 more than a parameter's share
/// of the network's weight, 0 meaning one half; before, more than two thirds
/// (x/inference/module/chainvalidation.go).
fn votes_needed(total: Weight, rule_set: RuleSet, state: &ChainState) -> Option<Weight> {
    let total = i128::from(total);
    let least = match (rule_set, state.params.validation_vote_threshold_bps) {
        (RuleSet::V0_2_12, _) => 2 * total / 3,
        (_, 0) => total * 5_000 / 10_000,
        (_, bps) => total * i128::from(bps) / 10_000,
    };
    Weight::try_from(least + 1).ok()
}

fn gap(have: i64, need: Option<i64>) -> Gap {
    let missing = need.map(|need| need.saturating_sub(have).max(0));
    Gap { have, need, missing }
}

fn count(hosts: usize) -> i64 {
    i64::try_from(hosts).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decimal, DelegationParams, GroupMember, ModelGroup, Params};

    /// Members with network weight and voting power; `m` is their group.
    fn state(members: &[(&str, Weight, Weight)]) -> ChainState {
        ChainState {
            params: Params {
                delegation: Some(DelegationParams {
                    v_min: 3,
                    w_threshold: Decimal::new(1, -1),
                    initial_model_id: ModelId::from("base"),
                    ..DelegationParams::default()
                }),
                ..Params::default()
            },
            model_groups: vec![ModelGroup {
                model_id: ModelId::from("m"),
                members: members
                    .iter()
                    .map(|(host, _, power)| GroupMember {
                        host: Address::from(*host),
                        weight: 1,
                        voting_power: *power,
                    })
                    .collect(),
            }],
            ..ChainState::default()
        }
    }

    fn margin(members: &[(&str, Weight, Weight)], rest: Weight, set: RuleSet) -> Option<Margin> {
        let hosts: Vec<_> = members.iter().map(|(host, w, _)| (Address::from(*host), *w)).collect();
        let rest = [(Address::from("rest"), rest)];
        let all = hosts.iter().chain(&rest).map(|(host, weight)| (host, *weight));
        let network = Network::new(all).unwrap();
        Margin::new(&state(members), &network, set, &ModelId::from("m"))
    }

    /// Mainnet: at height 4,290,857 MiniMax held 254,994 of a network of 444,033.
    #[test]
    fn a_group_seen_on_mainnet() {
        let group = [("a", 200_000, 200_000), ("b", 54_994, 54_994)];
        let found = margin(&group, 444_033 - 254_994, RuleSet::V0_2_14).unwrap();
        assert_eq!(found.votes, gap(254_994, Some(222_017)));
        assert_eq!(found.votes_spare, 32_977);
        assert_eq!((found.hosts.have, found.hosts.missing), (2, Some(1)));
        assert_eq!(found.weight, gap(254_994, Some(44_403)));
        assert_eq!(found.pivotal, [Address::from("a")]);

        let older = margin(&group, 444_033 - 254_994, RuleSet::V0_2_12).unwrap();
        assert_eq!(older.votes.need, Some(296_023), "more than two thirds");
        assert!(older.votes_spare < 0 && older.pivotal.is_empty());
    }

    #[test]
    fn half_is_not_enough() {
        let exactly_half = margin(&[("a", 50, 50)], 50, RuleSet::V0_2_16).unwrap();
        assert_eq!(exactly_half.votes.missing, Some(1));
        assert_eq!(exactly_half.largest_share, Fraction::ONE);
    }

    #[test]
    fn the_fewest_hosts_that_turn_the_vote() {
        let group = [("a", 30, 30), ("b", 30, 30), ("c", 30, 30)];
        let found = margin(&group, 10, RuleSet::V0_2_14).unwrap();
        assert_eq!(found.pivotal, [Address::from("a"), Address::from("b")]);
        assert_eq!(found.pivotal_count, 2);
    }

    #[test]
    fn a_group_without_voting_power_has_no_margin() {
        assert_eq!(margin(&[("a", 30, 0)], 10, RuleSet::V0_2_14), None);
        assert_eq!(margin(&[], 10, RuleSet::V0_2_14), None);
    }
}
