//! The keys of a scenario, and what makes it impossible.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    hash::Hash,
    marker::PhantomData,
};

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::{ScenarioError, output};
use crate::{
    Address, Choice, Decimal, DecimalError, DelegationParams, EpochIndex, ModelId, ModelParams,
    Network, NetworkError, Penalties, RuleSet, Weight,
    resolution::{ChoicesByModel, Formation, Outcome},
};

/// One scenario.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// For a person.
    #[serde(default, rename = "name")]
    _name: Option<String>,
    rule_set: RuleSet,
    upcoming_epoch: EpochIndex,
    params: ScenarioParams,
    hosts: Vec<Host>,
    models: Vec<ScenarioModel>,
    candidates: Vec<ScenarioModel>,
    bootstrap_snapshot: Vec<Stored<BootstrapKind>>,
    regular_snapshot: Vec<Stored<RegularKind>>,
    bootstrap_report: Vec<Report>,
    outcome: ScenarioOutcome,
    /// A known answer, for whoever compares; not read here.
    #[serde(default, rename = "expect")]
    _expect: Option<de::IgnoredAny>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioParams {
    w_threshold: Decimal,
    v_min: i64,
    refusal_penalty: Decimal,
    no_participation_penalty: Decimal,
    delegation_share: Decimal,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Host {
    address: Address,
    weight: Weight,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioModel {
    model_id: ModelId,
    #[serde(default)]
    coefficient: Option<Decimal>,
    #[serde(default)]
    penalty_start_epoch: EpochIndex,
}

/// One entry of a snapshot. `K` has the kinds that this snapshot holds: the capture reads no
/// refusals, and validation start no intents.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<K> {
    model_id: ModelId,
    host: Address,
    kind: K,
    #[serde(default)]
    delegate_to: Option<Address>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum BootstrapKind {
    Intent,
    Delegate,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RegularKind {
    Refuse,
    Delegate,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    model_id: ModelId,
    pre_eligible: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioOutcome {
    #[serde(deserialize_with = "distinct_keys")]
    upcoming_weights: BTreeMap<Address, Weight>,
    #[serde(deserialize_with = "distinct_keys")]
    eligible_members: BTreeMap<ModelId, Vec<Address>>,
    #[serde(deserialize_with = "distinct_keys")]
    committers: BTreeMap<ModelId, Vec<Address>>,
    #[serde(deserialize_with = "distinct_keys")]
    validated_committers: BTreeMap<ModelId, Vec<Address>>,
}

impl Scenario {
    /// The scenario's answers.
    ///
    /// # Errors
    /// [`ScenarioError`] names the key that cannot be.
    pub fn evaluate(&self) -> Result<Value, ScenarioError> {
        let params = self.params.delegation();
        let network = Network::new(self.hosts.iter().map(|host| (&host.address, host.weight)))
            .map_err(|error| ScenarioError::new(network_path(&error), error))?;
        // A weight that is needed is a weight: 64 bits, as the network's own.
        let too_large = || DecimalError::TooLarge(params.w_threshold);
        params
            .w_threshold
            .floor_of(network.total())
            .and_then(|need| Weight::try_from(need.max(0)).map_err(|_| too_large()))
            .map_err(|error| ScenarioError::new("params.w_threshold", error))?;
        let penalties = Penalties::new(&params).map_err(|error| {
            ScenarioError::new(format!("params.{}", error.parameter), error.problem)
        })?;
        let candidates = models("candidates", &self.candidates)?;
        let models = models("models", &self.models)?;
        let penalty_start =
            models.into_iter().map(|(id, model)| (id, model.penalty_start_epoch)).collect();
        let bootstrap = choices("bootstrap_snapshot", &self.bootstrap_snapshot)?;
        let regular = choices("regular_snapshot", &self.regular_snapshot)?;
        let reports = self.bootstrap_report.iter().map(|r| (r.model_id.clone(), r.pre_eligible));
        let report = distinct("bootstrap_report", "model_id", reports)?;
        let outcome = self.outcome.checked().map_err(|error| error.inside("outcome"))?;
        let formation = Formation {
            rule_set: self.rule_set,
            epoch: self.upcoming_epoch,
            penalties,
            penalty_start: &penalty_start,
            network: &network,
            bootstrap: &bootstrap,
            report: &report,
            regular: &regular,
            outcome: &outcome,
        };
        Ok(output::expect(&params, candidates.values(), &formation))
    }
}

impl ScenarioParams {
    fn delegation(&self) -> DelegationParams {
        DelegationParams {
            w_threshold: self.w_threshold,
            v_min: self.v_min,
            refusal_penalty: self.refusal_penalty,
            no_participation_penalty: self.no_participation_penalty,
            delegation_share: self.delegation_share,
            ..DelegationParams::default()
        }
    }
}

impl ScenarioOutcome {
    fn checked(&self) -> Result<Outcome, ScenarioError> {
        if let Some((host, weight)) = self.upcoming_weights.iter().find(|(_, weight)| **weight < 0)
        {
            let problem = format!("the weight {weight} is negative");
            return Err(ScenarioError::new(format!("upcoming_weights.{host}"), problem));
        }
        Ok(Outcome {
            upcoming_weights: self.upcoming_weights.clone(),
            eligible_members: hosts("eligible_members", &self.eligible_members)?,
            committers: hosts("committers", &self.committers)?,
            validated_committers: hosts("validated_committers", &self.validated_committers)?,
        })
    }
}

/// The kinds of choices that one snapshot holds.
trait Kind: Copy {
    /// The choice; none for a delegation, which needs its delegate.
    fn choice(self) -> Option<Choice>;
}

impl Kind for BootstrapKind {
    fn choice(self) -> Option<Choice> {
        match self {
            Self::Intent => Some(Choice::Intent),
            Self::Delegate => None,
        }
    }
}

impl Kind for RegularKind {
    fn choice(self) -> Option<Choice> {
        match self {
            Self::Refuse => Some(Choice::Refuse),
            Self::Delegate => None,
        }
    }
}

impl<K: Kind> Stored<K> {
    fn choice(&self) -> Result<Choice, ScenarioError> {
        let wrong = |problem| Err(ScenarioError::new("delegate_to", problem));
        match (self.kind.choice(), &self.delegate_to) {
            (Some(choice), None) => Ok(choice),
            (None, Some(delegate_to)) => Ok(Choice::Delegate { delegate_to: delegate_to.clone() }),
            (None, None) => wrong("a delegation needs a delegate"),
            (Some(_), Some(_)) => wrong("only a delegation has a delegate"),
        }
    }
}

fn network_path(error: &NetworkError) -> String {
    match error {
        NetworkError::DuplicateHost { place, .. } => format!("hosts[{place}].address"),
        NetworkError::NegativeWeight { place, .. } | NetworkError::WeightOverflow { place, .. } => {
            format!("hosts[{place}].weight")
        }
    }
}

/// Ordered by model id, as the chain orders its events.
fn models(
    key: &str,
    listed: &[ScenarioModel],
) -> Result<BTreeMap<ModelId, ModelParams>, ScenarioError> {
    let entries = listed.iter().map(|model| {
        let params = ModelParams {
            model_id: model.model_id.clone(),
            coefficient: model.coefficient,
            dynamic: false,
            penalty_start_epoch: model.penalty_start_epoch,
        };
        (model.model_id.clone(), params)
    });
    distinct(key, "model_id", entries)
}

fn choices<K: Kind>(key: &str, entries: &[Stored<K>]) -> Result<ChoicesByModel, ScenarioError> {
    let mut choices = ChoicesByModel::new();
    for (place, entry) in entries.iter().enumerate() {
        let path = format!("{key}[{place}]");
        let choice = entry.choice().map_err(|error| error.inside(&path))?;
        let of_model = choices.entry(entry.model_id.clone()).or_default();
        if of_model.insert(entry.host.clone(), choice).is_some() {
            let problem = format!("{:?} has a second choice for {:?}", entry.host, entry.model_id);
            return Err(ScenarioError::new(path, problem));
        }
    }
    Ok(choices)
}

fn hosts(
    key: &str,
    listed: &BTreeMap<ModelId, Vec<Address>>,
) -> Result<BTreeMap<ModelId, BTreeSet<Address>>, ScenarioError> {
    let mut sets = BTreeMap::new();
    for (model_id, hosts) in listed {
        let set: &mut BTreeSet<_> = sets.entry(model_id.clone()).or_default();
        for (place, host) in hosts.iter().enumerate() {
            if !set.insert(host.clone()) {
                let path = format!("{key}.{model_id}[{place}]");
                return Err(ScenarioError::new(path, format!("{host:?} is listed twice")));
            }
        }
    }
    Ok(sets)
}

fn distinct<K: Ord + fmt::Debug + Clone, V>(
    key: &str,
    field: &str,
    entries: impl Iterator<Item = (K, V)>,
) -> Result<BTreeMap<K, V>, ScenarioError> {
    let mut map = BTreeMap::new();
    for (place, (id, value)) in entries.enumerate() {
        if map.insert(id.clone(), value).is_some() {
            let path = format!("{key}[{place}].{field}");
            return Err(ScenarioError::new(path, format!("{id:?} is listed twice")));
        }
    }
    Ok(map)
}

/// A map in which a repeated key is an error instead of the last one winning.
fn distinct_keys<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord + Hash + fmt::Debug + Clone,
    V: Deserialize<'de>,
{
    struct Visitor<K, V>(PhantomData<(K, V)>);
    impl<'de, K, V> de::Visitor<'de> for Visitor<K, V>
    where
        K: Deserialize<'de> + Ord + fmt::Debug + Clone,
        V: Deserialize<'de>,
    {
        type Value = BTreeMap<K, V>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object with distinct keys")
        }
        fn visit_map<A: de::MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some((key, value)) = access.next_entry::<K, V>()? {
                if map.insert(key.clone(), value).is_some() {
                    return Err(de::Error::custom(format_args!("{key:?} is given twice")));
                }
            }
            Ok(map)
        }
    }
    deserializer.deserialize_map(Visitor(PhantomData))
}
