//! Models that are dearer per accepted character than another one that is as good.

use std::collections::BTreeMap;

use pennyworth_core::interval;
use pennyworth_core::money::Money;
use pennyworth_core::task::Task;

use super::evidence::{Evidence, percent, sum};
use super::piece::{Advice, Saving, Value};
use crate::ledger::Row;

/// Fewest suggestions of a model that say something.
const FEW: u64 = 100;

pub(super) fn advice(evidence: &Evidence<'_>) -> Vec<Advice> {
    let mut tasks: BTreeMap<&'static str, (Task, BTreeMap<&str, Vec<&Row>>)> = BTreeMap::new();
    for (row, task) in evidence.asked() {
        let (_, models) = tasks.entry(task.name()).or_insert_with(|| (task, BTreeMap::new()));
        models.entry(&row.model).or_default().push(row);
    }
    let is_open = |task: &Task| evidence.settings.pin(*task).is_none() && !Task::ON_DEMAND.contains(task);
    let open = tasks.into_values().filter(|(task, _)| is_open(task));
    open.filter_map(|(task, models)| of(evidence, task, &models)).collect()
}

/// Of a model in a task, its name, its sum, and its days.
type Figures<'r> = (&'r str, Row, Vec<Row>);

fn of(evidence: &Evidence<'_>, task: Task, models: &BTreeMap<&str, Vec<&Row>>) -> Option<Advice> {
    let is_on = |name: &str| evidence.models.get(name).is_some_and(|model| model.enabled);
    let figures = models.iter().filter(|(name, _)| is_on(name)).map(|(name, rows)| -> Figures<'_> {
        (name, sum(rows.iter().copied()), evidence.by_day(rows.iter().copied()))
    });
    let mut figures: Vec<Figures<'_>> = figures.filter(|(_, all, _)| all.shown >= FEW && all.chars > 0).collect();
    figures.sort_by_key(|(_, all, _)| all.cost_per_1000_chars());
    let (cheap, others) = figures.split_first()?;
    let dearer = others.iter().filter_map(|dear| Some((dear, saving(evidence, cheap, dear)?)));
    let (dear, saving) = dearer.max_by_key(|(_, saving)| saving.expected)?;
    let price = |(_, all, _): &Figures<'_>| all.cost_per_1000_chars().unwrap_or(Money::ZERO);
    let taken = |(_, all, _): &Figures<'_>| percent(all.accepted, all.shown);
    let text = format!(
        "For `{task}`, `{}` costs {} per 1,000 accepted characters and `{}` {}, and you take its suggestions as often: {}, against {}. Ask `{}` alone",
        dear.0,
        price(dear),
        cheap.0,
        price(cheap),
        taken(cheap),
        taken(dear),
        cheap.0,
    );
    Some(Advice::new(text).saving(Some(saving)).line(&["tasks", task.name()], "pin", Value::Text(cheap.0.to_owned())))
}

/// What is saved in a month if the cheaper model writes what the dearer one wrote; `None` if chance may explain the difference, or if the dearer
/// one's suggestions are taken more often.
fn saving(evidence: &Evidence<'_>, cheap: &Figures<'_>, dear: &Figures<'_>) -> Option<Saving> {
    let share = |row: &Row| interval::share(row.accepted, row.shown);
    if share(&dear.1).low > share(&cheap.1).high {
        return None;
    }
    let days: Vec<(&Row, &Row)> = cheap.2.iter().zip(&dear.2).collect();
    let chars = evidence.per_month(dear.1.chars as f64);
    let difference = |days: &mut dyn Iterator<Item = &(&Row, &Row)>| {
        let (mut cheap, mut dear) = ((0.0, 0.0), (0.0, 0.0));
        for (of_cheap, of_dear) in days {
            cheap = (cheap.0 + of_cheap.cost.usd(), cheap.1 + of_cheap.chars as f64);
            dear = (dear.0 + of_dear.cost.usd(), dear.1 + of_dear.chars as f64);
        }
        (cheap.1 > 0.0 && dear.1 > 0.0).then(|| (dear.0 / dear.1 - cheap.0 / cheap.1) * chars)
    };
    let found = interval::of_days(&days, |days| difference(days)).filter(|found| found.low > 0.0)?;
    let expected = Money::from_usd(difference(&mut days.iter())?);
    Some(Saving { expected, low: Money::from_usd(found.low), high: Money::from_usd(found.high) })
}
