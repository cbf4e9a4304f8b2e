//! What models answered in trials: a row per candidate and hole, and the results of an earlier trial. It leaves what is learned from them to `memory`,
//! and adding up to `core::trial`.

use std::collections::BTreeMap;

use pennyworth_core::money::Money;
use pennyworth_core::trial::{Answer, Marks};
use rusqlite::{Connection, OptionalExtension as _, params};

/// A number that names a trial: when it began, in milliseconds since 1970.
pub type TrialId = i64;

/// What a candidate answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// The trial.
    pub trial: TrialId,
    /// The candidate's name: the model's, and that of the settings if there were others.
    pub candidate: String,
    /// The model's name.
    pub model: String,
    /// Whether the router learns from it: it was asked as the server asks, in the user's own files.
    pub is_evidence: bool,
    /// The answer.
    pub answer: Answer,
}

/// An earlier trial: the answers of each candidate, by its name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trial {
    /// The trial.
    pub id: TrialId,
    /// The answers.
    pub candidates: BTreeMap<String, Vec<Answer>>,
    /// What is missing of those that were asked in a batch.
    pub missing: BTreeMap<String, Missing>,
}

/// Answers that a candidate has not given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Missing {
    /// How many may still come.
    pub waiting: usize,
    /// How many will not, by reason.
    pub unjudged: BTreeMap<String, usize>,
}

pub(super) fn write(connection: &Connection, tried: &Tried, at_ms: i64) -> rusqlite::Result<()> {
    let Tried { answer, .. } = tried;
    connection
        .prepare_cached(
            "INSERT INTO trials VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            tried.trial,
            tried.candidate,
            answer.hole as i64,
            at_ms,
            tried.model,
            answer.task.name(),
            answer.language,
            answer.shown,
            answer.marks.right,
            answer.marks.first_line,
            answer.marks.saved,
            answer.marks.similarity,
            answer.wait_ms.unwrap_or(0),
            answer.input as i64,
            answer.output as i64,
            answer.cost.pico(),
            tried.is_evidence,
            answer.wait_ms.is_none(),
        ])
        .map(drop)
}

/// A trial; the last one if none is named. `None` if there is none.
pub(super) fn read(connection: &Connection, id: Option<TrialId>) -> rusqlite::Result<Option<Trial>> {
    // Nothing may have come yet of one that is asked in a batch.
    let known = "WITH every AS (SELECT trial FROM trials UNION SELECT trial FROM jobs WHERE trial IS NOT NULL)
        SELECT trial FROM every WHERE trial = coalesce(?1, (SELECT max(trial) FROM every)) LIMIT 1";
    let Some(id) = connection.query_row(known, [id], |row| row.get(0)).optional()? else { return Ok(None) };
    let mut trial = Trial { id, ..Trial::default() };
    let mut rows = connection.prepare(
        "SELECT candidate, hole, task, language, is_shown, is_right, is_first_right, saved, similarity, iif(is_later, NULL, wait_ms), input, output, charge
         FROM trials WHERE trial = ?1 ORDER BY candidate, hole",
    )?;
    let mut rows = rows.query([id])?;
    while let Some(row) = rows.next()? {
        let task: String = row.get(2)?;
        // A newer program may know other tasks.
        let Ok(task) = task.parse() else { continue };
        let marks = Marks { right: row.get(5)?, first_line: row.get(6)?, saved: row.get(7)?, similarity: row.get(8)? };
        let count = |column| row.get::<_, i64>(column).map(|count| u64::try_from(count).unwrap_or(0));
        let answer = Answer {
            hole: row.get::<_, i64>(1)? as u64,
            task,
            language: row.get(3)?,
            shown: row.get(4)?,
            marks,
            wait_ms: row.get(9)?,
            input: count(10)?,
            output: count(11)?,
            cost: Money::from_pico(row.get(12)?),
        };
        trial.candidates.entry(row.get(0)?).or_default().push(answer);
    }
    trial.missing = missing(connection, id)?;
    Ok(Some(trial))
}

fn missing(connection: &Connection, id: TrialId) -> rusqlite::Result<BTreeMap<String, Missing>> {
    let mut all: BTreeMap<String, Missing> = BTreeMap::new();
    let mut rows = connection.prepare(
        "SELECT candidate, state IN ('queued', 'sent'), coalesce(reason, state), count(*) FROM jobs
         WHERE trial = ?1 AND state <> 'done' GROUP BY 1, 2, 3",
    )?;
    let mut rows = rows.query([id])?;
    while let Some(row) = rows.next()? {
        let (of, count) = (all.entry(row.get(0)?).or_default(), row.get::<_, u32>(3)? as usize);
        match row.get(1)? {
            true => of.waiting += count,
            false => *of.unjudged.entry(row.get(2)?).or_default() += count,
        }
    }
    Ok(all)
}
