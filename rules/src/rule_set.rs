//! Which version of the chain's rules a statement follows.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The rules changed twice since there are several models; each set covers the releases between
/// two changes. Only what an ineligible candidate costs, and whether a charge acts on weight or
/// reward, differ: pre-eligibility is the same in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, utoipa::ToSchema)]
pub enum RuleSet {
    /// Releases 0.2.12 and 0.2.13: charges reduce the consensus weight.
    #[schema(rename = "v0.2.12")]
    V0_2_12,
    /// Releases 0.2.14 and 0.2.15: charges reduce the reward only.
    #[schema(rename = "v0.2.14")]
    V0_2_14,
    /// From 0.2.16: a candidate costs only if the capture said `pre_eligible`, and only hosts of
    /// the previous root group; serving it takes a commit that someone validated.
    #[schema(rename = "v0.2.16")]
    V0_2_16,
}

/// No rule set has that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown rule set {0:?}: expected v0.2.12, v0.2.14 or v0.2.16")]
pub struct UnknownRuleSet(String);

impl RuleSet {
    /// All sets, oldest first.
    pub const ALL: [Self; 3] = [Self::V0_2_12, Self::V0_2_14, Self::V0_2_16];
    /// The newest set that is known here.
    pub const NEWEST: Self = Self::V0_2_16;

    /// The name, such as `v0.2.14`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V0_2_12 => "v0.2.12",
            Self::V0_2_14 => "v0.2.14",
            Self::V0_2_16 => "v0.2.16",
        }
    }

    /// The configured set, or the one for the version that the node reported, or the newest.
    #[must_use]
    pub fn in_force(configured: Option<Self>, reported: Option<&str>) -> Self {
        let by_version = || reported.map(|version| Self::for_version(version).0);
        configured.or_else(by_version).unwrap_or(Self::NEWEST)
    }

    /// The set for the version that a node's application reports (`0.2.15`, `v0.2.14-rc1`), and
    /// whether that version is one the set was read from. A newer version, and one that cannot be
    /// read, get the newest set; an older one the oldest; both with `false`.
    #[must_use]
    pub fn for_version(version: &str) -> (Self, bool) {
        match release(version) {
            None => (Self::NEWEST, false),
            Some(release) if release < (0, 2, 12) => (Self::V0_2_12, false),
            Some(release) if release < (0, 2, 14) => (Self::V0_2_12, true),
            Some(release) if release < (0, 2, 16) => (Self::V0_2_14, true),
            Some(release) => (Self::V0_2_16, release == (0, 2, 16)),
        }
    }

    /// Whether charges lower the consensus weight itself, not just the reward.
    #[must_use]
    pub const fn charges_weight(self) -> bool {
        matches!(self, Self::V0_2_12)
    }
}

/// Major, minor and patch of `v1.2.3-rc1+build`; missing parts are 0.
fn release(version: &str) -> Option<(u64, u64, u64)> {
    let version = version.trim();
    let version = version.strip_prefix(['v', 'V']).unwrap_or(version);
    let core = version.split(['-', '+']).next()?;
    let mut parts = core.split('.').map(|part| part.parse::<u64>().ok());
    let major = parts.next()??;
    let minor = parts.next().unwrap_or(Some(0))?;
    let patch = parts.next().unwrap_or(Some(0))?;
    parts.next().is_none().then_some((major, minor, patch))
}

impl fmt::Display for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RuleSet {
    type Err = UnknownRuleSet;

    fn from_str(text: &str) -> Result<Self, UnknownRuleSet> {
        Self::ALL
            .into_iter()
            .find(|set| set.as_str() == text)
            .ok_or_else(|| UnknownRuleSet(text.chars().take(80).collect()))
    }
}

impl Serialize for RuleSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for RuleSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_select_their_set() {
        use RuleSet::{V0_2_12, V0_2_14, V0_2_16};
        for (version, expected) in [
            ("0.2.12", (V0_2_12, true)),
            ("v0.2.13", (V0_2_12, true)),
            ("0.2.14", (V0_2_14, true)),
            ("v0.2.14-rc1", (V0_2_14, true)),
            ("0.2.15+build.7", (V0_2_14, true)),
            ("v0.2.16", (V0_2_16, true)),
            ("0.2.17", (V0_2_16, false)),
            ("0.3", (V0_2_16, false)),
            ("1.0.0", (V0_2_16, false)),
            ("0.2.11", (V0_2_12, false)),
            ("", (V0_2_16, false)),
            ("main", (V0_2_16, false)),
            ("0.2.14.1", (V0_2_16, false)),
            ("99999999999999999999999.0.0", (V0_2_16, false)),
        ] {
            assert_eq!(RuleSet::for_version(version), expected, "{version:?}");
        }
    }

    #[test]
    fn names_round_trip() {
        for set in RuleSet::ALL {
            assert_eq!(set.to_string().parse(), Ok(set));
            let json = serde_json::to_string(&set).unwrap();
            assert_eq!(serde_json::from_str::<RuleSet>(&json).unwrap(), set);
        }
        assert!("0.2.14".parse::<RuleSet>().is_err());
    }
}
