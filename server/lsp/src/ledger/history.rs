//! Reads earlier rows: those that `memory` needs at start, and one suggestion as it was shown. It leaves keeping the results to `memory`.

use pennyworth_core::confidence::Fate;
use pennyworth_core::task::Task;
use rusqlite::Connection;

use super::memory::{Length, Memory};
use super::suggestion::{OutcomeKind, Source};

/// Latest rows of each table that are read at start.
const RECENT: i64 = 20_000;

/// Learns acceptance, lengths, confidence, bills and waits from earlier rows.
pub(super) fn load(connection: &Connection) -> rusqlite::Result<Memory> {
    let mut memory = Memory::default();
    let mut rows = connection.prepare(
        "SELECT outcome, task, language, model, source, chars, tokens, truncated, probability, outcome_chars, at_ms
         FROM (SELECT * FROM suggestions ORDER BY id DESC LIMIT ?1) ORDER BY id",
    )?;
    let mut rows = rows.query([RECENT])?;
    while let Some(row) = rows.next()? {
        // A row with figures that cannot be right teaches nothing.
        let _ = shown(&mut memory, row);
    }
    memory.fit_all();
    let mut rows = connection.prepare(
        "SELECT task, language, model, is_right, at_ms FROM (SELECT * FROM trials WHERE is_shown AND is_evidence ORDER BY trial DESC LIMIT ?1)
         ORDER BY at_ms",
    )?;
    let mut rows = rows.query([RECENT])?;
    while let Some(row) = rows.next()? {
        let _ = tried(&mut memory, row);
    }
    let mut rows = connection.prepare(
        "SELECT model, plain_tokens, input, cached, first_ms, written, status = 'done' AND estimated = 0, status = 'outrun', total_ms, at_ms
         FROM (SELECT * FROM calls WHERE status IN ('done', 'cut', 'outrun') ORDER BY id DESC LIMIT ?1) ORDER BY id",
    )?;
    let mut rows = rows.query([RECENT])?;
    while let Some(row) = rows.next()? {
        let _ = called(&mut memory, row);
    }
    Ok(memory)
}

/// Learns from a suggestion, and from what the user decided about it.
fn shown(memory: &mut Memory, row: &rusqlite::Row<'_>) -> rusqlite::Result<()> {
    let (shown, chars, at_ms) = (PastSuggestion::read(row)?, row.get(9)?, row.get(10)?);
    let Ok(task) = shown.task.parse() else { return Ok(()) };
    memory.shown(task, &shown.language, &shown.model, at_ms);
    let Some(kind) = shown.kind else { return Ok(()) };
    if let Some(fate) = shown.fate(kind) {
        memory.fate(&shown.model, fate);
    }
    if let Some(taken) = shown.line(kind) {
        memory.line(&shown.model, taken);
    }
    let shown = PastSuggestion { kind: None, ..shown };
    shown.decided(memory, kind, at_ms);
    if kind.is_acceptance() {
        shown.accepted(memory, chars);
    }
    Ok(())
}

/// Learns from an answer of a trial.
fn tried(memory: &mut Memory, row: &rusqlite::Row<'_>) -> rusqlite::Result<()> {
    let (task, language, model): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    if let Ok(task) = task.parse() {
        memory.tried((task, &language, &model), row.get(3)?, row.get(4)?);
    }
    Ok(())
}

/// Learns from a call.
fn called(memory: &mut Memory, row: &rusqlite::Row<'_>) -> rusqlite::Result<()> {
    let model: String = row.get(0)?;
    let count = |column| row.get::<_, u32>(column).map(u64::from);
    let (plain, input, parts) = (row.get(1)?, count(2)?, (count(3)?, count(5)?));
    if row.get(6)? {
        memory.billed(&model, plain, input, parts);
    }
    if row.get(7)? {
        let (ms, at_ms) = (row.get::<_, Option<u32>>(8)?.unwrap_or_default(), row.get::<_, i64>(9)?);
        memory.missed(&model, ms, at_ms.saturating_add(ms.into()));
    } else if let Some(first) = row.get::<_, Option<u32>>(4)? {
        memory.waited(&model, first);
    }
    Ok(())
}

/// A suggestion as it was shown.
pub(super) struct PastSuggestion {
    pub(super) kind: Option<OutcomeKind>,
    task: String,
    language: String,
    pub(super) model: String,
    source: String,
    chars: u32,
    tokens: u32,
    truncated: bool,
    probability: Option<f32>,
}

impl PastSuggestion {
    pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<PastSuggestion> {
        let outcome: Option<String> = row.get(0)?;
        Ok(PastSuggestion {
            kind: OutcomeKind::DECIDING
                .iter()
                .find(|(name, _)| Some(*name) == outcome.as_deref())
                .map(|(_, kind)| *kind),
            task: row.get(1)?,
            language: row.get(2)?,
            model: row.get(3)?,
            source: row.get(4)?,
            chars: row.get(5)?,
            tokens: row.get(6)?,
            truncated: row.get(7)?,
            probability: row.get(8)?,
        })
    }

    /// Whether it was right; `None` if its probability is unknown or the user did not decide.
    pub(super) fn fate(&self, kind: OutcomeKind) -> Option<Fate> {
        (kind != OutcomeKind::Unused).then_some(Fate { said: self.probability?, right: kind > OutcomeKind::Dismissed })
    }

    /// Whether it was taken or typed, if it was a further line of an answer; `None` if the user did not decide.
    pub(super) fn line(&self, kind: OutcomeKind) -> Option<bool> {
        let is_line = self.source == Source::Lines.name() && kind != OutcomeKind::Unused;
        is_line.then_some(kind > OutcomeKind::Dismissed)
    }

    /// Counts what the user decided about it, once; and that it was taken, once, even if that is known later.
    pub(super) fn decided(&self, memory: &mut Memory, kind: OutcomeKind, now_ms: i64) {
        let Ok(task) = self.task.parse::<Task>() else { return };
        if kind == OutcomeKind::Unused {
            return;
        }
        let is_first = self.kind.is_none_or(|before| before == OutcomeKind::Unused);
        let was_taken = self.kind.is_some_and(|before| before > OutcomeKind::Dismissed);
        let is_taken = kind > OutcomeKind::Dismissed && !was_taken;
        memory.decided((task, &self.language, &self.model), (is_first, is_taken), now_ms);
    }

    /// Counts an acceptance once, and learns the accepted length if the answer is not the embedded model's.
    pub(super) fn accepted(&self, memory: &mut Memory, taken: u32) {
        let Ok(task) = self.task.parse::<Task>() else { return };
        if !self.kind.is_some_and(OutcomeKind::is_acceptance) {
            memory.accepted(task, &self.language, &self.model);
        }
        // Neither the embedded model's answers nor further lines show how long an answer must be.
        if self.source == Source::Embedded.name() || self.source == Source::Lines.name() {
            return;
        }
        let all = self.chars.max(1);
        let whole = taken >= all;
        let tokens = if whole {
            self.tokens
        } else {
            (f64::from(self.tokens) * f64::from(taken) / f64::from(all)).ceil() as u32
        };
        memory.length(task, &self.language, Length { tokens, truncated: whole && self.truncated });
    }
}
