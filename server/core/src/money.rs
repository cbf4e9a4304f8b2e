//! Money as whole numbers of picodollars, so that sums of millions of tiny amounts never drift.
//! It leaves knowing what anything costs to the price rows of `models`.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

use serde::{Serialize, Serializer};

/// Picodollars in one US dollar.
const PICO: f64 = 1e12;
/// Decimal places of a picodollar.
const PLACES: i32 = 12;

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

    /// From a decimal number of dollars as it is written, such as `0.0000001` or `1e-07`: read digit by digit, and rounded to the picodollar.
    /// `None` for what is no number or more than there can be.
    pub fn from_decimal(text: &str) -> Option<Money> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (sign, digits) = mantissa.strip_prefix('-').map_or((1, mantissa), |digits| (-1, digits));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() && fraction.is_empty() || !is_number(whole) || !is_number(fraction) {
            return None;
        }
        // Places to the right of the last digit, seen from the picodollar.
        let zeros = PLACES.checked_add(exponent)?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
        let digits = format!("{whole}{fraction}");
        let keep = i32::try_from(digits.len()).ok()?.saturating_add(zeros.min(0));
        let (kept, next) = match usize::try_from(keep) {
            Ok(keep) => (digits.get(..keep)?, digits.as_bytes().get(keep)),
            Err(_) => ("0", None),
        };
        let pico = match kept.trim_start_matches('0') {
            "" => 0,
            kept => kept.parse::<i64>().ok()?.checked_mul(10_i64.checked_pow(zeros.max(0).unsigned_abs())?)?,
        };
        let rounded = pico.checked_add(i64::from(next.is_some_and(|next| *next >= b'5')))?;
        Some(Money(sign * rounded))
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
    fn decimal_numbers_are_read_to_the_last_picodollar() {
        for (text, pico) in [
            ("0.0000001", Some(100_000)),
            ("1e-07", Some(100_000)),
            ("1.25E-7", Some(125_000)),
            ("7.5e-08", Some(75_000)),
            ("5.0000000000000004e-08", Some(50_000)),
            ("0.0000000000005", Some(1)),
            ("0.00000000000049", Some(0)),
            ("4e-400", Some(0)),
            ("0", Some(0)),
            ("0e99", Some(0)),
            ("-1", Some(-1_000_000_000_000)),
            (".5", Some(500_000_000_000)),
            ("9223372.036854775807", Some(i64::MAX)),
            ("9223373", None),
            ("99999999999999999999999", None),
            ("1e30", None),
            ("1e2147483647", None),
            ("", None),
            (".", None),
            ("-", None),
            ("--1", None),
            ("1.2.3", None),
            ("1e", None),
            ("NaN", None),
            ("0x10", None),
            ("1 ", None),
            ("\u{661}", None),
        ] {
            assert_eq!(Money::from_decimal(text).map(Money::pico), pico, "{text}");
        }
    }

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
