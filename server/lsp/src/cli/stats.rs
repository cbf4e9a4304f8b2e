//! `pennyworth stats`: what was got for the money, by model and by task. It leaves adding up to the ledger.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::anyhow;
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use pennyworth_core::money::Money;

use crate::ledger::{Ledger, Report, Row};
use crate::paths;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// `pennyworth stats`.
#[derive(Debug, Args)]
pub struct Stats {
    /// How many days to look back on
    #[arg(long, default_value_t = 30, value_name = "N")]
    days: u32,
    /// Print one JSON object, with a row for each task and model
    #[arg(long)]
    json: bool,
}

impl Stats {
    pub(super) fn run(&self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let report = match paths::ledger_path().filter(|path| path.exists()) {
            Some(path) => self.read(&path)?,
            None => Report::default(),
        };
        if self.json {
            serde_json::to_writer_pretty(&mut *out, &report).map_err(std::io::Error::from)?;
            writeln!(out)?;
        } else {
            print(&report, self.days, out)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn read(&self, path: &Path) -> anyhow::Result<Report> {
        let (ledger, notice) = Ledger::open(Some(path));
        if let Some(notice) = notice {
            eprintln!("warning: {notice}");
        }
        let since = SystemTime::now().checked_sub(DAY * self.days).unwrap_or(SystemTime::UNIX_EPOCH);
        ledger.report(since).map_err(|error| anyhow!("the ledger cannot be read: {error}"))
    }
}

fn print(report: &Report, days: u32, out: &mut impl Write) -> std::io::Result<()> {
    let total = &report.total;
    if report.rows.is_empty() {
        return writeln!(out, "nothing was suggested in the last {days} days");
    }
    writeln!(
        out,
        "last {days} days: {} characters accepted for {}{}",
        total.chars,
        total.cost,
        total.cost_per_1000_chars().map(|cost| format!(", {} per 1,000", rounded(cost))).unwrap_or_default()
    )?;
    writeln!(out, "\n{}", table("model", &sums(report, |row| &row.model), total))?;
    writeln!(out, "\n{}", table("task", &sums(report, |row| &row.task), total))?;
    notes(total, out)
}

/// Where the figures want a word.
fn notes(total: &Row, out: &mut impl Write) -> std::io::Result<()> {
    if total.estimated > 0 {
        writeln!(out, "\n{} of {} calls had no bill; their cost is an estimate", total.estimated, total.calls)?;
    }
    if let Some(kept) = share(total.kept_chars, total.checked_chars) {
        writeln!(out, "\n{kept} of accepted characters still stood there some minutes later")?;
    }
    Ok(())
}

/// The rows added up by one of their names, the dearest first, then those that gave most.
fn sums<'a>(report: &'a Report, name: fn(&'a Row) -> &'a String) -> Vec<(&'a str, Row)> {
    let mut sums: BTreeMap<&str, Row> = BTreeMap::new();
    for row in &report.rows {
        *sums.entry(name(row)).or_default() += row;
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(_, row)| std::cmp::Reverse((row.cost, row.chars)));
    sums
}

fn table(name: &str, rows: &[(&str, Row)], total: &Row) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        name,
        "calls",
        "failed",
        "aborted",
        "input",
        "cached",
        "output",
        "cost",
        "shown",
        "accepted",
        "chars",
        "per 1,000",
    ]);
    for (name, row) in rows.iter().map(|(name, row)| (*name, row)).chain([("total", total)]) {
        table.add_row(cells(name, row));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn cells(name: &str, row: &Row) -> [String; 12] {
    let count = |count: u64| if count == 0 { "-".to_owned() } else { count.to_string() };
    [
        name.to_owned(),
        count(row.calls),
        count(row.failed),
        count(row.aborted),
        count(row.input),
        share(row.cached, row.input).unwrap_or_else(|| "-".into()),
        count(row.output),
        if row.cost == Money::ZERO { "-".into() } else { row.cost.to_string() },
        count(row.shown),
        share(row.accepted, row.shown).unwrap_or_else(|| "-".into()),
        count(row.chars),
        row.cost_per_1000_chars()
            .filter(|cost| *cost != Money::ZERO)
            .map_or_else(|| "-".into(), |cost| rounded(cost).to_string()),
    ]
}

/// To the hundredth of a cent: what is divided has no more digits worth reading.
fn rounded(amount: Money) -> Money {
    Money::from_usd((amount.usd() * 1e4).round() / 1e4)
}

/// A share in per cent.
fn share(part: u64, whole: u64) -> Option<String> {
    (whole > 0).then(|| format!("{:.0} %", part as f64 * 100.0 / whole as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(task: &str, model: &str, chars: u64, cents: f64) -> Row {
        Row {
            task: task.into(),
            model: model.into(),
            calls: u64::from(cents > 0.0) * 4,
            input: u64::from(cents > 0.0) * 1000,
            cached: u64::from(cents > 0.0) * 250,
            cost: Money::from_usd(cents / 100.0),
            shown: 10,
            accepted: 5,
            chars,
            ..Row::default()
        }
    }

    #[test]
    fn the_rows_are_added_up_by_model_and_by_task() {
        let rows =
            vec![row("line", "coder", 400, 2.0), row("line", "embedded", 500, 0.0), row("type", "coder", 100, 1.0)];
        let mut total = Row { estimated: 2, kept_chars: 90, checked_chars: 100, ..Row::default() };
        rows.iter().for_each(|row| total += row);
        let mut out = Vec::new();
        print(&Report { rows, total }, 7, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        for expected in [
            "last 7 days: 1000 characters accepted for $0.03, $0.03 per 1,000",
            "coder 8 - - 2000 25 % - $0.03 20 50 % 500 $0.06",
            "embedded - - - - - - - 10 50 % 500 -",
            "line 4 - - 1000 25 % - $0.02 20 50 % 900 $0.0222",
            "total 8 - - 2000 25 % - $0.03 30 50 % 1000 $0.03",
            "2 of 8 calls had no bill; their cost is an estimate",
            "90 % of accepted characters still stood there some minutes later",
        ] {
            assert!(words.iter().any(|line| line.join(" ") == expected), "{expected}\n{text}");
        }
    }

    #[test]
    fn nothing_is_said_in_words() {
        let mut out = Vec::new();
        print(&Report::default(), 30, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "nothing was suggested in the last 30 days\n");
    }
}
