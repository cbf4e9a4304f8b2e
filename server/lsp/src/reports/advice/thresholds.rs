//! Thresholds off their calibration: suggestions that are shown at a probability at which they are hardly ever right.

use pennyworth_core::interval;
use pennyworth_core::task::Task;

use super::evidence::{Evidence, percent};
use super::piece::{Advice, Value};
use crate::ledger::Guesses;

/// Fewest suggestions of a probability that say something.
const FEW: u64 = 50;
/// How far the share that was right must lie below the threshold, and how close to it the new one's.
const BELOW: f64 = 0.1;
const CLOSE: f64 = 0.05;
/// The highest threshold that is advised.
const HIGHEST: f64 = 0.9;

pub(super) fn advice(evidence: &Evidence<'_>) -> Vec<Advice> {
    Task::ALL.into_iter().filter_map(|task| of(evidence, task)).collect()
}

fn of(evidence: &Evidence<'_>, task: Task) -> Option<Advice> {
    let show = f64::from(evidence.tasks.row(task).show);
    let shown = evidence.habits.guesses.iter().filter(|guesses| guesses.task == task.name());
    // The tenth in which the threshold lies holds what is least sure and still shown.
    let mut above = shown.filter(|guesses| from(guesses) >= (show * 10.0).floor() / 10.0 && guesses.shown >= FEW);
    let least = above.next().filter(|least| interval::share(least.right, least.shown).high < show - BELOW)?;
    let enough = above.find(|guesses| interval::share(guesses.right, guesses.shown).low >= show - CLOSE);
    let higher = enough.map_or(HIGHEST, from).min(HIGHEST);
    if higher <= show {
        return None;
    }
    let text = format!(
        "Of {} suggestions for `{task}` with a probability of {:.0} to {:.0} %, {} were right, and they are shown from {:.0} % on: show them from {:.0} % on",
        least.shown,
        from(least) * 100.0,
        from(least) * 100.0 + 10.0,
        percent(least.right, least.shown),
        show * 100.0,
        higher * 100.0
    );
    Some(Advice::new(text).line(&["tasks", task.name()], "show", Value::Number(higher)))
}

/// The lowest probability of a tenth.
fn from(guesses: &Guesses) -> f64 {
    f64::from(guesses.tenth) / 10.0
}
