//! `pennyworth stats`: what was got for the money: today, lately, and by whatever somebody wants to compare. It leaves adding up to the ledger.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, anyhow};
use clap::{Args, ValueEnum};
use comfy_table::{CellAlignment, Table, presets};
use pennyworth_core::money::Money;
use serde::Serialize;
use time::{Date, OffsetDateTime};

use super::routes::Learned;
use crate::ledger::{Ledger, Report, Row};
use crate::paths;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// `pennyworth stats`.
#[derive(Debug, Args)]
pub struct Stats {
    /// How many days to look back on
    #[arg(long, default_value_t = 30, value_name = "N")]
    days: u32,
    /// The first day to look back on, instead of a number of days
    #[arg(long, value_name = "YYYY-MM-DD", conflicts_with = "days", value_parser = day)]
    since: Option<Date>,
    /// What to compare; several make a row for each combination
    #[arg(long, value_delimiter = ',', value_name = "WHAT")]
    by: Vec<By>,
    /// Print what was learned about models, which decides who is asked
    #[arg(long, conflicts_with_all = ["days", "since", "by", "csv"])]
    routes: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print comma-separated values
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

/// What can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
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

    fn name(self) -> &'static str {
        match self {
            By::Day => "day",
            By::Model => "model",
            By::Task => "task",
            By::Language => "language",
        }
    }
}

/// A day written `YYYY-MM-DD`.
fn day(text: &str) -> Result<Date, String> {
    super::models::date(text).ok_or_else(|| "a day is written YYYY-MM-DD".into())
}

/// What a combination of names adds up to.
#[derive(Debug, Serialize)]
struct Sum {
    #[serde(skip)]
    names: Vec<String>,
    #[serde(flatten)]
    row: Row,
}

