//! `pennyworth stats`: shows what the user spent and got for it, and compares it with what a provider says. It leaves the reports to `reports::stats` and
//! `reports::learned`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use clap::{Args, ValueEnum};
use pennyworth_core::models::Model;
use pennyworth_providers::Account;
use time::{Date, Duration, OffsetDateTime, Time};

use super::dashboard;
use super::place::say;
use crate::ledger::{Ledger, Report, provider};
use crate::models::Providers;
use crate::paths;
use crate::reports::learned::Learned;
use crate::reports::models;
use crate::reports::stats::{Against, By, Lately, Selection, Silences, SwitchedOff};
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
    #[arg(long, value_enum, value_name = "PROVIDER", conflicts_with_all = ["by", "routes", "csv", "html"])]
    against: Option<Provider>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print comma-separated values
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

/// A provider that tells what it charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Provider {
    /// What the key used today and this month
    Openrouter,
    /// What the user's keys used on each day, by the proxy's own database
    Litellm,
}

impl Provider {
    /// Its name in rows of models.
    fn name(self) -> &'static str {
        match self {
            Provider::Openrouter => "openrouter",
            Provider::Litellm => "litellm",
        }
    }

    fn account(self) -> Account {
        match self {
            Provider::Openrouter => Account::OpenRouter,
            Provider::Litellm => Account::LiteLlm,
        }
    }
}

/// A day written `YYYY-MM-DD`.
fn day(text: &str) -> Result<Date, String> {
    models::date(text).ok_or_else(|| "a day is written YYYY-MM-DD".into())
}

impl Stats {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        if let Some(path) = &self.html {
            dashboard::write(config, path, None)?;
            return Ok(ExitCode::SUCCESS);
        }
        if self.routes {
            self.routes(config, out)?;
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(of) = self.against {
            self.against(of, config, out)?;
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

    /// Compares the ledger with what a provider says. Only this asks one.
    fn against(&self, of: Provider, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<()> {
        let (settings, notices) = Settings::gather(config, &[]);
        say(&notices);
        let (name, models) = (of.name(), settings.models());
        let is_theirs = |model: &&Model| model.provider.as_deref() == Some(name);
        let model = models.enabled().find(is_theirs);
        let model = model.with_context(|| format!("no model of `provider = \"{name}\"` is switched on"))?;
        let now = OffsetDateTime::now_utc();
        let asked = Selection { days: self.days, since: self.since, by: Vec::new() };
        let today = now.date();
        let first =
            self.since.or_else(|| today.checked_sub(Duration::days(i64::from(asked.days()) - 1))).unwrap_or(Date::MIN);
        // A month is told as a whole.
        let month = today.replace_day(1).unwrap_or(today);
        let since =
            OffsetDateTime::new_utc(if of == Provider::Openrouter { first.min(month) } else { first }, Time::MIDNIGHT);
        let runtime = tokio::runtime::Runtime::new()?;
        let providers = Providers::default();
        let charged = async {
            let key = providers.keys.of(model).await?;
            let client = providers.client.as_ref().context("this system allows no HTTP client")?;
            let days = (first.to_string(), today.to_string());
            Ok::<_, anyhow::Error>(client.charged(of.account(), (model, key.as_ref()), (&days.0, &days.1)).await?)
        };
        let host = provider(model);
        let said = runtime.block_on(charged).with_context(|| format!("{host} does not say what it charged"))?;
        let days = match ledger_path() {
            Some(path) => {
                let days = open(&path).charges(host, since.into());
                days.map_err(|error| anyhow!("the ledger cannot be read: {error}"))?
            }
            None => Vec::new(),
        };
        let against = Against::new(host, &days, &said);
        match self.json {
            true => writeln!(out, "{}", serde_json::to_string_pretty(&against)?)?,
            false => against.print(out)?,
        }
        Ok(())
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
