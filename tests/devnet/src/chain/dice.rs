//! Seeded chance without a sequence: the same question always gets the same answer, so what a host
//! does at a height does not depend on what was asked before.

use sha2::{Digest, Sha256};

/// A source of answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dice {
    seed: u64,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Sixty-four bits for a question made of text and numbers.
    pub(crate) fn bits(self, question: &str, about: &[&str], numbers: &[i64]) -> u64 {
        // A multiply-rotate mix: asked for every host at every height, so SHA-256 would show.
        let mut state = self.seed ^ 0x9e37_79b9_7f4a_7c15;
        let mut feed = |word: u64| {
            state = (state ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(29);
        };
        for text in std::iter::once(&question).chain(about) {
            for chunk in text.as_bytes().chunks(8) {
                let mut word = [0; 8];
                word[..chunk.len()].copy_from_slice(chunk);
                feed(u64::from_le_bytes(word));
            }
            feed(text.len() as u64);
        }
        for number in numbers {
            feed(number.cast_unsigned());
        }
        state ^= state >> 33;
        state = state.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        state ^ (state >> 33)
    }

    /// A number below `limit`; 0 when the limit is 0.
    pub(crate) fn below(self, limit: u64, question: &str, about: &[&str], numbers: &[i64]) -> u64 {
        let wide = u128::from(self.bits(question, about, numbers)) * u128::from(limit);
        u64::try_from(wide >> 64).unwrap_or_default()
    }

    /// Whether something of `percent` likelihood happens.
    pub(crate) fn chance(
        self,
        percent: u32,
        question: &str,
        about: &[&str],
        numbers: &[i64],
    ) -> bool {
        self.below(100, question, about, numbers) < u64::from(percent)
    }

    /// Thirty-two bytes that look like a hash.
    pub(crate) fn hash(self, question: &str, about: &[&str], numbers: &[i64]) -> [u8; 32] {
        Sha256::digest(self.bits(question, about, numbers).to_be_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_repeat_and_spread() {
        let dice = Dice::new(3);
        assert_eq!(dice.bits("a", &["b"], &[1]), dice.bits("a", &["b"], &[1]));
        assert_ne!(dice.bits("a", &["b"], &[1]), dice.bits("a", &["b"], &[2]));
        assert_ne!(dice.bits("ab", &[], &[]), dice.bits("a", &["b"], &[]));
        let heads = (0..10_000).filter(|i| dice.chance(30, "coin", &[], &[*i])).count();
        assert!((2_700..3_300).contains(&heads), "{heads}");
        assert_eq!(dice.below(0, "x", &[], &[]), 0);
    }
}
