//! `pennyworth stats`: what was got for the money: today, lately, and by whatever somebody wants to compare. It leaves adding up to the ledger.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, anyhow};
use clap::Args;
use serde::Serialize;
use time::{Date, OffsetDateTime, Time};

mod lately;
mod table;
#[cfg(test)]
mod tests;

use self::lately::{Lately, Priced};
use self::table::{By, Sum, rounded, share, sums, table};
use super::models;
use super::routes::Learned;
use crate::ledger::{Caps, Ledger, Report, Row};
use crate::paths;
use crate::settings::Settings;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Days to look back on where nobody says otherwise.
const DAYS: u32 = 30;

/// `pennyworth stats`.
#[derive(Debug, Args)]
pub struct Stats {
    /// How many days to look back on, today included; 30 without it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    days: Option<u32>,
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

/// How a summary is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As the command prints it.
    Text,
    /// As Markdown, in few and narrow columns: for a hover.
    Markdown,
}

/// What an editor shows: what is near beside the caps, and the last days by task. Waits for the ledger: not for the task that serves.
pub(crate) fn summary(ledger: &Ledger, caps: Caps, form: Form) -> anyhow::Result<String> {
    let ago = SystemTime::now().checked_sub(DAY * (DAYS + 2)).unwrap_or(SystemTime::UNIX_EPOCH);
    let report = ledger.report(ago).map_err(|error| anyhow!("the ledger cannot be read: {error}"))?;
    let (lately, mut out) = (Lately::of(&report, caps), Vec::new());
    if form == Form::Markdown {
        lately.markdown(&mut out)?;
        table::markdown(&sums(&report, &[By::Task]), &mut out)?;
        return Ok(String::from_utf8_lossy(&out).into_owned());
    }
    lately.print(&mut out)?;
    if !report.rows.is_empty() {
        writeln!(out, "\n{}", table(&[By::Task], &sums(&report, &[By::Task]), &report.total))?;
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// A day written `YYYY-MM-DD`.
fn day(text: &str) -> Result<Date, String> {
    models::date(text).ok_or_else(|| "a day is written YYYY-MM-DD".into())
}

/// Everything, as a machine reads it.
#[derive(Serialize)]
struct Everything<'a> {
    #[serde(flatten)]
    lately: &'a Lately,
    rows: Vec<Priced>,
    total: Priced,
}

impl Stats {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        if self.routes {
            self.routes(config, out)?;
            return Ok(ExitCode::SUCCESS);
        }
        let all = match paths::ledger_path().filter(|path| path.exists()) {
            Some(path) => self.read(&path)?,
            None => Report::default(),
        };
        let lately = Lately::of(&all, Settings::gather(config, &[]).0.caps());
        let report = all.since(&self.first_day(&all.today).to_string());
        match () {
            () if self.json => self.json(&lately, &report, out)?,
            () if self.csv => self.csv(&report, out)?,
            () => {
                if self.days.is_none() && self.since.is_none() && self.by.is_empty() {
                    lately.print(out)?;
                    writeln!(out)?;
                }
                self.print(&report, out)?;
            }
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

    /// Reads what was asked for and the last month, and a day more, whose local end is not known here.
    fn read(&self, path: &Path) -> anyhow::Result<Report> {
        let ago = |days: u32| SystemTime::now().checked_sub(DAY * days).unwrap_or(SystemTime::UNIX_EPOCH);
        let asked = match self.since {
            Some(day) => OffsetDateTime::new_utc(day, Time::MIDNIGHT).into(),
            None => ago(self.days()),
        };
        let since = asked.min(ago(31)).checked_sub(DAY).unwrap_or(SystemTime::UNIX_EPOCH);
        open(path).report(since).map_err(|error| anyhow!("the ledger cannot be read: {error}"))
    }

    fn days(&self) -> u32 {
        self.days.unwrap_or(DAYS)
    }

    /// The first local day that was asked for.
    fn first_day(&self, today: &str) -> Date {
        let first = || models::date(today)?.checked_sub(time::Duration::days(i64::from(self.days()) - 1));
        self.since.or_else(first).unwrap_or(Date::MIN)
    }

    /// What is compared where a machine reads: everything, unless something was asked for.
    fn all_or_asked(&self) -> &[By] {
        if self.by.is_empty() { &[By::Day, By::Task, By::Language, By::Model] } else { &self.by }
    }

    fn json(&self, lately: &Lately, report: &Report, out: &mut impl Write) -> anyhow::Result<()> {
        let rows = sums(report, self.all_or_asked()).into_iter().map(|sum| sum.row.into()).collect();
        let everything = Everything { lately, rows, total: report.total.clone().into() };
        serde_json::to_writer_pretty(&mut *out, &everything).context("the report cannot be written")?;
        Ok(writeln!(out)?)
    }

    /// Names hold no commas and no quotes, so values stand as they are.
    fn csv(&self, report: &Report, out: &mut impl Write) -> anyhow::Result<()> {
        let by = self.all_or_asked();
        let names: Vec<&str> = by.iter().map(|by| by.name()).collect();
        writeln!(
            out,
            "{},calls,failed,aborted,input,cached,output,cost_usd,wait_p50_ms,wait_p95_ms,shown,accepted,chars,\
             cost_per_char_usd,cost_per_1000_chars_usd",
            names.join(",")
        )?;
        for Sum { names, row } in sums(report, by) {
            let Row { calls, failed, aborted, input, cached, output, shown, accepted, chars, .. } = row;
            let wait = |share| row.wait(share).map(|wait| wait.to_string()).unwrap_or_default();
            let (names, cost, p50, p95) = (names.join(","), row.cost.usd(), wait(0.5), wait(0.95));
            let per_char = row.cost_per_char().map(|cost| format!("{:.12}", cost.usd())).unwrap_or_default();
            let per_1000 = row.cost_per_1000_chars().map(|cost| format!("{:.9}", cost.usd())).unwrap_or_default();
            writeln!(
                out,
                "{names},{calls},{failed},{aborted},{input},{cached},{output},{cost:.9},{p50},{p95},{shown},{accepted},{chars},\
                 {per_char},{per_1000}"
            )?;
        }
        Ok(())
    }

    fn print(&self, report: &Report, out: &mut impl Write) -> std::io::Result<()> {
        let total = &report.total;
        let span = match self.since {
            Some(day) => format!("time since {day}"),
            None => format!("last {} days", self.days()),
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
