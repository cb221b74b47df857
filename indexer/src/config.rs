//! The configuration: a TOML file, overridden by the environment, checked as a whole before
//! anything is opened.
//!
//! [`Config::load`] reads the file into a plain document of texts that remember where they
//! stand, lays the environment over it, and validates the result; every error is reported at once,
//! each with its place. A [`Config`] that exists is good: nothing behind it checks again.

mod document;
mod environment;
mod keys;
mod problem;
mod settings;
#[cfg(test)]
mod tests;
mod validate;

use std::{collections::BTreeMap, path::Path};

pub use problem::{ConfigError, Place, Problem};
pub use settings::{
    AlertsConfig, Audience, ChainConfig, ChannelConfig, ChannelKind, Config, EmailConfig,
    EndpointConfig, HeartbeatUrl, History, HostConfig, HttpConfig, MailTo, RpcUrl, StoreConfig,
    TlsMode,
};

use document::Document;
pub(crate) use keys::suggestion_among as nearest;
pub(crate) use validate::ADDRESS_PREFIX;

/// The example that ships: every key, with what it means.
pub const EXAMPLE: &str = include_str!("../../bootwatch.example.toml");

/// Environment variables that begin with `BOOTWATCH_`, as given to [`Config::load`].
pub type Environment = BTreeMap<String, String>;

/// The variables of this process that begin with `BOOTWATCH_`. A value that is no UTF-8 is kept
/// with replacement characters, so that it fails where it is used.
#[must_use]
pub fn environment() -> Environment {
    std::env::vars_os()
        .filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            name.starts_with(environment::PREFIX)
                .then(|| (name, value.to_string_lossy().into_owned()))
        })
        .collect()
}

impl Config {
    /// Reads the file, if there is one, and the environment over it.
    ///
    /// # Errors
    /// [`ConfigError`] lists everything that is wrong: a file that cannot be read, syntax, unknown
    /// keys, values that are no such thing.
    pub fn load(file: Option<&Path>, environment: &Environment) -> Result<Self, ConfigError> {
        let Some(path) = file else {
            return Self::check(Document::default(), environment, Vec::new());
        };
        let text = std::fs::read_to_string(path).map_err(|error| {
            ConfigError::new(vec![Problem::new(
                Place::File { name: path.display().to_string(), at: None },
                format!("cannot be read: {error}"),
            )])
        })?;
        Self::parse(&path.display().to_string(), &text, environment)
    }

    /// As [`Config::load`], from a text; `name` stands for the file in messages.
    ///
    /// # Errors
    /// As for [`Config::load`].
    pub fn parse(name: &str, text: &str, environment: &Environment) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        match Document::parse(name, text, &mut problems) {
            Some(document) => Self::check(document, environment, problems),
            None => Err(ConfigError::new(problems)),
        }
    }

    fn check(
        mut document: Document,
        environment: &Environment,
        mut problems: Vec<Problem>,
    ) -> Result<Self, ConfigError> {
        environment::overlay(&mut document, environment, &mut problems);
        match validate::validate(&document, &mut problems) {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(ConfigError::new(problems)),
        }
    }
}
