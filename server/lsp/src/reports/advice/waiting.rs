//! Tasks on demand that would have cost less by tomorrow.

use pennyworth_core::models::Model;
use pennyworth_core::money::Money;
use pennyworth_core::task::{Queue, Task};

use super::evidence::{Evidence, sum};
use super::piece::{Advice, Value};
use crate::ledger::Row;

/// Fewest calls that say something.
const FEW: u64 = 10;
/// A saving in a month below which nothing is said: a cent.
const CENT: f64 = 0.01;

pub(super) fn advice(evidence: &Evidence<'_>) -> Vec<Advice> {
    let waits = |task: &Task| *task != Task::Commit && evidence.tasks.row(*task).queue == Queue::Now;
    Task::ON_DEMAND.into_iter().filter(waits).filter_map(|task| of(evidence, task)).collect()
}

fn of(evidence: &Evidence<'_>, task: Task) -> Option<Advice> {
    let rows: Vec<(&Row, f64)> = evidence
        .asked()
        .filter(|(_, other)| *other == task)
        .filter_map(|(row, _)| Some((row, 1.0 - share(evidence.models.get(&row.model)?)?)))
        .collect();
    let all = sum(rows.iter().map(|(row, _)| *row));
    // Each row counts with what its own model saves.
    let saved: Vec<Row> =
        rows.iter().map(|(row, saved)| Row { cost: row.cost.scaled(*saved), ..(*row).clone() }).collect();
    let saving = evidence.saving(&evidence.by_day(saved.iter()), 1.0)?;
    if all.calls < FEW || saving.low < Money::from_usd(CENT) {
        return None;
    }
    let text = format!(
        "{} answers for `{task}` cost {} at once; in a batch, or at hours with a lower price, they are there by tomorrow for less: let it ask when",
        all.calls, all.cost
    );
    Some(Advice::new(text).saving(Some(saving)).line(&["tasks", task.name()], "queue", Value::Text("ask".into())))
}

/// The share of its price that a model costs by tomorrow.
fn share(model: &Model) -> Option<f64> {
    let batch = model.batch.and(model.price.batch);
    batch.or_else(|| Some(model.price.off_peak.as_ref()?.share)).filter(|share| *share < 1.0)
}
