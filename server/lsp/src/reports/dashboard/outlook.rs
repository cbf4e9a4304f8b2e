//! What was spent beside the caps, and what the month will have cost at its end. It leaves the sums to the ledger.

use pennyworth_core::caps::Caps;
use pennyworth_core::interval;
use pennyworth_core::money::Money;
use serde::Serialize;
use time::{Date, Duration};

use crate::ledger::Report;
use crate::reports::models;

/// Days before today on which the forecast rests: two weeks, so that each day of the week counts alike.
const BASIS: i64 = 14;

/// What was spent, beside the caps.
#[derive(Debug, Serialize)]
pub(super) struct Outlook {
    /// Today, a local day.
    today: String,
    cap_day: Money,
    cap_month: Money,
    /// What counts against the caps; `None` if that is unknown.
    spent: Option<Counted>,
    forecast: Option<Forecast>,
}

/// What counts against the caps: their days are any 24 hours, and their months UTC's.
#[derive(Debug, Serialize)]
struct Counted {
    day: Money,
    month: Money,
    reserved: Money,
}

/// What the month will have cost.
#[derive(Debug, PartialEq, Serialize)]
struct Forecast {
    expected: Money,
    /// The ends of an interval that holds what is so 95 times of 100; `None` below two days.
    low: Option<Money>,
    high: Option<Money>,
    /// Days on which it rests.
    days: i64,
}

impl Outlook {
    pub(super) fn of(report: &Report, caps: Caps, today: Date) -> Outlook {
        let spent = report.spent.map(|spent| Counted { day: spent.day, month: spent.month, reserved: spent.reserved });
        let forecast = spent.as_ref().and_then(|spent| Forecast::of(report, spent.month, today));
        Outlook { today: report.today.clone(), cap_day: caps.day, cap_month: caps.month, spent, forecast }
    }
}

impl Forecast {
    /// What was spent so far, and for each day that is left as much as on the mean of the last full days. `None` without a full day.
    fn of(report: &Report, so_far: Money, today: Date) -> Option<Forecast> {
        let days = report.rows.iter().filter_map(|row| Some((models::date(&row.day)?, row.cost)));
        let first = days.clone().map(|(day, _)| day).min()?;
        let basis = (today - first).whole_days().min(BASIS);
        let mut costs = vec![0.0; usize::try_from(basis).ok()?];
        for (day, cost) in days {
            let ago = usize::try_from((today - day).whole_days() - 1).ok();
            if let Some(of_day) = ago.and_then(|ago| costs.get_mut(ago)) {
                *of_day += cost.usd();
            }
        }
        let mean = |days: &mut dyn Iterator<Item = &f64>| {
            let (count, sum) = days.fold((0.0, 0.0), |(count, sum), cost| (count + 1.0, sum + cost));
            (count > 0.0).then(|| sum / count)
        };
        let left = (end_of_month(today)? - today).whole_days() as f64;
        let at_end = |mean: f64| so_far + Money::from_usd(mean * left);
        let range = interval::of_days(&costs, |days| mean(days));
        Some(Forecast {
            expected: at_end(mean(&mut costs.iter())?),
            low: range.map(|range| at_end(range.low)),
            high: range.map(|range| at_end(range.high)),
            days: basis,
        })
    }
}

/// The last day of a day's month.
fn end_of_month(day: Date) -> Option<Date> {
    let next = day.replace_day(1).ok()?.checked_add(Duration::days(32))?.replace_day(1).ok()?;
    next.previous_day()
}

#[cfg(test)]
mod tests {
    use pennyworth_core::caps::Spent;

    use super::*;
    use crate::ledger::Row;

    fn report(days: &[(&str, f64)], month: f64) -> Report {
        let row = |(day, usd): &(&str, f64)| Row { day: (*day).into(), cost: Money::from_usd(*usd), ..Row::default() };
        let spent = Spent { month: Money::from_usd(month), ..Spent::default() };
        Report { spent: Some(spent), ..Report::of("2026-11-11".into(), days.iter().map(row).collect()) }
    }

    #[test]
    fn the_month_costs_what_was_spent_and_the_mean_of_the_last_days_for_each_that_is_left() {
        let forecast = |days: &[(&str, f64)]| {
            let caps = Caps { day: Money::MAX, month: Money::MAX };
            Outlook::of(&report(days, 3.0), caps, models::date("2026-11-11").unwrap()).forecast
        };
        assert_eq!(forecast(&[]), None);
        assert_eq!(forecast(&[("2026-11-11", 1.0)]), None, "today is not over");
        let one = forecast(&[("2026-11-10", 0.5), ("2026-11-11", 9.0)]).unwrap();
        assert_eq!((one.expected, one.low, one.days), (Money::from_usd(12.5), None, 1));
        // Of two weeks, days without a call count as nothing, and earlier days do not count.
        let days = forecast(&[("2026-10-20", 99.0), ("2026-11-10", 0.5), ("2026-11-01", 0.2), ("2026-10-28", 0.7)]);
        let days = days.unwrap();
        assert_eq!((days.expected, days.days), (Money::from_usd(3.0 + 19.0 * 0.1), 14));
        assert!(days.low < Some(days.expected) && days.high > Some(days.expected), "{days:?}");
    }

    #[test]
    fn months_have_their_ends() {
        for (day, last) in [("2026-02-03", "2026-02-28"), ("2028-02-29", "2028-02-29"), ("2026-12-31", "2026-12-31")] {
            assert_eq!(end_of_month(models::date(day).unwrap()).unwrap().to_string(), last);
        }
    }
}
