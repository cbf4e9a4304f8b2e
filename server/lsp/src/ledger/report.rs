//! The report: calls, costs and suggestions added up by day, task, language and model. It leaves printing to the command line.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use pennyworth_core::caps::Spent;
use pennyworth_core::money::Money;
use rusqlite::Connection;
use serde::{Serialize, Serializer};

use super::clock::millis;
use super::file;
use super::sums;

/// The name of the task in reports under which the calls of trials stand, whatever task they were about.
pub const TRIAL: &str = "trial";

const DAY_MS: i64 = 24 * 3_600_000;
/// The last time that has a date, the end of the year 9999.
const LAST_MS: i64 = 253_402_300_799_999;

/// Costs and suggestions since a time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The local day of the report, `YYYY-MM-DD`.
    pub today: String,
    /// What counts against the caps; `None` if that is unknown.
    pub spent: Option<Spent>,
    /// One row per day, task, language and model, the dearest first.
    pub rows: Vec<Row>,
    /// The sum of all rows; its names are empty.
    pub total: Row,
}

/// The calls and suggestions of a model for a task and language on a day.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Row {
    /// The local day, `YYYY-MM-DD`.
    pub day: String,
    /// The task's name.
    pub task: String,
    /// The language's name.
    pub language: String,
    /// The model's name; `embedded` for the embedded one.
    pub model: String,
    /// Calls that were sent.
    pub calls: u64,
    /// Calls whose cost is an estimate, because the provider sent no usage.
    pub estimated: u64,
    /// Calls that failed.
    pub failed: u64,
    /// Calls that were aborted, or whose process was killed.
    pub aborted: u64,
    /// Calls that took longer than we wait.
    pub outrun: u64,
    /// Input tokens.
    pub input: u64,
    /// Input tokens read from the provider's cache.
    pub cached: u64,
    /// Output tokens.
    pub output: u64,
    /// Cost of the calls that are over; what is reserved for the others is no cost yet.
    pub cost: Money,
    /// Milliseconds from each call to its first text; serialised as 50th and 95th percentile.
    #[serde(rename = "wait_ms", serialize_with = "percentiles")]
    pub waits: Vec<u32>,
    /// Suggestions shown.
    pub shown: u64,
    /// Suggestions accepted, in full or in part.
    pub accepted: u64,
    /// Suggestions typed letter by letter.
    pub typed_through: u64,
    /// Characters accepted.
    pub chars: u64,
    /// Accepted characters that were checked again a minute later.
    pub checked_chars: u64,
    /// Checked characters that were still there.
    pub kept_chars: u64,
}

impl Report {
    /// The part of the report from this local day on, `YYYY-MM-DD`.
    pub fn since(&self, day: &str) -> Report {
        let rows = self.rows.iter().filter(|row| row.day.as_str() >= day).cloned().collect();
        Report { spent: self.spent, ..Report::of(self.today.clone(), rows) }
    }

    /// A report of rows, with their sum.
    pub fn of(today: String, rows: Vec<Row>) -> Report {
        let mut total = Row::default();
        rows.iter().for_each(|row| total += row);
        Report { today, spent: None, rows, total }
    }
}

impl Row {
    /// Cost per accepted character; `None` if there are none.
    pub fn cost_per_char(&self) -> Option<Money> {
        (self.chars > 0).then(|| self.cost.scaled(1.0 / self.chars as f64))
    }

    /// Cost per 1,000 accepted characters; `None` if there are none.
    pub fn cost_per_1000_chars(&self) -> Option<Money> {
        (self.chars > 0).then(|| self.cost.scaled(1000.0 / self.chars as f64))
    }

    /// The wait that this share of calls (0 to 1) did not exceed; `None` if no call was answered.
    pub fn wait(&self, share: f64) -> Option<u32> {
        let mut waits = self.waits.clone();
        waits.sort_unstable();
        let rank = (waits.len() as f64 * share).ceil() as usize;
        waits.get(rank.saturating_sub(1)).copied()
    }

    /// The share of suggestions that were accepted (0 to 1); `None` if none were shown.
    pub fn acceptance(&self) -> Option<f64> {
        (self.shown > 0).then(|| self.accepted as f64 / self.shown as f64)
    }
}

