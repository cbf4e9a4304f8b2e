//! `pennyworth stats`: shows what the user spent and got for it, and compares it with what a provider says. It leaves the reports to `reports::stats` and
//! `reports::learned`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;
use time::Date;

use super::against::{Provider, compared};
use super::dashboard;
use super::place::say;
use crate::ledger::{Ledger, Report};
use crate::paths;
use crate::reports::learned::Learned;
use crate::reports::models;
use crate::reports::stats::{By, Lately, Selection, Silences, SwitchedOff};
use crate::settings::Settings;

/// `pennyworth stats`.
#[derive(Debug, Args)]
pub struct Stats {
    /// Number of days to report, including today; 30 by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    days: Option<u32>,
    /// First day to report, instead of a number of days
    #[arg(long, value_name = "YYYY-MM-DD", conflicts_with = "days", value_parser = day)]
    since: Option<Date>,
    /// What to group by; several give a row for each combination
    #[arg(long, value_delimiter = ',', value_name = "WHAT")]
    by: Vec<By>,
    /// Print what was learned about each model, which routing uses
    #[arg(long, conflicts_with_all = ["days", "since", "by", "csv"])]
    routes: bool,
    /// Write the page of `pennyworth dashboard` to a file instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["days", "since", "by", "csv", "json", "routes"])]
    html: Option<PathBuf>,
    /// Ask a provider what it charged, and compare that with the ledger, by days in UTC
    #[arg(long, value_enum, value_name = "PROVIDER", conflicts_with_all = ["by", "routes", "csv"])]
    against: Option<Provider>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print comma-separated values
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

/// A day written `YYYY-MM-DD`.
fn day(text: &str) -> Result<Date, String> {
    models::date(text).ok_or_else(|| "a day is written YYYY-MM-DD".into())
}

impl Stats {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        if let Some(path) = &self.html {
            dashboard::write(config, path, None, self.against)?;
            return Ok(ExitCode::SUCCESS);
        }
        if self.routes {
            self.routes(config, out)?;
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(of) = self.against {
            let (settings, notices) = Settings::gather(config, &[]);
            say(&notices);
            let asked = Selection { days: self.days, since: self.since, by: Vec::new() };
            let against = compared(of, &settings, self.since, asked.days())?;
            match self.json {
                true => writeln!(out, "{}", serde_json::to_string_pretty(&against)?)?,
                false => against.print(out)?,
            }
            return Ok(ExitCode::SUCCESS);
        }
        let selection = Selection { days: self.days, since: self.since, by: self.by.clone() };
        let (settings, notices) = Settings::gather(config, &[]);
        let unread = |error| anyhow!("the ledger cannot be read: {error}");
        let (all, off, replies) = match ledger_path() {
            Some(path) => {
                let ledger = open(&path);
                let report = ledger.report(selection.read_since()).map_err(unread)?;
                let replies = ledger.replies(&selection.first_day(&report.today).to_string()).map_err(unread)?;
                (report, SwitchedOff::of(&ledger, &settings, &settings.models()), replies)
            }
            None => (Report::default(), SwitchedOff::default(), Vec::new()),
        };
        say(&notices);
        let lately = Lately::of(&all, settings.caps());
        let report = all.since(&selection.first_day(&all.today).to_string());
        let silences = Silences::of(&replies);
        match () {
            () if self.json => selection.json(&lately, (&off, &silences), &report, out)?,
            () if self.csv => selection.csv(&report, out)?,
            () => {
                if self.days.is_none() && self.since.is_none() && self.by.is_empty() {
                    lately.print(out)?;
                    writeln!(out)?;
                }
                selection.print(&report, out)?;
                silences.print(out)?;
                off.print(out)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn routes(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<()> {
        let learned = match ledger_path() {
            Some(path) => Learned::read(&open(&path), &Settings::gather(config, &[]).0.models()),
            None => Learned::default(),
        };
        if self.json {
            serde_json::to_writer_pretty(&mut *out, &learned)?;
            return Ok(writeln!(out)?);
        }
        Ok(learned.print(out)?)
    }
}

/// The ledger's path, if there may be one: a place that cannot be looked at may have one.
fn ledger_path() -> Option<PathBuf> {
    paths::ledger_path().filter(|path| path.try_exists().unwrap_or(true))
}

fn open(path: &Path) -> Ledger {
    let (ledger, notice) = Ledger::open(Some(path));
    if let Some(notice) = notice {
        eprintln!("warning: {notice}");
    }
    ledger
}
