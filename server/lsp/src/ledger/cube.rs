//! Figures for a page that can filter them: calls and suggestions added up by day, model, task, language and provider, in one pass over each table. It
//! leaves what they mean to `reports::dashboard`.
//!
//! The rows are added up here and not by SQLite, which would sort them all by five names: a year of a busy user then takes several seconds.

use std::collections::HashMap;
use std::path::Path;
use std::time::SystemTime;

use rusqlite::{Connection, Row};

use super::clock::millis;
use super::dearest::{Dear, Dearest};
use super::file;
use super::ids;
use super::names::{Key, Names};

/// Figures are believed up to here: no call has more tokens, and none costs more picodollars.
const MOST_TOKENS: i64 = 1_000_000_000;
const MOST_PICO: i64 = 1_000_000_000_000_000_000;
/// Steps of waits: so many double the time.
const STEPS: f64 = 4.0;
/// Milliseconds of a quarter of an hour: no time zone changes its day within one.
const QUARTER_MS: i64 = 900_000;

/// The figures.
#[derive(Debug, Default)]
pub struct Cube {
    /// Local days, `YYYY-MM-DD`, in the order in which they were met.
    pub days: Names,
    /// Names of models; `embedded` is the embedded one.
    pub models: Names,
    /// Names of tasks.
    pub tasks: Names,
    /// Names of languages.
    pub languages: Names,
    /// Hosts of providers; empty where none is known.
    pub providers: Names,
    /// Words of statuses and errors.
    pub words: Names,
    /// The sums.
    pub cells: Vec<Cell>,
    /// How often suggestions were right.
    pub sureness: Vec<Sureness>,
    /// Calls that failed, by the kind of their error.
    pub errors: Vec<Errors>,
    /// The dearest calls of each day, and of each model for a task and language.
    pub dearest: Vec<Dear>,
    places: HashMap<Key, usize>,
    days_of: HashMap<i64, u16>,
}

/// Sums of the calls and suggestions of a model at a provider for a task and language on a day. Money is in picodollars.
#[derive(Debug, Default)]
pub struct Cell {
    /// The names.
    pub key: Key,
    /// Calls that were sent.
    pub calls: u64,
    /// Those whose cost is an estimate.
    pub estimated: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that were aborted, or whose process was killed.
    pub aborted: u64,
    /// Those that took longer than we wait.
    pub outrun: u64,
    /// Input tokens, those read from the provider's cache included.
    pub input: i64,
    /// Input tokens read from the provider's cache.
    pub cached: i64,
    /// Output tokens.
    pub output: i64,
    /// Cost of the calls that are over.
    pub cost: i64,
    /// Answers that came to an end, with their ceilings and their tokens, and those that the ceiling ended.
    pub answers: u64,
    /// Tokens allowed to them.
    pub allowed: i64,
    /// Tokens that they have.
    pub used: i64,
    /// Those that the ceiling ended.
    pub cut_off: u64,
    /// Calls that we ended before their ceiling.
    pub early: u64,
    /// The price of the tokens between their end and their ceiling.
    pub early_cost: i64,
    /// Calls in batches.
    pub batched: u64,
    /// Their cost.
    pub batched_cost: i64,
    /// Milliseconds from a call to its first text: pairs of a step and how many calls are in it; four steps double the time.
    pub waits: Vec<(u8, u32)>,
    /// Suggestions shown.
    pub shown: u64,
    /// Suggestions accepted, in full or in part.
    pub accepted: u64,
    /// Suggestions typed letter by letter.
    pub typed: u64,
    /// Suggestions that were answered from the cache.
    pub from_cache: u64,
    /// Further lines of earlier answers.
    pub from_lines: u64,
    /// Characters accepted.
    pub chars: i64,
    /// Accepted characters that were checked again a minute later.
    pub checked: i64,
    /// Checked characters that were still there.
    pub kept: i64,
}

/// Suggestions of a model for a task and language whose stated probability lies in a tenth, and what the user decided.
#[derive(Debug, Default)]
pub struct Sureness {
    /// The names; the day is not used.
    pub key: Key,
    /// The tenth, 0 to 9.
    pub tenth: u8,
    /// The sum of the stated probabilities.
    pub said: f64,
    /// Suggestions.
    pub shown: u64,
    /// Those that were accepted or typed.
    pub right: u64,
}

/// Calls that failed alike.
#[derive(Debug, Default)]
pub struct Errors {
    /// The names.
    pub key: Key,
    /// The kind of the error, and the HTTP status if one came.
    pub word: u16,
    /// Calls.
    pub count: u64,
}

