//! The environment over the file: `BOOTWATCH_` + section + `_` + key, in capitals. A repeated
//! section is one variable with all its groups: `BOOTWATCH_ENDPOINT="a=https://…,b=https://…"`,
//! `BOOTWATCH_HOST="mine=gonka1…"`; it replaces those of the file.

use std::collections::BTreeMap;

use super::{
    Environment,
    document::{Document, Group, Setting, Value},
    keys::{self, SECTIONS, Section},
    problem::{Place, Problem},
};

pub(super) const PREFIX: &str = "BOOTWATCH_";

/// A secret has no key in the file, only a variable.
pub(super) const PASSWORD: &str = "BOOTWATCH_EMAIL_PASSWORD";

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
}

fn meaning(name: &str) -> Option<Meaning> {
    if name == PASSWORD {
        return Some(Meaning::Key(keys::section("email")?, "password"));
    }
    for section in SECTIONS {
        if section.repeated && variable(section.name, None) == name {
            return Some(Meaning::Groups(section));
        }
        if section.repeated {
            continue;
        }
        for key in section.keys {
            if variable(section.name, Some(key)) == name {
                return Some(Meaning::Key(section, key));
            }
        }
    }
    None
}

fn variable(section: &str, key: Option<&str>) -> String {
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
            let keys: Vec<_> = if section.repeated {
                vec![variable(section.name, None)]
            } else {
                section.keys.iter().map(|key| variable(section.name, Some(key))).collect()
            };
            keys
        })
        .collect();
    names.push(PASSWORD.to_owned());
    names.extend(ELSEWHERE.iter().map(|name| (*name).to_owned()));
    names
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
