//! The story file as it is written, and its checks.

use serde::Deserialize;

use super::super::spec::Version;
use super::super::wire::Decimal;
use super::{
    Action, Background, Choice, ModelLine, Moment, Motion, NamedHost, ParamChange, Stage, Step,
    Story, StoryError, Via,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStory {
    name: Option<String>,
    shows: String,
    /// The chain's version, such as `0.2.14`.
    version: Option<String>,
    /// How many hosts in all; the seed names and weighs those that the file does not.
    hosts: Option<usize>,
    background: Option<RawBackground>,
    #[serde(default)]
    host: Vec<RawHost>,
    model: Option<Vec<RawModel>>,
    /// Parameters at genesis.
    params: Option<RawParams>,
    #[serde(default)]
    step: Vec<RawStep>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBackground {
    choices: Option<bool>,
    /// Unrelated transactions per hundred blocks.
    traffic: Option<u32>,
    failures: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHost {
    name: String,
    weight: Option<i64>,
    serves: Option<Vec<String>>,
    #[serde(default)]
    scripted: bool,
    #[serde(default)]
    guardian: bool,
    #[serde(default)]
    joins: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawModel {
    id: String,
    coefficient: Option<RawDecimal>,
    #[serde(default)]
    penalty_start_epoch: u64,
    #[serde(default = "yes")]
    poc: bool,
    /// How likely a host of the seed's choosing serves it, percent.
    #[serde(default)]
    served: u32,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDecimal {
    value: i64,
    exponent: i32,
}

impl From<RawDecimal> for Decimal {
    fn from(raw: RawDecimal) -> Self {
        Self { value: raw.value, exponent: raw.exponent }
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawParams {
    epoch_length: Option<i64>,
    deploy_window: Option<i64>,
    v_min: Option<i64>,
    w_threshold: Option<RawDecimal>,
    refusal_penalty: Option<RawDecimal>,
    no_participation_penalty: Option<RawDecimal>,
    delegation_share: Option<RawDecimal>,
    initial_model_id: Option<String>,
    set_new_validators_delay: Option<i64>,
    /// A model of the story that proof of compute runs for from now on.
    add_model: Option<String>,
    /// A model that it no longer runs for.
    remove_model: Option<String>,
}

impl From<RawParams> for ParamChange {
    fn from(raw: RawParams) -> Self {
        Self {
            epoch_length: raw.epoch_length,
            deploy_window: raw.deploy_window,
            v_min: raw.v_min,
            w_threshold: raw.w_threshold.map(Into::into),
            refusal_penalty: raw.refusal_penalty.map(Into::into),
            no_participation_penalty: raw.no_participation_penalty.map(Into::into),
            delegation_share: raw.delegation_share.map(Into::into),
            initial_model_id: raw.initial_model_id,
            set_new_validators_delay: raw.set_new_validators_delay,
            add_model: raw.add_model,
            remove_model: raw.remove_model,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Deed {
    Delegate,
    Clear,
    Refuse,
    Intent,
    Fail,
    Exclude,
    Join,
    Serve,
    Stop,
    Withhold,
    FailCapture,
    SetParams,
    ScheduleUpgrade,
    CancelUpgrade,
    Raw,
    Send,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
enum RawVia {
    #[default]
    Direct,
    Authz,
    Nested,
}

/// A step is flat so that a wrong key is an error by itself; which keys a deed needs is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStep {
    height: Option<i64>,
    epoch: Option<u64>,
    at: Option<String>,
    #[serde(rename = "do")]
    deed: Deed,
    host: Option<String>,
    model: Option<String>,
    to: Option<String>,
    #[serde(default)]
    via: RawVia,
    reason: Option<String>,
    params: Option<RawParams>,
    /// A proposal's.
    title: Option<String>,
    /// An upgrade's name.
    name: Option<String>,
    /// How many blocks after the decision it comes.
    after: Option<i64>,
    /// Hex.
    bytes: Option<String>,
    memo: Option<String>,
}

impl RawStory {
    pub(super) fn into_story(self, name: &str) -> Result<Story, StoryError> {
        let story = self.name.unwrap_or_else(|| name.to_owned());
        let wrong = |place: String, problem: String| StoryError::Value {
            story: story.clone(),
            place,
            problem,
        };
        let version = self
            .version
            .map(|text| Version::parse(&text))
            .transpose()
            .map_err(|error| wrong("version".to_owned(), error.to_string()))?;
        let named = self.host.into_iter().map(named_host).collect::<Vec<_>>();
        for (index, host) in named.iter().enumerate() {
            let place = || format!("host {}", index + 1);
            if host.name.is_empty() || named.iter().take(index).any(|other| other.name == host.name)
            {
                return Err(wrong(place(), format!("name {:?} is empty or repeated", host.name)));
            }
            if host.weight.is_some_and(|weight| !(0..=1_000_000_000_000).contains(&weight)) {
                return Err(wrong(place(), "weight: 0 to 10^12".to_owned()));
            }
        }
        let known = |host: &str| named.iter().any(|known| known.name == host);
        let mut steps = Vec::with_capacity(self.step.len());
        for (index, step) in self.step.into_iter().enumerate() {
            let step = step
                .into_step(&known)
                .map_err(|problem| wrong(format!("step {}", index + 1), problem))?;
            steps.push(step);
        }
        let background = self.background;
        let of = |pick: fn(&RawBackground) -> Option<bool>| background.as_ref().and_then(pick);
        Ok(Story {
            shows: self.shows,
            version,
            hosts: self.hosts.unwrap_or(20).clamp(1, 20_000),
            background: Background {
                choices: of(|b| b.choices).unwrap_or(true),
                traffic: background.as_ref().and_then(|b| b.traffic).unwrap_or(76).min(2_000),
                failures: of(|b| b.failures).unwrap_or(true),
            },
            named,
            models: self.model.map(|models| models.into_iter().map(model_line).collect()),
            params: self.params.unwrap_or_default().into(),
            steps,
            name: story,
        })
    }
}

fn named_host(raw: RawHost) -> NamedHost {
    NamedHost {
        name: raw.name,
        weight: raw.weight,
        serves: raw.serves,
        scripted: raw.scripted,
        guardian: raw.guardian,
        joins: raw.joins,
    }
}

fn model_line(raw: RawModel) -> ModelLine {
    ModelLine {
        id: raw.id,
        coefficient: raw.coefficient.map(Into::into),
        penalty_start_epoch: raw.penalty_start_epoch,
        poc: raw.poc,
        served: raw.served,
    }
}

impl RawStep {
    fn into_step(self, known: &dyn Fn(&str) -> bool) -> Result<Step, String> {
        let moment = match (self.height, self.epoch, self.at.as_deref()) {
            (Some(height), None, None) => Moment::Height(height),
            (None, Some(epoch), Some(at)) => Moment::parse(epoch, at).ok_or_else(|| {
                let names = Stage::NAMES.map(|(name, _)| name).join(", ");
                format!("at = {at:?}: a stage ({names}) and an offset, such as capture-5")
            })?,
            _ => return Err("give `height`, or `epoch` and `at`".to_owned()),
        };
        let via = match self.via {
            RawVia::Direct => Via::Direct,
            RawVia::Authz => Via::Authz,
            RawVia::Nested => Via::Nested,
        };
        let host = |host: Option<String>| match host {
            Some(host) if known(&host) => Ok(host),
            Some(host) => Err(format!("host {host:?} is not one of this story's [[host]]s")),
            None => Err("`host` is missing".to_owned()),
        };
        let model = self.model;
        let needed = |model: Option<String>| model.ok_or_else(|| "`model` is missing".to_owned());
        let action = match self.deed {
            Deed::Delegate => Action::Choose {
                host: host(self.host)?,
                model: needed(model)?,
                choice: Choice::Delegate(self.to.ok_or_else(|| "`to` is missing".to_owned())?),
                via,
            },
            Deed::Clear => Action::Choose {
                host: host(self.host)?,
                model: needed(model)?,
                choice: Choice::Delegate(String::new()),
                via,
            },
            Deed::Refuse => Action::Choose {
                host: host(self.host)?,
                model: needed(model)?,
                choice: Choice::Refuse,
                via,
            },
            Deed::Intent => Action::Choose {
                host: host(self.host)?,
                model: needed(model)?,
                choice: Choice::Intent,
                via,
            },
            Deed::Fail => Action::Fail { host: host(self.host)?, via },
            Deed::Exclude => Action::Exclude {
                host: host(self.host)?,
                reason: self.reason.unwrap_or_else(|| "failed_confirmation_poc".to_owned()),
            },
            Deed::Join => Action::Join { host: host(self.host)? },
            Deed::Serve => Action::Serve { host: host(self.host)?, model },
            Deed::Stop => Action::Stop { host: host(self.host)?, model },
            Deed::Withhold => Action::Withhold { host: host(self.host)? },
            Deed::FailCapture => Action::FailCapture,
            Deed::SetParams => {
                let params = self.params.ok_or_else(|| "`params` is missing".to_owned())?;
                Action::Govern { title: self.title, motion: Motion::SetParams(params.into()) }
            }
            Deed::ScheduleUpgrade => {
                let name = self.name.ok_or_else(|| "`name` is missing".to_owned())?;
                let after = self.after.filter(|after| *after > 0);
                let after = after.ok_or_else(|| "`after` needs 1 block or more".to_owned())?;
                Action::Govern { title: self.title, motion: Motion::Upgrade { name, after } }
            }
            Deed::CancelUpgrade => {
                Action::Govern { title: self.title, motion: Motion::CancelUpgrade }
            }
            Deed::Raw => Action::Raw(
                hex::decode(self.bytes.unwrap_or_default())
                    .map_err(|error| format!("bytes: {error}"))?,
            ),
            Deed::Send => Action::Send {
                host: host(self.host)?,
                to: self.to.ok_or_else(|| "`to` is missing".to_owned())?,
                memo: self.memo.unwrap_or_default(),
            },
        };
        Ok(Step { moment, action })
    }
}
