//! The SDK's decimal: an integer count of 10⁻¹⁸, every operation truncating.

use super::wire::Decimal;

/// A number in units of 10⁻¹⁸, as `cosmossdk.io/math.LegacyDec` keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Dec(i128);

const UNIT: i128 = 1_000_000_000_000_000_000;

impl Dec {
    pub(crate) const ZERO: Self = Self(0);
    pub(crate) const ONE: Self = Self(UNIT);

    /// A threshold, a penalty or a share: absent means 0.
    pub(crate) fn or_zero(decimal: Option<&Decimal>) -> Self {
        decimal.map_or(Self::ZERO, Self::of)
    }

    /// A coefficient: absent, or 0 × 10⁰, means 1 (`LegacyDecOrOne`, x/inference/types/params.go).
    pub(crate) fn or_one(decimal: Option<&Decimal>) -> Self {
        match decimal {
            None | Some(Decimal { value: 0, exponent: 0 }) => Self::ONE,
            Some(decimal) => Self::of(decimal),
        }
    }

    fn of(decimal: &Decimal) -> Self {
        let shift = decimal.exponent.saturating_add(18);
        let value = i128::from(decimal.value);
        let power = |exponent: u32| 10_i128.checked_pow(exponent);
        if shift >= 0 {
            // Absurd exponents saturate: nothing on this chain is near i128's limit.
            Self(power(shift.unsigned_abs()).map_or(i128::MAX, |p| value.saturating_mul(p)))
        } else {
            Self(power(shift.unsigned_abs()).map_or(0, |p| value / p))
        }
    }

    pub(crate) fn is_zero(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn is_positive(self) -> bool {
        self.0 > 0
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// `numerator / denominator`, for a positive denominator.
    pub(crate) fn ratio(numerator: i128, denominator: i128) -> Self {
        Self(numerator.saturating_mul(UNIT) / denominator.max(1))
    }

    /// The whole part of this × `amount`.
    pub(crate) fn of_amount(self, amount: i64) -> i64 {
        let product = self.0.saturating_mul(i128::from(amount)) / UNIT;
        i64::try_from(product).unwrap_or(if product < 0 { i64::MIN } else { i64::MAX })
    }

    /// Back to value × 10^exponent, without trailing zeros.
    pub(crate) fn to_wire(self) -> Decimal {
        let (mut value, mut exponent) = (self.0, -18);
        while value != 0 && value % 10 == 0 && exponent < 0 {
            value /= 10;
            exponent += 1;
        }
        if value == 0 {
            exponent = 0;
        }
        Decimal { value: i64::try_from(value).unwrap_or(i64::MAX), exponent }
    }
}

/// value × 10^exponent.
pub(crate) fn decimal(value: i64, exponent: i32) -> Decimal {
    Decimal { value, exponent }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_add_up_and_come_back_short() {
        let sum = Dec::or_zero(Some(&decimal(15, -2))).plus(Dec::or_zero(Some(&decimal(1, -1))));
        assert_eq!(sum.to_wire(), decimal(25, -2));
        assert_eq!(Dec::ONE.to_wire(), decimal(1, 0));
        assert_eq!(Dec::ZERO.to_wire(), decimal(0, 0));
        assert_eq!(sum.of_amount(333), 83);
    }

    #[test]
    fn zero_is_one_for_a_coefficient_only() {
        assert_eq!(Dec::or_one(Some(&decimal(0, 0))), Dec::ONE);
        assert_eq!(Dec::or_one(Some(&decimal(0, -1))), Dec::ZERO);
        assert_eq!(Dec::or_zero(Some(&decimal(0, 0))), Dec::ZERO);
    }

    #[test]
    fn absurd_exponents_saturate() {
        assert!(Dec::or_zero(Some(&decimal(1, 200))).is_positive());
        assert!(Dec::or_zero(Some(&decimal(i64::MAX, -200))).is_zero());
        assert_eq!(Dec::or_zero(Some(&decimal(5, i32::MAX))).of_amount(9), i64::MAX);
    }
}
