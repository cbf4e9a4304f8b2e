//! Models that will be switched off soon, and prices that nobody looked up lately.

use std::collections::BTreeSet;

use pennyworth_core::models::Model;
use time::Duration;

use super::evidence::Evidence;
use super::piece::Advice;
use crate::reports::models::{OLD_DAYS, date};

/// Days before the end of a model from which it is told.
const SOON: i64 = 60;

pub(super) fn advice(evidence: &Evidence<'_>) -> Vec<Advice> {
    let asked: BTreeSet<&str> = evidence.asked().map(|(row, _)| row.model.as_str()).collect();
    let asked: Vec<&Model> = evidence.models.enabled().filter(|model| asked.contains(model.name.as_str())).collect();
    let mut all: Vec<Advice> = asked.iter().filter_map(|model| ending(evidence, model)).collect();
    let is_old = |model: &&&Model| {
        let age = date(&model.price.as_of).map(|day| (evidence.today - day).whole_days());
        !model.is_free() && age.is_some_and(|age| age > OLD_DAYS)
    };
    let old: Vec<String> = asked.iter().filter(is_old).map(|model| format!("`{}`", model.name)).collect();
    if !old.is_empty() {
        all.push(Advice::new(format!(
            "The prices of {} are older than {OLD_DAYS} days, so costs may be wrong: `pennyworth models refresh` looks them up",
            old.join(", ")
        )));
    }
    all
}

fn ending(evidence: &Evidence<'_>, model: &Model) -> Option<Advice> {
    let day = model.shutdown.as_deref().and_then(date)?;
    if day > evidence.today + Duration::days(SOON) {
        return None;
    }
    let others = evidence.models.enabled().filter(|other| other.name != model.name && other.tier == model.tier);
    let next = match others.min_by_key(|other| other.price.output) {
        Some(other) => format!("`{}` of the same tier is switched on, too, and will be asked", other.name),
        None => format!("switch on another one of the tier {} (`pennyworth models --all`)", model.tier),
    };
    let verb = if day <= evidence.today { "was" } else { "will be" };
    Some(Advice::new(format!("`{}` {verb} shut down on {day}: {next}", model.name)))
}
