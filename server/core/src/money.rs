//! Money as whole numbers of picodollars, so that sums of millions of tiny amounts never drift.
//! It leaves knowing what anything costs to the price rows of `models`.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

use serde::{Serialize, Serializer};

/// Picodollars in one US dollar.
const PICO: f64 = 1e12;

/// An amount of US dollars, in picodollars (10⁻¹² USD). Sums saturate instead of wrapping: ±9.2 million USD is enough.
///
/// One token at 0.006 USD per million is 6,000 picodollars, so token prices are exact to 10⁻⁶ USD per million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

impl Money {
    /// Nothing.
    pub const ZERO: Money = Money(0);
    /// More than anybody has.
    pub const MAX: Money = Money(i64::MAX);

    /// From picodollars, as the ledger stores them.
    pub const fn from_pico(pico: i64) -> Money {
        Money(pico)
    }

    /// In picodollars.
    pub const fn pico(self) -> i64 {
        self.0
    }

    /// From dollars, rounded to the picodollar; not-a-number is nothing.
    pub fn from_usd(usd: f64) -> Money {
        Money((usd * PICO).round() as i64)
    }

    /// In dollars, for people; never for sums.
    pub fn usd(self) -> f64 {
        let pico = self.0 as f64;
        pico / PICO
    }

    /// The price of one token, from a price in dollars per million tokens.
    pub fn per_token(usd_per_million: f64) -> Money {
        Money::from_usd(usd_per_million / 1e6)
    }

    /// This much for each of `count` tokens.
    pub fn times(self, count: u64) -> Money {
        Money(self.0.saturating_mul(i64::try_from(count).unwrap_or(i64::MAX)))
    }

    /// This much scaled by a share or a ratio, rounded to the picodollar; not for sums that must be exact.
    pub fn scaled(self, factor: f64) -> Money {
        Money::from_usd(self.usd() * factor)
    }
}

impl Add for Money {
    type Output = Money;
    fn add(self, other: Money) -> Money {
        Money(self.0.saturating_add(other.0))
    }
}

impl Sub for Money {
    type Output = Money;
    fn sub(self, other: Money) -> Money {
        Money(self.0.saturating_sub(other.0))
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Money) {
        *self = *self + other;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Money>>(amounts: I) -> Money {
        amounts.fold(Money::ZERO, Add::add)
    }
}

impl fmt::Display for Money {
    /// Dollars with as many decimals as the amount needs: two at least, nine at most.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nano = (self.0.unsigned_abs() + 500) / 1000;
        let (dollars, fraction) = (nano / 1_000_000_000, nano % 1_000_000_000);
        let digits = format!("{fraction:09}");
        let kept = digits.trim_end_matches('0').len().max(2);
        f.pad(&format!("{sign}${dollars}.{digits:.kept$}"))
    }
}

impl Serialize for Money {
    /// As dollars, which is what readers of `--json` expect.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.usd())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_prices_are_exact_and_amounts_read_as_dollars() {
        for (usd_per_million, pico) in [(0.30, 300_000), (0.006, 6_000), (0.0, 0), (0.1, 100_000), (10.0, 10_000_000)] {
            assert_eq!(Money::per_token(usd_per_million).pico(), pico, "{usd_per_million}");
        }
        for (pico, text) in [
            (0, "$0.00"),
            (500_000_000_000, "$0.50"),
            (170_000_000, "$0.00017"),
            (1_500_000_000_000, "$1.50"),
            (-2_000_000_000, "-$0.002"),
            (499, "$0.00"),
            (i64::MAX, "$9223372.036854776"),
        ] {
            assert_eq!(Money::from_pico(pico).to_string(), text);
        }
        assert_eq!(Money::from_usd(f64::NAN), Money::ZERO);
        assert_eq!(Money::MAX + Money::from_pico(1), Money::MAX);
        assert_eq!(Money::from_pico(3).times(u64::MAX), Money::MAX);
    }
}
