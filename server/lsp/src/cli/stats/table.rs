//! Rows of the ledger's report added up by what somebody wants to compare, as a table. It leaves choosing that to the command.

use std::collections::BTreeMap;
use std::io::Write;

use clap::ValueEnum;
use comfy_table::{CellAlignment, Table, presets};
use pennyworth_core::money::Money;

use crate::ledger::{Report, Row};

/// What can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum By {
    Day,
    Model,
    Task,
    Language,
}

impl By {
    fn of(self, row: &Row) -> &str {
        match self {
            By::Day => &row.day,
            By::Model => &row.model,
            By::Task => &row.task,
            By::Language => &row.language,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            By::Day => "day",
            By::Model => "model",
            By::Task => "task",
            By::Language => "language",
        }
    }
}

/// What a combination of names adds up to.
pub(super) struct Sum {
    pub(super) names: Vec<String>,
    pub(super) row: Row,
}

/// The rows added up by some of their names: by day in order, else the dearest first, then those that gave most.
pub(super) fn sums(report: &Report, by: &[By]) -> Vec<Sum> {
    let mut sums: BTreeMap<Vec<String>, Row> = BTreeMap::new();
    for row in &report.rows {
        let names: Vec<String> = by.iter().map(|by| by.of(row).to_owned()).collect();
        let named = |of: By, name: &str| if by.contains(&of) { name.to_owned() } else { String::new() };
        let fresh = || Row {
            day: named(By::Day, &row.day),
            task: named(By::Task, &row.task),
            language: named(By::Language, &row.language),
            model: named(By::Model, &row.model),
            ..Row::default()
        };
        *sums.entry(names).or_insert_with(fresh) += row;
    }
    let mut sums: Vec<Sum> = sums.into_iter().map(|(names, row)| Sum { names, row }).collect();
    if by.first() != Some(&By::Day) {
        sums.sort_by_key(|sum| std::cmp::Reverse((sum.row.cost, sum.row.chars)));
    }
    sums
}

/// The sums in the few columns a hover has room for; nothing without any.
pub(super) fn markdown(sums: &[Sum], out: &mut impl Write) -> std::io::Result<()> {
    if !sums.is_empty() {
        writeln!(out, "\n| 30 days | shown | accepted | tokens | cost |\n|---|--:|--:|--:|--:|")?;
    }
    for Sum { names, row } in sums {
        let (accepted, tokens) = (share(row.accepted, row.shown), row.input + row.output);
        let accepted = accepted.unwrap_or_else(|| "–".into());
        writeln!(out, "| {} | {} | {accepted} | {tokens} | {} |", names.join(" "), row.shown, rounded(row.cost))?;
    }
    Ok(())
}

const COLUMNS: [&str; 13] = [
    "calls",
    "failed",
    "aborted",
    "input",
    "cached",
    "output",
    "cost",
    "p50 ms",
    "p95 ms",
    "shown",
    "accepted",
    "chars",
    "per 1,000",
];

/// The sums and, below them, all of them together.
pub(super) fn table(by: &[By], sums: &[Sum], total: &Row) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(by.iter().map(|by| by.name()).chain(COLUMNS));
    for Sum { names, row } in sums {
        table.add_row(names.iter().cloned().chain(cells(row)));
    }
    let name = |at| if at == 0 { "total".to_owned() } else { String::new() };
    table.add_row((0..by.len()).map(name).chain(cells(total)));
    for column in table.column_iter_mut().skip(by.len()) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn cells(row: &Row) -> [String; 13] {
    let count = |count: u64| if count == 0 { "-".to_owned() } else { count.to_string() };
    let wait = |share| row.wait(share).map_or_else(|| "-".into(), |wait| wait.to_string());
    [
        count(row.calls),
        count(row.failed),
        count(row.aborted),
        count(row.input),
        share(row.cached, row.input).unwrap_or_else(|| "-".into()),
        count(row.output),
        if row.cost == Money::ZERO { "-".into() } else { row.cost.to_string() },
        wait(0.5),
        wait(0.95),
        count(row.shown),
        share(row.accepted, row.shown).unwrap_or_else(|| "-".into()),
        count(row.chars),
        row.cost_per_1000_chars()
            .filter(|cost| *cost != Money::ZERO)
            .map_or_else(|| "-".into(), |cost| rounded(cost).to_string()),
    ]
}

/// To the hundredth of a cent, or to two digits where there is less: what is divided has no more worth reading.
pub(super) fn rounded(amount: Money) -> Money {
    let digits = (1.0 - amount.usd().abs().log10().floor()).clamp(4.0, 9.0);
    let unit = 10_f64.powf(digits);
    Money::from_usd((amount.usd() * unit).round() / unit)
}

/// A share in per cent.
pub(super) fn share(part: u64, whole: u64) -> Option<String> {
    (whole > 0).then(|| format!("{:.0} %", part as f64 * 100.0 / whole as f64))
}
