//! What the chain estimates that hosts earn, and what that is before charges.
//!
//! The estimate is the settlement of the epoch whose charges are stored, run now
//! (`EstimateBitcoinReward`, x/inference/keeper/query_estimate_bitcoin_reward.go, since v0.2.14). It
//! comes *after* charges and shares. With `e` the weight that is paid by and `e′` what
//! [settlement](crate::settlement) leaves of it, the chain pays `E·e′ / Σe`, so the reward before
//! charges is `estimate·e / e′`. The chain keeps `e` to itself: it is the consensus weight unless the
//! host failed a confirmation, was idle or is above the cap of one host. Where nothing was taken from
//! or given to the host, both rewards are one number and exact; everywhere else the second is as good
//! as that assumption, and is said to be about that much. Until the epoch is settled the estimate
//! itself moves with every host that drops out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Address, ChainState, ChargeSnapshot, EpochIndex, Fraction, Height, RuleSet, Weight,
    forecast::{ChargeRange, HostForecast, ModelForecast},
    settlement::{Weights, settle},
};

/// Amounts of the chain's smallest coin; 1 GNK is 1,000,000,000 of them.
pub type Ngonka = u64;

/// What the chain estimated at one height.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RewardReading {
    /// The epoch.
    pub epoch: EpochIndex,
    /// Reward after charges. A host that is not in that epoch has none.
    pub estimates: Vec<(Address, Ngonka)>,
}

/// The newest estimates.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Rewards {
    /// The epoch.
    pub epoch: EpochIndex,
    /// The height that they were read at.
    pub read_at: Height,
    /// The watched hosts that are in the epoch.
    pub hosts: BTreeMap<Address, Reward>,
}

/// What one host earns in an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Reward {
    /// After charges and shares, in ngonka: the chain's own estimate.
    pub estimate: Ngonka,
    /// Before them, in ngonka; null where it cannot be told. Exact when it equals the estimate.
    pub before_charges: Option<Ngonka>,
}

impl Rewards {
    /// Estimates that were read with the state and the charges of their epoch; none when the three
    /// do not belong together.
    #[must_use]
    pub fn new(
        height: Height,
        reading: &RewardReading,
        state: &ChainState,
        fixed: &ChargeSnapshot,
    ) -> Option<Self> {
        if state.effective.index != reading.epoch || fixed.epoch_index != reading.epoch {
            return None;
        }
        let live = state.members.iter().filter(|member| member.excluded.is_none());
        let whole: Weights<'_> = live.map(|m| (&m.host, m.weight.max(0))).collect();
        let mut left = whole.clone();
        // Since charges act on rewards, the rules of settlement are the same.
        let settled = settle(RuleSet::V0_2_14, &mut left, fixed).is_ok();
        let before_charges = |host: &Address, estimate: Ngonka| {
            let (whole, left) = (*whole.get(host)?, *left.get(host)?);
            settled.then(|| scale(estimate, whole, left)).flatten()
        };
        let reward = |(host, estimate): &(Address, Ngonka)| {
            let before_charges = before_charges(host, *estimate);
            (host.clone(), Reward { estimate: *estimate, before_charges })
        };
        Some(Self {
            epoch: reading.epoch,
            read_at: height,
            hosts: reading.estimates.iter().map(reward).collect(),
        })
    }
}

/// `floor(amount · whole / left)`; none when nothing is left to conclude from.
fn scale(amount: Ngonka, whole: Weight, left: Weight) -> Option<Ngonka> {
    let (whole, left) = (u128::try_from(whole).ok()?, u128::try_from(left).ok()?);
    Ngonka::try_from((u128::from(amount) * whole).checked_div(left)?).ok()
}

/// What charges come to in coins, or under the oldest rules in weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Cost {
    /// What it is counted in.
    pub unit: CostUnit,
    /// What the charge is taken from: the reward of the running epoch before charges, or the
    /// host's weight in it. Nobody knows yet what the epoch to come brings.
    pub of: u64,
    /// The least that is taken of it.
    pub least: u64,
    /// The most.
    pub most: u64,
    /// The most that delegates get besides.
    pub shares: u64,
}

/// What a cost is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CostUnit {
    /// ngonka of the epoch's reward.
    Ngonka,
    /// Consensus weight.
    Weight,
}

impl CostUnit {
    /// What an amount of the unit is taken from.
    #[must_use]
    pub fn whole(self) -> &'static str {
        match self {
            Self::Ngonka => "reward",
            Self::Weight => "weight",
        }
    }
}

/// What charges are counted in for one host, and what they are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stake {
    unit: CostUnit,
    of: u64,
}

