//! Epoch clocks from a file: what would these parameters, and these changes of them, do?
//!
//! Keys that are not listed here are refused, so that a misspelt one is not silently the default.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::{Value, error::Category};

use super::{Clock, ClockParams, StageEvent, Stages};
use crate::{Epoch, EpochParams, Height};

/// The largest height or length that is taken: far beyond any chain, and no sum of a few of them
/// overflows.
const LIMIT: Height = 1 << 56;

/// The largest number of stages in one answer; a day of blocks has about ten.
const MAX_EVENTS: usize = 1_000_000;

/// Why a clock file cannot be evaluated.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    /// The text is no JSON.
    #[error("the clock file is not JSON: {0}")]
    NotJson(#[source] serde_json::Error),
    /// A key is missing, misspelt or of the wrong type.
    #[error("the clock file is wrong at `{path}`: {source}")]
    Key {
        /// The path of the key, such as `[3].params.epoch_length`.
        path: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A number that no chain can have.
    #[error("the clock file is wrong at `{path}`: {value} is beyond ±2^56")]
    OutOfRange {
        /// The path of the key.
        path: String,
        /// Its value.
        value: i128,
    },
    /// `from` lies above `to`.
    #[error("the clock file is wrong at `{path}`: {from} is above `to`, which is {to}")]
    Backwards {
        /// The path of the key.
        path: String,
        /// First height.
        from: Height,
        /// Last height.
        to: Height,
    },
    /// The answer would be unreasonably long.
    #[error(
        "the clock file is wrong at `{path}`: more than {MAX_EVENTS} stages up to there; \
         ask for a shorter range"
    )]
    TooLong {
        /// The path of the key.
        path: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    /// For a person.
    #[serde(default, rename = "name")]
    _name: Option<String>,
    effective_epoch: Epoch,
    /// Only needed when `from` lies in a PoC stage whose start the parameters do not tell.
    #[serde(default)]
    latest_epoch: Option<Epoch>,
    params: Lengths,
    #[serde(default)]
    changes: Vec<Change>,
    from: Height,
    to: Height,
    /// A known answer, for whoever compares; not read here.
    #[serde(default, rename = "expect")]
    _expect: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lengths {
    epoch_length: Height,
    #[serde(default)]
    epoch_shift: Height,
    poc_stage_duration: Height,
    #[serde(default)]
    poc_exchange_duration: Height,
    poc_validation_delay: Height,
    poc_validation_duration: Height,
    set_new_validators_delay: Height,
    #[serde(default)]
    inference_validation_cutoff: Height,
    deploy_window: Height,
}

/// New values, in force at the end of the block `height` and after.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    height: Height,
    epoch_length: Option<Height>,
    epoch_shift: Option<Height>,
    poc_stage_duration: Option<Height>,
    poc_exchange_duration: Option<Height>,
    poc_validation_delay: Option<Height>,
    poc_validation_duration: Option<Height>,
    set_new_validators_delay: Option<Height>,
    inference_validation_cutoff: Option<Height>,
    deploy_window: Option<Height>,
}

/// What the chain does.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Expect {
    events: Vec<StageEvent>,
    stuck_from: Option<Height>,
}

/// Evaluates an epoch clock, or a list of them: the events of each range in order of height, and
/// within a block in the chain's own order, and the first height at which the chain finds no
/// epoch. One object gives one answer, a list gives a list.
///
/// # Errors
/// [`ClockError`] names the key that is wrong.
pub fn evaluate(json: &str) -> Result<Value, ClockError> {
    let answer = if json.trim_start().starts_with('[') {
        let scenarios: Vec<Scenario> = read(json)?;
        let answers: Result<Vec<_>, _> =
            scenarios.iter().enumerate().map(|(i, s)| s.run(&format!("[{i}]."))).collect();
        serde_json::to_value(answers?)
    } else {
        serde_json::to_value(read::<Scenario>(json)?.run("")?)
    };
    Ok(answer.expect("numbers and names are always representable in JSON"))
}

/// Straight from the text: by way of a value, the last of two equal keys would win unnoticed.
fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, ClockError> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let read = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        match error.into_inner() {
            source if source.classify() == Category::Data => ClockError::Key { path, source },
            source => ClockError::NotJson(source),
        }
    })?;
    deserializer.end().map_err(ClockError::NotJson)?;
    Ok(read)
}

