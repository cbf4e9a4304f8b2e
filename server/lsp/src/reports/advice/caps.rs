//! Caps that held calls back.

use super::evidence::Evidence;
use super::piece::{Advice, Value};

/// Share of a cap from which a day counts as one at which it held.
const REACHED: f64 = 0.95;
/// Fewest such days that say something.
const FEW: usize = 2;
/// How much higher a cap is advised.
const HIGHER: f64 = 1.5;

pub(super) fn advice(evidence: &Evidence<'_>) -> Vec<Advice> {
    let cap = evidence.settings.cap_usd_per_day;
    let days = evidence.by_day(evidence.report.rows.iter());
    let held = days.iter().filter(|day| cap > 0.0 && day.cost.usd() >= cap * REACHED).count();
    if held < FEW {
        return Vec::new();
    }
    let higher = (cap * HIGHER * 100.0).ceil() / 100.0;
    let text = format!(
        "The daily cap of ${cap} was reached on {held} of {} days, and only models that cost nothing answered then: raise it, if you missed them",
        evidence.days
    );
    vec![Advice::new(text).line(&[], "cap_usd_per_day", Value::Number(higher))]
}
