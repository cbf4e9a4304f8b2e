//! How much a day and a month may cost, and what they cost so far. It leaves reading that from the file to `store`.

use std::fmt;

use pennyworth_core::money::Money;

/// The most that a day and a month may cost, over all servers of the user. Both are local.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// For a day.
    pub day: Money,
    /// For a month.
    pub month: Money,
}

/// What today's and this month's calls cost, those in flight at their most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Today.
    pub day: Money,
    /// This month, today included.
    pub month: Money,
}

/// A time that has a cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// A day.
    Day,
    /// A month.
    Month,
}

impl Caps {
    /// What is left of both.
    pub fn left(&self, spent: Spent) -> Money {
        (self.day - spent.day).min(self.month - spent.month)
    }

    /// The cap that so much more would break: its period, what is spent of it, and how high it is. What costs nothing breaks none.
    pub(super) fn broken(&self, spent: Spent, more: Money) -> Option<(Period, Money, Money)> {
        let both = [(Period::Day, spent.day, self.day), (Period::Month, spent.month, self.month)];
        both.into_iter().find(|(_, spent, cap)| more > Money::ZERO && *spent + more > *cap)
    }
}

impl Spent {
    /// So much more of both.
    pub(super) fn and(self, more: Money) -> Spent {
        Spent { day: self.day + more, month: self.month + more }
    }

    /// What cannot be known is spent.
    pub(super) const UNKNOWN: Spent = Spent { day: Money::MAX, month: Money::MAX };
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Period::Day => "day",
            Period::Month => "month",
        })
    }
}