impl Scenario {
    fn run(&self, path: &str) -> Result<Expect, ClockError> {
        self.check(path)?;
        // A file may list its changes in any order; those of one height apply as listed.
        let mut changes: Vec<&Change> = self.changes.iter().collect();
        changes.sort_by_key(|change| change.height);
        let mut changes = changes.into_iter().peekable();

        let mut params = self.params.at_start();
        while let Some(change) = changes.next_if(|change| change.height < self.from) {
            change.apply(&mut params);
        }
        let mut clock = self.clock(&params);
        let mut expect = Expect { events: Vec::new(), stuck_from: None };
        let mut first = self.from;
        while first <= self.to {
            while let Some(change) = changes.next_if(|change| change.height <= first) {
                change.apply(&mut params);
            }
            let last = changes.peek().map_or(self.to, |change| self.to.min(change.height - 1));
            let stuck = clock.advance(&params, first..=last, |event| {
                expect.events.push(event);
                if expect.events.len() > MAX_EVENTS {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            });
            if expect.events.len() > MAX_EVENTS {
                return Err(ClockError::TooLong { path: format!("{path}to") });
            }
            expect.stuck_from = expect.stuck_from.or(stuck);
            first = last + 1;
        }
        Ok(expect)
    }

    /// Inside a PoC stage the upcoming record exists already; the file need not say so when the
    /// parameters at `from` tell where it started.
    fn clock(&self, params: &ClockParams) -> Clock {
        if let Some(latest) = self.latest_epoch {
            return Clock::new(self.effective_epoch, latest);
        }
        let next = Stages::of(self.effective_epoch, params).next_epoch();
        let running = next.poc_start < self.from
            && self.from <= Stages::of(next, params).effective
            && next.poc_start >= self.effective_epoch.poc_start;
        Clock { effective: Some(self.effective_epoch), upcoming: running.then_some(next) }
    }

    fn check(&self, path: &str) -> Result<(), ClockError> {
        let epochs =
            [("effective_epoch", Some(self.effective_epoch)), ("latest_epoch", self.latest_epoch)];
        for (key, epoch) in epochs {
            let Some(epoch) = epoch else { continue };
            within(path, &format!("{key}.index"), epoch.index.into())?;
            within(path, &format!("{key}.poc_start"), epoch.poc_start.into())?;
        }
        for (key, value) in self.params.entries() {
            within(path, &format!("params.{key}"), value.into())?;
        }
        for (i, change) in self.changes.iter().enumerate() {
            for (key, value) in change.entries() {
                let Some(value) = value else { continue };
                within(path, &format!("changes[{i}].{key}"), value.into())?;
            }
        }
        within(path, "from", self.from.into())?;
        within(path, "to", self.to.into())?;
        if self.from > self.to {
            let (from, to) = (self.from, self.to);
            return Err(ClockError::Backwards { path: format!("{path}from"), from, to });
        }
        Ok(())
    }
}

fn within(path: &str, key: &str, value: i128) -> Result<(), ClockError> {
    if value.unsigned_abs() > u128::from(LIMIT.unsigned_abs()) {
        return Err(ClockError::OutOfRange { path: format!("{path}{key}"), value });
    }
    Ok(())
}

impl Lengths {
    fn at_start(&self) -> ClockParams {
        ClockParams {
            epoch: EpochParams {
                epoch_length: self.epoch_length,
                epoch_shift: self.epoch_shift,
                poc_stage_duration: self.poc_stage_duration,
                poc_exchange_duration: self.poc_exchange_duration,
                poc_validation_delay: self.poc_validation_delay,
                poc_validation_duration: self.poc_validation_duration,
                set_new_validators_delay: self.set_new_validators_delay,
                inference_validation_cutoff: self.inference_validation_cutoff,
            },
            deploy_window: self.deploy_window,
        }
    }

    fn entries(&self) -> [(&'static str, Height); 9] {
        [
            ("epoch_length", self.epoch_length),
            ("epoch_shift", self.epoch_shift),
            ("poc_stage_duration", self.poc_stage_duration),
            ("poc_exchange_duration", self.poc_exchange_duration),
            ("poc_validation_delay", self.poc_validation_delay),
            ("poc_validation_duration", self.poc_validation_duration),
            ("set_new_validators_delay", self.set_new_validators_delay),
            ("inference_validation_cutoff", self.inference_validation_cutoff),
            ("deploy_window", self.deploy_window),
        ]
    }
}

impl Change {
    fn apply(&self, params: &mut ClockParams) {
        let epoch = &mut params.epoch;
        let targets = [
            &mut epoch.epoch_length,
            &mut epoch.epoch_shift,
            &mut epoch.poc_stage_duration,
            &mut epoch.poc_exchange_duration,
            &mut epoch.poc_validation_delay,
            &mut epoch.poc_validation_duration,
            &mut epoch.set_new_validators_delay,
            &mut epoch.inference_validation_cutoff,
            &mut params.deploy_window,
        ];
        // The entries begin with the height, which is no parameter.
        for (target, (_, value)) in targets.into_iter().zip(self.entries().into_iter().skip(1)) {
            if let Some(value) = value {
                *target = value;
            }
        }
    }

    fn entries(&self) -> [(&'static str, Option<Height>); 10] {
        [
            ("height", Some(self.height)),
            ("epoch_length", self.epoch_length),
            ("epoch_shift", self.epoch_shift),
            ("poc_stage_duration", self.poc_stage_duration),
            ("poc_exchange_duration", self.poc_exchange_duration),
            ("poc_validation_delay", self.poc_validation_delay),
            ("poc_validation_duration", self.poc_validation_duration),
            ("set_new_validators_delay", self.set_new_validators_delay),
            ("inference_validation_cutoff", self.inference_validation_cutoff),
            ("deploy_window", self.deploy_window),
        ]
    }
}
