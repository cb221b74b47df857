//! The chain's `Decimal`: an integer and a power of ten.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{Fraction, Weight};

/// `value × 10^exponent`, exactly as the chain stores it. As a coefficient `{0, 0}` means 1, as a
/// threshold, share or penalty it means 0.
///
/// In JSON `value` is read both as the string that the chain writes and as a number.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, utoipa::ToSchema,
)]
pub struct Decimal {
    /// The digits.
    #[serde(deserialize_with = "integer_or_text")]
    pub value: i64,
    /// The power of ten, negative for places after the point.
    pub exponent: i32,
}

/// Places after the point that a fraction may have: two such numbers below 1 still add up within
/// an `i128`, so that a sum of charges is always exact.
const MAX_PLACES: u32 = 37;

/// A decimal that no exact number of ours can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// It has more places after the point than an exact fraction can hold.
    #[error("{0} is too fine: an exact fraction holds 37 places after the point")]
    TooFine(Decimal),
    /// It, or its product with a weight, is too large.
    #[error("{0} is too large to calculate with")]
    TooLarge(Decimal),
}

impl Decimal {
    /// `value × 10^exponent`.
    #[must_use]
    pub const fn new(value: i64, exponent: i32) -> Self {
        Self { value, exponent }
    }

    /// Whether the number is 0, whatever its exponent.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.value == 0
    }

    /// Whether the number is greater than 0.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.value > 0
    }

    /// `floor(self × weight)`, exact for every exponent.
    ///
    /// # Errors
    /// [`DecimalError::TooLarge`] when the result does not fit an `i128`.
    pub fn floor_of(self, weight: Weight) -> Result<i128, DecimalError> {
        // Both factors are 64-bit, so the product always fits.
        let product = i128::from(self.value) * i128::from(weight);
        let places = self.exponent.unsigned_abs();
        if product == 0 {
            return Ok(0);
        }
        if self.exponent >= 0 {
            return ten_to(places)
                .and_then(|power| product.checked_mul(power))
                .ok_or(DecimalError::TooLarge(self));
        }
        // |product| < 10^38: beyond the largest power the quotient lies in (-1, 1).
        Ok(match ten_to(places) {
            Some(power) => product.div_euclid(power),
            None if product > 0 => 0,
            None => -1,
        })
    }

    /// The number as a reduced fraction.
    ///
    /// # Errors
    /// When the numerator or the denominator does not fit an `i128`.
    pub fn to_fraction(self) -> Result<Fraction, DecimalError> {
        if self.value == 0 {
            return Ok(Fraction::ZERO);
        }
        let places = self.exponent.unsigned_abs();
        if self.exponent >= 0 {
            return ten_to(places)
                .and_then(|power| i128::from(self.value).checked_mul(power))
                .and_then(|number| Fraction::new(number, 1))
                .ok_or(DecimalError::TooLarge(self));
        }
        // Trailing zeros of the value may bring an absurd exponent back into range.
        let (mut value, mut places) = (self.value, places);
        while places > MAX_PLACES && value % 10 == 0 {
            (value, places) = (value / 10, places - 1);
        }
        if places > MAX_PLACES {
            return Err(DecimalError::TooFine(self));
        }
        ten_to(places)
            .and_then(|power| Fraction::new(i128::from(value), power))
            .ok_or(DecimalError::TooFine(self))
    }
}

fn ten_to(places: u32) -> Option<i128> {
    10_i128.checked_pow(places)
}

/// Plain notation while it stays readable (`0.15`), scientific for absurd exponents (`1e400`).
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, exponent } = *self;
        let places = usize::try_from(exponent.unsigned_abs()).unwrap_or(usize::MAX);
        if exponent == 0 || value == 0 {
            return write!(f, "{value}");
        }
        if places > 30 {
            return write!(f, "{value}e{exponent}");
        }
        if exponent > 0 {
            return write!(f, "{value}{:0<places$}", "");
        }
        let digits = format!("{:0>width$}", value.unsigned_abs(), width = places + 1);
        let (whole, rest) = digits.split_at(digits.len() - places);
        let rest = rest.trim_end_matches('0');
        let sign = if value < 0 { "-" } else { "" };
        let point = if rest.is_empty() { "" } else { "." };
        write!(f, "{sign}{whole}{point}{rest}")
    }
}

