//! The raw configuration: sections of keys whose values are texts, each with its place.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    environment,
    keys::{self, Kind, SECTIONS, Section, Times},
    problem::{Place, Problem},
};

/// The file, or nothing, with the environment laid over it.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// The groups of each section that occurs: one of a plain section, some of a repeated one;
    /// none at all when the section is unusable, which has been reported.
    pub(super) groups: BTreeMap<&'static str, Vec<Group>>,
}

/// One occurrence of a section.
#[derive(Debug)]
pub(super) struct Group {
    /// Where it begins.
    pub(super) place: Place,
    /// What it says.
    pub(super) settings: BTreeMap<&'static str, Setting>,
}

/// What a key says.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    /// Where.
    pub(super) place: Place,
    /// What.
    pub(super) value: Value,
}

/// A value.
#[derive(Clone)]
pub(super) enum Value {
    /// One text, or a number as it was written.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
    /// Texts by name, each with its place.
    Table(Vec<(String, Place, String)>),
    /// Something else, which has been reported: the key is neither missing nor usable.
    Unusable,
}

/// Values may be secrets.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value")
    }
}

impl Document {
    /// Reads TOML. Whatever is wrong becomes a problem; the rest is returned, so that one run shows
    /// all errors. None when it is no TOML: what is missing then may only be unreadable.
    pub(super) fn parse(name: &str, text: &str, problems: &mut Vec<Problem>) -> Option<Self> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let reader = Reader { name, text };
        for error in errors {
            let at = error.span().map(|span| span.start);
            problems.push(Problem::new(reader.place(at), error.message().to_owned()));
        }
        if !problems.is_empty() {
            return None;
        }
        let mut document = Self::default();
        for (key, value) in table.get_ref() {
            let Some(section) = keys::section(key.get_ref()) else {
                let known = SECTIONS.iter().map(|section| section.name);
                problems.push(Problem::new(
                    reader.place(Some(key.span().start)),
                    format!(
                        "unknown section `{}`; {}",
                        key.get_ref().escape_debug(),
                        keys::suggestion(key.get_ref(), known)
                    ),
                ));
                continue;
            };
            let groups = reader.section(section, key.span().start, value, problems);
            // `endpoint = []` is as good as no endpoint.
            if groups.as_ref().is_none_or(|groups| !groups.is_empty()) {
                document.groups.insert(section.name, groups.unwrap_or_default());
            }
        }
        Some(document)
    }

    /// The only group of a plain section.
    pub(super) fn single(&self, section: &str) -> Option<&Group> {
        self.groups.get(section)?.first()
    }
}

struct Reader<'a> {
    name: &'a str,
    text: &'a str,
}

impl Reader<'_> {
    fn place(&self, offset: Option<usize>) -> Place {
        let at = offset.map(|offset| {
            let before = self.text.get(..offset).unwrap_or(self.text);
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            (line, column)
        });
        Place::File { name: self.name.to_owned(), at }
    }

    fn section(
        &self,
        section: &'static Section,
        start: usize,
        value: &Spanned<DeValue<'_>>,
        problems: &mut Vec<Problem>,
    ) -> Option<Vec<Group>> {
        let name = section.name;
        let form = match section.times {
            Times::Once => format!("`[{name}]`"),
            Times::Many => format!("`[[{name}]]`"),
            Times::OnceOrMany => format!("`[{name}]` or `[[{name}]]`"),
        };
        let tables: Option<Vec<_>> = match value.get_ref() {
            DeValue::Table(table) if section.times != Times::Many => {
                Some(vec![(value.span().start, table)])
            }
            DeValue::Array(array) if section.times != Times::Once => array
                .iter()
                .map(|item| match item.get_ref() {
                    DeValue::Table(table) => Some((item.span().start, table)),
                    _ => None,
                })
                .collect(),
            _ => None,
        };
        let Some(tables) = tables else {
            problems.push(Problem::new(
                self.place(Some(start)),
                format!("`{}` must be written as {form}", section.name),
            ));
            return None;
        };
        let groups =
            tables.into_iter().map(|(start, table)| self.group(section, start, table, problems));
        Some(groups.collect())
    }

    fn group(
        &self,
        section: &'static Section,
        start: usize,
        table: &DeTable<'_>,
        problems: &mut Vec<Problem>,
    ) -> Group {
        let mut settings = BTreeMap::new();
        for (key, value) in table {
            let place = self.place(Some(key.span().start));
            let Some(known) = section.keys.iter().find(|known| **known == key.get_ref().as_ref())
            else {
                problems.push(Problem::new(place, unknown_key(section, key.get_ref())));
                continue;
            };
            let kind = keys::kind(section, known);
            let read = match kind {
                Kind::Text => texts(value.get_ref()),
                Kind::Number => number(value.get_ref()),
                Kind::Table => self.table(value.get_ref()),
            };
            let value = read.unwrap_or_else(|found| {
                let expected = match kind {
                    Kind::Text => "a text in quotes",
                    Kind::Number => "a whole number",
                    Kind::Table => "a table of texts, { \"name\" = \"value\" }",
                };
                problems.push(Problem::new(
                    place.clone(),
                    format!("`{known}` of [{}] must be {expected}, not {found}", section.name),
                ));
                Value::Unusable
            });
            settings.insert(*known, Setting { place, value });
        }
        Group { place: self.place(Some(start)), settings }
    }

    fn table(&self, value: &DeValue<'_>) -> Result<Value, Cow<'static, str>> {
        let DeValue::Table(table) = value else { return Err(kind(value).into()) };
        table
            .iter()
            .map(|(name, value)| match value.get_ref() {
                DeValue::String(text) => {
                    let place = self.place(Some(name.span().start));
                    Ok((name.get_ref().to_string(), place, text.to_string()))
                }
                other => Err(format!("a table with {}", kind(other)).into()),
            })
            .collect::<Result<_, _>>()
            .map(Value::Table)
    }
}

fn unknown_key(section: &Section, key: &str) -> String {
    // A secret in the file itself is the one thing people will try.
    if section.secrets.contains(&key) {
        return format!(
            "`{key}` is not taken from the file: write it into a file of its own and name that in \
             `{key}_file`, or set {}",
            environment::variable(section.name, Some(key))
        );
    }
    format!(
        "unknown key `{}` in [{}]; {}",
        key.escape_debug(),
        section.name,
        keys::suggestion(key, section.keys.iter().copied())
    )
}

/// Quotes around a number do no harm, and variables have nothing else.
fn number(value: &DeValue<'_>) -> Result<Value, Cow<'static, str>> {
    match value {
        DeValue::Integer(number) => Ok(Value::Text(number.to_string())),
        DeValue::String(text) => Ok(Value::Text(text.to_string())),
        other => Err(kind(other).into()),
    }
}

fn texts(value: &DeValue<'_>) -> Result<Value, Cow<'static, str>> {
    match value {
        DeValue::String(text) => Ok(Value::Text(text.to_string())),
        DeValue::Array(items) => items
            .iter()
            .map(|item| match item.get_ref() {
                DeValue::String(text) => Ok(text.to_string()),
                other => Err(format!("a list with {}", kind(other)).into()),
            })
            .collect::<Result<_, _>>()
            .map(Value::List),
        other => Err(kind(other).into()),
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