/// Reads the figures since a time, each table on a connection and a thread of its own.
pub(super) fn read(path: &Path, since: SystemTime) -> Result<Cube, String> {
    let (since_ms, first) = (millis(since), ids::earliest(since));
    let table = |read: fn(&mut Cube, &Connection, i64, i64) -> rusqlite::Result<()>| {
        let connection = file::reader(path).map_err(|fault| fault.to_string())?;
        let mut cube = Cube::default();
        read(&mut cube, &connection, since_ms, first).map_err(|error| error.to_string())?;
        Ok(cube)
    };
    std::thread::scope(|scope| {
        let suggestions = scope.spawn(|| table(Cube::suggestions));
        let mut cube = table(Cube::calls)?;
        cube.add_suggestions(suggestions.join().unwrap_or_else(|_| Err("reading it failed".to_owned()))?);
        Ok(cube)
    })
}

const CALLS: &str = "
    SELECT at_ms, model, task, language, provider, status, estimated, input, cached, output, charge, max_tokens, finish, first_ms, reason, total_ms,
        price_output, id IN (SELECT id FROM jobs WHERE batch IS NOT NULL)
    FROM calls WHERE id >= ?2 AND +at_ms >= ?1 AND status NOT IN ('unsent', 'carried')";

const SUGGESTIONS: &str = "
    SELECT at_ms, model, task, language, source, outcome, outcome_chars, kept_minutes IS NOT NULL, kept_chars, probability
    FROM suggestions WHERE id >= ?2 AND +at_ms >= ?1";

impl Cube {
    /// Adds the sums of suggestions. They name no provider; a model mostly has one.
    fn add_suggestions(&mut self, of: Cube) {
        let providers: HashMap<u16, u16> = self.cells.iter().map(|cell| (cell.key.model, cell.key.provider)).collect();
        let nobody = self.providers.number("");
        let (days, models) = (self.days.take(&of.days), self.models.take(&of.models));
        let tasks = self.tasks.take(&of.tasks);
        let languages = self.languages.take(&of.languages);
        let renumbered = |key: Key| {
            let number = |numbers: &[u16], old: u16| numbers.get(usize::from(old)).copied().unwrap_or(old);
            let model = number(&models, key.model);
            Key {
                day: number(&days, key.day),
                model,
                task: number(&tasks, key.task),
                language: number(&languages, key.language),
                provider: providers.get(&model).copied().unwrap_or(nobody),
            }
        };
        for more in of.cells {
            let cell = self.cell(renumbered(more.key));
            cell.shown += more.shown;
            cell.accepted += more.accepted;
            cell.typed += more.typed;
            cell.from_cache += more.from_cache;
            cell.from_lines += more.from_lines;
            cell.chars += more.chars;
            cell.checked += more.checked;
            cell.kept += more.kept;
        }
        self.sureness = of.sureness.into_iter().map(|sure| Sureness { key: renumbered(sure.key), ..sure }).collect();
    }

    fn calls(&mut self, connection: &Connection, since_ms: i64, first: i64) -> rusqlite::Result<()> {
        let mut query = connection.prepare(CALLS)?;
        let mut rows = query.query([since_ms, first])?;
        let (mut dearest, mut errors) = (Dearest::default(), HashMap::<(Key, u16), u64>::new());
        while let Some(row) = rows.next()? {
            let at_ms = row.get(0)?;
            let key = Key { provider: self.providers.number(text(row, 4)?), ..self.key(connection, row, at_ms)? };
            let status = text(row, 5)?;
            let tokens = |column| number(row, column).filter(|tokens| (0..=MOST_TOKENS).contains(tokens)).unwrap_or(0);
            let money = |column| number(row, column).filter(|money| (0..=MOST_PICO).contains(money)).unwrap_or(0);
            let (output, allowed) = (tokens(9), tokens(11));
            let cost = if status == "open" { 0 } else { money(10) };
            let is_length = matches!(row.get_ref(12)?.as_str(), Ok("length"));
            let cell = self.cell(key);
            cell.calls += 1;
            cell.estimated += u64::from(number(row, 6) == Some(1));
            cell.input += tokens(7);
            cell.cached += tokens(8);
            cell.output += output;
            cell.cost += cost;
            match status {
                "failed" => cell.failed += 1,
                "outrun" => cell.outrun += 1,
                "aborted" | "lost" => cell.aborted += 1,
                "done" | "cut" => {
                    cell.answers += 1;
                    cell.allowed += allowed;
                    cell.used += output;
                    cell.cut_off += u64::from(is_length);
                }
                _ => {}
            }
            if matches!(status, "cut" | "aborted") && output < allowed {
                cell.early += 1;
                cell.early_cost = cell.early_cost.saturating_add(money(16).saturating_mul(allowed - output));
            }
            if number(row, 17) == Some(1) {
                cell.batched += 1;
                cell.batched_cost += cost;
            }
            if let Some(first_ms) = number(row, 13).filter(|ms| *ms >= 0) {
                waited(&mut cell.waits, first_ms);
            }
            let status_word = self.words.number(status);
            if matches!(status, "failed" | "outrun") {
                let word = self.words.number(text(row, 14).unwrap_or(status));
                *errors.entry((key, word)).or_default() += 1;
            }
            if cost > 0 {
                let total_ms = number(row, 15).unwrap_or_default();
                let call = Dear {
                    key,
                    at_ms,
                    status: status_word,
                    input: tokens(7),
                    cached: tokens(8),
                    output,
                    cost,
                    total_ms,
                };
                dearest.add(call);
            }
        }
        self.errors = errors.into_iter().map(|((key, word), count)| Errors { key, word, count }).collect();
        self.dearest = dearest.all();
        Ok(())
    }

