//! Tasks that cost money and whose suggestions nobody takes.

use std::collections::BTreeMap;

use pennyworth_core::interval;
use pennyworth_core::money::Money;
use pennyworth_core::task::{Enabled, Task};

use super::evidence::{Evidence, percent, sum};
use super::piece::{Advice, Value};
use crate::ledger::Row;

/// Fewest suggestions that say something.
const FEW: u64 = 50;
/// Largest share that counts as hardly any.
const HARDLY: f64 = 0.05;

pub(super) fn advice(evidence: &Evidence<'_>) -> Vec<Advice> {
    let mut tasks: BTreeMap<&'static str, (Task, Vec<&Row>)> = BTreeMap::new();
    for (row, task) in evidence.asked() {
        tasks.entry(task.name()).or_insert_with(|| (task, Vec::new())).1.push(row);
    }
    let is_on = |task: &Task| evidence.tasks.row(*task).enabled == Enabled::On;
    tasks.into_values().filter(|(task, _)| is_on(task)).filter_map(|(task, rows)| of(evidence, task, &rows)).collect()
}

fn of(evidence: &Evidence<'_>, task: Task, rows: &[&Row]) -> Option<Advice> {
    let all = sum(rows.iter().copied());
    let taken = all.accepted + all.typed_through;
    if all.cost <= Money::ZERO || all.shown < FEW || interval::share(taken, all.shown).high >= HARDLY {
        return None;
    }
    let (share, cost) = (percent(taken, all.shown), all.cost);
    let text = match Task::ON_DEMAND.contains(&task) {
        true => format!("Of {} answers for `{task}`, which cost {cost}, {share} were valid: switch it off", all.shown),
        false => format!(
            "Of {} suggestions for `{task}`, which cost {cost}, you took {share}: ask only models that run here for it",
            all.shown
        ),
    };
    let value = if Task::ON_DEMAND.contains(&task) { "off" } else { "local" };
    let saving = evidence.saving(&evidence.by_day(rows.iter().copied()), 1.0);
    Some(Advice::new(text).saving(saving).line(&["tasks", task.name()], "enabled", Value::Text(value.into())))
}
