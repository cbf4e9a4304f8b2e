//! What advice rests on: the report of the last days, how ceilings and probabilities turned out, and the settings. It leaves what follows from it to
//! the kinds of advice.

use std::time::{Duration, SystemTime};

use pennyworth_core::interval;
use pennyworth_core::models::Models;
use pennyworth_core::money::Money;
use pennyworth_core::task::{Task, Tasks};
use time::Date;

use super::piece::Saving;
use crate::learn::EMBEDDED;
use crate::ledger::{Habits, Ledger, Report, Row};
use crate::reports::models;
use crate::settings::Settings;

/// Days that are looked at.
const DAYS: u32 = 30;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Days of a month.
const MONTH: f64 = 30.0;

/// What the ledger has of the days that are looked at, the first of them whole.
#[derive(Default)]
pub struct Lately {
    /// The report of these days.
    pub report: Report,
    /// How ceilings and probabilities turned out.
    pub habits: Habits,
}

impl Lately {
    /// Reads them. It blocks.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn read(ledger: &Ledger) -> Result<Lately, String> {
        // Two days more, because local days are not known here.
        let since = SystemTime::now().checked_sub(DAY * (DAYS + 1)).unwrap_or(SystemTime::UNIX_EPOCH);
        let report = ledger.report(since)?;
        let first =
            models::date(&report.today).and_then(|today| today.checked_sub(time::Duration::days(i64::from(DAYS) - 1)));
        let first = first.unwrap_or(Date::MIN).to_string();
        Ok(Lately { report: report.since(&first), habits: ledger.habits(&first)? })
    }
}

/// The figures and the settings.
pub struct Evidence<'a> {
    /// The report of the last days.
    pub report: &'a Report,
    /// How ceilings and probabilities turned out.
    pub habits: &'a Habits,
    /// The user's settings.
    pub settings: &'a Settings,
    /// The models.
    pub models: Models,
    /// The tasks' rows.
    pub tasks: Tasks,
    /// The day of the report.
    pub today: Date,
    /// Days from the first one with a call to this one, at most 30.
    pub days: u32,
}

impl<'a> Evidence<'a> {
    /// What these figures and settings are.
    pub fn new(Lately { report, habits }: &'a Lately, settings: &'a Settings) -> Evidence<'a> {
        let today = models::date(&report.today).unwrap_or(Date::MIN);
        let first = report.rows.iter().filter_map(|row| models::date(&row.day)).min().unwrap_or(today);
        let days = (today - first).whole_days().clamp(0, i64::from(DAYS) - 1) as u32 + 1;
        Evidence { report, habits, settings, models: settings.models(), tasks: settings.tasks(), today, days }
    }

    /// The rows of models that are asked, not of the embedded one.
    pub(super) fn asked(&self) -> impl Iterator<Item = (&Row, Task)> {
        let rows = self.report.rows.iter().filter(|row| row.model != EMBEDDED);
        rows.filter_map(|row| Some((row, row.task.parse().ok()?)))
    }

    /// The sum of some rows for each day, days without one included.
    pub(super) fn by_day<'r>(&self, rows: impl Iterator<Item = &'r Row>) -> Vec<Row> {
        let mut days = vec![Row::default(); self.days as usize];
        for row in rows {
            let ago = models::date(&row.day).map_or(0, |day| (self.today - day).whole_days());
            if let Some(day) = usize::try_from(ago).ok().and_then(|ago| days.get_mut(ago)) {
                *day += row;
            }
        }
        days
    }

    /// What is saved in a month if this share of the cost of these days is not spent.
    pub(super) fn saving(&self, days: &[Row], share: f64) -> Option<Saving> {
        let usd = |rows: &mut dyn Iterator<Item = &Row>| {
            let (count, sum) = rows.fold((0, 0.0), |(count, sum), row| (count + 1, sum + row.cost.usd()));
            (count > 0).then(|| sum / f64::from(count) * MONTH * share)
        };
        let found = interval::of_days(days, |rows| usd(rows))?;
        let expected = Money::from_usd(usd(&mut days.iter())?);
        Some(Saving { expected, low: Money::from_usd(found.low), high: Money::from_usd(found.high) })
    }

    /// A figure of these days for a month.
    pub(super) fn per_month(&self, figure: f64) -> f64 {
        figure / f64::from(self.days) * MONTH
    }
}

/// The sum of rows.
pub(super) fn sum<'r>(rows: impl Iterator<Item = &'r Row>) -> Row {
    rows.fold(Row::default(), |mut sum, row| {
        sum += row;
        sum
    })
}

/// A share in per cent, with its interval.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let found = interval::share(part, whole);
    let share = part as f64 / whole.max(1) as f64;
    format!("{:.0} % ({:.0} to {:.0})", share * 100.0, found.low * 100.0, found.high * 100.0)
}