    fn suggestions(&mut self, connection: &Connection, since_ms: i64, first: i64) -> rusqlite::Result<()> {
        let mut query = connection.prepare(SUGGESTIONS)?;
        let mut rows = query.query([since_ms, first])?;
        let mut sureness = HashMap::<(Key, u8), Sureness>::new();
        while let Some(row) = rows.next()? {
            let key = self.key(connection, row, row.get(0)?)?;
            let outcome = row.get_ref(5)?.as_str().unwrap_or_default();
            let chars = |column| number(row, column).filter(|chars| (0..=MOST_TOKENS).contains(chars)).unwrap_or(0);
            let (is_accepted, is_typed) = (matches!(outcome, "accepted" | "partly"), outcome == "typed");
            let source = text(row, 4)?;
            let cell = self.cell(key);
            cell.shown += 1;
            cell.accepted += u64::from(is_accepted);
            cell.typed += u64::from(is_typed);
            cell.from_cache += u64::from(source == "cache");
            cell.from_lines += u64::from(source == "lines");
            if is_accepted {
                cell.chars += chars(6);
            }
            if number(row, 7) == Some(1) {
                cell.checked += chars(6);
                cell.kept += chars(8).min(chars(6));
            }
            let said = row.get_ref(9)?.as_f64().ok().filter(|said| (0.0..=1.0).contains(said));
            if let Some(said) = said.filter(|_| is_accepted || is_typed || outcome == "dismissed") {
                let (key, tenth) = (Key { day: 0, ..key }, ((said * 10.0) as u8).min(9));
                let sure =
                    sureness.entry((key, tenth)).or_insert_with(|| Sureness { key, tenth, ..Sureness::default() });
                sure.said += said;
                sure.shown += 1;
                sure.right += u64::from(is_accepted || is_typed);
            }
        }
        self.sureness = sureness.into_values().collect();
        Ok(())
    }

    fn key(&mut self, connection: &Connection, row: &Row<'_>, at_ms: i64) -> rusqlite::Result<Key> {
        let quarter = at_ms.div_euclid(QUARTER_MS);
        let day = match self.days_of.get(&quarter) {
            Some(day) => *day,
            None => {
                let mut query = connection.prepare_cached("SELECT date(?1 / 1000, 'unixepoch', 'localtime')")?;
                let name: Option<String> = query.query_row([at_ms], |row| row.get(0))?;
                let day = self.days.number(&name.unwrap_or_default());
                self.days_of.insert(quarter, day);
                day
            }
        };
        Ok(Key {
            day,
            model: self.models.number(text(row, 1)?),
            task: self.tasks.number(text(row, 2)?),
            language: self.languages.number(text(row, 3)?),
            provider: 0,
        })
    }

    fn cell(&mut self, key: Key) -> &mut Cell {
        let place = *self.places.entry(key).or_insert_with(|| {
            self.cells.push(Cell { key, ..Cell::default() });
            self.cells.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "cells are only added")]
        &mut self.cells[place]
    }
}

/// Counts a wait in its step.
fn waited(waits: &mut Vec<(u8, u32)>, ms: i64) {
    let step = ((ms.max(1) as f64).log2() * STEPS).round().min(255.0) as u8;
    match waits.iter_mut().find(|(known, _)| *known == step) {
        Some((_, count)) => *count += 1,
        None => waits.push((step, 1)),
    }
}

fn text<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<&'r str> {
    Ok(row.get_ref(column)?.as_str().unwrap_or_default())
}

/// A number; `None` for NULL.
fn number(row: &Row<'_>, column: usize) -> Option<i64> {
    row.get_ref(column).ok()?.as_i64().ok()
}
