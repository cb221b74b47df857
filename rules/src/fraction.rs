//! Exact fractions: what an epoch takes, what a delegate gets.

use std::{fmt, str::FromStr};

use num_rational::Ratio;
use num_traits::CheckedAdd;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A reduced fraction, written `3/20`, `0` or `1`, in JSON as that string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, utoipa::ToSchema)]
#[schema(value_type = String, examples("3/20", "0", "1"))]
pub struct Fraction(Ratio<i128>);

/// Why a text is no fraction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a fraction such as 3/20, 0 or 1")]
pub struct FractionError(String);

impl Fraction {
    /// Nothing.
    pub const ZERO: Self = Self(Ratio::new_raw(0, 1));
    /// All of it.
    pub const ONE: Self = Self(Ratio::new_raw(1, 1));

    /// `numerator / denominator`, reduced. None when the denominator is not positive or the
    /// numerator is the one `i128` that has no opposite.
    #[must_use]
    pub fn new(numerator: i128, denominator: i128) -> Option<Self> {
        (denominator > 0 && numerator != i128::MIN)
            .then(|| Self(Ratio::new(numerator, denominator)))
    }

    /// Above the line.
    #[must_use]
    pub fn numerator(&self) -> i128 {
        *self.0.numer()
    }

    /// Below the line, positive.
    #[must_use]
    pub fn denominator(&self) -> i128 {
        *self.0.denom()
    }

    /// Whether it is 0.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self.0.numer() == 0
    }

    /// The sum; none when it does not fit.
    #[must_use]
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        self.0.checked_add(&other.0).map(Self)
    }

    /// Whether it lies in `[0, 1]`, as every share and penalty of the chain does.
    #[must_use]
    pub fn is_share(&self) -> bool {
        (Self::ZERO..=Self::ONE).contains(self)
    }

    /// `floor(self × amount)`; none when it does not fit.
    #[must_use]
    pub fn floor_of(&self, amount: i64) -> Option<i64> {
        let product = self.numerator().checked_mul(i128::from(amount))?;
        i64::try_from(product.div_euclid(self.denominator())).ok()
    }

    /// The sum of charges, at most 1: the chain takes no more than everything. All of them must
    /// lie in `[0, 1]`; none when the exact sum does not fit.
    #[must_use]
    pub fn capped_sum(charges: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut sum = Self::ZERO;
        for charge in charges {
            if sum == Self::ONE {
                break;
            }
            if charge.is_zero() {
                continue;
            }
            sum = sum.checked_add(&charge)?.min(Self::ONE);
        }
        Some(sum)
    }
}

impl Default for Fraction {
    fn default() -> Self {
        Self::ZERO
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for Fraction {
    type Err = FractionError;

    fn from_str(text: &str) -> Result<Self, FractionError> {
        let (above, below) = text.split_once('/').unwrap_or((text, "1"));
        match (above.parse(), below.parse()) {
            (Ok(numerator), Ok(denominator)) => Self::new(numerator, denominator),
            _ => None,
        }
        .ok_or_else(|| FractionError(text.chars().take(80).collect()))
    }
}

impl Serialize for Fraction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fraction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Fraction {
        text.parse().unwrap()
    }

    #[test]
    fn text_round_trips_reduced() {
        for (given, shown) in [("3/20", "3/20"), ("15/100", "3/20"), ("0/7", "0"), ("4/4", "1")] {
            assert_eq!(of(given).to_string(), shown);
            assert_eq!(serde_json::to_string(&of(given)).unwrap(), format!("{shown:?}"));
            assert_eq!(serde_json::from_str::<Fraction>(&format!("{given:?}")).unwrap(), of(shown));
        }
    }

    #[test]
    fn what_is_no_fraction_is_refused() {
        for text in [
            "",
            "/",
            "1/0",
            "1/-2",
            "0.15",
            "1/2/3",
            " 1",
            "170141183460469231731687303715884105728",
        ] {
            assert!(text.parse::<Fraction>().is_err(), "{text:?}");
        }
        assert!(Fraction::new(i128::MIN, 1).is_none());
    }

    #[test]
    fn sums_stop_at_one() {
        let sum = |texts: &[&str]| Fraction::capped_sum(texts.iter().map(|t| of(t)));
        assert_eq!(sum(&[]), Some(Fraction::ZERO));
        assert_eq!(sum(&["3/20", "1/10"]), Some(of("1/4")));
        assert_eq!(sum(&["3/5", "3/5", "3/5"]), Some(Fraction::ONE));
    }

    #[test]
    fn floors_are_exact() {
        assert_eq!(of("3/20").floor_of(99), Some(14));
        assert_eq!(Fraction::ONE.floor_of(i64::MAX), Some(i64::MAX));
        assert_eq!(of("2").floor_of(i64::MAX), None);
    }
}
