//! What became of incidents, and what was told of them.

use std::collections::BTreeMap;

use bootwatch_rules::Height;
use bootwatch_schema::{Ending, Incident, IncidentState, NewMessage, Severity};
use serde_json::Value;

/// Everything that became of one incident.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) window: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) turns: Vec<Turn>,
}

/// A block after which an incident stood otherwise than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) height: Height,
    pub(crate) state: IncidentState,
    pub(crate) severity: Severity,
    pub(crate) ending: Option<Ending>,
}

/// It begins, and waits.
pub(crate) fn waits(height: Height, severity: Severity) -> Turn {
    Turn { height, state: IncidentState::Pending, severity, ending: None }
}

/// It fires, or has become more urgent.
pub(crate) fn fires(height: Height, severity: Severity) -> Turn {
    Turn { height, state: IncidentState::Firing, severity, ending: None }
}

/// It is over.
pub(crate) fn ends(height: Height, severity: Severity, ending: Ending) -> Turn {
    Turn { height, state: IncidentState::Resolved, severity, ending: Some(ending) }
}

impl Turn {
    pub(crate) fn of(incident: &Incident, height: Height) -> Self {
        let Incident { state, severity, ending, .. } = *incident;
        Self { height, state, severity, ending }
    }

    /// Another block alone is no turn.
    pub(crate) fn is_as(&self, other: &Self) -> bool {
        Self { height: other.height, ..*self } == *other
    }
}

/// A message as a program gets it.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) height: Height,
    pub(crate) severity: Severity,
    body: Value,
}

impl From<&NewMessage> for Told {
    fn from(message: &NewMessage) -> Self {
        Self {
            height: message.created_height,
            severity: message.severity,
            body: serde_json::from_str(&message.text).unwrap(),
        }
    }
}

impl Told {
    /// Of that alert, and with this value among its labels, if there is one.
    pub(crate) fn is_about(&self, alert: &str, label: &str) -> bool {
        let incident = &self.body["incident"];
        let mut labels = incident["labels"].as_object().unwrap().values();
        incident["alert"] == alert && (label.is_empty() || labels.any(|value| value == label))
    }

    /// A text of its body.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.body[key].as_str().unwrap_or_else(|| panic!("no {key} in {:#}", self.body))
    }

    /// What it says contains this.
    pub(crate) fn says(&self, words: &str) {
        assert!(self.text("what").contains(words), "{words:?} is not in {:#}", self.body);
    }

    /// A number behind it, by its name.
    pub(crate) fn number(&self, name: &str) -> &str {
        self.find(name).unwrap_or_else(|| panic!("no {name:?} in {:#}", self.body))
    }

    /// The same, when there is one.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        let rows = self.body["numbers"].as_array().unwrap();
        rows.iter().find(|row| row["name"] == name)?["value"].as_str()
    }

    /// The deadline, the last block that counts, and how many blocks are left.
    pub(crate) fn by(&self) -> (&str, Height, Height) {
        let by = &self.body["by"];
        let number = |key: &str| by[key].as_i64().unwrap();
        (by["deadline"].as_str().unwrap(), number("height"), number("blocks_left"))
    }

    /// The commands that it gives.
    pub(crate) fn commands(&self) -> Vec<&str> {
        let steps = self.body["steps"].as_array().unwrap();
        steps.iter().filter_map(|step| step["command"].as_str()).collect()
    }
}

/// `14,174`.
pub(crate) fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `2,043.53 GNK`, rounded down.
pub(crate) fn gnk(ngonka: u64) -> String {
    let hundredths = ngonka / 10_000_000;
    let whole = grouped(i64::try_from(hundredths / 100).unwrap());
    format!("{whole}.{:02} GNK", hundredths % 100)
}

/// `33.33 %` of the whole, rounded down, without zeros at its end.
pub(crate) fn percent(part: i64, whole: i64) -> String {
    let hundredths = i128::from(part) * 10_000 / i128::from(whole);
    let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}
