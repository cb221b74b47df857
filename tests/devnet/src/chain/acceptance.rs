//! Which work validators accepted (x/inference/module/chainvalidation.go).

use std::collections::{BTreeMap, BTreeSet};

use super::address::{Address, ModelId};
use super::formation::Work;
use super::spec::Version;
use super::state::{State, Votes};

/// The accepted work of every model that proof of compute runs for.
pub(crate) fn accepted(
    state: &State,
    stage: i64,
    version: Version,
    guardians: &BTreeSet<Address>,
) -> Work {
    let mut work = Work::new();
    let (Some(commits), Some(distributions)) =
        (state.commits.get(&stage), state.distributions.get(&stage))
    else {
        return work;
    };
    let powers = powers(state);
    let total = state.validation.as_ref().map_or(0, |snapshot| snapshot.total_network_weight);
    let bps = state.poc_params().map_or(0, |params| params.validation_vote_threshold_bps);
    let jury = Jury { version, bps, total, guardians };
    let none = BTreeMap::new();
    for (host, model) in commits.keys() {
        if !state.poc_models().iter().any(|config| *config.model_id == **model)
            || !state.participants.contains(host)
            || !state.seeds.contains(host)
        {
            continue;
        }
        let Some(nodes) = distributions.get(&(host.clone(), model.clone())) else { continue };
        let claimed: i64 = nodes.iter().map(|node| i64::from(node.weight)).sum();
        let votes = state.votes.get(&(model.clone(), host.clone()));
        if claimed >= 1
            && let Some(votes) = votes
            && jury.accepts(votes, powers.get(model).unwrap_or(&none))
        {
            work.entry(model.clone()).or_default().insert(host.clone(), claimed);
        }
    }
    work
}

/// Work that got at least one vote.
pub(crate) fn voted(votes: &Votes) -> BTreeSet<(ModelId, Address)> {
    votes.iter().filter(|(_, votes)| !votes.is_empty()).map(|(key, _)| key.clone()).collect()
}

fn powers(state: &State) -> BTreeMap<ModelId, BTreeMap<Address, i64>> {
    let models = state.validation.iter().flat_map(|snapshot| &snapshot.model_voting_powers);
    models
        .map(|model| {
            let powers = model.voting_powers.iter();
            let powers = powers.map(|row| (Address::from(row.address.as_str()), row.voting_power));
            (ModelId::from(model.model_id.as_str()), powers.collect())
        })
        .collect()
}

struct Jury<'a> {
    version: Version,
    bps: u32,
    /// The whole network's weight, not the group's voting power.
    total: i64,
    guardians: &'a BTreeSet<Address>,
}

impl Jury<'_> {
    fn accepts(&self, votes: &BTreeMap<Address, i64>, powers: &BTreeMap<Address, i64>) -> bool {
        let power = |host: &Address| powers.get(host).copied().unwrap_or_default();
        let sum = |valid: bool| -> i64 {
            let side = votes.iter().filter(|(_, weight)| (**weight >= 0) == valid);
            side.map(|(validator, _)| power(validator)).sum()
        };
        if self.wins(sum(true)) {
            return true;
        }
        if self.wins(sum(false)) {
            return false;
        }
        // The guardians decide when they agree; until v0.2.13 only those with voting power.
        let heard = votes.iter().filter(|(validator, _)| {
            self.guardians.contains(*validator)
                && (self.version != Version::V0_2_12 || power(validator) > 0)
        });
        let verdicts = heard.map(|(_, weight)| *weight >= 0).collect::<Vec<_>>();
        !verdicts.is_empty() && verdicts.iter().all(|valid| *valid)
    }

    fn wins(&self, power: i64) -> bool {
        let (power, total) = (i128::from(power), i128::from(self.total));
        match self.version {
            Version::V0_2_12 => power * 3 > total * 2,
            Version::V0_2_14 | Version::V0_2_16 => {
                let bps = if self.bps == 0 { 5_000 } else { self.bps };
                power * 10_000 > total * i128::from(bps)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(list: &[(&str, i64)]) -> BTreeMap<Address, i64> {
        list.iter().map(|(host, number)| (Address::from(*host), *number)).collect()
    }

    #[test]
    fn half_of_the_network_must_be_exceeded_and_guardians_break_a_tie() {
        let none = BTreeSet::new();
        let guardians = BTreeSet::from([Address::from("g"), "h".into()]);
        let jury = |version, total, guardians| Jury { version, bps: 0, total, guardians };
        let powers = hosts(&[("a", 51), ("b", 49)]);
        let yes = hosts(&[("a", 5)]);
        assert!(jury(Version::V0_2_14, 100, &none).accepts(&yes, &powers));
        assert!(!jury(Version::V0_2_14, 102, &none).accepts(&yes, &powers), "51 of 102 is half");
        assert!(!jury(Version::V0_2_12, 100, &none).accepts(&yes, &powers), "two thirds");
        let tie = hosts(&[("b", 5), ("g", 5)]);
        assert!(jury(Version::V0_2_14, 100, &guardians).accepts(&tie, &powers));
        assert!(!jury(Version::V0_2_12, 100, &guardians).accepts(&tie, &powers), "no power");
        let split = hosts(&[("b", 5), ("g", 5), ("h", -1)]);
        assert!(!jury(Version::V0_2_14, 100, &guardians).accepts(&split, &powers));
        let no = hosts(&[("a", -1), ("g", 5)]);
        assert!(
            !jury(Version::V0_2_14, 100, &guardians).accepts(&no, &powers),
            "rejected outright"
        );
    }
}
