//! Forecasts against the charges that the chain fixed at a validation end.

use std::collections::{BTreeMap, BTreeSet};

use bootwatch::chain::wire;
use bootwatch_rules::{
    Address, ChargeSnapshot, Fraction, Mode, ModelId, Network, Transfer,
    forecast::{Branch, ChargeRange, HostForecast, ModelForecast, Prospect, Verdict},
    situation::ModelState,
};

use super::Checked;

/// Every host's forecast at one height.
pub(super) type ByHost = BTreeMap<Address, HostForecast>;

/// What the PoC of an epoch produced.
struct Formed {
    /// Hosts with weight.
    weighty: BTreeSet<Address>,
    /// Accepted hosts of each eligible model.
    members: BTreeMap<ModelId, BTreeSet<Address>>,
}

impl Checked {
    /// The forecast of every host, as the Situation has it.
    pub(super) fn forecasts(&mut self) -> ByHost {
        let situation = self.situation();
        let ledger = &self.player.ledger;
        let network = Network::new(ledger.live_members()).unwrap();
        let active = situation.models.iter().filter(|m| m.state == ModelState::Active);
        let active: BTreeSet<&ModelId> = active.map(|model| &model.model_id).collect();
        let rule_set = situation.rule_set.parse().unwrap();
        let prospect = Prospect::new(ledger, &network, &active, rule_set, 1).unwrap();
        let mut forecasts = ByHost::new();
        for view in &situation.hosts {
            let forecast = prospect.host(&view.address);
            assert_eq!(view.charge, Some(forecast.charge), "the Situation shows another forecast");
            forecasts.insert(view.address.clone(), forecast);
        }
        forecasts
    }

    /// The range must hold what the chain charges; and once it is known which models became
    /// eligible and whose work was accepted, so must the branches that are left.
    pub(super) fn compare_charges(&mut self, epoch: u64, before: ByHost) {
        let height = self.player.ledger.tip.unwrap().height;
        let earlier = self.at_validation_start.take();
        let Some(fixed) = self.player.charges() else {
            // Until v0.2.13 the chain takes weight instead, and stores no charges.
            return;
        };
        if self.player.ledger.charges.as_ref() != Some(&fixed) {
            self.mismatch(height, "charge: the ledger holds others than the chain".to_owned());
        }
        self.score.charged_epochs += 1;
        self.score.transfers += fixed.transfers.len();
        let formed = self.formed(epoch);
        let mut problems = Vec::new();
        for (host, forecast) in &before {
            self.score.charges += 1;
            let paid = charged(&fixed, host);
            self.score.paid += usize::from(paid.is_some());
            problems.extend(bracket(host, forecast, &fixed, &formed, "one block before"));
            match narrowed(host, forecast, &fixed, &formed) {
                Ok(left) => {
                    self.score.exact += usize::from(left.min == left.max);
                    // Without weight there is nothing to take from. Whoever pays had some before
                    // the limit on one host's power, which may leave it none.
                    let nothing = left.min.is_zero() || !formed.weighty.contains(host);
                    if !paid.map_or(nothing, |paid| left.contains(paid)) {
                        problems.push(format!("{host} pays {paid:?}, the outcome left {left:?}"));
                    }
                }
                Err(problem) => problems.push(problem),
            }
        }
        for (host, forecast) in earlier.iter().flatten() {
            problems.extend(bracket(host, forecast, &fixed, &formed, "at validation start"));
        }
        let known = |host: &Address| before.contains_key(host);
        let strangers = fixed.transfers.iter().filter(|t| !known(&t.from) || !known(&t.to));
        problems.extend(strangers.map(|transfer| format!("{transfer:?} of an unknown host")));
        for problem in problems {
            self.mismatch(height, format!("charge: {problem}"));
        }
    }

