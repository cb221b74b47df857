use bootwatch_rules::{Decimal, Fraction, RuleSet};
use proptest::prelude::*;

use crate::{cases, networks::decimal};

proptest! {
    #![proptest_config(cases(4096))]

    /// `floor(x) = n` exactly when `n ≤ x < n + 1`, checked without dividing.
    #[test]
    fn floors_are_exact(value: i64, exponent in -18..=18_i32, weight: i64) {
        let product = i128::from(value) * i128::from(weight);
        let power = 10_i128.pow(exponent.unsigned_abs());
        match Decimal::new(value, exponent).floor_of(weight) {
            Ok(floor) if exponent < 0 => {
                prop_assert!(floor * power <= product && product < (floor + 1) * power);
            }
            Ok(floor) => prop_assert_eq!(Some(floor), product.checked_mul(power)),
            Err(_) => prop_assert!(exponent > 0 && product.checked_mul(power).is_none()),
        }
    }

    #[test]
    fn no_decimal_panics(value: i64, exponent: i32, weight: i64) {
        let decimal = Decimal::new(value, exponent);
        let floor = decimal.floor_of(weight);
        if exponent <= 0 {
            prop_assert!(floor.is_ok());
        }
        prop_assert!(decimal.to_string().len() < 64);
        let _ = decimal.to_fraction();
    }

    /// A fraction says the same as the decimal that it comes from.
    #[test]
    fn fractions_are_exact(decimal in decimal(), amount: i64) {
        if let Ok(fraction) = decimal.to_fraction() {
            prop_assert_eq!(fraction.to_string().parse(), Ok(fraction));
            let expected = decimal.floor_of(amount).ok().and_then(|n| i64::try_from(n).ok());
            if let Some(floor) = fraction.floor_of(amount) {
                prop_assert_eq!(Some(floor), expected);
            }
        }
    }

    #[test]
    fn capped_sums_do_not_depend_on_order(
        shares in prop::collection::vec((0..=20_i128, 20..=40_i128), 0..8),
        rotation in 0..8_usize,
    ) {
        let mut shares: Vec<_> =
            shares.into_iter().map(|(n, d)| Fraction::new(n, d).unwrap()).collect();
        let sum = Fraction::capped_sum(shares.iter().copied()).unwrap();
        prop_assert!(sum.is_share());
        let places = rotation.min(shares.len());
        shares.rotate_left(places);
        prop_assert_eq!(Fraction::capped_sum(shares), Some(sum));
    }

    #[test]
    fn any_version_text_selects_a_set(text in "\\PC{0,20}") {
        let _ = RuleSet::for_version(&text);
    }

    #[test]
    fn newer_releases_never_get_older_rules(a in 0..40_u64, b in 0..40_u64) {
        let set = |patch: u64| RuleSet::for_version(&format!("v0.2.{patch}")).0;
        prop_assert!(set(a.min(b)) <= set(a.max(b)));
    }
}
