//! Ceilings that are never reached, or always hit. Answers that are read on have their ceilings from arithmetic, and are left out.

use pennyworth_core::interval;
use pennyworth_core::task::{Task, TaskRow};

use super::evidence::{Evidence, percent};
use super::piece::{Advice, Value};
use crate::ledger::Ceiling;

/// Fewest answers that say that a ceiling is hit, and that it is never reached.
const FEW: u64 = 40;
const MANY: u64 = 200;
/// Share of cut answers above which a ceiling is too low.
const OFTEN: f64 = 0.25;
/// Share of a ceiling below which all answers must stay for it to be too high, and how far the new one is above the longest.
const UNUSED: f64 = 0.5;
const ROOM: f64 = 1.25;
/// Ceilings are advised in steps of these tokens, and never above what settings allow.
const STEP: u32 = 16;
const MOST: u32 = 8192;

pub(super) fn advice(evidence: &Evidence<'_>) -> Vec<Advice> {
    let known = evidence.habits.ceilings.iter().filter_map(|ceiling| {
        let task: Task = ceiling.task.parse().ok()?;
        let row = evidence.tasks.row(task);
        (row.read_on == 0 && ceiling.max_tokens == row.max_tokens).then_some((task, row, ceiling))
    });
    known
        .filter_map(|(task, row, ceiling)| too_low(task, row, ceiling).or_else(|| too_high(task, row, ceiling)))
        .collect()
}

fn too_low(task: Task, row: &TaskRow, ceiling: &Ceiling) -> Option<Advice> {
    let is_low = ceiling.answers >= FEW && interval::share(ceiling.cut, ceiling.answers).low > OFTEN;
    let higher = (row.max_tokens * 2).min(MOST);
    if !is_low || higher == row.max_tokens {
        return None;
    }
    let text = format!(
        "The ceiling of `{task}`, {} tokens, cut off {} of {} answers, which cost money and are of little use: double it",
        row.max_tokens,
        percent(ceiling.cut, ceiling.answers),
        ceiling.answers
    );
    Some(Advice::new(text).line(&["tasks", task.name()], "max_tokens", Value::Whole(higher.into())))
}

fn too_high(task: Task, row: &TaskRow, ceiling: &Ceiling) -> Option<Advice> {
    let longest = *ceiling.outputs.iter().max()?;
    if ceiling.answers < MANY || f64::from(longest) > f64::from(row.max_tokens) * UNUSED {
        return None;
    }
    let lower = ((f64::from(longest) * ROOM) as u32).div_ceil(STEP).max(1) * STEP;
    if lower >= row.max_tokens {
        return None;
    }
    let text = format!(
        "The longest of {} answers for `{task}` has {longest} tokens, and the ceiling is {}: a lower one reserves less of the caps for each call",
        ceiling.answers, row.max_tokens
    );
    Some(Advice::new(text).line(&["tasks", task.name()], "max_tokens", Value::Whole(lower.into())))
}
