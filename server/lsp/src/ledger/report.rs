//! What was got for the money: calls and suggestions added up by day, task, language and model. It leaves printing to the command line.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::time::SystemTime;

use pennyworth_core::money::Money;
use rusqlite::Connection;
use serde::{Serialize, Serializer};

use super::suggestion::millis;

/// What was got for the money since a time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The local day on which it was made, `YYYY-MM-DD`.
    pub today: String,
    /// One row per day, task, language and model, the dearest first.
    pub rows: Vec<Row>,
    /// All of them added up; its names are empty.
    pub total: Row,
}

/// What a model did for a task in a language on a day.
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
    /// Those of them whose cost is an estimate, because no bill came.
    pub estimated: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Those of them that nobody waited for, and those whose process was killed.
    pub aborted: u64,
    /// Input tokens.
    pub input: u64,
    /// Those of them read from the provider's cache.
    pub cached: u64,
    /// Output tokens.
    pub output: u64,
    /// What the calls cost, those in flight at their most.
    pub cost: Money,
    /// Milliseconds from each call to its first text; written as their 50th and 95th percentile.
    #[serde(rename = "wait_ms", serialize_with = "percentiles")]
    pub waits: Vec<u32>,
    /// Suggestions shown.
    pub shown: u64,
    /// Those of them that were taken, wholly or in part.
    pub accepted: u64,
    /// Those of them that were typed letter by letter.
    pub typed_through: u64,
    /// Characters taken.
    pub chars: u64,
    /// Characters that were looked at again some minutes after they were taken.
    pub checked_chars: u64,
    /// Those of them that still stood there.
    pub kept_chars: u64,
}

impl Report {
    /// The part of it that is of this local day, `YYYY-MM-DD`, and of later ones.
    pub fn since(&self, day: &str) -> Report {
        let rows = self.rows.iter().filter(|row| row.day.as_str() >= day).cloned().collect();
        Report::of(self.today.clone(), rows)
    }

    /// Rows with their sum.
    pub fn of(today: String, rows: Vec<Row>) -> Report {
        let mut total = Row::default();
        rows.iter().for_each(|row| total += row);
        Report { today, rows, total }
    }
}

impl Row {
    /// What an accepted character cost; `None` where none were accepted.
    pub fn cost_per_char(&self) -> Option<Money> {
        (self.chars > 0).then(|| self.cost.scaled(1.0 / self.chars as f64))
    }

    /// What 1,000 accepted characters cost; `None` where none were accepted.
    pub fn cost_per_1000_chars(&self) -> Option<Money> {
        (self.chars > 0).then(|| self.cost.scaled(1000.0 / self.chars as f64))
    }

    /// The wait that this share of calls, 0 to 1, did not exceed; `None` where none answered.
    pub fn wait(&self, share: f64) -> Option<u32> {
        let mut waits = self.waits.clone();
        waits.sort_unstable();
        let rank = (waits.len() as f64 * share).ceil() as usize;
        waits.get(rank.saturating_sub(1)).copied()
    }

    /// The share of suggestions that were taken, 0 to 1; `None` where none were shown.
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

const CALLS: &str = "
    SELECT day, task, language, model, count(*), sum(estimated), sum(status = 'failed'), sum(status IN ('aborted', 'lost')),
        sum(input), sum(cached), sum(output), sum(charge), group_concat(first_ms)
    FROM calls WHERE at_ms >= ?1 AND status <> 'unsent' GROUP BY 1, 2, 3, 4";

const SUGGESTIONS: &str = "
    SELECT date(at_ms / 1000, 'unixepoch', 'localtime'), task, language, model,
        count(*), sum(outcome IN ('accepted', 'partly')), sum(outcome = 'typed'),
        sum(CASE WHEN outcome IN ('accepted', 'partly') THEN outcome_chars END),
        sum(CASE WHEN kept_minutes IS NOT NULL THEN outcome_chars END), sum(kept_chars)
    FROM suggestions WHERE at_ms >= ?1 GROUP BY 1, 2, 3, 4";

/// Reads the report at a moment.
pub(super) fn read(connection: &Connection, now_ms: i64, since: SystemTime) -> rusqlite::Result<Report> {
    let today = connection.query_row("SELECT date(?1 / 1000, 'unixepoch', 'localtime')", [now_ms], |row| row.get(0))?;
    let mut rows = Rows::new();
    add(&mut rows, connection, CALLS, since, |row, numbers| {
        row.calls = numbers.count(4);
        row.estimated = numbers.count(5);
        row.failed = numbers.count(6);
        row.aborted = numbers.count(7);
        row.input = numbers.count(8);
        row.cached = numbers.count(9);
        row.output = numbers.count(10);
        row.cost = Money::from_pico(numbers.number(11));
        row.waits = numbers.list(12);
    })?;
    add(&mut rows, connection, SUGGESTIONS, since, |row, numbers| {
        row.shown = numbers.count(4);
        row.accepted = numbers.count(5);
        row.typed_through = numbers.count(6);
        row.chars = numbers.count(7);
        row.checked_chars = numbers.count(8);
        row.kept_chars = numbers.count(9);
    })?;
    let mut report = Report::of(today, rows.into_values().collect());
    report.rows.sort_by(|a, b| b.cost.cmp(&a.cost).then(b.chars.cmp(&a.chars)).then(a.task.cmp(&b.task)));
    Ok(report)
}

/// Rows by day, task, language and model.
type Rows = BTreeMap<[String; 4], Row>;

/// Fills in what one query found out about each.
fn add(
    rows: &mut Rows,
    connection: &Connection,
    query: &str,
    since: SystemTime,
    fill: impl Fn(&mut Row, &Numbers<'_>),
) -> rusqlite::Result<()> {
    let mut query = connection.prepare(query)?;
    let mut found = query.query([millis(since)])?;
    while let Some(row) = found.next()? {
        let names: [String; 4] = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?];
        let [day, task, language, model] = names.clone();
        let new = || Row { day, task, language, model, ..Row::default() };
        fill(rows.entry(names).or_insert_with(new), &Numbers(row));
    }
    Ok(())
}

/// The numbers of a row; a sum over nothing is 0.
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
