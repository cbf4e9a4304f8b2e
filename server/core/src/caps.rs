//! The caps: the most that a day and a month may cost, and what was spent of each. It leaves reading that from the ledger to `lsp`.

use std::fmt;

use crate::money::Money;

/// The most that a day and a month may cost, over all servers of the user. A day is any 24 hours, counted by the hour, so that neither
/// midnight nor a time zone allows a cap twice. A month is a calendar month in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// For 24 hours.
    pub day: Money,
    /// For a month.
    pub month: Money,
}

/// What calls cost. Calls under way are counted apart, at their most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// By calls that ended in the last 24 hours.
    pub day: Money,
    /// By calls that ended this month.
    pub month: Money,
    /// Reserved for calls under way: it counts against both caps until their cost is known.
    pub reserved: Money,
}

/// A time that has a cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// A day.
    Day,
    /// A month.
    Month,
}

/// A cap that a call would break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The cap's period.
    pub period: Period,
    /// The cap.
    pub cap: Money,
    /// What was spent of it.
    pub spent: Money,
    /// What is reserved of it for calls under way.
    pub reserved: Money,
}

impl Caps {
    /// What is left of both.
    pub fn left(&self, spent: Spent) -> Money {
        (self.day - spent.day).min(self.month - spent.month) - spent.reserved
    }

    /// The cap that so much more would break. What costs nothing breaks none.
    pub fn broken(&self, spent: Spent, more: Money) -> Option<Broken> {
        let both = [(Period::Day, spent.day, self.day), (Period::Month, spent.month, self.month)];
        let reserved = spent.reserved;
        both.into_iter()
            .find(|(_, spent, cap)| more > Money::ZERO && *spent + reserved + more > *cap)
            .map(|(period, spent, cap)| Broken { period, cap, spent, reserved })
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Period::Day => "day",
            Period::Month => "month",
        })
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {}'s cap of {} does not cover it: {} spent", self.period, self.cap.exact(), self.spent)?;
        match self.reserved {
            Money::ZERO => Ok(()),
            reserved => write!(f, ", {reserved} reserved for calls under way"),
        }
    }
}