impl AddAssign<&Row> for Row {
    fn add_assign(&mut self, other: &Row) {
        self.calls += other.calls;
        self.estimated += other.estimated;
        self.failed += other.failed;
        self.aborted += other.aborted;
        self.outrun += other.outrun;
        self.input += other.input;
        self.cached += other.cached;
        self.output += other.output;
        self.cost += other.cost;
        self.waits.extend(&other.waits);
        self.shown += other.shown;
        self.accepted += other.accepted;
        self.typed_through += other.typed_through;
        self.chars += other.chars;
        self.checked_chars += other.checked_chars;
        self.kept_chars += other.kept_chars;
    }
}

fn percentiles<S: Serializer>(waits: &[u32], serializer: S) -> Result<S::Ok, S::Error> {
    let row = Row { waits: waits.to_vec(), ..Row::default() };
    serde_json::json!({"p50": row.wait(0.5), "p95": row.wait(0.95)}).serialize(serializer)
}

/// What cannot be right counts as nothing here: sums over it would fail. Whether the caps believe the file is for `sums` to say.
const CALLS: &str = "
    SELECT date(at_ms / 1000, 'unixepoch', 'localtime'), iif(is_trial, 'trial', task), language, model, count(*), sum(estimated), sum(status = 'failed'), sum(status IN ('aborted', 'lost')),
        sum(iif(input BETWEEN 0 AND 1000000000000, input, 0)), sum(iif(cached BETWEEN 0 AND 1000000000000, cached, 0)),
        sum(iif(output BETWEEN 0 AND 1000000000000, output, 0)),
        sum(iif(status <> 'open' AND charge BETWEEN -1000000000000000000 AND 1000000000000000000, charge, 0)), group_concat(first_ms), sum(status = 'outrun')
    FROM calls WHERE at_ms BETWEEN ?1 AND ?2 AND status <> 'unsent' GROUP BY 1, 2, 3, 4";

const SUGGESTIONS: &str = "
    SELECT date(at_ms / 1000, 'unixepoch', 'localtime'), task, language, model,
        count(*), sum(outcome IN ('accepted', 'partly')), sum(outcome = 'typed'),
        sum(CASE WHEN outcome IN ('accepted', 'partly') THEN outcome_chars END),
        sum(CASE WHEN kept_minutes IS NOT NULL THEN outcome_chars END), sum(kept_chars)
    FROM suggestions WHERE at_ms BETWEEN ?1 AND ?2 AND outcome_chars BETWEEN 0 AND 1000000000000 AND coalesce(kept_chars, 0) <= 1000000000000
    GROUP BY 1, 2, 3, 4";

/// Reads the report since a time.
pub(super) fn read(connection: &Connection, now_ms: i64, since: SystemTime) -> rusqlite::Result<Report> {
    report(connection, now_ms, span(connection, millis(since), LAST_MS)?)
}

/// Rows of past days, which hardly change. Of those, reports read each once.
#[derive(Default)]
pub(super) struct Past {
    /// The file, the first millisecond, and the millisecond after the last.
    of: Option<(PathBuf, i64, i64)>,
    rows: Rows,
}

impl Past {
    /// Reads the report since a time: yesterday and today from the file, days before from there only if that was not done before.
    pub(super) fn read(&mut self, path: &Path, now_ms: i64, since: SystemTime) -> Result<Report, String> {
        let connection = file::reader(path).map_err(|fault| fault.to_string())?;
        let mut read = || -> rusqlite::Result<Report> {
            let since = millis(since);
            // Of past days whole ones, so that a moment later it is the same.
            let first = since / DAY_MS * DAY_MS;
            let yesterday: i64 = connection.query_row(
                "SELECT unixepoch(?1 / 1000, 'unixepoch', 'localtime', 'start of day', '-1 day', 'utc') * 1000",
                [now_ms],
                |row| row.get(0),
            )?;
            let of = Some((path.to_owned(), first, yesterday));
            if self.of != of {
                self.rows = span(&connection, first, yesterday - 1)?;
                // A batch of a past day may still be open, and costs something when it ends.
                self.of = of.filter(|_| !is_open_before(&connection, yesterday).unwrap_or(true));
            }
            let mut rows = self.rows.clone();
            rows.extend(span(&connection, since.max(yesterday), LAST_MS)?);
            report(&connection, now_ms, rows)
        };
        read().map_err(|error| error.to_string())
    }
}

