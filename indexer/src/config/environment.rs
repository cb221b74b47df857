//! The environment over the file: `BOOTWATCH_` + section + `_` + key, in capitals. A repeated
//! section is one variable with all its groups: `BOOTWATCH_ENDPOINT="a=https://…,b=https://…"`,
//! `BOOTWATCH_HOST="mine=gonka1…"`; it replaces those of the file. Another key of one endpoint has
//! the endpoint's number in its name: `BOOTWATCH_ENDPOINT_2_CA_FILE` is of the second. A channel is
//! usually one, so its keys are variables too: `BOOTWATCH_TELEGRAM_TOKEN`; with several of a kind they
//! would name none.

use std::collections::BTreeMap;

use super::{
    Environment,
    document::{Document, Group, Setting, Value},
    keys::{self, Kind, SECTIONS, Section, Times},
    problem::{Place, Problem},
};

pub(super) const PREFIX: &str = "BOOTWATCH_";

/// The repeated section whose groups have more keys than fit into the one variable.
const NUMBERED: &str = "endpoint";

/// Variables that are read elsewhere: by the command line and the log.
const ELSEWHERE: &[&str] = &["BOOTWATCH_CONFIG", "BOOTWATCH_LOG", "BOOTWATCH_LOG_FORMAT"];

/// Lays the variables over the document. An empty variable is as good as none: compose files pass
/// every variable they know.
pub(super) fn overlay(
    document: &mut Document,
    environment: &Environment,
    problems: &mut Vec<Problem>,
) {
    for (name, value) in environment {
        if ELSEWHERE.contains(&name.as_str()) || value.is_empty() {
            continue;
        }
        let place = Place::Variable(name.clone());
        match meaning(name) {
            Some(Meaning::Key(section, key)) => {
                let groups = document.groups.entry(section.name).or_default();
                if groups.len() > 1 {
                    let section = section.name;
                    problems.push(Problem::new(
                        place,
                        format!(
                            "there are several [[{section}]], and a variable cannot say which one \
                             it means; use the keys of the file"
                        ),
                    ));
                    continue;
                }
                if groups.is_empty() {
                    groups.push(Group { place: place.clone(), settings: BTreeMap::new() });
                }
                if let Some(group) = groups.first_mut() {
                    let value = Value::Text(value.clone());
                    group.settings.insert(key, Setting { place, value });
                }
            }
            Some(Meaning::Groups(section)) => {
                document.groups.insert(section.name, groups(section, &place, value));
            }
            Some(Meaning::Nth(section, number, key)) => {
                let groups = document.groups.entry(section.name).or_default();
                let count = groups.len();
                let Some(group) = number.checked_sub(1).and_then(|index| groups.get_mut(index))
                else {
                    problems.push(Problem::new(
                        place,
                        format!("there is no [[{}]] {number}; there are {count}", section.name),
                    ));
                    continue;
                };
                let value = match keys::kind(section, key) {
                    Kind::Table => lines(&place, value, key, problems),
                    Kind::Text | Kind::Number => Value::Text(value.clone()),
                };
                group.settings.insert(key, Setting { place, value });
            }
            None => {
                let known = known();
                problems.push(Problem::new(
                    place,
                    format!(
                        "unknown variable; {}",
                        keys::suggestion(name, known.iter().map(String::as_str))
                    ),
                ));
            }
        }
    }
}

enum Meaning {
    Key(&'static Section, &'static str),
    Groups(&'static Section),
    /// The number of a group, from 1, and a key of it.
    Nth(&'static Section, usize, &'static str),
}

fn meaning(name: &str) -> Option<Meaning> {
    for section in SECTIONS {
        if section.times == Times::Many && variable(section.name, None) == name {
            return Some(Meaning::Groups(section));
        }
        if section.times == Times::Many {
            let Some(rest) = name.strip_prefix(&format!("{}_", variable(section.name, None)))
            else {
                continue;
            };
            let (number, rest) = rest.split_once('_')?;
            let number = number.parse().ok()?;
            let key = section.keys.iter().skip(2).find(|key| key.eq_ignore_ascii_case(rest))?;
            return (section.name == NUMBERED).then_some(Meaning::Nth(section, number, key));
        }
        for key in section.keys.iter().chain(section.secrets) {
            if variable(section.name, Some(key)) == name {
                return Some(Meaning::Key(section, key));
            }
        }
    }
    None
}

pub(super) fn variable(section: &str, key: Option<&str>) -> String {
    let name = match key {
        Some(key) => format!("{PREFIX}{section}_{key}"),
        None => format!("{PREFIX}{section}"),
    };
    name.to_ascii_uppercase()
}

/// Every variable there is.
pub(super) fn known() -> Vec<String> {
    let mut names: Vec<_> = SECTIONS
        .iter()
        .flat_map(|section| {
            let keys: Vec<_> = if section.name == NUMBERED {
                let first = |key: &&str| variable(&format!("{}_1", section.name), Some(key));
                let more = section.keys.iter().skip(2).map(first);
                std::iter::once(variable(section.name, None)).chain(more).collect()
            } else if section.times == Times::Many {
                vec![variable(section.name, None)]
            } else {
                let keys = section.keys.iter().chain(section.secrets);
                keys.map(|key| variable(section.name, Some(key))).collect()
            };
            keys
        })
        .collect();
    names.extend(ELSEWHERE.iter().map(|name| (*name).to_owned()));
    names
}

/// A table in a variable: lines of `name: value`, as HTTP writes headers.
fn lines(place: &Place, text: &str, key: &str, problems: &mut Vec<Problem>) -> Value {
    let mut table = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let Some((name, value)) = line.split_once(':') else {
            problems.push(Problem::new(
                place.clone(),
                format!("`{key}` must be lines of \"name: value\""),
            ));
            return Value::Unusable;
        };
        table.push((name.trim().to_owned(), place.clone(), value.trim().to_owned()));
    }
    Value::Table(table)
}

/// `name=value,name=value`, or plain values: the first key of the section is the name, the second
/// the value. A URL may hold `=`, a name may not, so the first one outside the value decides.
fn groups(section: &'static Section, place: &Place, value: &str) -> Vec<Group> {
    let (Some(name_key), Some(value_key)) = (section.keys.first(), section.keys.get(1)) else {
        return Vec::new();
    };
    value
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| {
            let setting = |text: &str| Setting {
                place: place.clone(),
                value: Value::Text(text.trim().into()),
            };
            let mut settings = BTreeMap::new();
            match entry.split_once('=') {
                Some((name, value)) if !name.contains("://") => {
                    settings.insert(*name_key, setting(name));
                    settings.insert(*value_key, setting(value));
                }
                _ => {
                    settings.insert(*value_key, setting(entry));
                }
            }
            Group { place: place.clone(), settings }
        })
        .collect()
}
