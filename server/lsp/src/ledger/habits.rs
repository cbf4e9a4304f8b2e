//! How ceilings and probabilities turned out: what advice rests on besides the report. It leaves what to say of it to `reports::advice`.

use rusqlite::Connection;

/// Of answers over a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Habits {
    /// How ceilings were used, by task and ceiling.
    pub ceilings: Vec<Ceiling>,
    /// How often suggestions were right, by task and tenth of their probability.
    pub guesses: Vec<Guesses>,
}

/// The answers of a task with one output ceiling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ceiling {
    /// The task's name.
    pub task: String,
    /// The ceiling in tokens.
    pub max_tokens: u32,
    /// How many answers came to an end.
    pub answers: u64,
    /// Those of them that the ceiling ended.
    pub cut: u64,
    /// The tokens of each.
    pub outputs: Vec<u32>,
}

/// The suggestions of a task whose probability lies in one tenth, and of which it is known what became.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guesses {
    /// The task's name.
    pub task: String,
    /// The tenth, 0 to 9.
    pub tenth: u8,
    /// How many there were.
    pub shown: u64,
    /// Those of them that were accepted, or typed letter by letter.
    pub right: u64,
}

/// Reads them since a local day. Text that is no day means all of them.
pub(super) fn read(connection: &Connection, first_day: &str) -> rusqlite::Result<Habits> {
    let since_ms: i64 =
        connection.query_row("SELECT coalesce(unixepoch(?1, 'utc'), 0) * 1000", [first_day], |row| row.get(0))?;
    let ceilings = "SELECT task, max_tokens, count(*), sum(finish = 'length'), group_concat(output) FROM calls
        WHERE at_ms >= ?1 AND NOT is_trial AND status IN ('done', 'cut') AND output BETWEEN 0 AND 1000000 GROUP BY 1, 2 ORDER BY 1, 2";
    let ceilings = connection
        .prepare(ceilings)?
        .query_map([since_ms], |row| {
            let outputs: String = row.get::<_, Option<String>>(4)?.unwrap_or_default();
            Ok(Ceiling {
                task: row.get(0)?,
                max_tokens: row.get(1)?,
                answers: row.get::<_, i64>(2)?.unsigned_abs(),
                cut: row.get::<_, Option<i64>>(3)?.unwrap_or_default().unsigned_abs(),
                outputs: outputs.split(',').filter_map(|output| output.parse().ok()).collect(),
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let guesses = "SELECT task, min(CAST(probability * 10 AS INTEGER), 9), count(*), sum(outcome IN ('accepted', 'partly', 'typed'))
        FROM suggestions WHERE at_ms >= ?1 AND probability BETWEEN 0 AND 1 AND outcome IN ('accepted', 'partly', 'typed', 'dismissed')
        GROUP BY 1, 2 ORDER BY 1, 2";
    let guesses = connection
        .prepare(guesses)?
        .query_map([since_ms], |row| {
            Ok(Guesses {
                task: row.get(0)?,
                tenth: row.get(1)?,
                shown: row.get::<_, i64>(2)?.unsigned_abs(),
                right: row.get::<_, i64>(3)?.unsigned_abs(),
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Habits { ceilings, guesses })
}
