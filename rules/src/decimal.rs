//! The chain's `Decimal`: an integer and a power of ten.

use serde::{Deserialize, Serialize};

/// `value × 10^exponent`, exactly as the chain stores it. As a coefficient `{0, 0}` means 1, as a
/// threshold, share or penalty it means 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Decimal {
    /// The digits.
    pub value: i64,
    /// The power of ten, negative for places after the point.
    pub exponent: i32,
}