/// The chain's JSON writes 64-bit integers as strings; our own writes numbers.
fn integer_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    struct Visitor;
    impl de::Visitor<'_> for Visitor {
        type Value = i64;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a 64-bit integer, as a number or a string")
        }
        fn visit_i64<E: de::Error>(self, v: i64) -> Result<i64, E> {
            Ok(v)
        }
        fn visit_u64<E: de::Error>(self, v: u64) -> Result<i64, E> {
            i64::try_from(v).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(v), &self))
        }
        fn visit_str<E: de::Error>(self, v: &str) -> Result<i64, E> {
            v.parse().map_err(|_| E::invalid_value(de::Unexpected::Str(v), &self))
        }
    }
    deserializer.deserialize_any(Visitor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_of_the_protocol_reference() {
        assert_eq!(Decimal::new(1, -1).floor_of(333_335), Ok(33_333));
        assert_eq!(Decimal::new(1, -1).floor_of(570_990), Ok(57_099));
        assert_eq!(Decimal::new(333_333, -6).floor_of(41), Ok(13));
        assert_eq!(Decimal::new(6, -1).floor_of(200), Ok(120));
        assert_eq!(Decimal::new(0, 0).floor_of(200), Ok(0));
    }

    #[test]
    fn absurd_exponents_stay_exact_or_are_refused() {
        assert_eq!(Decimal::new(i64::MAX, i32::MIN).floor_of(i64::MAX), Ok(0));
        assert_eq!(Decimal::new(-1, i32::MIN).floor_of(1), Ok(-1));
        assert_eq!(Decimal::new(0, i32::MAX).floor_of(i64::MAX), Ok(0));
        let large = Decimal::new(1, i32::MAX);
        assert_eq!(large.floor_of(0), Ok(0));
        assert_eq!(large.floor_of(1), Err(DecimalError::TooLarge(large)));
        assert_eq!(large.to_fraction(), Err(DecimalError::TooLarge(large)));
        let fine = Decimal::new(1, -38);
        assert_eq!(fine.to_fraction(), Err(DecimalError::TooFine(fine)));
        assert_eq!(
            Decimal::new(10, -38).to_fraction().unwrap().to_string(),
            format!("1/1{:0>37}", 0)
        );
        assert_eq!(Decimal::new(0, i32::MIN).to_fraction(), Ok(Fraction::ZERO));
    }

    #[test]
    fn display_is_exact() {
        for (decimal, text) in [
            (Decimal::new(15, -2), "0.15"),
            (Decimal::new(-15, -2), "-0.15"),
            (Decimal::new(25_935, -4), "2.5935"),
            (Decimal::new(100, -2), "1"),
            (Decimal::new(3, 2), "300"),
            (Decimal::new(1, -400), "1e-400"),
            (Decimal::new(i64::MIN, 0), "-9223372036854775808"),
        ] {
            assert_eq!(decimal.to_string(), text);
        }
    }

    #[test]
    fn both_json_forms_are_read() {
        let of = |text: &str| serde_json::from_str::<Decimal>(text);
        assert_eq!(of(r#"{"value":"15","exponent":-2}"#).unwrap(), Decimal::new(15, -2));
        assert_eq!(of(r#"{"value":15,"exponent":-2}"#).unwrap(), Decimal::new(15, -2));
        assert!(of(r#"{"value":1.5,"exponent":0}"#).is_err());
        assert!(of(r#"{"value":"9223372036854775808","exponent":0}"#).is_err());
        assert!(of(r#"{"value":1,"exponent":2147483648}"#).is_err());
    }
}
