//! A story: who the hosts are and what they do at which height.
//!
//! The file is TOML; those in `tests/devnet/stories` ship with the crate and show every kind of
//! step. The keys are the fields in `story/raw.rs`; an unknown one is an error.

mod moment;
mod raw;

use std::path::Path;

pub(crate) use moment::{Moment, Stage};

use super::spec::Version;
use super::wire::Decimal;

/// A parsed story.
#[derive(Debug, Clone)]
pub struct Story {
    /// Its name.
    pub name: String,
    /// What it shows, in a sentence or two.
    pub shows: String,
    /// The version that the chain runs, when the story depends on it.
    pub version: Option<Version>,
    pub(crate) hosts: usize,
    pub(crate) background: Background,
    pub(crate) named: Vec<NamedHost>,
    pub(crate) models: Option<Vec<ModelLine>>,
    pub(crate) params: ParamChange,
    pub(crate) steps: Vec<Step>,
}

/// What happens without being told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Background {
    /// Hosts that the script does not steer choose by themselves.
    pub(crate) choices: bool,
    /// Unrelated transactions, in hundredths per block.
    pub(crate) traffic: u32,
    /// Hosts sometimes fail to compute, distribute or vote.
    pub(crate) failures: bool,
}

/// A host that the story names.
#[derive(Debug, Clone)]
pub(crate) struct NamedHost {
    pub(crate) name: String,
    pub(crate) weight: Option<i64>,
    /// The models it serves; `None` leaves it to the seed.
    pub(crate) serves: Option<Vec<String>>,
    /// Only the script decides its choices.
    pub(crate) scripted: bool,
    pub(crate) guardian: bool,
    /// Not registered at genesis.
    pub(crate) joins: bool,
}

/// A model that governance approved.
#[derive(Debug, Clone)]
pub(crate) struct ModelLine {
    pub(crate) id: String,
    pub(crate) coefficient: Option<Decimal>,
    pub(crate) penalty_start_epoch: u64,
    /// Whether proof of compute runs for it.
    pub(crate) poc: bool,
    /// How likely a host of the seed's choosing serves it, in hundredths.
    pub(crate) served: u32,
}

/// Parameters with new values; `None` keeps the old one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ParamChange {
    pub(crate) epoch_length: Option<i64>,
    pub(crate) deploy_window: Option<i64>,
    pub(crate) v_min: Option<i64>,
    pub(crate) w_threshold: Option<Decimal>,
    pub(crate) refusal_penalty: Option<Decimal>,
    pub(crate) no_participation_penalty: Option<Decimal>,
    pub(crate) delegation_share: Option<Decimal>,
    pub(crate) initial_model_id: Option<String>,
    pub(crate) set_new_validators_delay: Option<i64>,
    pub(crate) add_model: Option<String>,
    pub(crate) remove_model: Option<String>,
}

/// One line of the script.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) moment: Moment,
    pub(crate) action: Action,
}

/// How a message reaches the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    /// Signed by the host itself.
    Direct,
    /// By its warm key, in an authz `MsgExec`.
    Authz,
    /// In an authz `MsgExec` inside another.
    Nested,
}

/// What a choice message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Delegate to an address, or clear with an empty one.
    Delegate(String),
    Refuse,
    Intent,
}

/// What governance decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Motion {
    /// New parameters take effect.
    SetParams(ParamChange),
    /// An upgrade is scheduled, so many blocks later.
    Upgrade { name: String, after: i64 },
    /// It is taken back.
    CancelUpgrade,
}

/// What a step does.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// A choice; `Choice::Delegate` holds a host's name or an address.
    Choose { host: String, model: String, choice: Choice, via: Via },
    /// A choice that the chain refuses.
    Fail { host: String, via: Via },
    /// The chain removes a member of the running epoch.
    Exclude { host: String, reason: String },
    /// A host registers.
    Join { host: String },
    /// From here on a host computes for a model, or for all that it served before.
    Serve { host: String, model: Option<String> },
    /// From here on it does not.
    Stop { host: String, model: Option<String> },
    /// From here on a host sends no weight distribution for what it committed.
    Withhold { host: String },
    /// The capture that is due in this block fails: the chain only logs it.
    FailCapture,
    /// Something that governance decides: proposed and voted on a few blocks earlier.
    Govern { title: Option<String>, motion: Motion },
    /// Bytes that may be no transaction at all.
    Raw(Vec<u8>),
    /// A transfer with a memo.
    Send { host: String, to: String, memo: String },
}

