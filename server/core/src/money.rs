//! Money as whole numbers of picodollars, so that sums of millions of tiny amounts never drift.
//! It leaves prices to the rows of `models`.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

use serde::{Serialize, Serializer};

/// Picodollars in one US dollar.
const PICO: f64 = 1e12;
/// Decimal places of a picodollar.
const PLACES: i32 = 12;
/// The last decimal place that people read, and the amount there, in picodollars.
const LEAST_PLACE: u32 = 9;
const PICO_OF_LEAST: u64 = 1000;
/// In picodollars.
const TEN_CENTS: u64 = 100_000_000_000;

/// An amount of US dollars, in picodollars (10⁻¹² USD). Sums saturate instead of wrapping: ±9.2 million USD is enough.
///
/// One token at 0.006 USD per million is 6,000 picodollars, so token prices are exact to 10⁻⁶ USD per million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

impl Money {
    /// Nothing.
    pub const ZERO: Money = Money(0);
    /// The least amount that is more than nothing.
    pub const LEAST: Money = Money(1);
    /// The largest amount.
    pub const MAX: Money = Money(i64::MAX);

    /// From picodollars, as the ledger stores them.
    pub const fn from_pico(pico: i64) -> Money {
        Money(pico)
    }

    /// In picodollars.
    pub const fn pico(self) -> i64 {
        self.0
    }

    /// From dollars, rounded to the picodollar; NaN is nothing.
    pub fn from_usd(usd: f64) -> Money {
        Money((usd * PICO).round() as i64)
    }

    /// From a decimal number of dollars such as `0.0000001` or `1e-07`, read digit by digit and rounded to the picodollar. `None` if it is no number
    /// or too large.
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
        // Zeros to append to the digits; if negative, digits to drop.
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

    /// In dollars, for display; never for sums.
    pub fn usd(self) -> f64 {
        let pico = self.0 as f64;
        pico / PICO
    }

    /// The price of one token, from a price in dollars per million tokens.
    pub fn per_token(usd_per_million: f64) -> Money {
        Money::from_usd(usd_per_million / 1e6)
    }

    /// This amount for each of `count` tokens.
    pub fn times(self, count: u64) -> Money {
        Money(self.0.saturating_mul(i64::try_from(count).unwrap_or(i64::MAX)))
    }

    /// All its digits, at least two decimals: for what the user chose, such as a cap.
    pub fn exact(self) -> Exact {
        Exact(self)
    }

    /// Rounded to so many decimals, at most twelve.
    fn with_decimals(self, decimals: u32) -> String {
        let (sign, amount) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let unit = 10_u64.pow((PLACES as u32).saturating_sub(decimals));
        let (units, in_dollar) = ((amount + unit / 2) / unit, 10_u64.pow(decimals));
        let (dollars, fraction) = (units / in_dollar, units % in_dollar);
        format!("{sign}${dollars}.{fraction:0width$}", width = decimals as usize)
    }

    /// This amount scaled by a share or a ratio, rounded to the picodollar; not for sums that must be exact.
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
    /// For people: two decimals, and below ten cents the two digits that count, as in `$0.0010`. What is not zero never reads as zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = self.0.unsigned_abs();
        if (1..PICO_OF_LEAST).contains(&amount) {
            return f.pad(&format!("<{}", Money(PICO_OF_LEAST as i64)));
        }
        let decimals = match amount {
            1..TEN_CENTS => (PLACES as u32 - amount.ilog10() + 1).min(LEAST_PLACE),
            _ => 2,
        };
        f.pad(&self.with_decimals(decimals))
    }
}

/// An amount to the last digit; [`Money::exact`] makes it.
#[derive(Clone, Copy, Debug)]
pub struct Exact(Money);

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zeros = (0..PLACES as u32).take_while(|zeros| self.0.0 % 10_i64.pow(zeros + 1) == 0).count();
        f.pad(&self.0.with_decimals((PLACES as u32).saturating_sub(zeros as u32).max(2)))
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
        for (pico, text, exact) in [
            (0, "$0.00", "$0.00"),
            (500_000_000_000, "$0.50", "$0.50"),
            (1_000_000_000, "$0.0010", "$0.001"),
            (2_303_333_000, "$0.0023", "$0.002303333"),
            (31_200_000_000, "$0.031", "$0.0312"),
            (170_000_000, "$0.00017", "$0.00017"),
            (99_960_000_000, "$0.100", "$0.09996"),
            (125_000_000_000, "$0.13", "$0.125"),
            (1_500_000_000_000, "$1.50", "$1.50"),
            (12_345_678_000_000, "$12.35", "$12.345678"),
            (-2_000_000_000, "-$0.0020", "-$0.002"),
            (300_000, "$0.00000030", "$0.0000003"),
            (1_260, "$0.000000001", "$0.00000000126"),
            (1, "<$0.000000001", "$0.000000000001"),
            (i64::MAX, "$9223372.04", "$9223372.036854775807"),
        ] {
            let amount = Money::from_pico(pico);
            assert_eq!((amount.to_string(), amount.exact().to_string()), (text.to_owned(), exact.to_owned()));
        }
        assert_eq!(Money::from_usd(f64::NAN), Money::ZERO);
        assert_eq!(Money::MAX + Money::from_pico(1), Money::MAX);
        assert_eq!(Money::from_pico(3).times(u64::MAX), Money::MAX);
    }
}