/// Whether a call that began before a time is still open.
fn is_open_before(connection: &Connection, at_ms: i64) -> rusqlite::Result<bool> {
    let query = "SELECT EXISTS (SELECT 1 FROM calls WHERE status = 'open' AND at_ms < ?1)";
    connection.query_row(query, [at_ms], |row| row.get(0))
}

fn report(connection: &Connection, now_ms: i64, rows: Rows) -> rusqlite::Result<Report> {
    let today = connection.query_row("SELECT date(?1 / 1000, 'unixepoch', 'localtime')", [now_ms], |row| row.get(0))?;
    // A file that can only be read may have a version without these sums.
    let spent = sums::read(connection, now_ms).ok().filter(|sums| sums.doubt.is_none()).map(|sums| sums.spent);
    let mut report = Report { spent, ..Report::of(today, rows.into_values().collect()) };
    report.rows.sort_by(|a, b| b.cost.cmp(&a.cost).then(b.chars.cmp(&a.chars)).then(a.task.cmp(&b.task)));
    Ok(report)
}

/// The rows between two times, both included.
fn span(connection: &Connection, first_ms: i64, last_ms: i64) -> rusqlite::Result<Rows> {
    let (mut rows, span) = (Rows::new(), [first_ms, last_ms]);
    // A file that can only be read may have a version that knows no trials.
    let knows = "SELECT EXISTS (SELECT 1 FROM pragma_table_info('calls') WHERE name = 'is_trial')";
    let calls = match connection.query_row(knows, [], |row| row.get(0))? {
        true => Cow::Borrowed(CALLS),
        false => Cow::Owned(CALLS.replace("is_trial", "0")),
    };
    add(&mut rows, connection, &calls, span, |row, numbers| {
        row.calls = numbers.count(4);
        row.estimated = numbers.count(5);
        row.failed = numbers.count(6);
        row.aborted = numbers.count(7);
        row.input = numbers.count(8);
        row.cached = numbers.count(9);
        row.output = numbers.count(10);
        row.cost = Money::from_pico(numbers.number(11));
        row.waits = numbers.list(12);
        row.outrun = numbers.count(13);
    })?;
    add(&mut rows, connection, SUGGESTIONS, span, |row, numbers| {
        row.shown = numbers.count(4);
        row.accepted = numbers.count(5);
        row.typed_through = numbers.count(6);
        row.chars = numbers.count(7);
        row.checked_chars = numbers.count(8);
        row.kept_chars = numbers.count(9);
    })?;
    Ok(rows)
}

/// Rows by day, task, language and model.
type Rows = BTreeMap<[String; 4], Row>;

/// Runs one query and fills its numbers into the rows.
fn add(
    rows: &mut Rows,
    connection: &Connection,
    query: &str,
    span: [i64; 2],
    fill: impl Fn(&mut Row, &Numbers<'_>),
) -> rusqlite::Result<()> {
    let mut query = connection.prepare(query)?;
    let mut found = query.query(span)?;
    while let Some(row) = found.next()? {
        let names: [String; 4] = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?];
        let [day, task, language, model] = names.clone();
        let new = || Row { day, task, language, model, ..Row::default() };
        fill(rows.entry(names).or_insert_with(new), &Numbers(row));
    }
    Ok(())
}

/// The numbers of a database row; NULL, the sum over nothing, is 0.
struct Numbers<'a>(&'a rusqlite::Row<'a>);

impl Numbers<'_> {
    fn number(&self, column: usize) -> i64 {
        self.0.get::<_, Option<i64>>(column).ok().flatten().unwrap_or(0)
    }

    fn list(&self, column: usize) -> Vec<u32> {
        let list = self.0.get::<_, Option<String>>(column).ok().flatten().unwrap_or_default();
        list.split(',').filter_map(|number| number.parse().ok()).collect()
    }

    fn count(&self, column: usize) -> u64 {
        u64::try_from(self.number(column)).unwrap_or(0)
    }
}
