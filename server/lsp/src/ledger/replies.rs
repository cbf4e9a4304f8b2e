//! Counts what requests got: where a suggestion came from, or why there is none. A key only adds to a number in memory; the writer thread writes the
//! numbers every few seconds. It leaves what the reasons mean to `complete`.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use pennyworth_core::task::Task;
use rusqlite::{Connection, params};

use crate::sync::lock;

/// Time from a count until it is written: so much a killed server loses.
pub(super) const WRITTEN_AFTER: Duration = Duration::from_secs(5);
/// Most requests of one row that are believed: more were never made, so the file was changed by others.
const MOST: i64 = 1_000_000_000_000;

/// How often requests got the same on a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replies {
    /// The local day, `YYYY-MM-DD`.
    pub day: String,
    /// The task's name; empty if none is known.
    pub task: String,
    /// The language's name.
    pub language: String,
    /// The name of a source, or the id of the reason why nothing was suggested.
    pub reply: String,
    /// Requests.
    pub count: u64,
}

/// What was counted and is not written yet, by task, language and reply.
pub(super) type Counted = HashMap<(Option<Task>, &'static str, &'static str), u64>;

/// Counts that wait to be written.
#[derive(Debug, Default)]
pub(super) struct Unwritten(Mutex<Counted>);

impl Unwritten {
    /// Counts a request; true if nothing waited before.
    pub(super) fn add(&self, task: Option<Task>, language: &'static str, reply: &'static str) -> bool {
        let mut counted = lock(&self.0);
        let is_first = counted.is_empty();
        *counted.entry((task, language, reply)).or_default() += 1;
        is_first
    }

    pub(super) fn is_empty(&self) -> bool {
        lock(&self.0).is_empty()
    }

    pub(super) fn take(&self) -> Counted {
        std::mem::take(&mut *lock(&self.0))
    }
}

/// Adds counts to those of the day of a time.
pub(super) fn write(connection: &Connection, counted: &Counted, now_ms: i64) -> rusqlite::Result<()> {
    let mut add = connection.prepare_cached(
        "INSERT INTO replies VALUES (date(?1 / 1000, 'unixepoch', 'localtime'), ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET count = count + excluded.count",
    )?;
    for ((task, language, reply), count) in counted {
        add.execute(params![now_ms, task.map_or("", Task::name), language, reply, count.cast_signed()])?;
    }
    Ok(())
}

/// Adds the counts of another file since a local day.
pub(super) fn copy(from: &Connection, into: &Connection, first_day: &str) -> rusqlite::Result<()> {
    let mut add = into.prepare(
        "INSERT INTO replies VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET count = count + excluded.count",
    )?;
    for Replies { day, task, language, reply, count } in read(from, first_day)? {
        add.execute(params![day, task, language, reply, count.cast_signed()])?;
    }
    Ok(())
}

/// Deletes what is older than a time.
pub(super) fn forget(connection: &Connection, before_ms: i64) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM replies WHERE day < date(?1 / 1000, 'unixepoch')", [before_ms]).map(drop)
}

/// Reads the counts since a local day, the most frequent first.
pub(super) fn read(connection: &Connection, first_day: &str) -> rusqlite::Result<Vec<Replies>> {
    connection
        .prepare(
            "SELECT day, task, language, reply, count FROM replies WHERE day >= ?1 AND count BETWEEN 1 AND ?2
             ORDER BY count DESC, day, task, language, reply",
        )?
        .query_map(params![first_day, MOST], |row| {
            Ok(Replies {
                day: row.get(0)?,
                task: row.get(1)?,
                language: row.get(2)?,
                reply: row.get(3)?,
                count: row.get::<_, i64>(4)?.unsigned_abs(),
            })
        })?
        .collect()
}
