//! Costs and gains of today, the last week and this month, in local days, and what counts against the caps.
//! It leaves counting to the ledger.

use std::io::Write;

use comfy_table::{CellAlignment, Table, presets};
use pennyworth_core::caps::Caps;
use pennyworth_core::money::Money;
use serde::Serialize;
use time::{Date, Duration};

use crate::ledger::{Report, Row};
use crate::reports::models;
use crate::reports::words::counted;

/// A row for JSON, with its quotients.
#[derive(Debug, Serialize)]
pub(super) struct Priced {
    #[serde(flatten)]
    row: Row,
    cost_per_char: Option<Money>,
    cost_per_1000_chars: Option<Money>,
}

impl From<Row> for Priced {
    fn from(row: Row) -> Priced {
        let (cost_per_char, cost_per_1000_chars) = (row.cost_per_char(), row.cost_per_1000_chars());
        Priced { row, cost_per_char, cost_per_1000_chars }
    }
}

/// The three recent spans.
#[derive(Debug, Serialize)]
pub struct Lately {
    today: Span,
    last_7_days: Span,
    this_month: Span,
    /// What counts against the caps; `None` if that is unknown.
    of_caps: Option<OfCaps>,
}

/// What was spent of the caps. Their days are any 24 hours and their months UTC's, while the spans above are local.
#[derive(Debug, Serialize)]
struct OfCaps {
    last_24_hours: Money,
    this_month: Money,
    reserved: Money,
    #[serde(skip)]
    caps: Caps,
}

/// A span of time with its costs and gains, and its cap.
#[derive(Debug, Serialize)]
struct Span {
    #[serde(flatten)]
    sum: Priced,
    #[serde(skip_serializing_if = "Option::is_none")]
    cap: Option<Money>,
}

impl Lately {
    /// Makes them from a report that goes back at least a month.
    pub fn of(report: &Report, caps: Caps) -> Lately {
        let today = models::date(&report.today);
        let span = |first: Option<Date>, cap| {
            let sum = first.map(|first| report.since(&first.to_string()).total).unwrap_or_default();
            Span { sum: sum.into(), cap }
        };
        Lately {
            today: span(today, Some(caps.day)),
            last_7_days: span(today.and_then(|today| today.checked_sub(Duration::days(6))), None),
            this_month: span(today.and_then(|today| today.replace_day(1).ok()), Some(caps.month)),
            of_caps: report.spent.map(|spent| OfCaps {
                last_24_hours: spent.day,
                this_month: spent.month,
                reserved: spent.reserved,
                caps,
            }),
        }
    }

    /// Prints a line for each span.
    pub fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        for (name, span) in self.spans() {
            let Priced { row, cost_per_1000_chars, .. } = &span.sum;
            let cost = row.cost;
            table.add_row([
                name.to_owned(),
                cost.to_string(),
                counted(row.calls, "call"),
                format!("{} accepted", counted(row.chars, "character")),
                cost_per_1000_chars.map(|cost| format!("{cost} per 1,000")).unwrap_or_default(),
            ]);
        }
        for column in table.column_iter_mut().skip(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        writeln!(out, "{table}")?;
        self.of_caps(out)
    }

    fn of_caps(&self, out: &mut impl Write) -> std::io::Result<()> {
        let Some(OfCaps { last_24_hours, this_month, reserved, caps }) = &self.of_caps else {
            return writeln!(out, "of the caps: what was spent is unknown");
        };
        let (day, month) = (caps.day.exact(), caps.month.exact());
        write!(out, "of the caps: {last_24_hours} of {day} in 24 hours, {this_month} of {month} this month")?;
        match *reserved {
            Money::ZERO => writeln!(out),
            reserved => writeln!(out, "; {reserved} reserved for calls under way"),
        }
    }

    /// Prints the same as a Markdown table, for a hover.
    pub(super) fn markdown(&self, out: &mut impl Write) -> std::io::Result<()> {
        writeln!(out, "| | cost | calls | characters |\n|---|--:|--:|--:|")?;
        for (name, span) in self.spans() {
            let row = &span.sum.row;
            writeln!(out, "| {name} | {} | {} | {} |", row.cost, row.calls, row.chars)?;
        }
        writeln!(out)?;
        self.of_caps(out)
    }

    fn spans(&self) -> [(&'static str, &Span); 3] {
        [("today", &self.today), ("last 7 days", &self.last_7_days), ("this month", &self.this_month)]
    }
}
