//! What a model's tokens cost, by the hour where that matters. It leaves reading prices to `load` and `built`, and adding them up to the ledger.

use serde::Serialize;

use crate::money::Money;

/// What a token costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Price {
    /// One input token that was not cached.
    pub input: Money,
    /// One input token read from the provider's cache.
    pub cached: Money,
    /// One input token written to the provider's cache for its short time.
    pub write: Money,
    /// The same for its longer time, where it has two and the price is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_long: Option<Money>,
    /// One output token, hidden reasoning included.
    pub output: Money,
    /// The share of all of these that a batch pays, 0 to 1, where there are batches and it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<f64>,
    /// The day it was looked up, `YYYY-MM-DD`.
    pub as_of: String,
    /// When it is lower.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off_peak: Option<OffPeak>,
}

/// Hours in which a price is lower.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OffPeak {
    /// The share of the price that is then paid, 0 to 1.
    pub share: f64,
    /// From which hour to which, in UTC, from Monday to Friday.
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
    /// The hour of a moment, in seconds since 1970.
    pub fn of(seconds: u64) -> WeekHour {
        // 1970 began on a Thursday.
        let hours = seconds / 3600 + 3 * 24;
        WeekHour { day: (hours / 24 % 7) as u8, hour: (hours % 24) as u8 }
    }
}

impl Price {
    /// The price at an hour.
    pub fn at(&self, now: WeekHour) -> Price {
        let Some(off_peak) = &self.off_peak else { return self.clone() };
        let hours = if now.day < 5 { &off_peak.weekdays } else { &off_peak.weekend };
        let share = match hours.iter().any(|(from, to)| (*from..*to).contains(&now.hour)) {
            true => off_peak.share,
            false => 1.0,
        };
        let [input, cached, write, output] =
            [self.input, self.cached, self.write, self.output].map(|price| price.scaled(share));
        let write_long = self.write_long.map(|price| price.scaled(share));
        Price { input, cached, write, write_long, output, batch: self.batch, as_of: self.as_of.clone(), off_peak: None }
    }

    /// What these numbers of tokens cost; `cached` and `written` are parts of `input`.
    pub fn cost(&self, input: u64, cached: u64, written: u64, output: u64) -> Money {
        let cached = cached.min(input);
        let written = written.min(input - cached);
        self.input.times(input - cached - written)
            + self.cached.times(cached)
            + self.write.times(written)
            + self.output.times(output)
    }

    /// The most that a call with this input and output can cost: nothing cached, everything written to the cache for its short time, which is
    /// the one that is asked for.
    pub fn worst(&self, input: u64, output: u64) -> Money {
        self.input.max(self.write).max(self.cached).times(input) + self.output.times(output)
    }

    /// Whether it costs nothing at all.
    pub fn is_free(&self) -> bool {
        [self.input, self.cached, self.write, self.output] == [Money::ZERO; 4]
    }
}