impl Stake {
    /// The weight under rules that charge it, otherwise the reward before charges. None while that
    /// is not known.
    #[must_use]
    pub fn new(rule_set: RuleSet, weight: Option<Weight>, reward: Option<Reward>) -> Option<Self> {
        if rule_set.charges_weight() {
            let of = u64::try_from(weight?).ok()?;
            Some(Self { unit: CostUnit::Weight, of })
        } else {
            Some(Self { unit: CostUnit::Ngonka, of: reward?.before_charges? })
        }
    }

    /// What a host's forecast comes to.
    #[must_use]
    pub fn host(self, forecast: &HostForecast) -> Option<Cost> {
        self.cost(&forecast.charge, forecast.models.iter())
    }

    /// What one model's forecast comes to.
    #[must_use]
    pub fn model(self, forecast: &ModelForecast) -> Option<Cost> {
        self.cost(&forecast.charge, [forecast])
    }

    fn cost<'f>(
        self,
        range: &ChargeRange,
        models: impl IntoIterator<Item = &'f ModelForecast>,
    ) -> Option<Cost> {
        let (least, most) = (self.part(range.min)?, self.part(range.max)?);
        let mut shares = 0_u64;
        for model in models {
            let transfers = model.branches.iter().filter_map(|branch| branch.transfer.as_ref());
            if let Some(most) = transfers.map(|transfer| transfer.share).max() {
                shares = shares.saturating_add(self.part(most)?);
            }
        }
        Some(Cost { unit: self.unit, of: self.of, least, most, shares: shares.min(self.of) })
    }

    /// `floor(fraction · of)`.
    #[must_use]
    pub fn part(self, fraction: Fraction) -> Option<u64> {
        u64::try_from(fraction.floor_of(i64::try_from(self.of).ok()?)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decimal, Epoch, Exclusion, Member, Penalty, Transfer};

    fn state(members: &[(&str, Weight)]) -> ChainState {
        let member = |(host, weight): &(&str, Weight)| Member {
            host: Address::from(*host),
            weight: *weight,
            excluded: None,
        };
        ChainState {
            effective: Epoch { index: 5, poc_start: 100 },
            members: members.iter().map(member).collect(),
            ..ChainState::default()
        }
    }

    fn charges() -> ChargeSnapshot {
        ChargeSnapshot {
            epoch_index: 5,
            transfers: vec![Transfer {
                model_id: "m".into(),
                from: "b".into(),
                to: "c".into(),
                share: Decimal::new(5, -2),
            }],
            penalties: vec![Penalty { host: "a".into(), fraction: Decimal::new(15, -2) }],
        }
    }

    fn reading(estimates: &[(&str, Ngonka)]) -> RewardReading {
        let estimates = estimates.iter().map(|(host, n)| (Address::from(*host), *n)).collect();
        RewardReading { epoch: 5, estimates }
    }

    /// Each weighs 1000 of 4000, and the epoch pays 4,000,000.
    #[test]
    fn the_reward_before_charges_undoes_the_settlement() {
        let state = state(&[("a", 1000), ("b", 1000), ("c", 1000), ("d", 1000)]);
        let answers = [("a", 850_000), ("b", 950_000), ("c", 1_050_000), ("d", 1_000_000)];
        let rewards = Rewards::new(300, &reading(&answers), &state, &charges()).unwrap();
        assert_eq!((rewards.epoch, rewards.read_at), (5, 300));
        for (host, estimate) in answers {
            let reward = rewards.hosts[&Address::from(host)];
            let expected = Reward { estimate, before_charges: Some(1_000_000) };
            assert_eq!(reward, expected, "{host}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_null() {
        let mut everything = charges();
        everything.penalties[0].fraction = Decimal::new(1, 0);
        let mut state = state(&[("a", 1000), ("b", 1000), ("c", 1000)]);
        state.members[1].excluded = Some(Exclusion { reason: "downtime".into(), height: 1 });
        let answers = reading(&[("a", 0), ("b", 0), ("x", 7), ("c", Ngonka::MAX)]);
        let rewards = Rewards::new(300, &answers, &state, &everything).unwrap();
        let before = |host: &str| rewards.hosts[&Address::from(host)].before_charges;
        assert_eq!(before("a"), None, "nothing is left to conclude from");
        assert_eq!(before("b"), None, "it was excluded");
        assert_eq!(before("x"), None, "it is no member");
        assert_eq!(before("c"), Some(Ngonka::MAX), "nobody is left to give it anything");

        let other = ChargeSnapshot { epoch_index: 6, ..charges() };
        assert_eq!(Rewards::new(300, &reading(&[]), &state, &other), None);
        state.effective.index = 4;
        assert_eq!(Rewards::new(300, &reading(&[]), &state, &charges()), None);
    }
}