    fn formed(&self, epoch: u64) -> Formed {
        let group = |model: &str| {
            let request =
                wire::EpochGroupDataRequest { epoch_index: epoch, model_id: model.to_owned() };
            let answer: wire::EpochGroupDataResponse = self.player.ask("EpochGroupData", &request);
            answer.epoch_group_data.unwrap()
        };
        let hosts = |group: &wire::EpochGroupData| -> BTreeSet<Address> {
            let weights = group.validation_weights.iter().filter(|member| member.weight > 0);
            weights.map(|member| member.member_address.as_str().into()).collect()
        };
        let root = group("");
        let members = root.sub_group_models.iter().map(|model| {
            let accepted = hosts(&group(model));
            (ModelId::from(model.as_str()), accepted)
        });
        Formed {
            weighty: hosts(&root),
            members: members.filter(|(_, accepted)| !accepted.is_empty()).collect(),
        }
    }
}

fn charged(fixed: &ChargeSnapshot, host: &Address) -> Option<Fraction> {
    let row = fixed.penalties.iter().find(|penalty| penalty.host == *host)?;
    Some(row.fraction.to_fraction().unwrap())
}

fn bracket(
    host: &Address,
    forecast: &HostForecast,
    fixed: &ChargeSnapshot,
    formed: &Formed,
    when: &str,
) -> Option<String> {
    let verdict = forecast.check(host, fixed);
    let holds = match verdict {
        Verdict::Within => true,
        // Without weight there is nothing to take from.
        Verdict::Unlisted => !formed.weighty.contains(host),
        Verdict::Outside { .. } | Verdict::Unreadable | Verdict::OtherEpoch => false,
    };
    let range = forecast.charge;
    (!holds).then(|| format!("{when}, {host} was to pay {range:?}: {verdict:?}"))
}

/// What is left of a forecast once the outcome of the PoC and the transfers are known.
fn narrowed(
    host: &Address,
    forecast: &HostForecast,
    fixed: &ChargeSnapshot,
    formed: &Formed,
) -> Result<ChargeRange, String> {
    let mut min = Vec::new();
    let mut max = Vec::new();
    for model in &forecast.models {
        let transfer =
            fixed.transfers.iter().find(|t| t.from == *host && t.model_id == model.model_id);
        let left = branches(host, model, transfer, formed.members.get(&model.model_id));
        let fractions = || left.iter().map(|branch| branch.fraction);
        let (Some(least), Some(most)) = (fractions().min(), fractions().max()) else {
            return Err(format!(
                "{host}, {}: none of the branches {:?} came about (transfer {transfer:?})",
                model.model_id, model.branches
            ));
        };
        min.push(least);
        max.push(most);
    }
    let models: BTreeSet<_> = forecast.models.iter().map(|model| &model.model_id).collect();
    if let Some(model) = formed.members.keys().find(|model| !models.contains(model)) {
        return Err(format!("{model} became eligible and is not in the forecast"));
    }
    let sum = |fractions| Fraction::capped_sum(fractions).unwrap();
    Ok(ChargeRange { min: sum(min), max: sum(max) })
}

/// The branches that agree with the outcome.
fn branches<'f>(
    host: &Address,
    forecast: &'f ModelForecast,
    transfer: Option<&Transfer>,
    members: Option<&BTreeSet<Address>>,
) -> Vec<&'f Branch> {
    let agrees = |branch: &&Branch| match members {
        None => !branch.eligible && transfer.is_none(),
        Some(_) if !branch.eligible => false,
        Some(members) if members.contains(host) => {
            branch.mode == Some(Mode::Direct) && transfer.is_none()
        }
        Some(_) if branch.mode == Some(Mode::Direct) => false,
        Some(_) => match (&branch.transfer, transfer) {
            (None, None) => true,
            (Some(said), Some(stored)) => {
                said.to.as_ref() == Some(&stored.to)
                    && stored.share.to_fraction().is_ok_and(|share| share == said.share)
            }
            (Some(_), None) | (None, Some(_)) => false,
        },
    };
    forecast.branches.iter().filter(agrees).collect()
}
