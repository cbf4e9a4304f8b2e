//! Reports what the user spent and got for it: today, lately, and by the groups that the user chooses. It leaves adding up to the ledger.

use std::io::Write;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, anyhow};
use serde::Serialize;
use time::{Date, OffsetDateTime, Time};

mod against;
mod lately;
mod silences;
mod switched_off;
mod table;
#[cfg(test)]
mod tests;

pub use against::Against;
pub use lately::Lately;
pub use silences::Silences;
pub use switched_off::SwitchedOff;
pub use table::By;

use self::lately::Priced;
use self::table::{Sum, share, sums, table};
use crate::ledger::{Ledger, Report, Row};
use crate::reports::models;
use crate::reports::words::counted;
use crate::settings::Configuration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Days to report if the user names none.
const DAYS: u32 = 30;

/// How a summary is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As the command prints it.
    Text,
    /// As Markdown with few, narrow columns, for a hover.
    Markdown,
}

/// The summary for an editor: recent costs beside the caps, and the last days by task. It blocks on the ledger: not for the task that serves.
pub fn summary(ledger: &Ledger, configuration: &Configuration, form: Form) -> anyhow::Result<String> {
    let ago = SystemTime::now().checked_sub(DAY * (DAYS + 2)).unwrap_or(SystemTime::UNIX_EPOCH);
    let report = ledger.report(ago).map_err(|error| anyhow!("the ledger cannot be read: {error}"))?;
    let (lately, mut out) = (Lately::of(&report, configuration.settings().caps()), Vec::new());
    let off = SwitchedOff::of(ledger, configuration.settings(), &configuration.models);
    if form == Form::Markdown {
        lately.markdown(&mut out)?;
        table::markdown(&sums(&report, &[By::Task]), &mut out)?;
        off.print(&mut out)?;
        return Ok(String::from_utf8_lossy(&out).into_owned());
    }
    lately.print(&mut out)?;
    if !report.rows.is_empty() {
        writeln!(out, "\n{}", table(&[By::Task], &sums(&report, &[By::Task]), &report.total))?;
    }
    off.print(&mut out)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// What the user asks for.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Days to report, including today.
    pub days: Option<u32>,
    /// The first day, instead of a number of days.
    pub since: Option<Date>,
    /// What to group by.
    pub by: Vec<By>,
}

/// Everything, for JSON.
#[derive(Serialize)]
struct Everything<'a> {
    #[serde(flatten)]
    lately: &'a Lately,
    switched_off: &'a SwitchedOff,
    silences: &'a Silences,
    rows: Vec<Priced>,
    total: Priced,
}

impl Selection {
    /// The time from which to read the ledger: the time asked for, but at least a month, and a day more, because local days are not known here.
    pub fn read_since(&self) -> SystemTime {
        let ago = |days: u32| SystemTime::now().checked_sub(DAY * days).unwrap_or(SystemTime::UNIX_EPOCH);
        let asked = match self.since {
            Some(day) => OffsetDateTime::new_utc(day, Time::MIDNIGHT).into(),
            None => ago(self.days()),
        };
        asked.min(ago(31)).checked_sub(DAY).unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// The days to report.
    pub fn days(&self) -> u32 {
        self.days.unwrap_or(DAYS)
    }

    /// The first local day to report.
    pub fn first_day(&self, today: &str) -> Date {
        let first = || models::date(today)?.checked_sub(time::Duration::days(i64::from(self.days()) - 1));
        self.since.or_else(first).unwrap_or(Date::MIN)
    }

    /// What JSON and CSV group by: everything, unless the user chose.
    fn all_or_asked(&self) -> &[By] {
        if self.by.is_empty() { &[By::Day, By::Task, By::Language, By::Model] } else { &self.by }
    }

    /// Prints one JSON object.
    pub fn json(
        &self,
        lately: &Lately,
        (switched_off, silences): (&SwitchedOff, &Silences),
        report: &Report,
        out: &mut impl Write,
    ) -> anyhow::Result<()> {
        let rows = sums(report, self.all_or_asked()).into_iter().map(|sum| sum.row.into()).collect();
        let everything = Everything { lately, switched_off, silences, rows, total: report.total.clone().into() };
        serde_json::to_writer_pretty(&mut *out, &everything).context("the report cannot be written")?;
        Ok(writeln!(out)?)
    }

    /// Prints comma-separated values. Names hold no commas and no quotes, so nothing is quoted.
    pub fn csv(&self, report: &Report, out: &mut impl Write) -> anyhow::Result<()> {
        let by = self.all_or_asked();
        let names: Vec<&str> = by.iter().map(|by| by.name()).collect();
        writeln!(
            out,
            "{},calls,failed,aborted,input,cached,output,cost_usd,wait_p50_ms,wait_p95_ms,shown,accepted,chars,\
             cost_per_char_usd,cost_per_1000_chars_usd,outrun",
            names.join(",")
        )?;
        for Sum { names, row } in sums(report, by) {
            let Row { calls, failed, aborted, outrun, input, cached, output, shown, accepted, chars, .. } = row;
            let wait = |share| row.wait(share).map(|wait| wait.to_string()).unwrap_or_default();
            let (names, cost, p50, p95) = (names.join(","), row.cost.usd(), wait(0.5), wait(0.95));
            let per_char = row.cost_per_char().map(|cost| format!("{:.12}", cost.usd())).unwrap_or_default();
            let per_1000 = row.cost_per_1000_chars().map(|cost| format!("{:.9}", cost.usd())).unwrap_or_default();
            writeln!(
                out,
                "{names},{calls},{failed},{aborted},{input},{cached},{output},{cost:.9},{p50},{p95},{shown},{accepted},{chars},\
                 {per_char},{per_1000},{outrun}"
            )?;
        }
        Ok(())
    }

    /// Prints tables as text.
    pub fn print(&self, report: &Report, out: &mut impl Write) -> std::io::Result<()> {
        let total = &report.total;
        let span = match self.since {
            Some(day) => format!("time since {day}"),
            None if self.days() == 1 => "last day".to_owned(),
            None => format!("last {} days", self.days()),
        };
        if report.rows.is_empty() {
            return writeln!(out, "nothing was suggested in the {span}");
        }
        writeln!(
            out,
            "{span}: {} accepted for {}{}",
            counted(total.chars, "character"),
            total.cost,
            total.cost_per_1000_chars().map(|cost| format!(", {cost} per 1,000")).unwrap_or_default()
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

/// Prints what explains the figures.
fn notes(total: &Row, out: &mut impl Write) -> std::io::Result<()> {
    if total.estimated > 0 {
        writeln!(
            out,
            "\n{} of {} without final usage: the cost of those is an estimate",
            total.estimated,
            counted(total.calls, "call")
        )?;
    }
    if total.outrun > 0 {
        let (outrun, calls) = (total.outrun, counted(total.calls, "call"));
        writeln!(
            out,
            "\n{outrun} of {calls} took longer than a suggestion may take: nobody saw the answer, and it may be billed"
        )?;
    }
    if let Some(kept) = share(total.kept_chars, total.checked_chars) {
        writeln!(out, "\n{kept} of accepted characters were still there a minute later")?;
    }
    Ok(())
}
