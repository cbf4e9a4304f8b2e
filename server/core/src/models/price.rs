//! The prices of a model's tokens, which may depend on the hour. It leaves reading prices to `load` and `built`, and adding up costs to the ledger.

use serde::Serialize;

use crate::money::Money;

/// What a token costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Price {
    /// One input token that was not cached.
    pub input: Money,
    /// One input token read from the provider's cache.
    pub cached: Money,
    /// One input token written to the provider's cache for its short lifetime.
    pub write: Money,
    /// The same for its longer lifetime, if it has two and the price is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_long: Option<Money>,
    /// One output token, hidden reasoning included.
    pub output: Money,
    /// The share of these prices that a batch pays, 0 to 1, if there are batches and it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<f64>,
    /// The day it was looked up, `YYYY-MM-DD`.
    pub as_of: String,
    /// Hours with a lower price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off_peak: Option<OffPeak>,
}

/// Hours with a lower price.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OffPeak {
    /// The share of the price paid then, 0 to 1.
    pub share: f64,
    /// Spans of hours, in UTC, from Monday to Friday.
    pub weekdays: Vec<(u8, u8)>,
    /// The same on Saturday and Sunday.
    pub weekend: Vec<(u8, u8)>,
}

/// An hour of the week in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeekHour {
    /// The day, 0 on Monday.
    day: u8,
    /// The hour, 0 to 23.
    hour: u8,
}

impl WeekHour {
    /// The hour of a time in seconds since 1970.
    pub fn of(seconds: u64) -> WeekHour {
        // 1970 began on a Thursday.
        let hours = seconds / 3600 + 3 * 24;
        WeekHour { day: (hours / 24 % 7) as u8, hour: (hours % 24) as u8 }
    }

    /// The hour so many hours later.
    fn plus(self, hours: u8) -> WeekHour {
        let hours = u16::from(self.day) * 24 + u16::from(self.hour) + u16::from(hours);
        WeekHour { day: (hours / 24 % 7) as u8, hour: (hours % 24) as u8 }
    }

    /// The hour of the day, 0 to 23.
    pub fn hour(self) -> u8 {
        self.hour
    }
}

impl OffPeak {
    fn holds(&self, now: WeekHour) -> bool {
        let hours = if now.day < 5 { &self.weekdays } else { &self.weekend };
        hours.iter().any(|(from, to)| (*from..*to).contains(&now.hour))
    }
}

impl Price {
    /// The price at an hour.
    pub fn at(&self, now: WeekHour) -> Price {
        let share =
            self.off_peak.as_ref().filter(|off_peak| off_peak.holds(now)).map_or(1.0, |off_peak| off_peak.share);
        Price { batch: self.batch, ..self.share(share) }
    }

    /// The price at hours with a lower one, and in how many hours these begin: 0 if it holds now. `None` if there are none within a day.
    pub fn off_peak_from(&self, now: WeekHour) -> Option<(u8, Price)> {
        let off_peak = self.off_peak.as_ref().filter(|off_peak| off_peak.share < 1.0)?;
        let hours = (0..=24).find(|hours| off_peak.holds(now.plus(*hours)))?;
        Some((hours, self.share(off_peak.share)))
    }

    /// The cost of these token counts; `cached` and `written` are parts of `input`.
    pub fn cost(&self, input: u64, cached: u64, written: u64, output: u64) -> Money {
        let cached = cached.min(input);
        let written = written.min(input - cached);
        self.input.times(input - cached - written)
            + self.cached.times(cached)
            + self.write.times(written)
            + self.output.times(output)
    }

    /// The most that a call with these token counts can cost: nothing read from the cache, all input written to it for the short lifetime, the only
    /// one that is requested.
    pub fn worst(&self, input: u64, output: u64) -> Money {
        self.input.max(self.write).max(self.cached).times(input) + self.output.times(output)
    }

    /// The price of a batch, which runs at an hour that nobody knows. Where its share is not known, it counts as the whole.
    pub fn of_batch(&self) -> Price {
        self.share(self.batch.unwrap_or(1.0))
    }

    fn share(&self, share: f64) -> Price {
        let [input, cached, write, output] =
            [self.input, self.cached, self.write, self.output].map(|price| price.scaled(share));
        let write_long = self.write_long.map(|price| price.scaled(share));
        Price { input, cached, write, write_long, output, batch: None, as_of: self.as_of.clone(), off_peak: None }
    }

    /// Whether it costs nothing at all.
    pub fn is_free(&self) -> bool {
        [self.input, self.cached, self.write, self.output] == [Money::ZERO; 4]
    }
}
