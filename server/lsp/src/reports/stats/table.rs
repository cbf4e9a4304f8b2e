//! Adds up the rows of the ledger's report by group, and prints the sums as a table. It leaves choosing the groups to the command.

use std::collections::BTreeMap;
use std::io::Write;

use clap::ValueEnum;
use comfy_table::{CellAlignment, Table, presets};
use pennyworth_core::money::Money;

use crate::ledger::{Report, Row};

/// What rows can be grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// By local day.
    Day,
    /// By model.
    Model,
    /// By task.
    Task,
    /// By language.
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

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            By::Day => "day",
            By::Model => "model",
            By::Task => "task",
            By::Language => "language",
        }
    }
}

/// The sum of a group of rows.
pub(super) struct Sum {
    pub(super) names: Vec<String>,
    pub(super) row: Row,
}

/// The sums by group: in order of days, else the dearest first, then those with the most accepted characters.
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

/// Prints the sums in the few columns that fit a hover; nothing without sums.
pub(super) fn markdown(sums: &[Sum], out: &mut impl Write) -> std::io::Result<()> {
    if !sums.is_empty() {
        writeln!(out, "\n| 30 days | shown | accepted | tokens | cost |\n|---|--:|--:|--:|--:|")?;
    }
    for Sum { names, row } in sums {
        let (accepted, tokens) = (share(row.accepted, row.shown), row.input + row.output);
        let accepted = accepted.unwrap_or_else(|| "–".into());
        writeln!(out, "| {} | {} | {accepted} | {tokens} | {} |", names.join(" "), row.shown, row.cost)?;
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

/// The sums, with their total below.
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
            .map_or_else(|| "-".into(), |cost| cost.to_string()),
    ]
}

/// A share in percent.
pub(super) fn share(part: u64, whole: u64) -> Option<String> {
    (whole > 0).then(|| format!("{:.0} %", part as f64 * 100.0 / whole as f64))
}