impl Stats {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        if self.routes {
            self.routes(config, out)?;
            return Ok(ExitCode::SUCCESS);
        }
        let report = match paths::ledger_path().filter(|path| path.exists()) {
            Some(path) => self.read(&path)?,
            None => Report::default(),
        };
        match () {
            () if self.json => self.json(&report, out)?,
            () if self.csv => self.csv(&report, out)?,
            () => self.print(&report, out)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn routes(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<()> {
        let learned = match paths::ledger_path().filter(|path| path.exists()) {
            Some(path) => Learned::read(&open(&path), config),
            None => Learned::default(),
        };
        if self.json {
            serde_json::to_writer_pretty(&mut *out, &learned)?;
            return Ok(writeln!(out)?);
        }
        Ok(learned.print(out)?)
    }

    fn read(&self, path: &Path) -> anyhow::Result<Report> {
        let ledger = open(path);
        let since = match self.since {
            Some(day) => OffsetDateTime::new_utc(day, time::Time::MIDNIGHT).into(),
            None => SystemTime::now().checked_sub(DAY * self.days).unwrap_or(SystemTime::UNIX_EPOCH),
        };
        ledger.report(since).map_err(|error| anyhow!("the ledger cannot be read: {error}"))
    }

    /// What is compared where a machine reads: everything, unless something was asked for.
    fn all_or_asked(&self) -> &[By] {
        if self.by.is_empty() { &[By::Day, By::Task, By::Language, By::Model] } else { &self.by }
    }

    fn json(&self, report: &Report, out: &mut impl Write) -> anyhow::Result<()> {
        let by = self.all_or_asked();
        let report =
            Report { rows: sums(report, by).into_iter().map(|sum| sum.row).collect(), total: report.total.clone() };
        serde_json::to_writer_pretty(&mut *out, &report).context("the report cannot be written")?;
        Ok(writeln!(out)?)
    }

    /// Names hold no commas and no quotes, so values stand as they are.
    fn csv(&self, report: &Report, out: &mut impl Write) -> anyhow::Result<()> {
        let by = self.all_or_asked();
        let names: Vec<&str> = by.iter().map(|by| by.name()).collect();
        writeln!(
            out,
            "{},calls,failed,aborted,input,cached,output,cost_usd,wait_p50_ms,wait_p95_ms,shown,accepted,chars",
            names.join(",")
        )?;
        for Sum { names, row } in sums(report, by) {
            let Row { calls, failed, aborted, input, cached, output, shown, accepted, chars, .. } = row;
            let wait = |share| row.wait(share).map(|wait| wait.to_string()).unwrap_or_default();
            let (names, cost, p50, p95) = (names.join(","), row.cost.usd(), wait(0.5), wait(0.95));
            writeln!(
                out,
                "{names},{calls},{failed},{aborted},{input},{cached},{output},{cost:.9},{p50},{p95},{shown},{accepted},{chars}"
            )?;
        }
        Ok(())
    }

    fn print(&self, report: &Report, out: &mut impl Write) -> std::io::Result<()> {
        let total = &report.total;
        let span = match self.since {
            Some(day) => format!("time since {day}"),
            None => format!("last {} days", self.days),
        };
        if report.rows.is_empty() {
            return writeln!(out, "nothing was suggested in the {span}");
        }
        writeln!(
            out,
            "{span}: {} characters accepted for {}{}",
            total.chars,
            total.cost,
            total.cost_per_1000_chars().map(|cost| format!(", {} per 1,000", rounded(cost))).unwrap_or_default()
        )?;
        if !self.by.is_empty() {
            writeln!(out, "\n{}", table(&self.by, &sums(report, &self.by), total))?;
            return notes(total, out);
        }
        for by in [By::Model, By::Task, By::Language] {
            writeln!(out, "\n{}", table(&[by], &sums(report, &[by]), total))?;
        }
        notes(total, out)
    }
}

fn open(path: &Path) -> Ledger {
    let (ledger, notice) = Ledger::open(Some(path));
    if let Some(notice) = notice {
        eprintln!("warning: {notice}");
    }
    ledger
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

/// The rows added up by some of their names: by day in order, else the dearest first, then those that gave most.
fn sums(report: &Report, by: &[By]) -> Vec<Sum> {
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

fn table(by: &[By], sums: &[Sum], total: &Row) -> Table {
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

    fn row(day: &str, task: &str, model: &str, chars: u64, cents: f64) -> Row {
        let is_paid = cents > 0.0;
        Row {
            day: day.into(),
            task: task.into(),
            language: "rust".into(),
            model: model.into(),
            calls: u64::from(is_paid) * 4,
            input: u64::from(is_paid) * 1000,
            cached: u64::from(is_paid) * 250,
            cost: Money::from_usd(cents / 100.0),
            waits: if is_paid { vec![100, 200, 300, 900] } else { Vec::new() },
            shown: 10,
            accepted: 5,
            chars,
            ..Row::default()
        }
    }

    fn report() -> Report {
        let rows = vec![
            row("2026-11-24", "line", "coder", 400, 2.0),
            row("2026-11-25", "line", "embedded", 500, 0.0),
            row("2026-11-25", "type", "coder", 100, 1.0),
        ];
        let mut total = Row { estimated: 2, kept_chars: 90, checked_chars: 100, ..Row::default() };
        rows.iter().for_each(|row| total += row);
        Report { rows, total }
    }

    fn stats(by: &[By]) -> Stats {
        Stats { days: 7, since: None, by: by.to_vec(), routes: false, json: false, csv: false }
    }

    fn words(print: impl Fn(&mut Vec<u8>)) -> Vec<String> {
        let mut out = Vec::new();
        print(&mut out);
        let text = String::from_utf8(out).unwrap();
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn the_rows_are_added_up_by_model_by_task_and_by_language() {
        let lines = words(|out| stats(&[]).print(&report(), out).unwrap());
        for expected in [
            "last 7 days: 1000 characters accepted for $0.03, $0.03 per 1,000",
            "coder 8 - - 2000 25 % - $0.03 200 900 20 50 % 500 $0.06",
            "embedded - - - - - - - - - 10 50 % 500 -",
            "line 4 - - 1000 25 % - $0.02 200 900 20 50 % 900 $0.0222",
            "rust 8 - - 2000 25 % - $0.03 200 900 30 50 % 1000 $0.03",
            "total 8 - - 2000 25 % - $0.03 200 900 30 50 % 1000 $0.03",
            "2 of 8 calls had no bill; their cost is an estimate",
            "90 % of accepted characters still stood there some minutes later",
        ] {
            assert!(lines.iter().any(|line| line == expected), "{expected}\n{lines:#?}");
        }
    }

    #[test]
    fn several_names_make_a_row_for_each_combination() {
        let by = [By::Day, By::Model];
        let lines = words(|out| stats(&by).print(&report(), out).unwrap());
        assert!(lines.iter().any(|line| line.starts_with("2026-11-25 embedded -")), "{lines:#?}");
        let csv = words(|out| stats(&by).csv(&report(), out).unwrap());
        assert_eq!(
            csv,
            [
                "day,model,calls,failed,aborted,input,cached,output,cost_usd,wait_p50_ms,wait_p95_ms,shown,accepted,chars",
                "2026-11-24,coder,4,0,0,1000,250,0,0.020000000,200,900,10,5,400",
                "2026-11-25,coder,4,0,0,1000,250,0,0.010000000,200,900,10,5,100",
                "2026-11-25,embedded,0,0,0,0,0,0,0.000000000,,,10,5,500",
            ]
        );
        let json = words(|out| stats(&[By::Model]).json(&report(), out).unwrap()).join("");
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["rows"][0]["model"], "coder");
        assert_eq!(json["rows"][0]["wait_ms"]["p95"], 900);
        assert_eq!(json["total"]["chars"], 1000);
    }

    #[test]
    fn nothing_is_said_in_words() {
        let since = Stats { since: Some(day("2026-11-01").unwrap()), ..stats(&[]) };
        let lines = words(|out| since.print(&Report::default(), out).unwrap());
        assert_eq!(lines, ["nothing was suggested in the time since 2026-11-01"]);
    }
}
