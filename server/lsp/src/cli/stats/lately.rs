//! What today, the last week and this month cost and gave, beside the caps. Days and months are local, as the caps' are.
//! It leaves counting to the ledger.

use std::io::Write;

use comfy_table::{CellAlignment, Table, presets};
use pennyworth_core::money::Money;
use serde::Serialize;
use time::{Date, Duration};

use super::table::rounded;
use crate::cli::models;
use crate::ledger::{Caps, Report, Row};

/// A row as a machine reads it: what is divided is done for it.
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

/// Three looks at what is near.
#[derive(Debug, Serialize)]
pub(super) struct Lately {
    today: Span,
    last_7_days: Span,
    this_month: Span,
}

/// A time, what it cost and gave, and what it may cost.
#[derive(Debug, Serialize)]
struct Span {
    #[serde(flatten)]
    sum: Priced,
    #[serde(skip_serializing_if = "Option::is_none")]
    cap: Option<Money>,
}

impl Lately {
    /// From a report that goes back a month at least.
    pub(super) fn of(report: &Report, caps: Caps) -> Lately {
        let today = models::date(&report.today);
        let span = |first: Option<Date>, cap| {
            let sum = first.map(|first| report.since(&first.to_string()).total).unwrap_or_default();
            Span { sum: sum.into(), cap }
        };
        Lately {
            today: span(today, Some(caps.day)),
            last_7_days: span(today.and_then(|today| today.checked_sub(Duration::days(6))), None),
            this_month: span(today.and_then(|today| today.replace_day(1).ok()), Some(caps.month)),
        }
    }

    /// One line each.
    pub(super) fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        for (name, span) in self.spans() {
            let Priced { row, cost_per_1000_chars, .. } = &span.sum;
            let cost = rounded(row.cost);
            table.add_row([
                name.to_owned(),
                span.cap.map_or_else(|| cost.to_string(), |cap| format!("{cost} of {cap}")),
                format!("{} calls", row.calls),
                format!("{} characters accepted", row.chars),
                cost_per_1000_chars.map(|cost| format!("{} per 1,000", rounded(cost))).unwrap_or_default(),
            ]);
        }
        for column in table.column_iter_mut().skip(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        writeln!(out, "{table}")
    }

    /// The same as a table for a hover.
    pub(super) fn markdown(&self, out: &mut impl Write) -> std::io::Result<()> {
        writeln!(out, "| | cost | cap | calls | characters |\n|---|--:|--:|--:|--:|")?;
        for (name, span) in self.spans() {
            let row = &span.sum.row;
            let cap = span.cap.map(|cap| cap.to_string()).unwrap_or_default();
            writeln!(out, "| {name} | {} | {cap} | {} | {} |", rounded(row.cost), row.calls, row.chars)?;
        }
        Ok(())
    }

    fn spans(&self) -> [(&'static str, &Span); 3] {
        [("today", &self.today), ("last 7 days", &self.last_7_days), ("this month", &self.this_month)]
    }
}
