//! What-if files: a network, its choices and a PoC's outcome in; the capture's answers and every
//! host's charges out. `bootwatch whatif --scenario` reads them.
//!
//! A file is one scenario or a list of them. Keys that are not listed in [`Scenario`] are refused,
//! so that a misspelt one is not silently the default.

mod input;
mod output;

use serde_json::Value;

pub use input::Scenario;

/// What is wrong with a scenario, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct ScenarioError {
    /// The key, such as `[3].params.v_min`; `.` for the file as a whole.
    pub path: String,
    /// What is wrong with it.
    pub problem: String,
}

impl ScenarioError {
    fn new(path: impl Into<String>, problem: impl ToString) -> Self {
        Self { path: path.into(), problem: problem.to_string() }
    }

    fn inside(self, outer: &str) -> Self {
        Self { path: format!("{outer}.{}", self.path), ..self }
    }
}

/// The answers to one scenario, or a list of them to a list: the `expect` part of the file.
///
/// # Errors
/// [`ScenarioError`] names the first key that is wrong.
pub fn evaluate(json: &str) -> Result<Value, ScenarioError> {
    if json.trim_start().starts_with('[') {
        let scenarios: Vec<Scenario> = parse(json)?;
        let answers = scenarios.iter().enumerate().map(|(number, scenario)| {
            scenario.evaluate().map_err(|error| error.inside(&format!("[{number}]")))
        });
        return answers.collect::<Result<Vec<_>, _>>().map(Value::Array);
    }
    parse::<Scenario>(json)?.evaluate()
}

fn parse<'a, T: serde::Deserialize<'a>>(json: &'a str) -> Result<T, ScenarioError> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let parsed = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| ScenarioError::new(error.path().to_string(), error.inner()))?;
    deserializer.end().map_err(|error| ScenarioError::new(".", error))?;
    Ok(parsed)
}

#[cfg(test)]
mod tests;
