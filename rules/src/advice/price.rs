//! What is at stake, in words that are the same for every host and model.

use crate::{Fraction, Mode, Penalties, RuleSet};

/// The fractions of the parameters as advice writes them.
pub(crate) struct Prices {
    /// What having no standing choice takes, as a fraction.
    pub(super) charge: String,
    /// The same, such as `15 % of the reward`.
    pub(super) at_stake: String,
    /// What refusing an eligible model takes; none when that is no less.
    pub(super) refusal: Option<String>,
    /// What goes to a delegate.
    pub(super) share: String,
}

impl Prices {
    pub(crate) fn new(penalties: &Penalties, rule_set: RuleSet) -> Self {
        let (charge, refusal) = (penalties.of(Mode::None), penalties.of(Mode::Refuse));
        let of = if rule_set.charges_weight() { "weight" } else { "reward" };
        Self {
            charge: charge.to_string(),
            at_stake: format!("{} of the {of}", percent(charge)),
            refusal: (refusal < charge).then(|| percent(refusal)),
            share: percent(penalties.share()),
        }
    }
}

/// `15 %`, or the fraction itself when it is no whole hundredth of a percent.
fn percent(fraction: Fraction) -> String {
    let scaled = fraction
        .numerator()
        .checked_mul(10_000)
        .filter(|scaled| scaled % fraction.denominator() == 0)
        .map(|scaled| scaled / fraction.denominator());
    match scaled {
        Some(hundredths) if hundredths % 100 == 0 => format!("{} %", hundredths / 100),
        Some(hundredths) => {
            let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
            format!("{} %", text.trim_end_matches('0'))
        }
        None => fraction.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_read_as_percent_where_that_is_exact() {
        for (numerator, denominator, text) in [
            (3, 20, "15 %"),
            (1, 1, "100 %"),
            (1, 8, "12.5 %"),
            (1, 10_000, "0.01 %"),
            (21, 2000, "1.05 %"),
            (1, 3, "1/3"),
            (1, 100_000, "1/100000"),
        ] {
            assert_eq!(percent(Fraction::new(numerator, denominator).unwrap()), text);
        }
    }
}