/// The stories that ship.
const SHIPPED: [(&str, &str); 7] = [
    ("default", include_str!("../../stories/default.toml")),
    ("misses-then-passes", include_str!("../../stories/misses-then-passes.toml")),
    ("failed-delegate", include_str!("../../stories/failed-delegate.toml")),
    ("expired-refusal", include_str!("../../stories/expired-refusal.toml")),
    ("moved-capture", include_str!("../../stories/moved-capture.toml")),
    ("governance", include_str!("../../stories/governance.toml")),
    ("quiet", include_str!("../../stories/quiet.toml")),
];

impl Story {
    /// A story that ships, by name, or one from a file.
    ///
    /// # Errors
    /// When there is neither, or it does not parse.
    pub fn load(name_or_path: &str) -> Result<Self, StoryError> {
        if let Some((name, text)) = SHIPPED.iter().find(|(name, _)| *name == name_or_path) {
            return Self::parse(name, text);
        }
        let path = Path::new(name_or_path);
        let text = std::fs::read_to_string(path).map_err(|source| StoryError::NotFound {
            name: name_or_path.to_owned(),
            known: SHIPPED.map(|(name, _)| name).join(", "),
            source,
        })?;
        let name = path.file_stem().map_or(name_or_path.into(), |stem| stem.to_string_lossy());
        Self::parse(&name, &text)
    }

    /// Parses a story; `name` is its name when the text gives none.
    ///
    /// # Errors
    /// When a key is unknown or a value is out of place.
    pub fn parse(name: &str, text: &str) -> Result<Self, StoryError> {
        let raw: raw::RawStory = toml::from_str(text)
            .map_err(|error| StoryError::Syntax { story: name.to_owned(), error })?;
        raw.into_story(name)
    }

    /// The stories that ship: name and what each shows.
    #[must_use]
    pub fn shipped() -> Vec<(String, String)> {
        SHIPPED
            .iter()
            .filter_map(|(name, text)| Self::parse(name, text).ok())
            .map(|story| (story.name, story.shows))
            .collect()
    }
}

/// Why a story cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum StoryError {
    /// Neither a shipped story nor a readable file.
    #[error("story {name:?}: not one that ships ({known}), and as a file: {source}")]
    NotFound {
        /// What was asked for.
        name: String,
        /// Those that ship.
        known: String,
        /// Why the file could not be read.
        source: std::io::Error,
    },
    /// Not TOML, or a key that does not exist.
    #[error("story {story:?}: {error}")]
    Syntax {
        /// Which story.
        story: String,
        /// Where and what.
        error: toml::de::Error,
    },
    /// A value out of place.
    #[error("story {story:?}, {place}: {problem}")]
    Value {
        /// Which story.
        story: String,
        /// Where in it.
        place: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_story_parses_and_says_what_it_shows() {
        for (name, text) in SHIPPED {
            let story = Story::parse(name, text).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(story.name, name);
            assert!(story.shows.len() > 30, "{name}");
        }
        assert_eq!(Story::shipped().len(), SHIPPED.len());
    }

    #[test]
    fn errors_say_where() {
        let error = Story::parse("x", "shows = 'a'\ncolour = 1\n").unwrap_err().to_string();
        assert!(error.contains("colour"), "{error}");
        let step = "shows='a'\n[[host]]\nname='a'\n[[step]]\nepoch=2\nat='capture-5'\ndo='delegate'\nhost='a'\n";
        let error = Story::parse("x", step).unwrap_err().to_string();
        assert!(error.contains("step 1") && error.contains("model"), "{error}");
        let moment = "shows='a'\n[[step]]\nepoch=2\nat='captur-5'\ndo='raw'\nbytes='00'\n";
        let error = Story::parse("x", moment).unwrap_err().to_string();
        assert!(error.contains("captur-5") && error.contains("validation_start"), "{error}");
        let error = Story::load("no-such-story").unwrap_err().to_string();
        assert!(error.contains("misses-then-passes"), "{error}");
    }
}
