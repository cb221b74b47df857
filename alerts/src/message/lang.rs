//! Who reads a message: in which language, and by which clock.

use std::{fmt, str::FromStr};

use jiff::tz::TimeZone;

/// A language that messages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Russian.
    Ru,
    /// Chinese, simplified.
    Zh,
}

impl Lang {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::En, Self::Ru, Self::Zh];

    /// The word for it in the configuration: its ISO 639 code.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ru => "ru",
            Self::Zh => "zh",
        }
    }

    /// The value of HTML's `lang`: scripts differ within Chinese, and fonts with them.
    pub(crate) fn html(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ru => "ru",
            Self::Zh => "zh-Hans",
        }
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no language that there are words for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such language; there are en, ru and zh")]
pub struct UnknownLang;

impl FromStr for Lang {
    type Err = UnknownLang;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|lang| lang.as_str() == text).ok_or(UnknownLang)
    }
}

/// How somebody reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// The language.
    pub lang: Lang,
    /// The zone of times, beside UTC.
    pub zone: TimeZone,
}

impl Reader {
    /// English, UTC: for what is kept and not sent.
    pub(crate) const PLAIN: Self = Self { lang: Lang::En, zone: TimeZone::UTC };
}

impl Default for Reader {
    fn default() -> Self {
        Self::PLAIN
    }
}
